"""AVIF sequences, joined: several short ones of the same settings become one, with a key picture where each begins.

The library that encodes sets no key pictures but the first, so a clip is encoded in groups of pictures. That also
bounds its memory: only one group has to be there as RGB at a time. Pure; ISO/IEC 14496-12 and the AVIF specification.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby

_INSIDE = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"edts": 0, b"meta": 4}
"""Boxes that hold boxes, and the bytes before the first of them."""
_DURATION = {b"mvhd": 24, b"tkhd": 28, b"mdhd": 24, b"elst": 8}
"""Where a box of version 1 says how long the clip is."""


def join(groups: Sequence[bytes], lengths: Sequence[Sequence[int]]) -> bytes:
    """One sequence of all the groups. `lengths`: milliseconds of each picture that is to be in it, for each group.

    A group may hold more pictures than that: its last ones are left out. Raises ValueError where a group is no AVIF
    sequence as the encoder writes them.
    """
    parts = [_samples(group)[: len(times)] for group, times in zip(groups, lengths, strict=True)]
    samples = [sample for part in parts for sample in part]
    times = [time for part in lengths for time in part]
    if len(samples) != len(times):
        raise ValueError("a group has fewer pictures than were put into it")
    keys = [1 + before for before in accumulate((len(part) for part in parts[:-1]), initial=0)]
    head = b"".join(_box(kind, body) for kind, body in _boxes(groups[0]) if kind != b"mdat")
    begin = len(_edited(head, _changes(samples, times, keys, 0))) + 8
    return _edited(head, _changes(samples, times, keys, begin)) + _box(b"mdat", b"".join(samples))


def _changes(
    samples: list[bytes], times: list[int], keys: list[int], begin: int
) -> dict[bytes, Callable[[bytes], bytes]]:
    """What becomes of the tables, where the first picture begins `begin` bytes into the file."""
    runs = [(sum(1 for _ in run), time) for time, run in groupby(times)]
    found: dict[bytes, Callable[[bytes], bytes]] = {
        b"iloc": lambda body: body[:-8] + struct.pack(">II", begin, len(samples[0])),
        b"stts": lambda _: _table(len(runs), (number for run in runs for number in run)),
        b"stsc": lambda _: _table(1, (1, len(samples), 1)),
        b"stsz": lambda _: bytes(8) + struct.pack(">I", len(samples)) + _numbers(map(len, samples)),
        b"stco": lambda _: _table(1, (begin,)),
        b"stss": lambda _: _table(len(keys), keys),
    }
    for kind, place in _DURATION.items():
        found[kind] = lambda body, place=place: _lasting(body, place, sum(times))  # type: ignore[misc]
    return found


def _lasting(body: bytes, place: int, milliseconds: int) -> bytes:
    """A header with another duration; one that says "for ever" keeps that."""
    if body[:1] != b"\1":
        raise ValueError("a header of another version")
    if body[place : place + 8] == b"\xff" * 8:
        return body
    return body[:place] + struct.pack(">Q", milliseconds) + body[place + 8 :]


def _samples(data: bytes) -> list[bytes]:
    """The coded pictures of a sequence."""
    tables = dict(_leaves(data))
    try:
        same, count = struct.unpack_from(">II", tables[b"stsz"], 4)
        sizes = [same] * count if same else struct.unpack_from(f">{count}I", tables[b"stsz"], 12)
        chunks, begin = struct.unpack_from(">II", tables[b"stco"], 4)
    except (KeyError, struct.error):
        raise ValueError("no AVIF sequence") from None
    if chunks != 1:
        raise ValueError("a sequence in several pieces")
    ends = accumulate(sizes, initial=begin)
    return [data[at : at + size] for at, size in zip(ends, sizes, strict=False)]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if not 8 <= size <= len(data) - at:
            raise ValueError("a box that is cut off")
        yield kind, data[at + 8 : at + size]
        at += size


def _leaves(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, body in _boxes(data):
        if kind in _INSIDE:
            yield from _leaves(body[_INSIDE[kind] :])
        else:
            yield kind, body


def _edited(data: bytes, changes: Mapping[bytes, Callable[[bytes], bytes]]) -> bytes:
    out = b""
    for kind, old in _boxes(data):
        body = old[: _INSIDE[kind]] + _edited(old[_INSIDE[kind] :], changes) if kind in _INSIDE else old
        out += _box(kind, changes[kind](body) if kind in changes else body)
    return out


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _table(count: int, numbers: Iterator[int] | Sequence[int]) -> bytes:
    return bytes(4) + struct.pack(">I", count) + _numbers(numbers)


def _numbers(numbers: Iterator[int] | Sequence[int]) -> bytes:
    return b"".join(struct.pack(">I", number) for number in numbers)
