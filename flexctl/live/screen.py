"""The screen: draws lines in place, of which only those go over the line that have changed.

`Screen` draws below what the terminal shows already, and leaves its last picture there. `FullScreen` takes the whole
window, reads keys, and gives the window back as it was.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self, TypeAlias

from flexctl.live.keys import Keys
from flexctl.out.style import RICH, Span, cells, clip, paint
from flexctl.out.table import Line
from flexctl.out.terminal import Terminal

TITLE = "flexctl"
Drawn: TypeAlias = tuple[str, int]
"""A line as it is sent, and the columns that it takes."""

# A terminal that knows the first pair shows a picture only when it is whole; the others pass it over.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW, _CLEAR = "\x1b[?25l", "\x1b[?25h", "\x1b[H\x1b[2J"
_ENTER, _LEAVE = "\x1b[?1049h", "\x1b[?1049l"
_ESCAPE_SECONDS = 0.05
"""After an escape character the rest of a key's sequence comes at once, or it was the key Esc."""


def redrawn(old: Sequence[Drawn], new: Sequence[Drawn], width: int) -> str:
    """What turns one picture into the other. Before and after it the cursor is at the end of the picture. Pure."""
    parts, row = [], max(len(old) - 1, 0)
    for index, (text, used) in enumerate(new):
        if index < len(old) and old[index] == (text, used):
            continue
        if index < len(old) or not index:
            parts.append(_moved(row, index))
        else:
            parts.append(_moved(row, index - 1) + "\n")
        parts.append("\r" + text + ("\x1b[K" if used < width else ""))
        row = index
    last = max(len(new) - 1, 0)
    if len(new) < len(old):
        first = len(new)  # of the lines that are too many
        parts.append(f"{_moved(row, first)}\r\x1b[J")
        row = first
    if parts:
        end = new[-1][1] if new else 0
        parts.append(f"{_moved(row, last)}\r" + (f"\x1b[{end}C" if end else ""))
    return "".join(parts)


def _moved(row: int, to: int) -> str:
    return "" if row == to else f"\x1b[{abs(to - row)}{'B' if to > row else 'A'}"


def drawn(line: Line, width: int, *, color: bool) -> Drawn:
    """A line as it is sent, cut to the window."""
    kept, left = [], width
    for span in line:
        text = clip(span.text, left, "")
        kept.append(Span(text, span.style))
        left -= cells(text)
    return paint(kept, color), cells(paint(kept, color=False))


class Screen:
    """Draws in place, below what the terminal already shows; what it drew last stays there when it ends."""

    def __init__(self, terminal: Terminal, svg: str | None = None) -> None:
        self._color = terminal.color
        self._svg = svg
        self._lines: Sequence[Line] = ()
        self._shown: Sequence[Drawn] = ()
        self._window = shutil.get_terminal_size()
        self._handlers: dict[int, Any] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the window, now."""
        size = shutil.get_terminal_size()
        return max(size.columns, 20), max(size.lines, 4)

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines instead of the last ones."""
        self._lines = lines
        width, height = window = shutil.get_terminal_size()
        begin = ""
        if window != self._window:  # terminals break or join the old lines as they like: begin on a clean window
            self._window, self._shown, begin = window, (), _CLEAR
        new = [drawn(line, width, color=self._color) for line in lines[:height]]
        if change := redrawn(self._shown, new, width):
            self._write(_BEGIN + begin + change + _END)
        self._shown = new

    def _write(self, text: str) -> None:
        if os.environ.get("TERM") == "dumb":  # it cannot move its cursor, and would show how it is moved
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:  # the terminal is gone
            sys.exit(128 + signal.SIGHUP)

    def __enter__(self) -> Self:
        # Whoever ends the process by a signal must not leave a terminal without a cursor behind.
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._on(number, _ended_by)
        self._begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with suppress(OSError, SystemExit):
            if isinstance(error, Exception):  # it is told below, and what was drawn is no longer true
                self.draw(())
            self._finish()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._svg:
            save_svg(self._lines, self._svg)

    def _on(self, number: int, handler: Callable[[int, FrameType | None], object]) -> None:
        self._handlers.setdefault(number, signal.signal(number, handler))

    def _begin(self) -> None:
        self._write(_HIDE)

    def _finish(self) -> None:
        self._write(("\r\n" if self._shown else "") + _SHOW)


def _ended_by(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


class FullScreen(Screen):
    """The whole window, and the keys that are typed in it. Ctrl-Z gives the window back until the shell goes on."""

    def __init__(self, terminal: Terminal, svg: str | None = None) -> None:
        super().__init__(terminal, svg)
        self._keys = Keys()
        self._input = sys.stdin.fileno()
        self._mode: Any = None
        self._woken: tuple[int, int] = (-1, -1)

    def keys(self, seconds: float) -> list[str]:
        """The keys that were typed. Comes back at the first one, when the window has changed, or after `seconds`."""
        waited = _ESCAPE_SECONDS if self._keys.pending else max(seconds, 0)
        ready, _, _ = select.select([self._input, self._woken[0]], [], [], waited)
        if self._woken[0] in ready:
            with suppress(BlockingIOError):
                os.read(self._woken[0], 4096)
        if self._input not in ready:
            return self._keys.settled()
        data = os.read(self._input, 4096)
        if not data:  # the terminal is gone
            sys.exit(128 + signal.SIGHUP)
        found = self._keys.read(data)
        return found if found or not self._keys.pending else self.keys(_ESCAPE_SECONDS)

    def _begin(self) -> None:
        self._woken = os.pipe()
        for end in self._woken:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._woken[1], warn_on_full_buffer=False)
        self._on(signal.SIGWINCH, _nothing)
        self._on(signal.SIGTSTP, self._paused)
        self._take()

    def _finish(self) -> None:
        try:
            self._give_back()
        finally:
            signal.set_wakeup_fd(-1)
            for end in self._woken:
                os.close(end)

    def _take(self) -> None:
        import termios
        import tty

        self._mode = termios.tcgetattr(self._input)
        tty.setcbreak(self._input, termios.TCSANOW)
        self._write(_ENTER + _HIDE + _CLEAR)
        self._shown = ()

    def _give_back(self) -> None:
        import termios

        try:
            self._write(_SHOW + _LEAVE)
        finally:
            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._input, termios.TCSANOW, self._mode)

    def _paused(self, *_: object) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()
        self.draw(self._lines)


def _nothing(*_: object) -> None:
    """A signal with a handler wakes `select` up."""


def save_svg(lines: Sequence[Line], path: str) -> None:
    """The lines as a picture of a terminal that is as large as they are."""
    import re
    from io import StringIO

    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    width = max((sum(cells(span.text) for span in line) for line in lines), default=0)
    console = Console(record=True, width=max(width, 40), file=StringIO(), color_system="truecolor", force_terminal=True)
    for line in lines:
        text = Text(no_wrap=True, overflow="crop")
        for span in line:
            text.append(span.text, RICH[span.style])
        console.print(text)
    # rich's picture would fetch a font from elsewhere; the reader's own will do.
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    Path(path).write_text(console.export_svg(title=TITLE, code_format=plain), encoding="utf-8")
