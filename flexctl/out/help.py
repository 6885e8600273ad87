"""A help page as text: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flexctl.out.style import Span, cells, fold, paint
from flexctl.out.terminal import Terminal

_WORD = r"""(?:'[^']*'|"[^"]*"|[^\s'"])+"""
_WORDS = re.compile(rf"-[\w-]+ (?!-){_WORD}|{_WORD}")
"""Words of a shell's line: what stands in quotes stays together, and so do an option and its value."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with two columns below it, or with a paragraph."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""


def parted(text: str) -> tuple[list[str], list[str]]:
    """The paragraphs of a help text, and its examples: the lines of every paragraph that only calls flexctl."""
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    calls = [all(line.strip().startswith("flexctl ") for line in one.splitlines()) for one in paragraphs]
    told = [paragraph for paragraph, is_call in zip(paragraphs, calls, strict=True) if not is_call]
    shown = [paragraph for paragraph, is_call in zip(paragraphs, calls, strict=True) if is_call]
    return told, [line.strip() for paragraph in shown for line in paragraph.splitlines()]


def render(usage: str, text: str, sections: list[Section], terminal: Terminal, *, title: str = "Usage") -> str:
    """The page, at most 100 columns wide."""
    width, color = min(terminal.width or 80, 100), terminal.color
    lines = [paint([Span(f"{title}: ", "title"), Span(usage)], color), ""]
    paragraphs, examples = parted(text)
    for paragraph in paragraphs:
        if paragraph.startswith("  "):
            lines += [*paragraph.splitlines(), ""]
        else:
            lines += [*fold(" ".join(paragraph.split()), width), ""]
    if examples:
        title = "Example:" if len(examples) == 1 else "Examples:"
        lines += [paint([Span(title, "title")], color), *(f"  {row}" for one in examples for row in typed(one, width))]
        lines.append("")
    for section in sections:
        if section.rows or section.note:
            lines += [paint([Span(f"{section.title}:", "title")], color), *_body(section, width, color), ""]
    return "\n".join(lines)


def typed(line: str, width: int) -> list[str]:
    """A shell's line as it can be copied from a narrow window: continued with a backslash, at spaces only."""
    if cells(line) <= width - 2:
        return [line]
    room, rows, row = width - 4, list[str](), ""
    for word in _WORDS.findall(line):
        if row and cells(row) + 1 + cells(word) > room:
            rows.append(f"{row} \\")
            row = f"    {word}"
        else:
            row = f"{row} {word}" if row else word
    return [*rows, row]


def _body(section: Section, width: int, color: bool) -> list[str]:
    lines = [f"  {line}" for line in fold(section.note, width - 2)] if section.note else []
    column = min(max((cells(left) for left, _ in section.rows), default=0), max(width // 2 - 4, 12))
    for left, right in section.rows:
        first, *more = fold(right, max(width - column - 4, 16))
        if cells(left) > column:
            lines.append(paint([Span(f"  {left}", "accent")], color))
            left = ""
        lines.append(paint([Span(f"  {left:<{column}}", "accent"), Span(f"  {first}")], color))
        lines += [" " * (column + 4) + line for line in more]
    return lines
