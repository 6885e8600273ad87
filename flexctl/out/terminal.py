"""What the process is connected to, as a value."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Terminal:
    """Which streams are terminals, how large, and what they can show."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    width: int | None = None
    """Columns of the terminal that data goes to; None in a pipe, where no line is too long."""
    width_err: int | None = None
    """The same of the terminal that talk goes to."""
    height: int = 24
    color: bool = False
    color_err: bool = False
    unicode: bool = True
    dumb: bool = False
    """A terminal that cannot move its cursor: nothing is drawn in place."""
    pager: str = ""
    """What the user has for text that is longer than the screen."""

    @classmethod
    def of_process(cls, color: str | None = None, environ: Mapping[str, str] = os.environ) -> Terminal:
        """Look at this process. `color` is `always`, `never`, or `auto` for what the streams and the user wish."""
        out, err, dumb = _tty(sys.stdout), _tty(sys.stderr), environ.get("TERM") == "dumb"
        columns, lines = _size(environ)
        return cls(
            stdin=_tty(sys.stdin),
            stdout=out,
            stderr=err,
            width=max(columns, 20) if out else None,
            width_err=max(_columns(sys.stderr, columns), 20) if err else None,
            height=max(lines, 6),
            color=_colors(color, out and not dumb, environ),
            color_err=_colors(color, err and not dumb, environ),
            unicode="utf" in (getattr(sys.stdout, "encoding", "") or "").lower(),
            dumb=dumb,
            pager=_pager(environ) if out and not dumb else "",
        )


def _size(environ: Mapping[str, str]) -> tuple[int, int]:
    """Columns and lines of the window; COLUMNS and LINES go first. shutil has the same, and costs 10 ms to import."""
    said = [int(text) if text.isdecimal() else 0 for text in (environ.get("COLUMNS", ""), environ.get("LINES", ""))]
    try:
        seen = os.get_terminal_size(sys.__stdout__.fileno()) if sys.__stdout__ else (0, 0)
    except (OSError, ValueError):
        seen = (0, 0)
    return said[0] or seen[0] or 80, said[1] or seen[1] or 24


def _tty(stream: TextIO | None) -> bool:
    """False for a closed or missing stream too."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _columns(stream: TextIO, otherwise: int) -> int:
    """Columns of a stream's own window: stdout may be a pipe while stderr is not."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or otherwise
    except (OSError, ValueError):
        return otherwise


def _colors(wish: str | None, capable: bool, environ: Mapping[str, str]) -> bool:
    """The flag first, then no-color.org, force-color.org and CLICOLOR, then what the stream is."""
    if wish in {"always", "never"}:
        return wish == "always"
    if environ.get("NO_COLOR"):
        return False
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if said := environ.get(name):
            return said not in {"0", "false"}
    return capable and environ.get("CLICOLOR") != "0"


def _pager(environ: Mapping[str, str]) -> str:
    """FLEX_PAGER, also where it is empty and says that there is none; then what other programs use."""
    command = environ.get("FLEX_PAGER", environ.get("PAGER", "")).strip()
    return "" if command == "cat" else command
