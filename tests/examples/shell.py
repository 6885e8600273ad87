"""A shell on a terminal, as a person has one: commands, answers to questions, and what then stands on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

import pexpect
import pyte

from tests.support.api import until

WIDTH, HEIGHT = 120, 300
PROMPT = "\x02ready\x03"
SET_UP = "bind 'set enable-bracketed-paste off'; set +m; PS2= PS1=$(printf '\\002ready\\003')"
QUESTION = re.compile(r"(\[y/N\]|: ) ?$")
SECONDS = 40


class Shell:
    """A bash with a screen of 120 columns. A command's output is read when its prompt is back."""

    def __init__(self, env: dict[str, str], folder: str) -> None:
        self._child = pexpect.spawn(
            "bash --norc --noprofile",
            env={**env, "TERM": "xterm-256color", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"},
            cwd=folder,
            encoding="utf-8",
            dimensions=(40, WIDTH),
            echo=False,
            timeout=SECONDS,
        )
        self._child.sendline(SET_UP)
        self._child.expect_exact(PROMPT)
        self._raw = ""

    def run(self, command: str, answers: Sequence[str] = ()) -> str:
        """What stands on the screen when it has ended."""
        self._child.sendline(command)
        self._raw = ""
        for answer in answers:
            self._child.expect(QUESTION)
            self._raw += self._seen() + (answer if answer == "y" else "") + "\r\n"
            self._child.sendline(answer)
        return self.end()

    def begin(self, command: str, line: str) -> None:
        """Start it, and come back when it has written what `line`, an expression, finds."""
        self._child.sendline(command)
        self._child.expect(line)
        self._raw = self._seen()

    def end(self) -> str:
        """Wait until what runs has ended; what stands on the screen then."""
        self._child.expect_exact(PROMPT)
        return shown(self._raw + str(self._child.before))

    def _seen(self) -> str:
        return f"{self._child.before}{self._child.after}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)
        until(lambda: not self._child.isalive(), 5)


def shown(raw: str) -> str:
    """What a terminal makes of it, without the blanks around it."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    pyte.Stream(screen).feed(raw)
    return "\n".join(line.rstrip() for line in screen.display).strip("\n")
