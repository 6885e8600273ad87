"""Server-sent events over HTTP. Our own answer: a stalled reader must be bounded and a shutdown must not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send

from flexserver.events import Hub, Reader
from flexserver.ring import Frame

HEARTBEAT_SECONDS = 15.0
STALL_SECONDS = 60.0
"""A reader that takes nothing for so long is let go."""
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
    """An ASGI answer that lasts until the reader goes or the box says `bye`."""

    def __init__(self, hub: Hub, reader: Reader, host: str) -> None:
        self._hub, self._reader, self._host = hub, reader, host.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; returns when either side has had enough."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if scope["method"] != "HEAD":
                pump = asyncio.ensure_future(self._pump(send))
                left = asyncio.ensure_future(_left(receive))
                try:
                    await asyncio.wait((pump, left), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    pump.cancel()
                    left.cancel()
            await _bounded(send({"type": "http.response.body", "body": b"", "more_body": False}))
        finally:
            self._hub.unsubscribe(self._reader)

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
