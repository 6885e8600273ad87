"""mDNS: the box as a service `_flex._tcp` that others on its network find by itself."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from flexserver import certs
from flexserver.config import WILDCARDS

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

TYPE = "_flex._tcp.local."
LOOK_SECONDS = 10.0
"""How often the addresses of this machine are looked at: a cable may be plugged in later."""
LISTEN_SECONDS = 1.2
"""How long others may take to say that they are there: a record that was just sent is held back for a second."""
GOODBYE_SECONDS = 2.0
_LABEL_BYTES = 60
"""A label has 63; the rest is for the number that a conflict adds."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """What is announced, but for the addresses."""

    instance: str
    """The name that people see; another box of that name makes it `name-2`."""
    server: str
    """A host name that is this box's alone."""
    port: int
    properties: Mapping[str, str]


def service(name: str, box_id: str, port: int, rtsp_port: int, fingerprint: str, version: str) -> Service:
    """The box as a service. `name` may be anything that a person wrote.

    A dot would be one of the name's own letters, but the library takes it for the end of a label.
    """
    instance = (
        _CONTROL.sub(" ", name.replace(".", "-")).strip().encode()[:_LABEL_BYTES].decode(errors="ignore").strip()
        or box_id
    )
    told = {"version": version, "path": "/flex", "rtsp": str(rtsp_port), "fingerprint": fingerprint}
    return Service(instance, f"{box_id}.local.", port, told)


class Responder:
    """Announces a service while it has one. All methods are for the event loop's thread."""

    def __init__(self, host: str) -> None:
        """`host` is the address that the server listens on."""
        self._host = host
        self._wanted: Service | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = None
        """Why the box is not announced although it should be."""
        self.name: str | None = None
        """The instance under which the box is announced now."""

    def follow(self, wanted: Service | None) -> None:
        """Announce this from now on; None says goodbye."""
        self._wanted = wanted
        self._news.set()
        if wanted and self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Say goodbye, and wait until it is said; not for ever."""
        self.follow(None)
        if self._task:
            await asyncio.wait({self._task}, timeout=GOODBYE_SECONDS)

    async def _run(self) -> None:
        try:
            await asyncio.to_thread(import_module, "zeroconf.asyncio")  # takes a moment, and may not be there
            while wanted := self._wanted:
                self._news.clear()
                if addresses := await asyncio.to_thread(_addresses, self._host):
                    await self._announced(wanted, addresses)
                else:
                    await self._news_within(LOOK_SECONDS)
        except ImportError:
            self._failed("the Python package zeroconf is missing; install it: pip install zeroconf")
        except Exception as error:  # a fault of ours, or of the library, ends the announcement and nothing else
            log.exception("mDNS has failed")
            self.problem = f"a fault of the box: {error!r}"
        finally:
            self._task = self.name = None

    async def _announced(self, wanted: Service, addresses: list[str]) -> None:
        """Announce it until it or the addresses change."""
        from zeroconf.asyncio import AsyncZeroconf

        try:
            responder = AsyncZeroconf(interfaces=list(addresses))
        except OSError as error:
            self._failed(f"mDNS cannot be used: {error.strerror or error}")
            await self._news_within(LOOK_SECONDS)
            return
        try:
            if await self._listened(responder):
                return
            info = _info(wanted, addresses)
            await (await responder.async_register_service(info, allow_name_change=True))
            self._succeeded(wanted, info)
            while not await self._news_within(LOOK_SECONDS):
                if await asyncio.to_thread(_addresses, self._host) != addresses:
                    return
        finally:
            await responder.async_close()

    async def _listened(self, responder: AsyncZeroconf) -> bool:
        """Hear who is there already, so that a name is found taken; whether something else is wanted meanwhile.

        The library asks for answers to itself alone, and those another responder of this machine (Avahi, say) may get.
        """
        from zeroconf import DNSQuestionType
        from zeroconf.asyncio import AsyncServiceBrowser

        heard = AsyncServiceBrowser(
            responder.zeroconf, TYPE, handlers=[lambda **_: None], question_type=DNSQuestionType.QM
        )
        try:
            return await self._news_within(LISTEN_SECONDS)
        finally:
            await heard.async_cancel()

    async def _news_within(self, seconds: float) -> bool:
        """Whether something else is wanted now."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), seconds)
        return self._news.is_set()

    def _succeeded(self, wanted: Service, info: AsyncServiceInfo) -> None:
        self.name, self.problem = info.name.removesuffix(f".{TYPE}"), None
        fields = {"name": self.name}
        if self.name != wanted.instance:
            log.warning("another box on this network has the name of this one", extra={"fields": fields})
        log.info("announced by mDNS", extra={"fields": fields})

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("the box is not announced by mDNS", extra={"fields": {"problem": problem}})
        self.problem = problem


def _info(wanted: Service, addresses: list[str]) -> AsyncServiceInfo:
    from zeroconf.asyncio import AsyncServiceInfo

    return AsyncServiceInfo(
        TYPE,
        f"{wanted.instance}.{TYPE}",
        port=wanted.port,
        properties=dict(wanted.properties),
        server=wanted.server,
        parsed_addresses=addresses,
    )


def _addresses(host: str) -> list[str]:
    """The addresses by which others reach a server that listens on `host`, the kernel's favourite first."""
    if host not in WILDCARDS:
        return [str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0])]
    import ifaddr

    found = {
        str(ip.ip if ip.is_IPv4 else ip.ip[0])
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4 or ":" in host
    }
    favourite = certs.network_address(host)
    return sorted(filter(_reaches_out, found), key=lambda address: (address != favourite, ":" in address, address))


def _reaches_out(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return not (known.is_loopback or known.is_unspecified or (known.version == 6 and known.is_link_local))
