"""How often somebody may ask: so many requests in so many seconds, counted for each address."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

MAX_PEERS = 10_000
"""So many addresses are remembered; past it the one that asked longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` requests in any `seconds`, from one address."""

    count: int
    seconds: float


class Limiter:
    """Counts requests under each key and address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait(self, name: str, address: str, rate: Rate) -> int | None:
        """Count one request; None where it may go on, else the whole seconds until the next one may."""
        now = self._clock()
        key = (name, peer(address))
        asked = self._asked.setdefault(key, deque())
        self._asked.move_to_end(key)
        while len(self._asked) > MAX_PEERS:
            self._asked.popitem(last=False)
        while asked and asked[0] <= now - rate.seconds:
            asked.popleft()
        if len(asked) >= rate.count:
            return max(1, ceil(asked[0] + rate.seconds - now))
        asked.append(now)
        return None


def peer(address: str) -> str:
    """Who counts as one: an IPv4 address, or the 64 bits of IPv6 that one site has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))


def network(address: str) -> str:
    """Whose neighbours count as one: the /24 of an IPv4 address, the /48 of IPv6."""
    try:
        found = ipaddress.ip_network(peer(address))
    except ValueError:
        return address
    return str(found.supernet(new_prefix=24 if found.version == 4 else 48))
