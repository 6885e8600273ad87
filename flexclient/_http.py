"""The only import of httpx: its clients behind two small faces, its errors turned into ours.

Imported when the first client is made, not by `import flexclient`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from httpx import AsyncBaseTransport, AsyncByteStream, BaseTransport, Request, Response, SyncByteStream

from flexclient._call import Call, Headers
from flexclient._sse import Parser, RawEvent
from flexclient._tls import Trust, causes, context_for, tls_error
from flexclient._wire import MAX_ANSWER, Answer, Wire
from flexclient.errors import CallTimeout, Disconnected, FlexError, ProtocolError, Unreachable, UsageError

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncChannel",
    "AsyncHttp",
    "BaseTransport",
    "Request",
    "Response",
    "SyncByteStream",
    "SyncChannel",
    "SyncHttp",
    "refused",
]

T = TypeVar("T")

FAILURES = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL)
STREAM_TYPE = "text/event-stream"

# Many servers, uvicorn among them, close a connection that idles for 5 s: who reuses it just then loses a request.
# Streams keep theirs for good, so there is no limit to how many there are.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=3.0)


class SyncHttp:
    """A pool of connections to one box, for threads."""

    def __init__(self, url: str, trust: Trust, transport: BaseTransport | None) -> None:
        self._url, self._trust = url, trust
        self._client = httpx.Client(verify=_verify(trust, transport), transport=transport, limits=LIMITS)
        self.renewing = threading.Lock()
        """Held by the thread that fetches a token."""

    def exchange(self, wire: Wire) -> Answer:
        """Send once and read the whole answer. Raises `FlexError`."""
        until = time.monotonic() + wire.total
        try:
            response = self._client.send(_request(self._client, wire), stream=True)
            try:
                return self._read(wire, response, until)
            finally:
                response.close()
        except FAILURES as error:
            raise translated(error, wire.call, self._url, self._trust) from error

    def open(self, wire: Wire) -> Answer | SyncChannel:
        """Open a stream; what is no stream comes back as an answer. Raises `FlexError`."""
        until = time.monotonic() + wire.total
        try:
            response = self._client.send(_request(self._client, wire), stream=True)
            if _is_stream(response):
                return SyncChannel(response, wire.call, self)
            try:
                return self._read(wire, response, until)
            finally:
                response.close()
        except FAILURES as error:
            raise translated(error, wire.call, self._url, self._trust) from error

    def translated(self, error: Exception, call: Call[Any]) -> FlexError:
        """An error of httpx as one of ours."""
        return translated(error, call, self._url, self._trust)

    @staticmethod
    def _read(wire: Wire, response: Response, until: float) -> Answer:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            _check_size(wire, body)
            if time.monotonic() > until:
                raise _too_late(wire.call)
        return _answer(response, bytes(body))

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


class AsyncHttp:
    """A pool of connections to one box, for one event loop."""

    def __init__(self, url: str, trust: Trust, transport: AsyncBaseTransport | None) -> None:
        self._url, self._trust = url, trust
        self._client = httpx.AsyncClient(verify=_verify(trust, transport), transport=transport, limits=LIMITS)
        self.renewing: asyncio.Lock | None = None
        """Held by the task that fetches a token."""

    async def exchange(self, wire: Wire) -> Answer:
        """Send once and read the whole answer. Raises `FlexError`."""
        try:
            async with _within(wire.total):
                response = await self._client.send(_request(self._client, wire), stream=True)
                try:
                    return await self._read(wire, response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise _too_late(wire.call) from None
        except FAILURES as error:
            raise self.translated(error, wire.call) from error

    async def open(self, wire: Wire) -> Answer | AsyncChannel:
        """Open a stream; what is no stream comes back as an answer. Raises `FlexError`."""
        try:
            async with _within(wire.total):
                response = await self._client.send(_request(self._client, wire), stream=True)
                if _is_stream(response):
                    return AsyncChannel(response, wire.call, self)
                try:
                    return await self._read(wire, response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise _too_late(wire.call) from None
        except FAILURES as error:
            raise self.translated(error, wire.call) from error

    def translated(self, error: Exception, call: Call[Any]) -> FlexError:
        """An error of httpx as one of ours."""
        return translated(error, call, self._url, self._trust)

    @staticmethod
    async def _read(wire: Wire, response: Response) -> Answer:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            _check_size(wire, body)
        return _answer(response, bytes(body))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class SyncChannel:
    """An open event stream."""

    def __init__(self, response: Response, call: Call[Any], http: SyncHttp) -> None:
        self._response, self._call, self._http = response, call, http
        self._chunks, self._parser = _chunks(response, response.iter_raw, response.iter_bytes), Parser()

    def read(self) -> list[RawEvent] | None:
        """The next events, one at least; None at the end. Raises `FlexError`."""
        while True:
            try:
                chunk = next(self._chunks, None)
            except FAILURES as error:
                raise self._http.translated(error, self._call) from error
            if chunk is None:
                return None
            if events := self._parser.feed(chunk):
                return events

    def abort(self) -> None:
        """End a `read` that waits in another thread. The connection is of no use after that."""
        if not _shut(self._response):
            self._response.close()

    def close(self) -> None:
        """Let the connection go."""
        self._response.close()


class AsyncChannel:
    """An open event stream."""

    def __init__(self, response: Response, call: Call[Any], http: AsyncHttp) -> None:
        self._response, self._call, self._http = response, call, http
        self._chunks, self._parser = _chunks(response, response.aiter_raw, response.aiter_bytes), Parser()

    async def read(self) -> list[RawEvent] | None:
        """The next events, one at least; None at the end. Raises `FlexError`."""
        while True:
            try:
                chunk = await anext(self._chunks, None)
            except FAILURES as error:
                raise self._http.translated(error, self._call) from error
            if chunk is None:
                return None
            if events := self._parser.feed(chunk):
                return events

    async def aclose(self) -> None:
        """Let the connection go."""
        if isinstance(self._chunks, AsyncGenerator):
            await self._chunks.aclose()
        await self._response.aclose()


def _verify(trust: Trust, transport: object | None) -> Any:
    # Another way out than the network has no use for trust, and reading the system's certificates takes a while.
    return context_for(trust) if transport is None else False


def _within(seconds: float) -> contextlib.AbstractAsyncContextManager[object]:
    from asyncio import timeout  # 15 ms that only asynchronous programs pay

    return timeout(seconds)


def _request(client: httpx.Client | httpx.AsyncClient, wire: Wire) -> Request:
    """A request as httpx would build it, which would look for cookies and for settings of its own to merge."""
    timeout = httpx.Timeout(wire.timeout, read=wire.read_timeout)
    return Request(
        wire.call.method,
        wire.url,
        content=wire.call.body(),
        headers={"accept-encoding": client.headers["accept-encoding"], **wire.headers},
        extensions={"timeout": timeout.as_dict()},
    )


def _answer(response: Response, body: bytes) -> Answer:
    return Answer(response.status_code, Headers(response.headers), body)


def _is_stream(response: Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code == 200 and kind == STREAM_TYPE


def _chunks(response: Response, raw: Callable[[], T], decoded: Callable[[], T]) -> T:
    """The bytes of a stream: as they come, where nobody packed or read them already."""
    packed = response.headers.get("content-encoding", "identity") != "identity"
    return decoded() if packed or response.is_stream_consumed else raw()


def _shut(response: Response) -> bool:
    """Shut the socket below a response, so that whoever reads it sees the end; whether there is one."""
    stream = response.extensions.get("network_stream")
    raw = stream and stream.get_extra_info("socket")
    if not isinstance(raw, socket.socket):
        return False
    with contextlib.suppress(OSError):  # it was gone already
        # Not SSLSocket.shutdown(): it takes the TLS state away from under the thread that reads.
        socket.socket.shutdown(raw, socket.SHUT_RDWR)
    return True


def _check_size(wire: Wire, body: bytearray) -> None:
    if len(body) > MAX_ANSWER:
        raise ProtocolError(f"the answer to {wire.call} is longer than {MAX_ANSWER >> 20} MiB", call=wire.call)


def _too_late(call: Call[Any]) -> CallTimeout:
    return CallTimeout(f"the box did not answer {call} in time", hint=SLOW, call=call)


SLOW = "Is it busy? timeout= and deadline= (--timeout) say how long to wait."
PLAIN = "A box speaks TLS: is it https:// that you want?"
DOWN = "Is the box up, and the address right, port and all?"


def translated(error: Exception, call: Call[Any], url: str, trust: Trust) -> FlexError:
    """An error of httpx as one of ours: it never left, it broke, it took too long, or it was never a request."""
    if (refused := tls_error(error, trust, url)) is not None:
        refused.call = call
        return refused
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Unreachable(f"cannot reach {url}: no connection in time", hint=DOWN, call=call)
    if isinstance(error, httpx.TimeoutException):
        return _too_late(call)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return Unreachable(f"cannot reach {url}: {_reason(error)}", hint=DOWN, call=call)
    if isinstance(error, httpx.LocalProtocolError | httpx.InvalidURL | httpx.UnsupportedProtocol):
        return UsageError(f"{call} cannot be sent: {text}", call=call)
    if isinstance(error, httpx.DecodingError) or _gibberish(error):
        return ProtocolError(f"{url} does not speak the API: {text}", hint=DOWN, call=call)
    hint = PLAIN if url.startswith("http://") else DOWN
    return Disconnected(f"the connection to {url} broke: {text}", hint=hint, call=call)


def refused(request: Request) -> Exception:
    """What a transport raises where nobody listens: for the fake box."""
    return httpx.ConnectError("Connection refused", request=request)


def _gibberish(error: Exception) -> bool:
    # h11 says the same class for a peer that hung up and for one that never spoke HTTP.
    return isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(
        ("Server disconnected", "peer closed")
    )


def _reason(error: BaseException) -> str:
    """The operating system's words for it, without numbers and brackets."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    return str(error) or type(error).__name__
