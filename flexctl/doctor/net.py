"""The doctor's looks at the network: a name, a port, a handshake, a greeting. Each takes a limited time."""

from __future__ import annotations

import socket
from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flexclient._tls import Trust

ROOM = 512
"""Bytes of an answer that are looked at."""


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def reach(host: str, port: int, seconds: float) -> float:
    """Milliseconds until somebody answers at the port. Raises OSError."""
    start = monotonic()
    with closing(socket.create_connection((host, port), seconds)):
        return (monotonic() - start) * 1000


def handshake(host: str, port: int, trust: Trust, seconds: float) -> bytes:
    """The certificate that is shown, in DER, where it is trusted. Raises OSError, of which a refusal is a kind."""
    from flexclient._tls import context_for

    with (
        closing(socket.create_connection((host, port), seconds)) as raw,
        context_for(trust).wrap_socket(raw, server_hostname=host) as tls,
    ):
        return tls.getpeercert(True) or b""


def speaks_rtsp(host: str, port: int, seconds: float) -> bool:
    """Whether RTSP is spoken there. Raises OSError where nobody answers."""
    name = f"[{host}]" if ":" in host else host
    asked = f"OPTIONS rtsp://{name}:{port}/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: flexctl\r\n\r\n"
    with closing(socket.create_connection((host, port), seconds)) as stream:
        stream.settimeout(seconds)
        stream.sendall(asked.encode())
        return stream.recv(ROOM).startswith(b"RTSP/")


def reason(error: OSError, seconds: float) -> str:
    """Why nobody was reached, in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    return (error.strerror or str(error)).lower()
