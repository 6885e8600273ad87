"""Pairs of UDP ports, an even one for RTP and the next one for RTCP, that take packets of one peer only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

TRIES = 64
_BUFFER = 2 * 1024 * 1024
Take: TypeAlias = Callable[[bool, bytes], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two open ports."""

    port: int
    transports: tuple[asyncio.DatagramTransport, asyncio.DatagramTransport]

    def close(self) -> None:
        """Take no more."""
        for transport in self.transports:
            transport.close()


class _Port(asyncio.DatagramProtocol):
    def __init__(self, peer: str, take: Take, *, control: bool) -> None:
        self._peer, self._take, self._control = peer, take, control

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] == self._peer:
            self._take(self._control, data)


async def bind(host: str, peer: str, take: Take) -> Pair:
    """Open a pair on this address; `take` gets whether it is RTCP, and the packet. Raises OSError."""
    rtp, rtcp = _sockets(host)
    loop = asyncio.get_running_loop()
    first, _ = await loop.create_datagram_endpoint(lambda: _Port(peer, take, control=False), sock=rtp)
    second, _ = await loop.create_datagram_endpoint(lambda: _Port(peer, take, control=True), sock=rtcp)
    return Pair(rtp.getsockname()[1], (first, second))


def _sockets(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next. A free port above an even one is a matter of luck: try until there is one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(TRIES):
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                return rtp, rtcp
        except OSError:
            pass  # the next port is taken
        rtp.close()
        rtcp.close()
    raise OSError(f"no two free UDP ports that follow each other on {host}")
