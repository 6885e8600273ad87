"""Boxes that were found on the network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from flexctl.views.view import Column, Field, Part, View

_FINGERPRINT = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){31}")


@dataclass(frozen=True, slots=True)
class Found:
    """A box, as it says of itself. Nobody has proved any of it: whoever is on the network can say the same."""

    name: str
    addresses: tuple[str, ...]
    """The one that is nearest to this machine first; at least one."""
    port: int
    rtsp_port: int | None = None
    version: str | None = None
    fingerprint: str | None = None

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"https://{_in_url(self.addresses[0])}:{self.port}"

    @property
    def rtsp_url(self) -> str | None:
        """Address of the RTSP server."""
        return f"rtsp://{_in_url(self.addresses[0])}:{self.rtsp_port}" if self.rtsp_port else None


def found(
    name: str, addresses: Sequence[str], port: int, properties: Mapping[str, str], here: Iterable[str]
) -> Found | None:
    """What an announcement says, None where it is no use. `here` are this machine's own networks, `192.0.2.5/24`."""
    good = [address for address in addresses if _is_address(address)]
    if not good or not 0 < port < 65536:
        return None
    rtsp, fingerprint = properties.get("rtsp", ""), properties.get("fingerprint", "").upper()
    return Found(
        name=name,
        addresses=nearest(good, here),
        port=port,
        rtsp_port=int(rtsp) if rtsp.isascii() and rtsp.isdecimal() and len(rtsp) < 6 else None,
        version=properties.get("version") or None,
        fingerprint=fingerprint if _FINGERPRINT.fullmatch(fingerprint) else None,
    )


def nearest(addresses: Iterable[str], here: Iterable[str]) -> tuple[str, ...]:
    """The addresses, those in a network of this machine first, IPv4 before IPv6."""
    networks = [ipaddress.ip_interface(network).network for network in here]

    def far(address: str) -> tuple[bool, bool]:
        known = ipaddress.ip_address(address)
        return not any(known in network for network in networks), known.version == 6

    return tuple(sorted(dict.fromkeys(addresses), key=far))


def trust_lines(box: Found) -> str:
    """What a shell has to be told so that flexctl talks to this box."""
    pin = f" FLEX_FINGERPRINT={box.fingerprint}" if box.fingerprint else ""
    return f"export FLEX_URL={quote(box.url)}{pin}"


def _is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _data(box: Found) -> dict[str, Any]:
    said = {
        "name": box.name,
        "url": box.url,
        "rtsp_url": box.rtsp_url,
        "addresses": list(box.addresses),
        "version": box.version,
        "fingerprint": box.fingerprint,
    }
    return {name: value for name, value in said.items() if value is not None}


FOUND: View[Found] = View(
    columns=(
        Column("name", "NAME", lambda b: b.name, least=12),
        Column("url", "URL", lambda b: b.url),
        Column("version", "VERSION", lambda b: b.version, priority=1),
        Column("rtsp_url", "RTSP", lambda b: b.rtsp_url, priority=2),
        Column("fingerprint", "FINGERPRINT", lambda b: b.fingerprint, wide=True),
        Column("addresses", "ADDRESSES", lambda b: ", ".join(b.addresses), wide=True, priority=3),
    ),
    details=lambda b: [Part("", (Field("Name", b.name), Field("URL", b.url), Field("Fingerprint", b.fingerprint)))],
    name=lambda b: b.url,
    data=_data,
)
