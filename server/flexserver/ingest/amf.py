"""AMF0, the values of RTMP's commands. Pure; what is too deep, too many or cut off is refused."""

from __future__ import annotations

import struct
from typing import TypeAlias

Value: TypeAlias = bool | float | str | list["Value"] | dict[str, "Value"] | None

MAX_DEPTH = 8
MAX_VALUES = 512
_DOUBLE = struct.Struct(">d")
_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED, _MAP, _END, _LIST, _DATE, _LONG = (
    0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12,
)  # fmt: skip


class BadAmf(ValueError):
    """Bytes that are no AMF0."""


def decode(data: bytes) -> list[Value]:
    """All values. Raises `BadAmf`."""
    reader = _Reader(data)
    values = []
    try:
        while reader.at < len(data):
            values.append(reader.value(0))
    except (struct.error, IndexError):
        raise BadAmf("a value is cut off") from None
    return values


def encode(*values: Value) -> bytes:
    """The values as bytes."""
    return b"".join(map(_encoded, values))


def _encoded(value: Value) -> bytes:
    if value is None:
        return bytes((_NULL,))
    if isinstance(value, bool):
        return bytes((_BOOLEAN, value))
    if isinstance(value, int | float):
        return bytes((_NUMBER,)) + _DOUBLE.pack(value)
    if isinstance(value, str):
        return bytes((_STRING,)) + _text(value)
    if isinstance(value, list):
        return bytes((_LIST,)) + len(value).to_bytes(4, "big") + encode(*value)
    fields = b"".join(_text(name) + _encoded(field) for name, field in value.items())
    return bytes((_OBJECT,)) + fields + bytes((0, 0, _END))


def _text(text: str) -> bytes:
    data = text.encode()[:0xFFFF]
    return len(data).to_bytes(2, "big") + data


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._count = 0
        self.at = 0

    def value(self, depth: int) -> Value:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            raise BadAmf("there are too many values, or they are too deep")
        kind = self._take(1)[0]
        if kind == _NUMBER:
            number: float = _DOUBLE.unpack(self._take(8))[0]
            return number
        if kind == _BOOLEAN:
            return self._take(1)[0] != 0
        if kind in (_STRING, _LONG):
            return self._text(2 if kind == _STRING else 4)
        if kind in (_NULL, _UNDEFINED):
            return None
        return self._compound(kind, depth)

    def _compound(self, kind: int, depth: int) -> Value:
        if kind in (_OBJECT, _MAP):
            self._take(4 if kind == _MAP else 0)
            return self._fields(depth)
        if kind == _LIST:
            count = int.from_bytes(self._take(4), "big")
            return [self.value(depth + 1) for _ in range(min(count, MAX_VALUES + 1))]
        if kind == _DATE:
            milliseconds: float = _DOUBLE.unpack(self._take(10)[:8])[0]
            return milliseconds
        raise BadAmf(f"there is no value of kind {kind}")

    def _fields(self, depth: int) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        while True:
            name = self._text(2)
            if not name and self._data[self.at] == _END:
                self.at += 1
                return fields
            fields[name] = self.value(depth + 1)

    def _text(self, width: int) -> str:
        return self._take(int.from_bytes(self._take(width), "big")).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        data = self._data[self.at : self.at + count]
        if len(data) < count:
            raise BadAmf("a value is cut off")
        self.at += count
        return data
