"""What goes over the wire and what comes back, as values that know no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field

from flexclient._call import Call, Headers

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of the longest answer that is read into memory."""


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
