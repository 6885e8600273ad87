"""Access units as RTP packets: H.264 (RFC 6184) and H.265 (RFC 7798), single units and fragments. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

MAX_PAYLOAD = 1400
_HEADER = struct.Struct("!BBHII")
_TYPE = 96
_FU_AVC, _FU_HEVC = 28, 49


class Packetizer:
    """Numbers the packets of one video track."""

    def __init__(self, codec: str, ssrc: int) -> None:
        self._hevc, self._ssrc = codec == "H265", ssrc
        self._sequence = 0

    def packets(self, units: Sequence[bytes], milliseconds: int) -> Iterator[bytes]:
        """The packets of one picture; the last one is marked."""
        stamp = milliseconds * 90 & 0xFFFFFFFF
        for number, unit in enumerate(units, 1):
            payloads = tuple(self._payloads(unit))
            for part, payload in enumerate(payloads, 1):
                last = number == len(units) and part == len(payloads)
                yield self._header(stamp, last=last) + payload

    def _payloads(self, unit: bytes) -> Iterator[bytes]:
        if len(unit) <= MAX_PAYLOAD:
            yield unit
            return
        size = 2 if self._hevc else 1
        room = MAX_PAYLOAD - size - 1
        for at in range(size, len(unit), room):
            yield self._fragment_head(unit, first=at == size, last=at + room >= len(unit)) + unit[at : at + room]

    def _fragment_head(self, unit: bytes, *, first: bool, last: bool) -> bytes:
        flags = first << 7 | last << 6
        if self._hevc:
            return bytes((unit[0] & 0x81 | _FU_HEVC << 1, unit[1], flags | unit[0] >> 1 & 63))
        return bytes((unit[0] & 0xE0 | _FU_AVC, flags | unit[0] & 31))

    def _header(self, stamp: int, *, last: bool) -> bytes:
        self._sequence = self._sequence + 1 & 0xFFFF
        return _HEADER.pack(0x80, last << 7 | _TYPE, self._sequence, stamp, self._ssrc)
