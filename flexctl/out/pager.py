"""A pager for what is longer than the screen."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading

from flexctl.out.style import cells

_SGR = re.compile(r"\x1b\[[\d;]*m")


def rows_of(text: str, width: int) -> int:
    """Rows that a text takes on a terminal that breaks long lines."""
    return sum(max(1, -(-cells(_SGR.sub("", line)) // width)) for line in text.splitlines())


def paged(command: str, text: str) -> bool:
    """Show the text in the pager, until the reader leaves it. False where it cannot be started."""
    if threading.current_thread() is not threading.main_thread():
        return False  # a pager belongs to the run as a whole
    try:
        process = subprocess.Popen(  # noqa: S603  the user's own choice
            shlex.split(command), stdin=subprocess.PIPE, env={"LESS": "FRX", "LV": "-c", **os.environ}
        )
    except (OSError, ValueError, IndexError):
        return False
    # Ctrl-C in a pager is the pager's: it stops a search there, and must not take flexctl away below it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.communicate(text.encode(errors="replace"))  # a reader who leaves early is no error
    finally:
        signal.signal(signal.SIGINT, before)
    return True
