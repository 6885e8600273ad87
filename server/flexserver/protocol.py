"""What the API process, the workers and the RTSP front say to each other.

Control runs over a socketpair that the child inherits (`--fd N`), one JSON object a line, `{"say": <class name>, ...}`.
The parent owns the other end: end of file means the parent is gone, and the child ends too.

Pictures go from a worker to the front over a stream socket in the abstract namespace (no file, nothing to clean up;
both ends check the other's user id). The worker sends one `Hello` as a JSON line, then units: `UNIT` header and
payload. The front answers with single bytes: `SEND`, `HOLD`, `KEY`.

Only the standard library here: workers and the front start fast, and the API process never imports gi.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, TypeAlias

MAX_LINE = 32 * 1024 * 1024
"""Longest control line: a snapshot of the largest picture, base64."""

UNIT = struct.Struct("!IBBqq")
"""A unit's header: payload length, stream, `Kind`, PTS and duration (nanoseconds, PTS absolute on CLOCK_MONOTONIC)."""

SEND, HOLD, KEY = b"S", b"H", b"K"
"""Front to worker: start sending (with a key unit), stop sending, make a key unit."""


class Kind(IntEnum):
    """What a unit is to its readers."""

    DELTA = 0
    KEY = 1
    SLATE = 2
    """A key unit for the front to keep, shown when the worker is gone."""


# Parent to worker


@dataclass(frozen=True, slots=True)
class Start:
    """Build this graph and play it. Sent once, first."""

    pipeline: str
    """The pipeline's id, for logs."""
    graph: dict[str, Any]
    """`media.graph.Graph.to_json()`."""
    link: str | None = None
    """Name of the front's abstract socket; None where the pipeline has no RTSP output."""
    mount: str | None = None
    """Name of the mount on the front."""


@dataclass(frozen=True, slots=True)
class Change:
    """Set properties of the running graph: (element name, property, value) each."""

    seq: int
    settings: list[tuple[str, str, Any]]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for `snapshot` (JPEG, base64 in the answer) or `dot`."""

    seq: int
    what: str
    width: int | None = None


@dataclass(frozen=True, slots=True)
class Grab:
    """Take framegrabs from now on, as the job says (`media.shots.Job`); None takes no more."""

    job: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Quit:
    """End in good order: outputs flushed, exit 0."""


# Worker to parent


@dataclass(frozen=True, slots=True)
class Playing:
    """The first encoded key unit came out."""

    width: int
    height: int
    fps: float
    encoder: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Once a second from start to end, playing or not: the heartbeat and the statistics, counted since start."""

    frames: int = 0
    bytes: int = 0
    dropped: int = 0
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It is over; the worker exits after this."""

    part: str
    """`source`, `output`, `graph` (it can never work) or `internal`."""
    message: str
    """Names the element and the cause, in a sentence for people."""


@dataclass(frozen=True, slots=True)
class Grabbed:
    """A framegrab was written."""

    file: str
    size_bytes: int
    created_at: float
    width: int
    height: int
    kind: str
    files: int
    """How many the pipeline has now."""
    interval: float | None
    """Seconds since the picture before was taken; None for the first."""


@dataclass(frozen=True, slots=True)
class GrabFailed:
    """A framegrab was not written. The stream goes on, and so do the tries."""

    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The source came to its end (a file without `loop`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer to `Ask` or `Change` of the same `seq`."""

    seq: int
    ok: bool
    data: str = ""


# Parent to front


@dataclass(frozen=True, slots=True)
class Mount:
    """Offer this mount to readers."""

    name: str
    codec: str


@dataclass(frozen=True, slots=True)
class Unmount:
    """Take the mount away; its readers are disconnected."""

    name: str


# Front to parent


@dataclass(frozen=True, slots=True)
class Ready:
    """The front listens."""

    port: int


@dataclass(frozen=True, slots=True)
class Readers:
    """How many read this mount now. `wanted` turns true as soon as the first one asks, before it plays."""

    name: str
    count: int
    wanted: bool


# Parent to ingest


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to take publishers from now on. A port that is None is not listened on; 0 takes any free one."""

    host: str
    rtsp_port: int | None = None
    rtmp_port: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Answer to `Publish` of the same `seq`."""

    seq: int
    ok: bool
    message: str = ""
    """Why not."""
    login: bool = False
    """A key is needed, and none or a wrong one was shown."""
    awaited: bool = False
    """A worker comes to read it at once: the publisher is let go on when it is there."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Send a publisher away."""

    seq: int


# Ingest to parent


@dataclass(frozen=True, slots=True)
class Listening:
    """Answer to `Listen`: ports that are open, and by protocol why one is not."""

    relay_port: int
    """Where workers read, on loopback."""
    rtsp_port: int | None = None
    rtmp_port: int | None = None
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publish:
    """Somebody wants to publish; answered with `Verdict`."""

    seq: int
    """Names this publisher from here on."""
    path: str
    protocol: str
    """`rtsp` or `rtmp`."""
    peer: str
    proof: dict[str, str] = field(default_factory=dict, repr=False)
    """What it shows: `key`, or the fields of an RTSP Digest."""


@dataclass(frozen=True, slots=True)
class Unpublish:
    """A publisher that was let in is gone."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """Once a second while somebody publishes: bytes so far by publisher's `seq`, as (seq, bytes) pairs."""

    received: list[tuple[int, int]]


# Worker to front, on the link


@dataclass(frozen=True, slots=True)
class Hello:
    """First line on the link."""

    mount: str
    codec: str
    streams: list[str] = field(default_factory=list)
    """Caps of each stream, in order; stream 0 is the video."""


Message: TypeAlias = (
    Start
    | Change
    | Ask
    | Grab
    | Quit
    | Playing
    | Beat
    | Failed
    | Grabbed
    | GrabFailed
    | Ended
    | Answer
    | Mount
    | Unmount
    | Ready
    | Readers
    | Hello
    | Listen
    | Verdict
    | Drop
    | Listening
    | Publish
    | Unpublish
    | Traffic
)

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        Start, Change, Ask, Grab, Quit, Playing, Beat, Failed, Grabbed, GrabFailed, Ended, Answer, Mount, Unmount,
        Ready, Readers, Hello,
        Listen, Verdict, Drop, Listening, Publish, Unpublish, Traffic,
    )
}  # fmt: skip


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return json.dumps({"say": type(message).__name__, **asdict(message)}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line. Raises ValueError where it is none."""
    try:
        fields = json.loads(line)
        message: Message = _KINDS[fields.pop("say")](**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a message: {line[:80]!r}") from error
    return message
