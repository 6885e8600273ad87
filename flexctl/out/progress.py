"""How far a download is: a bar on stderr where that is a terminal, and nothing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flexctl.out.style import safe

if TYPE_CHECKING:
    from flexclient._saving import Progress
    from flexctl.out.out import Out


@contextmanager
def bar(out: Out, name: str) -> Iterator[Progress | None]:
    """What to call with the bytes that are there and the bytes of all; None where nobody would see it."""
    if out.quiet or not out.terminal.stderr or out.terminal.dumb:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    terminal = out.terminal
    console = Console(
        file=out.stderr,
        force_terminal=True,
        width=terminal.width_err,
        color_system="standard" if terminal.color_err else None,
        highlight=False,
    )
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task(safe(name), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
