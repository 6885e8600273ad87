"""Encoded access units on the link between worker and front: how they are framed, and who may be at the other end."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from flexserver.protocol import UNIT, Kind

MAX_UNIT = 16 * 1024 * 1024
"""No access unit is longer: what says so is torn."""
_KINDS = {int(kind): kind for kind in Kind}
_CREDENTIALS = struct.Struct("3i")


class Readable(Protocol):
    """A buffered stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """That many bytes, fewer only at the end."""
        ...


class Unit(NamedTuple):
    """One access unit. `pts` is absolute on CLOCK_MONOTONIC, nanoseconds."""

    kind: Kind
    pts: int
    data: bytes
    duration: int = 0
    stream: int = 0


def header(kind: Kind, size: int, pts: int, duration: int = 0, stream: int = 0) -> bytes:
    """What goes before a unit's payload."""
    return UNIT.pack(size, stream, kind, pts, duration)


def frame(unit: Unit) -> bytes:
    """Header and payload."""
    return header(unit.kind, len(unit.data), unit.pts, unit.duration, unit.stream) + unit.data


def read(stream: Readable) -> Iterator[Unit]:
    """Whole units until the end of the stream. One that was torn by a worker's death is dropped."""
    while len(head := stream.read(UNIT.size)) == UNIT.size:
        size, number, kind, pts, duration = UNIT.unpack(head)
        known = _KINDS.get(kind)
        if size > MAX_UNIT or known is None:
            return
        data = stream.read(size)
        if len(data) < size:
            return
        yield Unit(known, pts, data, duration, number)


def is_same_user(peer: socket.socket) -> bool:
    """Whether the process at the other end of a unix socket runs as this user."""
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())
