"""How far a download or a wait is: one line on stderr where that is a terminal, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flexctl.out.style import safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexctl.out.out import Out


class Shown:
    """What is being done, while it is done. Calling it tells how much is there, and of how much."""

    def __init__(self, update: Callable[..., None] | None = None) -> None:
        self._update = update

    def __call__(self, done: int, total: int | None) -> None:
        """So much of so much is done."""
        if self._update:
            self._update(completed=done, total=total)

    def say(self, sentence: str) -> None:
        """Show another sentence."""
        if self._update:
            self._update(description=safe(sentence))


@contextmanager
def progress(out: Out, sentence: str, *, size: bool = False) -> Iterator[Shown]:
    """Show the sentence until it is done: with a bar and bytes where a `size` is known, else with the time it took."""
    if out.quiet or not out.terminal.stderr or out.terminal.dumb:
        yield Shown()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    terminal = out.terminal
    console = Console(
        file=out.stderr,
        force_terminal=True,
        width=terminal.width_err,
        color_system="standard" if terminal.color_err else None,
        highlight=False,
    )
    text = TextColumn("{task.description}", markup=False)
    spinner = SpinnerColumn("dots" if terminal.unicode else "line")
    columns: tuple[ProgressColumn, ...] = (spinner, text, TimeElapsedColumn())
    if size:
        columns = (text, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task(safe(sentence), total=None)
        yield Shown(lambda **now: shown.update(task, **now))
