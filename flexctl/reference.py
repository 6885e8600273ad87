"""The command line as a man page and as Markdown, made of the commands themselves.

`python -m flexctl.reference docs` writes docs/man/flexctl.1 and docs/reference/cli.md. A test holds them to the tree.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flexctl.app import app
from flexctl.out.help import Section, parted, typed
from flexctl.topics import TOPICS

MAN, MARKDOWN = Path("man/flexctl.1"), Path("reference/cli.md")
_ELSEWHERE = {"Commands", "Aliases", "Extensions", "Topics", "Global options"}
"""Sections of help that are no part of a command, or of the machine that the reference is made on."""
_TABLES = ("output", "environment", "exit-codes")
_WIDTH = 78
_HELP = "-h, --help"
"""Told once, of flexctl itself."""
_REFERENCE = (
    "Every command of `flexctl`, as `flexctl COMMAND --help` shows it; [flexctl.md](../flexctl.md) is what holds for "
    "all of them.\nMade by `python -m flexctl.reference docs`; do not edit."
)


@dataclass(frozen=True, slots=True)
class Page:
    """One command."""

    name: str
    """The whole of it, `flexctl pipeline list`."""
    line: str
    usage: str
    told: tuple[str, ...]
    """Paragraphs."""
    examples: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def depth(self) -> int:
        """0 for flexctl itself, 1 for its commands and groups, 2 for what is in a group."""
        return self.name.count(" ")


def pages() -> list[Page]:
    """Every command there is, a group before what is in it."""
    return list(_walk(app(), "flexctl", "Command line of a Flex Video encoder", None))


def _walk(command: Any, name: str, line: str, above: Any) -> Iterator[Page]:
    ctx = command.make_context(name, [], parent=above, resilient_parsing=True)
    told, examples = parted(inspect.cleandoc(command.help or ""))
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    own = [one for one in command.sections(ctx) if one.title not in _ELSEWHERE]
    rows = [tuple(row for row in one.rows if above is None or row[0] != _HELP) for one in own]
    sections = tuple(replace(one, rows=left) for one, left in zip(own, rows, strict=True) if left)
    yield Page(ctx.command_path, line, usage, tuple(told), tuple(examples), sections)
    table = getattr(command, "table", {})
    for inner in command.list_commands(ctx) if table else ():
        yield from _walk(command.get_command(ctx, inner), inner, table[inner].help, ctx)


# Markdown


def markdown(found: Sequence[Page]) -> str:
    """The reference page."""
    first, *rest = found
    lines = ["# Command line", "", _REFERENCE, "", *_contents(rest)]
    lines += ["## Global options", "", "Before or after a command's name.", "", *_tables(first.sections)]
    for page in rest:
        lines += [f"{'#' * (page.depth + 1)} {page.name}", ""]
        lines += [*_prose(page), *_shell(page), *_tables(page.sections)]
    for name in _TABLES:
        title = name.replace("-", " ").capitalize()
        lines += [f"## {title}", "", f"`help {name}` tells more.", "", *_tables(TOPICS[name][2]())]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _contents(found: Sequence[Page]) -> Iterator[str]:
    yield from ("| command | what |", "|---|---|")
    for page in found:
        if page.depth == 1:
            yield f"| [{page.name}](#{page.name.replace(' ', '-')}) | {_plain(page.line)} |"
    yield ""


def _prose(page: Page) -> Iterator[str]:
    for paragraph in page.told:
        if paragraph.startswith("  "):
            yield from ("```text", *inspect.cleandoc(f"\n{paragraph}").splitlines(), "```", "")
        else:
            yield from (_plain(" ".join(paragraph.split())), "")


def _shell(page: Page) -> Iterator[str]:
    yield from ("```text", f"Usage: {page.usage}", "```", "")
    if page.examples:
        yield from ("```sh", *page.examples, "```", "")


def _tables(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from (f"| {section.title.lower()} | |", "|---|---|")
        for left, right in section.rows:
            yield f"| `{left.replace('|', chr(92) + '|')}` | {_plain(right)} |"
        yield ""


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else; what stands in backticks stays as it is, but for a table's bars."""
    parts = re.split(r"(`[^`]*`)", text)
    safe = [part if part.startswith("`") else re.sub(r"([*<\[\]])", r"\\\1", part) for part in parts]
    return "".join(safe).replace("|", "\\|")


# The man page


def man(found: Sequence[Page]) -> str:
    """The page in roff, for man(1)."""
    first, *rest = found
    lines = [
        '.TH FLEXCTL 1 "" "flex" "User Commands"',
        ".ad l",
        ".nh",
        ".SH NAME",
        r"flexctl \- command line of a Flex Video encoder",
    ]
    lines += [".SH SYNOPSIS", _bold(first.usage), ".SH DESCRIPTION", *_paragraphs(first.told), *_rows(first.sections)]
    lines.append(".SH COMMANDS")
    for page in rest:
        lines += [f".SS {_roff(page.name)}", *_paragraphs(page.told)]
        if not page.told:
            lines.append(_roff(page.line))
        lines += [".PP", _bold(page.usage), *_code(page.examples), *_rows(page.sections)]
    for name, (_, text, sections) in TOPICS.items():
        told, examples = parted(inspect.cleandoc(text))
        lines += [
            f".SH {_roff(name.replace('-', ' ').upper())}",
            *_paragraphs(told),
            *_code(examples),
            *_rows(sections()),
        ]
    return "\n".join(lines) + "\n"


def _paragraphs(told: Sequence[str]) -> Iterator[str]:
    for paragraph in told:
        if paragraph.startswith("  "):
            yield from _code(inspect.cleandoc(f"\n{paragraph}").splitlines())
        else:
            yield from (".PP", _roff(" ".join(paragraph.split())))


def _code(examples: Sequence[str]) -> Iterator[str]:
    if examples:
        rows = [row for one in examples for row in typed(one, _WIDTH - 10)]
        yield from (".PP", ".RS 4", ".nf", *map(_roff, rows), ".fi", ".RE")


def _rows(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from (".PP", f"{_roff(section.title)}:")
        for left, right in section.rows:
            yield from (".TP", _bold(left), _roff(right))


def _bold(text: str) -> str:
    return rf"\fB{_roff(text)}\fR"


def _roff(text: str) -> str:
    """Text that roff takes for nothing else: it reads commands at the beginning of a line, and guesses at hyphens."""
    text = (
        text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga").replace("'", r"\(aq").replace("^", r"\(ha")
    )
    return (r"\&" + text if text.startswith(".") else text).replace("~", r"\(ti").replace("…", "...")


def main(folder: Path) -> None:
    """Write both."""
    found = pages()
    for path, text in ((MAN, man(found)), (MARKDOWN, markdown(found))):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
