"""One try to deliver: look the host up, check where it leads, connect to just that, and POST.

The check is of the address that is connected to, at each try: a name that leads elsewhere the second time (DNS
rebinding) gains nothing. No proxy, no redirect and no kept connection leads around it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, cast

import httpcore

from flexserver.webhooks.targets import Network, Target, fault_of_address
from flexserver.webhooks.verdict import Outcome, error_of

LIMIT = 5.0
"""Seconds for all of it: name, connection, TLS, request and the head of the answer."""
MAX_LOOKUPS = 64
"""Lookups at once. One that hangs does so in a thread of its own, which nothing waits for."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]

logging.getLogger("httpcore").setLevel(logging.WARNING)  # at debug it would log headers
log = logging.getLogger(__name__)
_lookups = threading.BoundedSemaphore(MAX_LOOKUPS)


class Forbidden(Exception):
    """The settings do not allow to send there; the message says why."""


class Unknown(Exception):
    """The host's name leads nowhere; the message says so."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host. Raises `Unknown`."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Sequence[str]] = loop.create_future()
    slots = _lookups
    if not slots.acquire(blocking=False):
        raise Unknown("too many names are being looked up at once")

    def answer(addresses: Sequence[str] | None) -> None:
        if found.done():
            return
        if addresses:
            found.set_result(addresses)
        else:
            found.set_exception(Unknown(f"the host '{host}' cannot be found"))

    def work() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        except (OSError, UnicodeError):
            addresses = []
        finally:
            slots.release()
        try:
            loop.call_soon_threadsafe(answer, addresses)
        except RuntimeError:  # the loop has ended meanwhile
            return

    threading.Thread(target=work, name="lookup", daemon=True).start()
    return await found


def permitted(host: str, addresses: Iterable[str], allowed: Sequence[Network]) -> list[str]:
    """Those addresses that may be sent to. Raises `Forbidden` where there is none."""
    faults = {address: fault_of_address(address, allowed) for address in addresses}
    good = [address for address, fault in faults.items() if fault is None]
    if good:
        return good
    address, fault = next(iter(faults.items()))
    raise Forbidden(f"{address} is {fault}" if host == address else f"'{host}' leads to {address}, {fault}")


class Backend(httpcore.AsyncNetworkBackend):
    """Connects to those addresses of a host that are allowed, and to no other."""

    def __init__(self, resolve: Resolve, allowed: Sequence[Network]) -> None:
        self._resolve, self._allowed = resolve, allowed
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore calls it so
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; TLS and HTTP above still go by the host's name. Raises `Forbidden`, `Unknown`, httpcore's errors."""
        addresses = permitted(host, await self._resolve(host, port), self._allowed)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(LIMIT / len(addresses)):
                    return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, TimeoutError):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


class Sender:
    """Sends messages. `allowed` is asked at each try which networks the settings allow."""

    def __init__(
        self,
        allowed: Callable[[], Sequence[Network]],
        resolve: Resolve = resolve,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._allowed, self._resolve, self._make_tls = allowed, resolve, tls
        self._tls: ssl.SSLContext | None = None

    async def check(self, target: Target) -> None:
        """Raises `Forbidden` where nothing may be sent there. A name that leads nowhere yet may do so later."""
        try:
            async with asyncio.timeout(LIMIT):
                permitted(target.host, await self._resolve(target.host, target.port), self._allowed())
        except (TimeoutError, Unknown):
            return

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Try once. Never raises but when it is cancelled."""
        begun = time.monotonic()
        status = retry_after = None
        try:
            async with asyncio.timeout(LIMIT):
                status, retry_after = await self._exchange(target, headers, body)
            error = error_of(status)
        except TimeoutError:
            error = f"no answer came within {LIMIT:g} seconds"
        except Exception as fault:
            error = _words(fault)
        return Outcome(time.monotonic() - begun, status, error, retry_after)

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        """The answer's status, and the seconds after which the receiver wants to be asked again."""
        if target.tls and self._tls is None:
            self._tls = await asyncio.to_thread(self._make_tls)
        scheme = b"https" if target.tls else b"http"
        url = httpcore.URL(scheme=scheme, host=target.host.encode(), port=target.port, target=target.path)
        given = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        request = httpcore.Request(
            "POST",
            url,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in given.items()],
            content=body,
        )
        backend = Backend(self._resolve, self._allowed())
        connection = httpcore.AsyncHTTPConnection(url.origin, ssl_context=self._tls, network_backend=backend)
        async with connection:
            answer = await connection.handle_async_request(request)
            try:
                return answer.status, _retry_after(answer.headers)
            finally:
                await answer.aclose()


def _retry_after(headers: Iterable[tuple[bytes, bytes]]) -> float | None:
    text = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    return float(text) if text.isdigit() and len(text) < 10 else None


def _words(fault: Exception) -> str:
    """What went wrong, in words that hold no secret."""
    chain: list[BaseException] = [fault]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    for one in chain:
        if isinstance(one, Forbidden | Unknown):
            return str(one)
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {one.verify_message}"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed: {one.reason or 'the connection broke'}"
    number = next((one.errno for one in chain if isinstance(one, OSError) and one.errno), None)
    if isinstance(fault, httpcore.ConnectError) and number is not None:
        return f"it cannot be reached: {os.strerror(number)}"
    if isinstance(fault, httpcore.RemoteProtocolError):
        return "the receiver does not answer in HTTP, or broke off"
    if isinstance(fault, httpcore.NetworkError):
        return "the connection broke"
    log.error("a webhook could not be sent", extra={"fields": {"fault": type(fault).__name__}})
    return f"it could not be sent ({type(fault).__name__})"
