"""What goes over the wire and what comes back, as values that know no HTTP library."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from flexclient._call import Call, Headers
from flexclient.errors import ProtocolError

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of the longest answer that is read into memory."""

MAX_EVENT = 16 * 1024 * 1024
"""Bytes of the longest server-sent event."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A step of an engine: send this once. Answered with an `Answer`, or where `stream` is set with a channel."""

    call: Call[object]
    url: str
    headers: dict[str, str] = field(repr=False)
    """Complete, secrets in the clear."""
    timeout: float
    """Seconds to connect, and for each write."""
    read_timeout: float
    """Seconds without a byte."""
    total: float
    """Seconds altogether; a stream has them only to open."""
    stream: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, complete."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One block of a stream. `data` is empty for a block that only sets `id` or `retry`."""

    type: str
    data: str
    id: str | None = None
    retry_ms: int | None = None


class StreamText:
    """Bytes of an event stream -> text: UTF-8 whatever the headers say, no byte order mark, every line end `\\n`.

    A lone CR at the end of a chunk ends its line at once: waiting for an LF that may follow would hold an event back
    until the next one.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._after_cr = False
        self._size = 0

    def feed(self, chunk: bytes) -> str:
        """The text of the next chunk. Raises `ProtocolError` where an event has no end."""
        self._size += len(chunk)
        if self._size > MAX_EVENT:
            raise ProtocolError(f"an event is longer than {MAX_EVENT >> 20} MiB")
        text = self._decoder.decode(chunk)
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def event_ended(self) -> None:
        """Begin to count anew."""
        self._size = 0
