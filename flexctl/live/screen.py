"""The one screen: draws lines in place with rich, in the window's size, and saves the last ones as a picture."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from flexctl.out.style import RICH
from flexctl.out.table import Line
from flexctl.out.terminal import Terminal

TITLE = "flexctl"


class Screen:
    """Draws in place, below what the terminal already shows; what it drew last stays there when it ends."""

    def __init__(self, terminal: Terminal, svg: str | None = None) -> None:
        self._color = terminal.color
        self._svg = svg
        self._size = shutil.get_terminal_size()
        self._lines: Sequence[Line] = ()
        self._console = Console(
            force_terminal=True, color_system="standard" if terminal.color else None, highlight=False
        )
        self._live = self._new()
        self._old_term: Any = None

    def _new(self) -> Live:
        return Live(console=self._console, auto_refresh=False, vertical_overflow="crop", redirect_stdout=False)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the window, now."""
        size = shutil.get_terminal_size()
        return max(size.columns, 20), max(size.lines, 4)

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines instead of the last ones."""
        self._lines = lines
        if (size := shutil.get_terminal_size()) != self._size:
            self._resized(size)
        self._live.update(rich_of(lines, color=self._color), refresh=True)

    def _resized(self, size: Any) -> None:
        """Terminals break or join the old lines as they like: begin again on a clean window."""
        self._size = size
        self._live.stop()
        self._console.clear()
        self._live = self._new()
        self._live.start()

    def __enter__(self) -> Screen:
        # Whoever ends the process by a signal must not leave a terminal without a cursor behind.
        self._old_term = signal.signal(signal.SIGTERM, self._terminated)
        self._live.start()
        return self

    @staticmethod
    def _terminated(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, Exception):  # it is told below, and what was drawn is no longer true
            self.draw(())
        self._live.stop()
        signal.signal(signal.SIGTERM, self._old_term)
        if self._svg:
            save_svg(self._lines, self._svg)


def rich_of(lines: Sequence[Line], *, color: bool) -> Group:
    """The lines in rich's form."""
    texts = []
    for line in lines:
        text = Text(no_wrap=True, overflow="crop")
        for span in line:
            text.append(span.text, RICH[span.style] if color else "")
        text.rstrip()
        texts.append(text)
    return Group(*texts)


def save_svg(lines: Sequence[Line], path: str) -> None:
    """The lines as a picture of a terminal that is as large as they are."""
    import re
    from io import StringIO

    from rich._export_format import CONSOLE_SVG_FORMAT

    from flexctl.out.style import cells

    width = max((sum(cells(span.text) for span in line) for line in lines), default=0)
    console = Console(record=True, width=max(width, 40), file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(rich_of(lines, color=True))
    # rich's picture would fetch a font from elsewhere; the reader's own will do.
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    Path(path).write_text(console.export_svg(title=TITLE, code_format=plain), encoding="utf-8")
