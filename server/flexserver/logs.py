"""What the server says on stderr, one `key=value` line each, and the last lines of each child process."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from datetime import UTC, datetime

MAX_LINE = 2_000
RING_LINES = 1_000
RING_LETTERS = 256 * 1024

access = logging.getLogger("flexserver.access")


class LineFormatter(logging.Formatter):
    """One line a record: time, level, message, then the fields that the record carries in `extra={"fields": ...}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback goes into its last field, so that it stays one line."""
        fields: dict[str, object] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isascii() and text.isprintable() and not any(letter in ' "=\\' for letter in text)
    return text if text and plain else json.dumps(text)


def set_up(level: str) -> None:
    """Send everything to stderr in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.ERROR)


class LogRing:
    """The last lines that the children of one pipeline wrote, bounded in lines and in their length."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._letters = 0

    def add(self, line: str) -> None:
        """Keep one line, stamped."""
        text = "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in line[:MAX_LINE])
        self._lines.append(f"{stamp(time.time())} {text}")
        self._letters += len(self._lines[-1])
        while len(self._lines) > RING_LINES or self._letters > RING_LETTERS:
            self._letters -= len(self._lines.popleft())

    def tail(self, count: int) -> str:
        """The last `count` lines, each with its newline."""
        lines = list(self._lines)[-count:] if count else []
        return "".join(line + "\n" for line in lines)
