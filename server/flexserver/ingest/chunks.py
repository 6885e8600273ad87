"""RTMP's chunk streams (specification 1.0, section 5.3): messages out of bytes, and into bytes. Pure and bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message: a picture of any sane encoder is smaller."""
EARLY_MESSAGE = 64 * 1024
"""The same for a stranger: commands are short."""
MAX_STREAMS = 32
"""Chunk streams of one connection; encoders use half a dozen."""
SET_CHUNK_SIZE, ABORT, ACKNOWLEDGE, CONTROL, WINDOW, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO, COMMAND3, DATA, COMMAND = 8, 9, 17, 18, 20
_EXTENDED = 0xFFFFFF
_HEADERS = (11, 7, 3, 0)
_OUT = 4096


class BadChunk(ValueError):
    """Bytes that are no RTMP, or more than is taken."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    kind: int
    time: int
    """Milliseconds, 32 bits."""
    body: bytes


@dataclass(slots=True)
class _Stream:
    time: int = 0
    step: int = 0
    length: int = 0
    kind: int = 0
    extended: bool = False
    body: bytearray = field(default_factory=bytearray)
    begun: bool = False


class Parser:
    """Takes bytes as they come, after the handshake."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._streams: dict[int, _Stream] = {}
        self._size = 128
        self._open = 0
        self.longest = EARLY_MESSAGE
        """Bytes of one message; twice as many may be unfinished altogether."""

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete. Raises `BadChunk`."""
        self._rest += data
        messages: list[Message] = []
        at = 0
        while (found := self._chunk(at)) is not None:
            message, at = found
            if message is None:
                continue
            if message.kind in (SET_CHUNK_SIZE, ABORT):
                self._obey(message)
            else:
                messages.append(message)
        del self._rest[:at]
        return messages

    def _obey(self, message: Message) -> None:
        number = int.from_bytes(message.body[:4], "big")
        if message.kind == SET_CHUNK_SIZE:
            if not 0 < number <= 0x7FFFFFFF:
                raise BadChunk("a chunk size is out of range")
            self._size = min(number, _EXTENDED)
        elif stream := self._streams.get(number):
            self._open -= len(stream.body)
            stream.body.clear()
            stream.begun = False

    def _chunk(self, at: int) -> tuple[Message | None, int] | None:
        """One chunk from there on; None where it is not complete. Nothing is changed before it is."""
        rest = self._rest
        if len(rest) < at + 1:
            return None
        form, number, at = rest[at] >> 6, rest[at] & 63, at + 1
        if number < 2:
            wide = number + 1
            if len(rest) < at + wide:
                return None
            number, at = 64 + int.from_bytes(rest[at : at + wide], "little"), at + wide
        stream = self._stream(number, form)
        return self._headed(stream, number, form, at)

    def _stream(self, number: int, form: int) -> _Stream:
        if (stream := self._streams.get(number)) is not None:
            return stream
        if form != 0:
            raise BadChunk("a chunk goes on with a message that never began")
        if len(self._streams) >= MAX_STREAMS:
            raise BadChunk("there are too many chunk streams")
        return _Stream()

    def _headed(self, stream: _Stream, number: int, form: int, at: int) -> tuple[Message | None, int] | None:
        rest = self._rest
        head = bytes(rest[at : at + _HEADERS[form]])
        at += _HEADERS[form]
        if len(rest) < at:
            return None
        time = int.from_bytes(head[:3], "big") if form < 3 else 0
        extended = time == _EXTENDED if form < 3 else stream.extended
        if extended:
            if len(rest) < at + 4:
                return None
            time, at = int.from_bytes(rest[at : at + 4], "big"), at + 4
        length = int.from_bytes(head[3:6], "big") if form < 2 else stream.length
        if length > self.longest:
            raise BadChunk("a message is too long")
        begun = stream.begun and form == 3
        had = len(stream.body) if begun else 0
        size = min(self._size, length - had)
        if len(rest) < at + size:
            return None
        if not begun:
            self._open -= len(stream.body)
            stream.body.clear()
            _begin(stream, form, time, length, head[6] if form < 2 else stream.kind)
            stream.extended = extended
        self._streams[number] = stream
        return self._more(stream, bytes(rest[at : at + size])), at + size

    def _more(self, stream: _Stream, data: bytes) -> Message | None:
        stream.body += data
        self._open += len(data)
        if self._open > 2 * self.longest:
            raise BadChunk("too many messages are unfinished")
        if len(stream.body) < stream.length:
            stream.begun = True
            return None
        message = Message(stream.kind, stream.time, bytes(stream.body))
        self._open -= len(stream.body)
        stream.body.clear()
        stream.begun = False
        return message


def _begin(stream: _Stream, form: int, time: int, length: int, kind: int) -> None:
    """A new message: its time is whole (form 0), or steps on from the last one's."""
    stream.length, stream.kind = length, kind
    if form == 0:
        stream.time, stream.step = time, 0
    else:
        stream.step = time if form < 3 else stream.step
        stream.time = (stream.time + stream.step) & 0xFFFFFFFF


def write(kind: int, body: bytes, *, chunk_stream: int = 3, stream: int = 0) -> bytes:
    """A message of ours. The peer must have been told `chunk_size` before one is longer than 128 bytes."""
    head = bytes((chunk_stream,)) + b"\0\0\0" + len(body).to_bytes(3, "big") + bytes((kind,))
    more = bytes((0xC0 | chunk_stream,))
    rest = (more + body[at : at + _OUT] for at in range(_OUT, len(body), _OUT))
    return head + stream.to_bytes(4, "little") + body[:_OUT] + b"".join(rest)


def chunk_size() -> bytes:
    """Tells the peer how long our chunks are."""
    return write(SET_CHUNK_SIZE, _OUT.to_bytes(4, "big"), chunk_stream=2)
