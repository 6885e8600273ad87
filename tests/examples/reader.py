"""Somebody who does what a page says, and looks whether it shows what the page shows.

Blocks of `console` are run in one shell. Those of `console server` are boxes, on ports of their own; `console second`
runs in another shell while the next block does; `console by-hand` is not run; a block with a name is a file.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from flexserver import config
from tests.examples.shell import Shell
from tests.support.box import Box

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PASSWORD = "correct horse"
ANSWER = re.compile(r"\[y/N\] (?P<yes>y)$|^(?:New password of .*|The same again|Password of .*):$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """The blocks of code of a page, those in lists apart: language, what else it says, text."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@dataclass
class Step:
    """One command, and what the page shows below it."""

    command: str
    shown: str

    @property
    def answers(self) -> list[str]:
        return [found["yes"] or PASSWORD for found in ANSWER.finditer(self.shown)]


def steps(text: str) -> Iterator[Step]:
    """The commands of a block."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown.rstrip("\n"))


def plain(line: str) -> str:
    """A line without what differs from run to run: numbers, ages, columns, names that the box made up."""
    line = re.sub(r"\b[0-9A-F]{2}(:([0-9A-F]{2}|\N{HORIZONTAL ELLIPSIS}))+(?![0-9A-F])", "<hex>", line)
    line = re.sub(r"\bwh_\w+", "<id>", line)
    line = re.sub(r"\b(\d+(ms|[smhd]) ?)+(?= |$)", "<age> ", line)
    line = re.sub(r"\d+([.:-]\d+)*", "0", line)
    return " ".join(line.split())


def missing(expected: str, seen: str) -> list[str]:
    """The lines of the page that are not on the screen, in their order. An ellipsis stands for anything."""
    rest = [plain(line) for line in seen.splitlines()]
    lost = []
    for line in expected.splitlines():
        form = re.compile(re.escape(plain(line)).replace("\N{HORIZONTAL ELLIPSIS}", ".*"))
        where = next((index for index, found in enumerate(rest) if form.fullmatch(found)), None)
        if where is not None:
            rest = rest[where + 1 :]
        elif line.strip() != "\N{HORIZONTAL ELLIPSIS}":
            lost.append(line)
    return lost


@dataclass
class Reader:
    """Somebody who does what the page says."""

    folder: Path
    stack: ExitStack
    given: dict[str, str] = field(default_factory=dict)
    """Variables of its shells and of the boxes."""
    boxes: dict[str, str] = field(default_factory=dict)
    """Addresses of the page, and what they are here."""
    done: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
        keyless = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.env = {**clean, **keyless, "PATH": path, "FLEX_CONFIG_DIR": str(self.folder / "config"), "TZ": "UTC"}
        self.env |= self.given
        self.first = self.shell()
        self.waiting: tuple[Shell, Step] | None = None

    def shell(self) -> Shell:
        return self.stack.enter_context(Shell(self.env, str(self.folder)))

    def here(self, text: str) -> str:
        """The page's addresses as they are here."""
        return re.sub(r"127\.0\.0\.1:\d+", lambda found: self.boxes.get(found[0], found[0]), text)

    def page(self, text: str) -> str:
        """The addresses here as the page has them."""
        for theirs, ours in self.boxes.items():
            text = text.replace(ours, theirs)
        return text

    def read(self, page: Path) -> None:
        """Do all of it. Raises `AssertionError` for what is not as the page shows it."""
        for language, kind, text in blocks(page):
            self.block(language, kind, text)
        assert not self.faults, "\n\n".join(self.faults)

    def block(self, language: str, kind: str, text: str) -> None:
        if language != "console":
            if kind:
                (self.folder / kind).write_text(text)
        elif kind == "server":
            self.server(next(steps(text)))
        elif kind == "second":
            self.begin(next(steps(text)))
        elif not kind:
            for step in steps(text):
                self.check(step, self.first.run(self.here(step.command), step.answers))
            self.finish()

    def server(self, step: Step) -> None:
        """Start the box that the line describes, elsewhere."""
        program, *flags = shlex.split(step.command)
        asked = config.read(flags, {})
        box = self.stack.enter_context(
            Box(self.folder / asked.data_dir, "--ingest-rtsp-port=0", "--ingest-rtmp-port=0")
        )
        assert (program, asked.host) == ("flexserver", "127.0.0.1")
        self.boxes |= {f"127.0.0.1:{asked.port}": f"127.0.0.1:{box.port}"}
        self.boxes |= {f"127.0.0.1:{asked.rtsp_port}": f"127.0.0.1:{box.rtsp_port}"}
        self.check(step, box.log)

    def begin(self, step: Step) -> None:
        shell = self.shell()
        shell.begin(self.here(step.command), re.escape(step.shown.split(":")[0]))
        self.waiting = shell, step

    def finish(self) -> None:
        """What ran in the second shell has ended by itself."""
        if self.waiting:
            shell, step = self.waiting
            self.waiting = None
            self.check(step, shell.end())

    def check(self, step: Step, seen: str) -> None:
        seen = self.page(seen)
        if lost := missing(step.shown, seen):
            self.faults.append("\n".join([f"$ {step.command}", seen, "-- is not there:", *lost]))
        self.done.append(step.command)
