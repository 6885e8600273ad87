"""What a V4L2 device says of itself: ioctls in, plain values out. Whoever calls this may hang with the driver."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

CAPTURE, CAPTURE_MPLANE = 0x1, 0x1000
DEVICE_CAPS = 0x80000000
_TYPES = {CAPTURE: 1, CAPTURE_MPLANE: 9}
"""Capability bit -> V4L2_BUF_TYPE."""

MAX_FORMATS, MAX_SIZES, MAX_INTERVALS = 64, 256, 64
"""A driver that never ends its lists is cut off here."""

_CAPABILITY = struct.Struct("16s32s32sIII12x")
_FMTDESC = struct.Struct("III32sII12x")
_FRMSIZE = struct.Struct("III6I8x")
_FRMIVAL = struct.Struct("IIIII6I8x")
_FORMAT = struct.Struct("I4x200s" if struct.calcsize("P") == 8 else "I200s")
"""`type` and a union that begins where a pointer may."""

_READ, _WRITE = 2, 1


def _request(direction: int, number: int, size: int) -> int:
    """An ioctl's number (asm-generic/ioctl.h)."""
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP = _request(_READ, 0, _CAPABILITY.size)
ENUM_FMT = _request(_READ | _WRITE, 2, _FMTDESC.size)
G_FMT = _request(_READ | _WRITE, 4, _FORMAT.size)
ENUM_FRAMESIZES = _request(_READ | _WRITE, 74, _FRMSIZE.size)
ENUM_FRAMEINTERVALS = _request(_READ | _WRITE, 75, _FRMIVAL.size)

DISCRETE = 1
"""Else continuous (2) or stepwise (3): the smallest, the largest and the step."""


@dataclass(frozen=True, slots=True)
class Identity:
    """VIDIOC_QUERYCAP."""

    driver: str
    card: str
    bus_info: str
    captures: int
    """The capability bit that it captures video by: single- or multi-planar; 0 where this node does not."""


@dataclass(frozen=True, slots=True)
class Size:
    """One entry of VIDIOC_ENUM_FRAMESIZES: a size, or a range of them."""

    width: int
    height: int
    largest: tuple[int, int] | None = None
    """Set where it is a range that begins at width x height."""
    step: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Interval:
    """One entry of VIDIOC_ENUM_FRAMEINTERVALS: seconds between two pictures, or a range of them."""

    seconds: Fraction
    longest: Fraction | None = None
    """Set where it is a range that begins at `seconds`."""
    step: Fraction | None = None
    """None: continuous."""


@dataclass(frozen=True, slots=True)
class Format:
    """One entry of VIDIOC_ENUM_FMT."""

    fourcc: str
    description: str


class Device:
    """An open device. Every method may raise OSError."""

    def __init__(self, path: str) -> None:
        """Opens it: reading only where writing is not allowed, never waiting for anybody else."""
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)

    def identity(self) -> Identity:
        """What it is. ENOTTY where it is no V4L2 device."""
        driver, card, bus, _, of_all, of_node = self._ask(QUERYCAP, _CAPABILITY)
        bits = of_node if of_all & DEVICE_CAPS else of_all
        captures = next((bit for bit in _TYPES if bits & bit), 0)
        return Identity(_text(driver), _text(card), _text(bus), captures)

    def formats(self, captures: int) -> list[Format]:
        """The pixel formats that it captures."""
        found = []
        for index in range(MAX_FORMATS):
            entry = self._entry(ENUM_FMT, _FMTDESC, index, _TYPES[captures])
            if entry is None:
                break
            found.append(Format(fourcc(entry[4]), _text(entry[3])))
        return found

    def sizes(self, format: str) -> list[Size]:  # noqa: A002 - V4L2's word
        """The sizes of a format; none where the driver does not say."""
        return list(self._sizes(format))

    def _sizes(self, format: str) -> Iterator[Size]:  # noqa: A002
        for index in range(MAX_SIZES):
            entry = self._entry(ENUM_FRAMESIZES, _FRMSIZE, index, code(format))
            if entry is None:
                return
            kind, *union = entry[2:]
            if kind == DISCRETE:
                yield Size(union[0], union[1])
                continue
            min_w, max_w, step_w, min_h, max_h, step_h = union
            yield Size(min_w, min_h, (max_w, max_h), (max(1, step_w), max(1, step_h)))
            return

    def intervals(self, format: str, width: int, height: int) -> list[Interval]:  # noqa: A002
        """The times between two pictures at a size; none where the driver does not say."""
        return list(self._intervals(format, width, height))

    def _intervals(self, format: str, width: int, height: int) -> Iterator[Interval]:  # noqa: A002
        for index in range(MAX_INTERVALS):
            entry = self._entry(ENUM_FRAMEINTERVALS, _FRMIVAL, index, code(format), width, height)
            if entry is None:
                return
            kind, *union = entry[4:]
            shortest, longest, step = (_seconds(*union[at : at + 2]) for at in (0, 2, 4))
            if kind == DISCRETE and shortest:
                yield Interval(shortest)
            elif kind != DISCRETE:
                if shortest and longest:
                    yield Interval(shortest, longest, step if kind == 3 else None)
                return

    def current(self, captures: int) -> tuple[int, int]:
        """The width and height that it is set to."""
        union: bytes = self._ask(G_FMT, _FORMAT, _TYPES[captures], b"")[1]
        width, height = struct.unpack_from("II", union)
        return width, height

    def _entry(self, request: int, shape: struct.Struct, *given: int) -> tuple[Any, ...] | None:
        """One entry of a list; None behind its last, and where the driver keeps no such list."""
        try:
            return self._ask(request, shape, *given)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return None
            raise

    def _ask(self, request: int, shape: struct.Struct, *given: object) -> tuple[Any, ...]:
        buffer = bytearray(shape.size)
        empty = shape.unpack(buffer)
        shape.pack_into(buffer, 0, *given, *empty[len(given) :])
        fcntl.ioctl(self._fd, request, buffer)
        return shape.unpack(buffer)


def code(text: str) -> int:
    """A four-letter code as the kernel's number."""
    return int.from_bytes(text.ljust(4).encode("latin-1")[:4], "little")


def fourcc(number: int) -> str:
    """A kernel's pixel format in its four letters; big-endian ones have their top bit set, which is left out."""
    return (number & 0x7FFFFFFF).to_bytes(4, "little").decode("latin-1")


def _text(raw: bytes) -> str:
    """A driver's string: up to NUL, and nothing that a terminal or JSON would choke on."""
    text = raw.partition(b"\0")[0].decode(errors="replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _seconds(numerator: int, denominator: int) -> Fraction:
    return Fraction(numerator, denominator) if denominator else Fraction(0)
