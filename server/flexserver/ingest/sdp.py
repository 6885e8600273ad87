"""Session descriptions: the tracks that a publisher announces, and the description that a reader gets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MAX_TRACKS = 8
_MEDIA = re.compile(r"(audio|video|application|text) \d{1,5}(?:/\d+)? RTP/AVPF? (\d{1,3})((?: \d{1,3})*)")
_KEPT = re.compile(r"a=(?:rtpmap|fmtp|framerate|framesize):[\x20-\x7e]{1,8000}")
"""What a reader needs to know of a track. Everything else that a publisher writes stays with him."""


class BadSdp(ValueError):
    """A description that cannot be used; the message says why, for the publisher."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a stream."""

    kind: str
    """`video`, `audio`, `application` or `text`."""
    formats: str
    """Payload types, as the `m=` line has them."""
    lines: tuple[str, ...] = ()
    """Its attributes, for readers."""
    control: str = ""
    """What the publisher calls it in SETUP."""


@dataclass(slots=True)
class _Draft:
    kind: str
    formats: str
    control: str = ""
    lines: list[str] = field(default_factory=list)

    def done(self) -> Track:
        return Track(self.kind, self.formats, tuple(self.lines), self.control)


def parse(body: bytes) -> tuple[Track, ...]:
    """The tracks of an announced session. Raises `BadSdp`."""
    drafts: list[_Draft] = []
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("m="):
            drafts.append(_media(line[2:].strip()))
        elif drafts and line.startswith("a=control:"):
            drafts[-1].control = line[10:].strip()[:500]
        elif drafts and _KEPT.fullmatch(line.rstrip()) and len(drafts[-1].lines) < 16:
            drafts[-1].lines.append(line.rstrip())
    if not drafts:
        raise BadSdp("the announced session has no track")
    if len(drafts) > MAX_TRACKS:
        raise BadSdp(f"the announced session has more than {MAX_TRACKS} tracks")
    if all(draft.kind != "video" for draft in drafts):
        raise BadSdp("the announced session has no video")
    return tuple(draft.done() for draft in drafts)


def _media(text: str) -> _Draft:
    if match := _MEDIA.fullmatch(text):
        return _Draft(match[1], match[2] + match[3])
    raise BadSdp("a track of the announced session is not carried by RTP")


def write(tracks: Iterable[Track]) -> bytes:
    """The description for readers: each track is called `track<n>`."""
    lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=ingest", "c=IN IP4 127.0.0.1", "t=0 0"]
    for number, track in enumerate(tracks):
        lines += [f"m={track.kind} 0 RTP/AVP {track.formats}", *track.lines, f"a=control:track{number}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def index_of(tracks: Sequence[Track], url: str) -> int | None:
    """The track that a SETUP's address names."""
    address = url.rstrip("/")
    named = [
        n for n, t in enumerate(tracks) if t.control and (address == t.control or address.endswith("/" + t.control))
    ]
    if named:
        return max(named, key=lambda number: len(tracks[number].control))
    return 0 if len(tracks) == 1 else None
