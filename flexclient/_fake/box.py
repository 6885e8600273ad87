"""The fake box itself: its pipelines, and what may be refused. In memory, no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

from flexclient._fake.events import Feed, Ring
from flexclient.models import (
    READ_ONLY,
    STATUS_OF,
    ErrorCode,
    FieldError,
    InvalidDocument,
    Order,
    PipelineSpec,
    State,
    check,
)

SAID = {"id": "", "mode": "simple", "on_demand": True}
"""What every answer says, whether it was written or not."""

Start: TypeAlias = Literal["plays", "times out", "fails"]


@dataclass(frozen=True)
class Seen:
    """A request as the fake box saw it."""

    method: str
    path: str
    """Still percent-encoded."""
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    """As it came, passwords too: `repr` leaves it out."""

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class FakeAnswer:
    """What the fake box answers: bytes, or a stream of events."""

    status: int
    headers: dict[str, str]
    body: bytes | Feed = b""


class Refusal(Exception):
    """An error document on its way out."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        hint: str | None = None,
        details: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.headers = dict(headers or {})
        self.status = status or STATUS_OF[code]
        document = {"code": code, "message": message, "hint": hint, "details": [d.body() for d in details] or None}
        self.document = {name: value for name, value in document.items() if value is not None}


@dataclass
class Kept:
    """One pipeline of the fake box."""

    spec: PipelineSpec
    order: Order
    state: State
    reason: str | None = None
    created_at: str = field(default_factory=lambda: now())
    updated_at: str = field(default_factory=lambda: now())
    since: str = field(default_factory=lambda: now())

    @property
    def mount(self) -> str:
        """Where it is watched."""
        return self.spec.output.uri if self.spec.output else f"rtsp://0.0.0.0:8731/{self.spec.id}"

    @property
    def etag(self) -> str:
        """Its version."""
        seed = json.dumps([self.spec.body(), self.order], sort_keys=True)
        return f'"{hashlib.sha256(seed.encode()).hexdigest()[:16]}"'


def now(ahead: timedelta = timedelta()) -> str:
    """The time as the API writes it, or a time to come."""
    return (datetime.now(UTC) + ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Hook:
    """One webhook of the fake box."""

    document: dict[str, Any]
    status: int = 204
    """What its receiver answers."""
    deliveries: list[dict[str, Any]] = field(default_factory=list)


class FakeBox:
    """Pipelines and events."""

    def __init__(
        self, *, plain: bool, ids: bool, token: str | None, retry_ms: int, password: str | None, api_key: str | None
    ) -> None:
        self.plain, self.token, self.password, self.api_key = plain, token, password, api_key
        self.sessions: dict[str, str] = {}
        """Each token of a login, and when it ends."""
        self.logins = 0
        self.ring = Ring(ids=ids, retry_ms=retry_ms)
        self.kept: dict[str, Kept] = {}
        self.starts: dict[str, Start] = {}
        self.triggered: set[str] = set()
        """Pipelines that are there because of a trigger."""
        self.settings: dict[str, Any] = {}
        """What was set."""
        self.license: dict[str, Any] | None = None
        """The licence that was installed."""
        self.webhooks: dict[str, Hook] = {}
        self.framegrabs: dict[str, tuple[bytes, str]] = {}
        """Each file's content, and when it was made."""
        self.cameras: dict[str, dict[str, Any]] = {}
        """What is plugged in, as `GET /flex/camera` answers it, by its path."""
        self.audio_devices: list[dict[str, Any]] = []

    @staticmethod
    def bearer(seen: Seen) -> str | None:
        """The token that a request shows."""
        scheme, _, token = seen.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" else None

    def end_sessions(self, tokens: Collection[str | None], reason: str) -> None:
        """End sessions and their streams; None stands for streams that were opened without a token."""
        self.sessions = {token: ends for token, ends in self.sessions.items() if token not in tokens}
        self.ring.part([feed for feed in self.ring.feeds if feed.token in tokens], reason)

    def find(self, id: str) -> Kept:  # noqa: A002 - the API's word
        """A pipeline, or a refusal."""
        if id not in self.kept:
            raise Refusal(ErrorCode.NOT_FOUND, f"there is no pipeline {id}", hint="GET /flex/pipeline lists them.")
        return self.kept[id]

    def move(self, kept: Kept, state: State, reason: str | None = None) -> None:
        """Bring a pipeline into a state, and tell."""
        kept.since = kept.since if kept.state == state else now()
        kept.state, kept.reason = state, reason
        self.ring.tell("pipeline_status", self.status(kept))

    def start(self, kept: Kept) -> None:
        """Play, or fail as the test said."""
        outcome = self.starts.get(kept.spec.id, "plays")
        self.move(kept, State.STARTING)
        if outcome == "plays":
            self.move(kept, State.PLAYING)
        elif outcome == "times out":
            hint = "It is stored and keeps trying."
            raise Refusal(ErrorCode.PIPELINE_START_TIMEOUT, f"{kept.spec.id} did not play in time", hint=hint)
        else:
            self.move(kept, State.ERROR, "videotestsrc: no such pattern")
            self.ring.tell("pipeline_error", {"id": kept.spec.id, "message": kept.reason})
            raise Refusal(ErrorCode.GSTREAMER_ERROR, kept.reason or "", hint="It is stored and keeps trying.")

    def document(self, kept: Kept) -> dict[str, Any]:
        """A pipeline as it is answered."""
        written = {name: value for name, value in kept.spec.body().items() if value is not None}
        body = {name: written.get(name, default) for name, default in SAID.items()} | written
        if body.get("source"):
            body["source"].pop("password", None)
        told = {"state": kept.state, "klv": {"available": False}}
        ours = {"order": kept.order, "created_at": kept.created_at, "updated_at": kept.updated_at}
        return {**body, **told} if self.plain else {**body, **told, **ours}

    def status(self, kept: Kept) -> dict[str, Any]:
        """How a pipeline fares, as it is answered."""
        playing = kept.state == State.PLAYING
        document = {
            "id": kept.spec.id,
            "state": kept.state,
            "order": kept.order,
            "reason": kept.reason,
            "output_uri": kept.mount.replace("0.0.0.0", "127.0.0.1"),  # noqa: S104 - an address, not a socket
            "readers": 0,
            "since": kept.since,
            "restarts": 0,
            "klv": {"available": False},
            "stats": {"fps": 30.0, "bitrate_kbps": 750.0, "frames": 300, "dropped": 0} if playing else None,
        }
        return {name: value for name, value in document.items() if value is not None}

    def check_mount(self, mine: Kept, id: str | None) -> None:  # noqa: A002 - the API's word
        """Refuse an output that another pipeline has."""
        for other in self.kept.values():
            if other.spec.id != id and other.mount == mine.mount:
                message = f"the mount {mine.mount} is used by pipeline {other.spec.id}"
                raise Refusal(ErrorCode.CONFLICT, message, hint="Choose another output.uri.")

    def check_camera(self, mine: Kept, id: str | None) -> None:  # noqa: A002 - the API's word
        """Refuse a camera that another pipeline has."""
        path = _camera_of(mine)
        for other in self.kept.values():
            if path and other.spec.id != id and _camera_of(other) == path:
                message = f"the camera {path} is used by the pipeline '{other.spec.id}'"
                raise Refusal(ErrorCode.PIPELINE_CONFLICT, message)

    def check_version(self, seen: Seen, kept: Kept) -> None:
        """Hold `If-Match`."""
        wanted = seen.headers.get("if-match")
        if wanted not in {None, "*", kept.etag}:
            message = f"pipeline {kept.spec.id} was changed since it was read"
            raise Refusal(ErrorCode.PRECONDITION_FAILED, message, hint="Read it again.")


def _camera_of(kept: Kept) -> str | None:
    uri = kept.spec.source.uri if kept.spec.source else ""
    return uri.partition("://")[2] if uri.startswith(("v4l2://", "file:///dev/video")) else None


def dumps(value: object) -> bytes:
    """JSON, as bytes."""
    return json.dumps(value).encode()


def spec_of(document: Any) -> PipelineSpec:
    """Read a body strictly, as the box does."""
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name not in READ_ONLY}
    try:
        return check(PipelineSpec, dumps(document))
    except InvalidDocument as fault:
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the pipeline is not valid", details=fault.details) from None


def parsed(seen: Seen) -> Any:
    """The body's JSON."""
    try:
        return json.loads(seen.body)
    except ValueError:
        detail = FieldError(field="", message="the body is no JSON" if seen.body else "a body is needed")
        hint = None if seen.body else "Send a JSON object."
        raise Refusal(ErrorCode.VALIDATION_ERROR, detail.message, hint=hint, details=(detail,)) from None


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
