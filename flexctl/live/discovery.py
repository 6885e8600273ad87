"""Boxes as they announce themselves by mDNS: the only import of zeroconf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from flexctl.errors import Stop
from flexctl.views.found import Found, found

if TYPE_CHECKING:
    from zeroconf import Zeroconf

TYPE = "_flex._tcp.local."
ASK_SECONDS = 2.0
"""How long a box may take to say more of itself than its name."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A box came, changed or went (then it is None)."""

    name: str
    box: Found | None


class Discovery:
    """A stream of what is heard, until it is closed. Raises `Stop` where this machine cannot listen."""

    def __init__(self) -> None:
        try:
            from zeroconf import DNSQuestionType, ServiceBrowser
        except ImportError:
            raise Stop("finding boxes needs the Python package zeroconf", "install it: pip install zeroconf") from None
        self._heard: SimpleQueue[Heard | None] = SimpleQueue()
        self._here = _networks()
        self._zeroconf = _opened()
        # Answers to all, not to us alone: those another responder of this machine (Avahi, say) may get.
        self._asking = DNSQuestionType.QM
        self._browser = ServiceBrowser(
            self._zeroconf, TYPE, handlers=[self._on_change], question_type=DNSQuestionType.QM
        )

    def __iter__(self) -> Iterator[Heard]:
        yield from iter(self._heard.get, None)

    def close(self) -> None:
        """End it, from any thread."""
        self._heard.put(None)
        self._zeroconf.close()

    def _on_change(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: Any) -> None:
        """Called in zeroconf's own thread for browsers, where asking back is allowed."""
        instance = name.removesuffix(f".{service_type}")
        if state_change.name == "Removed":
            self._heard.put(Heard(instance, None))
            return
        info = zeroconf.get_service_info(service_type, name, int(ASK_SECONDS * 1000), self._asking)
        if info is None or info.port is None:
            return
        said = {key: value or "" for key, value in info.decoded_properties.items()}
        if box := found(instance, info.parsed_addresses(), info.port, said, self._here):
            self._heard.put(Heard(instance, box))


def _opened() -> Zeroconf:
    """Listen with IPv6 where there is such a thing."""
    from zeroconf import IPVersion, Zeroconf

    try:
        return Zeroconf(ip_version=IPVersion.All)
    except (OSError, RuntimeError):
        pass
    try:
        return Zeroconf(ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError) as error:
        what = (error.strerror or error) if isinstance(error, OSError) else "it has no address of a network"
        raise Stop(
            f"this machine cannot listen for mDNS: {what}", "Is it on a network? `ip address` shows it"
        ) from None


def _networks() -> list[str]:
    """The networks that this machine is in."""
    import ifaddr

    addresses = [ip for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    return [f"{ip.ip if ip.is_IPv4 else ip.ip[0]}/{ip.network_prefix}" for ip in addresses]
