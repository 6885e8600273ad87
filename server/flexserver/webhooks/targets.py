"""Where a webhook may go: what its address, its headers and the host behind it must be like. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, quote, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

OURS = frozenset({"content-encoding", "content-length", "content-type", "host", "transfer-encoding"})
"""Headers that describe the message itself."""
HOP_BY_HOP = frozenset({"connection", "expect", "keep-alive", "te", "trailer", "upgrade"})
"""Headers about the connection, which is the box's (RFC 9110, 7.6.1); those of proxies have a prefix in common."""
PREFIXES = ("proxy-", "webhook-")

_NAT64 = IPv6Network("64:ff9b::/96")
_SHARED = IPv4Network("100.64.0.0/10")
_TUNNELS = (IPv6Network("2001::/32"), IPv6Network("2002::/16"))
"""Teredo and 6to4: whom they reach in the end, the address alone does not say."""
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_SAFE = "/%:@!$&'()*+,;=~-._"
"""What may stand in a path as it is; a `%` too, because it may be encoded already."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart as it is used: who checks it and who connects read the same."""

    tls: bool
    host: str
    """A name in ASCII, or an IP address without brackets."""
    port: int
    authority: str
    """The `Host` header."""
    path: bytes
    """Path and query. They may hold a secret, so nothing shows them."""

    @property
    def origin(self) -> str:
        """What may be shown of it: scheme, host and port."""
        return f"http{'s' if self.tls else ''}://{self.authority}"


def read_url(url: str) -> Target:
    """Take an address apart. Raises `ValueError` with what is wrong with it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("this is not an address") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("a webhook's address is http:// or https:// and a host")
    if "@" in parts.netloc:
        raise ValueError("an address shows what is in it: put user and password into a header instead")
    if "#" in url:
        raise ValueError("what stands after '#' is never sent: leave it out")
    host, port = _host(parts.hostname, bracketed=parts.netloc.startswith("[")), _port(parts)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == _DEFAULT_PORTS[parts.scheme] else f"{shown}:{port}"
    query = f"?{quote(parts.query, safe=_SAFE + '?')}" if parts.query else ""
    path = (quote(parts.path, safe=_SAFE) or "/") + query
    return Target(parts.scheme == "https", host, port, authority, path.encode("ascii"))


def _host(name: str, *, bracketed: bool) -> str:
    """A host in ASCII."""
    if not bracketed and len(name) <= 253 and _NAME.fullmatch(name):
        return name
    try:
        if bracketed and "%" not in name:
            return str(IPv6Address(name))
        import idna  # only names in other letters pay for its tables

        return idna.encode(name, uts46=True).decode("ascii")
    except ValueError:
        raise ValueError(f"'{name[:64]}' is no host") from None


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port is not a number from 1 to 65535")
    return _DEFAULT_PORTS[parts.scheme] if port is None else port


def fault_of_headers(headers: Mapping[str, str]) -> str | None:
    """Why these headers cannot be sent along."""
    seen: set[str] = set()
    for name, value in headers.items():
        low = name.lower()
        if low in seen:
            return f"'{name}' stands twice"
        seen.add(low)
        if low in OURS | HOP_BY_HOP or low.startswith(PREFIXES):
            return f"'{name}' is the box's own to set"
        if value != value.strip(" \t\xa0"):
            return f"the value of '{name}' begins or ends with a space"
    return None


def fault_of_address(address: str, allowed: Iterable[Network]) -> str | None:
    """What this IP address is that nothing may be sent to; None where it is public, or its network is allowed."""
    given = ip_address(address)
    meant = _meant(given)
    if any(one in network for one in (given, meant) for network in allowed if one.version == network.version):
        return None
    return _kind(meant)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _kind(address: Address) -> str | None:
    """What an address is that is not public."""
    kinds = (
        (address.is_loopback, "the box itself"),
        (address.is_unspecified, "no address of anybody"),
        (address.is_link_local, "a link-local address"),
        (address.is_multicast, "a multicast address"),
        (isinstance(address, IPv4Address) and address in _SHARED, "a provider's shared address"),
        (isinstance(address, IPv6Address) and any(address in tunnel for tunnel in _TUNNELS), "a tunnel's address"),
        (isinstance(address, IPv6Address) and address.is_site_local, "a private address"),
        (address.is_reserved, "a reserved address"),
        (not address.is_global, "a private address"),
    )
    return next((words for holds, words in kinds if holds), None)
