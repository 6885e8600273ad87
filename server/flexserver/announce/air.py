"""Where announcements leave the machine: one UDP socket a round, so that a new route or address needs no restart."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flexserver import certs
from flexserver.config import WILDCARDS

HOPS = 16
"""How many routers a multicast datagram may pass: a site's, not the world's."""


@dataclass(frozen=True, slots=True)
class Air:
    """A way to the receivers, as it is now."""

    family: socket.AddressFamily
    address: Any
    source: str | None
    """The address to send from; None leaves it to the kernel."""
    here: str
    """The address by which the receivers reach this box."""

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send each. Does not wait. Raises OSError, and then some may be sent and others not."""
        with _socket(self.family, self.address, self.source) as out:
            for datagram in datagrams:
                out.send(datagram)


def find(target: str, host: str) -> Air:
    """The way to `target` (`host:port`) for a server that listens on `host`. Looks names up. Raises OSError."""
    name, port = split(target)
    try:
        family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_DGRAM)[0]
    except UnicodeError:
        raise OSError(f"'{name}' is no name of a host") from None
    source = None if host in WILDCARDS else _address_of(host, family)
    with _socket(family, address, source) as probe:
        facing = str(probe.getsockname()[0])
    here = host if host not in WILDCARDS else certs.network_address(host) if is_loopback(facing) else facing
    return Air(family, address, source, here)


def split(target: str) -> tuple[str, int]:
    """`host:port` in its parts; an IPv6 address stands in brackets. Raises OSError for what is neither."""
    name, _, port = target.rpartition(":")
    if not name or not port.isascii() or not port.isdecimal():
        raise OSError(f"'{target}' is not an address and a port")
    return name.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether this is an address that only this machine reaches."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _address_of(host: str, family: socket.AddressFamily) -> str | None:
    """The server's own address in that family, None where it has none."""
    try:
        return str(socket.getaddrinfo(host, None, family, socket.SOCK_DGRAM)[0][4][0])
    except OSError:
        return None


def _socket(family: socket.AddressFamily, address: Any, source: str | None) -> socket.socket:
    """A socket that sends to `address`: on the interface of `source`, else on the one that the kernel's routes name."""
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
        else:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, HOPS)
        if source:
            made.bind((source, 0))
        if source and family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made
