"""Uvicorn with our manners: errors are documents, headers have a time limit, and a signal ends it in good order."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import ssl
import sys
from collections.abc import Callable, Iterator

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from flexclient.models import ErrorCode
from flexserver.errors import Refusal, document
from flexserver.limits import HEADER_SECONDS, MAX_CONNECTIONS, MAX_HEADERS

GRACE_SECONDS = 2
"""How long requests in work may take to end on shutdown; then they are cancelled."""
GOODBYE_SECONDS = 0.2
_HEADERS_TOO_LARGE = 431


class Protocol(H11Protocol):
    """One connection."""

    _patience: asyncio.TimerHandle | None = None
    _heard = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse what would be one connection too many, and give the others some time to ask."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._mind_headers()

    def data_received(self, data: bytes) -> None:
        """Time the headers: from the first byte of a request to its last."""
        self._heard = True
        super().data_received(data)
        self._mind_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._calm()

    def shutdown(self) -> None:
        """Close when idle, else after the answer. A client that does not say goodbye in TLS is not waited for."""
        super().shutdown()
        self._let_go()

    def _let_go(self) -> None:
        self.loop.call_later(GOODBYE_SECONDS, self._abort if self.transport.is_closing() else self._let_go)

    def _abort(self) -> None:
        if self in self.connections:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words are not for people
        """Answer what is not HTTP with the error document, too."""
        cause = sys.exception()  # it is being handled: uvicorn does not pass it on
        message = f"this is not a request of HTTP/1.1: {cause}"
        if isinstance(cause, h11.RemoteProtocolError) and cause.error_status_hint == _HEADERS_TOO_LARGE:
            message = f"the headers are larger than {MAX_HEADERS} bytes"
        self._refuse(Refusal(ErrorCode.VALIDATION_ERROR, message))

    def _mind_headers(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._calm()
        elif self._patience is None:
            self._patience = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _calm(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if not self._heard:
            self.transport.close()  # opened in case it is needed, as browsers do
        elif not self.transport.is_closing():
            message = f"the headers did not arrive within {HEADER_SECONDS:g} seconds"
            self._refuse(Refusal(ErrorCode.VALIDATION_ERROR, message))

    def _refuse(self, refusal: Refusal) -> None:
        request_id = secrets.token_hex(8)
        body = document(refusal, request_id)
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", request_id),
            ("connection", "close"),
        ]
        with contextlib.suppress(h11.LocalProtocolError):  # an answer has begun: nothing more can be said
            for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class Server(uvicorn.Server):
    """Serves one ASGI application until it is told to stop: over TLS, or where `tls` is None in the clear."""

    def __init__(self, app: object, tls: ssl.SSLContext | None, on_ready: Callable[[], None] = lambda: None) -> None:
        config = uvicorn.Config(
            app,  # type: ignore[arg-type]  # an ASGI application
            http=Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=MAX_HEADERS,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Say so when it is ready."""
        await super().startup(sockets=sockets)  # type: ignore[arg-type]
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: they are `Signals`' from the first moment to the last, not only while this serves."""
        yield

    def stop(self, *, now: bool) -> None:
        """Take no more requests, and let those in work end; `now`: not even that."""
        self.should_exit = True
        self.force_exit = now


class Signals:
    """SIGTERM and SIGINT for the whole life of the process; the exit code is 0 either way."""

    def __init__(self, handler: Callable[[bool], None]) -> None:
        """`handler(False)` is called at the first signal, `handler(True)` at every further one."""
        self.handler = handler
        self._came = False
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._come)

    def _come(self) -> None:
        again, self._came = self._came, True
        self.handler(again)
