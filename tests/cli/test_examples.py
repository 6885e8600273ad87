"""Every command shows how it is used, and what it shows can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flexclient import FlexClient
from flexclient.testing import FakeFlex
from flexctl.app import TABLE, app
from flexctl.errors import Misuse
from flexctl.lazy import Entry, Group
from flexctl.out.help import parted, typed
from tests.cli.harness import flexctl, terminal

PAGES = Path(__file__).parents[2] / "docs" / "reference"


def commands(table: Any = TABLE, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of every command, from the map."""
    for name, entry in table.items():
        if isinstance(entry, Group):
            yield from commands(entry.entries, (*above, name))
        else:
            assert isinstance(entry, Entry)
            yield (*above, name)


def words(line: str) -> list[str]:
    """What flexctl itself gets of a shell's line: up to the pipe, the redirection or the comment."""
    split = shlex.shlex(line, posix=True, punctuation_chars="|<>&;")
    split.whitespace_split = True
    found: list[str] = []
    for word in split:
        if set(word) <= set("|<>&;"):
            break
        found.append(word)
    return found[1:]


def command_of(argv: list[str]) -> tuple[Any, Any, list[str]]:
    """The command that is named, its context, and what is left for it. Raises for a name that is none."""
    command: Any = app()
    ctx = command.make_context("flexctl", [*argv], resilient_parsing=False)
    rest = [*ctx._protected_args, *ctx.args]
    while hasattr(command, "table"):
        name, command, rest = command.resolve_command(ctx, rest)
        if not hasattr(command, "table"):
            return command, ctx, rest
        ctx = command.make_context(name, rest, parent=ctx)
        rest = [*ctx._protected_args, *ctx.args]
    raise AssertionError(argv)


def parse(argv: list[str]) -> str:
    """Read the line as a run would, without running it; the path of its command."""
    command, above, rest = command_of(argv)
    ctx = command.make_context(command.name, rest, parent=above)
    path: str = ctx.command_path
    return path


def page(path: tuple[str, ...]) -> str:
    command, _, _ = command_of([*path])
    return str(command.help or "").replace("\n    ", "\n")


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_a_command_says_what_it_does_and_shows_how(path: tuple[str, ...]) -> None:
    text, examples = parted(page(path))
    assert text, "it says nothing about itself"
    assert len(text[0]) > 10
    assert examples, "it shows no example: the last paragraph of its docstring is lines that begin with flexctl"
    own = [line for line in examples if parse(words(line)) == " ".join(("flexctl", *path))]
    assert own, f"no example is its own: {examples}"


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
@pytest.mark.parametrize("width", [80, 60])
def test_help_shows_them_in_the_window(path: tuple[str, ...], width: int) -> None:
    ran = flexctl(*path, "--help", on=terminal(width))
    assert ran.code == 0
    assert re.search(r"^Examples?:$", ran.out, re.MULTILINE)
    first = parted(page(path))[1][0]
    shown = ran.out.replace("\\\n", " ")
    assert " ".join(first.split()) in " ".join(shown.split())
    lines = ran.out[ran.out.index("Example") :].split("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("file", sorted(PAGES.glob("*.md")), ids=lambda path: path.name)
class TestPages:
    """What the reference pages show can be typed."""

    def test_lines_of_flexctl(self, file: Path) -> None:
        for line, whole in lines_of(file.read_text(encoding="utf-8")):
            try:
                parse(words(line))
            except Misuse as error:
                if whole or "is missing" not in str(error):
                    raise AssertionError(f"{line}: {error}") from error

    def test_calls_of_the_sdk(self, file: Path) -> None:
        for found in re.finditer(r"client((?:\.[a-z_]+)+)\(", file.read_text(encoding="utf-8")):
            thing: Any = FlexClient(url="http://127.0.0.1:9", transport=FakeFlex())
            for name in found[1].removeprefix(".").split("."):
                thing = getattr(thing, name)
            assert callable(thing), found[0]


def lines_of(text: str) -> Iterator[tuple[str, bool]]:
    """Lines of flexctl in Markdown: in a block, perhaps behind a prompt, they are whole; prose may only name one."""
    joined = text.replace("\\\n", " ")
    for block in re.findall(r"^```\w*\n(.*?)^```", joined, re.MULTILINE | re.DOTALL):
        yield from ((line, True) for line in re.findall(r"^(?:\$ )?(flexctl .*)$", block, re.MULTILINE))
    for line in re.findall(r"`(flexctl [^`\n]*)`", joined):
        if "COMMAND" not in line and "\u2026" not in line:
            yield line.replace("\\|", "|"), False


def test_a_long_line_breaks_only_where_a_shell_allows_it() -> None:
    line = "flexctl pipeline update cam1 --overlay-text 'Gate number two' --remove crop"
    rows = typed(line, 40)
    assert rows == [
        "flexctl pipeline update cam1 \\",
        "    --overlay-text 'Gate number two' \\",
        "    --remove crop",
    ]
    assert shlex.split("\n".join(rows).replace("\\\n", "")) == shlex.split(line)
    assert typed(line, 80) == [line]


def test_a_line_with_a_wrong_option_would_be_found() -> None:
    with pytest.raises(Exception, match=r"--colour|No such option|no option"):
        parse(words("flexctl pipeline list --colour blue"))
    with pytest.raises(Exception, match="no command"):
        parse(words("flexctl pipeline show cam1"))
    with pytest.raises(Exception, match="missing"):
        parse(words("flexctl pipeline get | cat"))
