"""The video of FLV tags, as RTMP carries it: H.264, and H.265 by enhanced RTMP. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from flexserver.ingest.sdp import Track

AVC, HEVC = "H264", "H265"
_AVC_ID = 7
_ENHANCED = 0x80
_HVC1 = b"hvc1"
_CONFIG, _FRAMES, _FRAMES_NOW = 0, 1, 3
"""Packet types: decoder configuration, pictures with an offset of their time, pictures without one."""


class BadVideo(ValueError):
    """Video that cannot be taken; the message says why, for the publisher."""


@dataclass(frozen=True, slots=True)
class Config:
    """What a decoder needs to know first."""

    codec: str
    sets: tuple[bytes, ...]
    """Parameter sets: VPS (H.265), SPS, PPS."""
    width: int
    """Bytes of a unit's length."""

    @property
    def track(self) -> Track:
        """Its description for readers."""
        return Track("video", "96", (f"a=rtpmap:96 {self.codec}/90000", f"a=fmtp:96 {_parameters(self)}"))


@dataclass(frozen=True, slots=True)
class Picture:
    """One access unit. `offset` is its time of display after that of the message, milliseconds."""

    units: tuple[bytes, ...]
    key: bool
    offset: int = 0


def read(body: bytes, config: Config | None) -> Config | Picture | None:
    """What a video message holds; None for what only looks like one. Raises `BadVideo`."""
    if len(body) < 5:
        return None
    key = body[0] >> 4 & 7 == 1
    if body[0] & _ENHANCED:
        if body[1:5] != _HVC1:
            raise BadVideo(f"its video is {_word(body[1:5])}, and only H.264 and H.265 are taken by RTMP")
        kind, codec, offset = body[0] & 15, HEVC, 8 if body[0] & 15 == _FRAMES else 5
    else:
        if body[0] & 15 != _AVC_ID:
            raise BadVideo("its video is not H.264 or H.265, and others are not taken by RTMP")
        kind, codec, offset = body[1], AVC, 5
    if kind == _CONFIG:
        return (_avc if codec == AVC else _hevc)(body[5:])
    if kind not in (_FRAMES, _FRAMES_NOW) or config is None or config.codec != codec:
        return None
    shift = int.from_bytes(body[offset - 3 : offset], "big", signed=True) if kind == _FRAMES else 0
    units = tuple(_units(body[offset:], config.width))
    return Picture(units, key, shift) if units else None


def _units(data: bytes, width: int) -> Iterator[bytes]:
    """Units with their lengths before them; one that is cut off ends it."""
    at = 0
    while at + width < len(data):
        size = int.from_bytes(data[at : at + width], "big")
        at += width
        if not 0 < size <= len(data) - at:
            return
        yield data[at : at + size]
        at += size


def _avc(data: bytes) -> Config:
    """AVCDecoderConfigurationRecord."""
    reader = _Bytes(data)
    head = reader.take(6)
    sets = [reader.sized() for _ in range(head[5] & 31)]
    sets += [reader.sized() for _ in range(reader.take(1)[0])]
    return _checked(Config(AVC, tuple(sets), (head[4] & 3) + 1))


def _hevc(data: bytes) -> Config:
    """HEVCDecoderConfigurationRecord."""
    reader = _Bytes(data)
    head = reader.take(23)
    sets: list[bytes] = []
    for _ in range(min(head[22], 16)):
        reader.take(1)
        sets += [reader.sized() for _ in range(min(int.from_bytes(reader.take(2), "big"), 16))]
    return _checked(Config(HEVC, tuple(sets), (head[21] & 3) + 1))


def _checked(config: Config) -> Config:
    least = 2 if config.codec == AVC else 3
    if len(config.sets) < least or any(len(one) < 4 for one in config.sets):
        raise BadVideo("its video has no parameter sets")
    return config


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) < count:
            raise BadVideo("its decoder configuration is cut off")
        self._at += count
        return part

    def sized(self) -> bytes:
        return self.take(int.from_bytes(self.take(2), "big"))


def _parameters(config: Config) -> str:
    texts = [base64.b64encode(one).decode() for one in config.sets]
    if config.codec == AVC:
        return (
            f"packetization-mode=1;profile-level-id={config.sets[0][1:4].hex()};sprop-parameter-sets={','.join(texts)}"
        )
    named = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
    kinds = {
        named[one[0] >> 1 & 63]: text for one, text in zip(config.sets, texts, strict=True) if one[0] >> 1 & 63 in named
    }
    return ";".join(f"{name}={text}" for name, text in kinds.items())


def _word(code: bytes) -> str:
    text = code.decode("latin-1")
    return repr(text) if text.isalnum() else "unknown"
