"""Server-sent events over HTTP. Our own answer: a stalled reader must be bounded and a shutdown must not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

from flexserver.auth import Grant
from flexserver.events import Hub, Reader
from flexserver.ring import Frame

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 60.0
"""A reader that takes nothing for so long is let go."""
FAREWELL_SECONDS = 2.0
"""How long a reader may take to hear `bye` once what let it in has ended."""
RETRY = b"retry: 2000\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def encode(frames: Iterable[Frame], host: bytes) -> bytes:
    """Frames on the wire, with the host name that this reader knows the box by."""
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (frame.id, frame.type.encode(), frame.data.replace(b"\0", host))
        for frame in frames
    )


class EventStream:
    """An ASGI answer that lasts until the reader goes, the box says `bye`, or what let the reader in has ended."""

    def __init__(self, hub: Hub, reader: Reader, host: str, grant: Grant) -> None:
        self._hub, self._reader, self._host, self._grant = hub, reader, host.encode(), grant
        self._shut = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; returns when either side has had enough."""
        try:
            self._grant.hold(self._end)
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if scope["method"] != "HEAD":
                await self._stream(receive, send)
            await _bounded(send({"type": "http.response.body", "body": b"", "more_body": False}))
        finally:
            self._grant.release(self._end)
            self._hub.unsubscribe(self._reader)

    def _end(self, reason: str) -> None:
        self._reader.end(reason)
        self._shut.set()

    async def _stream(self, receive: Receive, send: Send) -> None:
        pump = asyncio.ensure_future(self._pump(send))
        others = (asyncio.ensure_future(_left(receive)), asyncio.ensure_future(self._shut.wait()))
        try:
            await asyncio.wait((pump, *others), return_when=asyncio.FIRST_COMPLETED)
            if self._shut.is_set():
                await asyncio.wait((pump, others[0]), timeout=FAREWELL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, *others):
                task.cancel()

    async def _pump(self, send: Send) -> None:
        await send({"type": "http.response.body", "body": RETRY, "more_body": True})
        frames: list[Frame] = []
        while not (frames and frames[-1].type == "bye"):
            frames = await self._reader.take(HEARTBEAT_SECONDS)
            body = encode(frames, self._host) if frames else b": \n\n"
            if not await _bounded(send({"type": "http.response.body", "body": body, "more_body": True})):
                return


async def _bounded(sending: object) -> bool:
    """Whether it was sent before the reader counted as stalled."""
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await sending  # type: ignore[misc]  # an Awaitable; ASGI's Send says so
    except TimeoutError:
        return False
    return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
