"""A small HTTP server for messages: bounded in size, time and number, and no client waits for another."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import h11

MAX_BODY = 1024 * 1024
MAX_HEAD = 64 * 1024
MAX_CONNECTIONS = 64
SECONDS = 10.0
"""From connection to answer."""
GOODBYE = 1.0
"""Seconds that answers under way may take at the end."""

Take = Callable[[Mapping[str, str], bytes, str], int]
"""Headers, body and sender of a POST -> the status to answer."""


class Refused(Exception):
    """A request that is answered without being looked at."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class Receiver:
    """Serves on a socket until it is told to stop, or `take` raises: then that comes out of `serve`."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._ended: asyncio.Future[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End, when what was begun is answered."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def serve(self, listener: socket.socket, seconds: float | None, look: Callable[[], None]) -> None:
        """Answer for so many seconds, or until `stop`. `look` is called now and then; what it raises ends it too."""
        self._ended = asyncio.get_running_loop().create_future()
        watch = asyncio.create_task(self._watch(look))
        server = await asyncio.start_server(self._connected, sock=listener)
        try:
            async with asyncio.timeout(seconds):
                await self._ended
        except TimeoutError:
            pass
        finally:
            watch.cancel()
            server.close()
            if self._open:
                await asyncio.wait(self._open, timeout=GOODBYE)

    async def _watch(self, look: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(0.25)
            self._guarded(look)

    def _guarded(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            if self._ended is not None and not self._ended.done():
                self._ended.set_exception(error)
            return HTTPStatus.SERVICE_UNAVAILABLE

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has one
        if len(self._open) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            async with asyncio.timeout(SECONDS):
                await self._answer(h11.Connection(h11.SERVER, MAX_HEAD), reader, writer)
        except (TimeoutError, OSError, h11.ProtocolError):
            writer.transport.abort()
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, talk: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            headers, body = await _request(talk, reader)
            peer = writer.get_extra_info("peername")
            status = int(self._guarded(lambda: self._take(headers, body, str(peer[0]) if peer else "")))
        except Refused as refused:
            status = refused.status
        except h11.RemoteProtocolError as error:
            status = error.error_status_hint
        if talk.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            return
        said = [("Content-Length", "0"), ("Connection", "close")]
        reply = h11.Response(status_code=status, headers=said, reason=HTTPStatus(status).phrase.encode())
        for event in (reply, h11.EndOfMessage()):
            writer.write(talk.send(event) or b"")
        await writer.drain()


async def _request(talk: h11.Connection, reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """Headers and body of a POST. Raises `Refused`, and h11's errors for what is no HTTP."""
    headers: dict[str, str] = {}
    body = bytearray()
    while True:
        event = talk.next_event()
        if event is h11.NEED_DATA:
            talk.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request):
            if event.method != b"POST":
                raise Refused(HTTPStatus.METHOD_NOT_ALLOWED)
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif isinstance(event, h11.EndOfMessage):
            return headers, bytes(body)
        else:
            raise ConnectionResetError
