"""A box in memory, for tests of programs that use flexclient: no network, no threads, no waiting.

from flexclient import FlexClient
from flexclient.testing import FakeFlex

box = FakeFlex()
with FlexClient(transport=box) as client:
    client.pipelines.create({"id": "cam1", "source": {"uri": "test://smpte"}})
    box.starts("cam1", "times out")
    box.script([lambda: box.set_state("cam1", "playing"), box.restart])
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flexclient._fake.box import FakeAnswer, FakeBox, Kept, Refusal, Seen, Start, now, spec_of
from flexclient._fake.camera import webcam
from flexclient._fake.events import Feed
from flexclient._fake.framegrab import owner_of
from flexclient._fake.routes import answer, refusing
from flexclient._fake.webhook import delivery
from flexclient._http import AsyncBaseTransport, BaseTransport, Request, Response, refused
from flexclient.models import STATUS_OF, ErrorCode, Order, PipelineSpec, State

__all__ = ["FakeFlex", "Seen"]


class FakeFlex(BaseTransport, AsyncBaseTransport):
    """A box in memory, given to a client as its `transport`. One box may serve several clients, sync and async.

    It keeps pipelines as the contract says, checks bodies as strictly, answers the same errors, and sends events as
    server-sent events. A pipeline that is played plays at once, unless `starts` said otherwise.

    - `plain`: a box with the documented contract alone: no ETags, none of the additional endpoints, no events.
    - `ids`: whether its events have ids.
    - `token`: the token that requests must carry.
    - `password`: the box's password: a login gives tokens that are as good.
    - `api_key`: a key that is as good as a token.
    - `retry_ms`: what its streams tell readers to wait before they come back.
    """

    def __init__(
        self,
        *,
        plain: bool = False,
        ids: bool = True,
        token: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        retry_ms: int = 10,
    ) -> None:
        self._box = FakeBox(plain=plain, ids=ids, token=token, retry_ms=retry_ms, password=password, api_key=api_key)
        self._refusals: deque[FakeAnswer] = deque()
        self._down = False
        self.requests: list[Seen] = []
        """Every request that came, in order."""
        self.on_request: Callable[[Seen], object] | None = None
        """Called with each request before it is answered."""

    # What a client sees

    def handle_request(self, request: Request) -> Response:
        """Answer a blocking client."""
        return self._answered(request, request.read())

    async def handle_async_request(self, request: Request) -> Response:
        """Answer an asynchronous client."""
        return self._answered(request, await request.aread())

    def _answered(self, request: Request, body: bytes) -> Response:
        if self._down:
            raise refused(request)
        raw = request.url.raw_path.decode().partition("?")[0]
        seen = Seen(request.method, raw, dict(request.url.params), dict(request.headers), body)
        self.requests.append(seen)
        if self.on_request is not None:
            self.on_request(seen)
        reply = self._refused() or answer(self._box, seen)
        if isinstance(reply.body, Feed):
            return Response(reply.status, headers=reply.headers, stream=reply.body)
        return Response(reply.status, headers=reply.headers, content=reply.body)

    def _refused(self) -> FakeAnswer | None:
        return self._refusals.popleft() if self._refusals else None

    # What a test does to it

    def add(self, spec: PipelineSpec | Mapping[str, Any], *, state: State | str = State.READY) -> None:
        """Put a pipeline there, in that state, without an event. Raises `ValueError` for one that a box refuses."""
        body = spec.body() if isinstance(spec, PipelineSpec) else dict(spec)
        try:
            checked = spec_of(body)
        except Refusal as no:
            raise ValueError(no.document) from None
        order = Order.PLAY if state == State.PLAYING else Order.ARMED
        self._box.kept[checked.id] = Kept(checked, order, State(state))

    def plug(self, path: str = "/dev/video0", name: str = "Camera") -> None:
        """Plug a webcam in, raw up to 1280x720 and JPEG up to 1920x1080, and send the event."""
        self._box.cameras[path] = webcam(path, name)
        self.emit("camera_added", {"device_path": path, "device_name": name})

    def unplug(self, path: str = "/dev/video0") -> None:
        """Pull a camera out, and send the event. Raises `KeyError`."""
        del self._box.cameras[path]
        self.emit("camera_removed", {"device_path": path})

    def add_audio_device(self, device: str = "hw:1,0", name: str = "Microphone", card_name: str = "USB Audio") -> None:
        """Put a device there that sound can be captured from: `hw:CARD,DEVICE`."""
        card, _, number = device.removeprefix("hw:").partition(",")
        said = {"device": device, "name": name, "card_name": card_name, "card": int(card), "subdevice": int(number)}
        self._box.audio_devices.append(said)

    def add_framegrab(self, file: str, content: bytes = b"a picture", *, event: bool = True) -> None:
        """Put a picture there: `cam1-00001.avif`, or `.avifs` for a clip. Raises `ValueError` for another name."""
        try:
            owner = owner_of(file)
        except Refusal as no:
            raise ValueError(no.document) from None
        self._box.framegrabs[file] = content, now()
        if event and not self._box.plain:
            told = {"file": file, "pipeline_id": owner, "size_bytes": len(content), "created_at": now()}
            self._box.ring.tell("framegrab_created", told)

    def starts(self, id: str, outcome: Start) -> None:  # noqa: A002 - the API's word
        """What becomes of a pipeline that is played: it `plays`, `times out`, or `fails`."""
        self._box.starts[id] = outcome

    def set_state(self, id: str, state: State | str, reason: str | None = None) -> None:  # noqa: A002 - the API's word
        """Bring a pipeline into a state, and send the event. Raises `KeyError`."""
        self._box.move(self._box.kept[id], State(state), reason)

    def emit(self, type: str, data: Mapping[str, Any]) -> int:  # noqa: A002 - the API's word
        """Send any event; its id."""
        return self._box.ring.tell(type, dict(data))

    def send_raw(self, chunk: bytes) -> None:
        """Send bytes as they are to every open stream: heartbeats, torn events, anything."""
        for feed in self._box.ring.feeds:
            feed.put(chunk)

    def script(self, steps: Iterable[Callable[[], object]]) -> None:
        """What happens next: each time a reader has read everything and would wait, the next step is done first."""
        self._box.ring.script.extend(steps)

    def hang_up(self) -> None:
        """End every stream without a word, as a lost connection does."""
        self._box.ring.end()

    def restart(self) -> None:
        """End every stream with `bye`, as a box that restarts does; it is back at once."""
        self._box.ring.part(list(self._box.ring.feeds), "restart")

    def end_sessions(self) -> None:
        """End every session and its streams, as the box does when their 24 hours are over."""
        self._box.end_sessions(set(self._box.sessions), "session_expired")

    def forget(self) -> None:
        """Forget past events: who asks for what came after an older one is answered with `gap` and a snapshot."""
        self._box.ring.head += 1
        self._box.ring.kept.clear()

    def refuse(
        self,
        code: ErrorCode | str,
        message: str = "as the test wants",
        *,
        times: int = 1,
        status: int | None = None,
        retry_after: int | None = None,
        hint: str | None = None,
    ) -> None:
        """Answer the next requests with an error."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        known = ErrorCode(code)
        no = Refusal(known, message, hint=hint, headers=headers, status=status or STATUS_OF.get(known, 500))
        self._refusals.extend(refusing(no) for _ in range(times))

    def answer_with(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer the next request with just this: what a proxy in between says, or something that is no box."""
        self._refusals.append(FakeAnswer(status, dict(headers or {}), body))

    def deliver(self, id: str, event: str, *, status: int = 204) -> None:  # noqa: A002 - the API's word
        """Put a message among the deliveries of a webhook, answered so; tests of it are answered so from now on.

        Raises `KeyError`.
        """
        hook = self._box.webhooks[id]
        hook.status = status
        hook.deliveries.append(delivery(hook, event, status))

    def go_down(self) -> None:
        """Refuse connections, and end every stream."""
        self._down = True
        self._box.ring.end()

    def come_up(self) -> None:
        """Take connections again."""
        self._down = False

    def password_of(self, id: str) -> str | None:  # noqa: A002 - the API's word
        """The source's password as it is stored: no answer ever shows it. Raises `KeyError`."""
        source = self._box.kept[id].spec.source
        return source.password.get_secret_value() if source and source.password else None

    @property
    def readers(self) -> int:
        """How many event streams are open."""
        return len(self._box.ring.feeds)

    @property
    def last_event_id(self) -> int:
        """The id of the last event."""
        return self._box.ring.head
