"""A help page as text: pure."""

from __future__ import annotations

from dataclasses import dataclass

from flexctl.out.style import Span, cells, fold, paint
from flexctl.out.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with two columns below it, or with a paragraph."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    note: str = ""


def render(usage: str, text: str, sections: list[Section], terminal: Terminal) -> str:
    """The page, at most 100 columns wide."""
    width, color = min(terminal.width or 80, 100), terminal.color
    lines = [paint([Span("Usage: ", "title"), Span(usage)], color), ""]
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("  "):
            lines += [*paragraph.splitlines(), ""]
        elif paragraph:
            lines += [*fold(" ".join(paragraph.split()), width), ""]
    for section in sections:
        if section.rows or section.note:
            lines += [paint([Span(f"{section.title}:", "title")], color), *_body(section, width, color), ""]
    return "\n".join(lines)


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
