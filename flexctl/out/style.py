"""Text with a meaning, and the four ways to show it: plain, in colour, cut to a width, in a live screen."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

SGR: Final = {
    "": "",
    "title": "1",
    "heading": "1;2",
    "dim": "2",
    "good": "32",
    "warn": "33",
    "bad": "31",
    "accent": "36",
}
"""Meaning -> terminal attributes: of the colours that every theme defines, so that they fit light and dark ones."""

RICH: Final = {
    "": "",
    "title": "bold",
    "heading": "bold dim",
    "dim": "dim",
    "good": "green",
    "warn": "yellow",
    "bad": "red",
    "accent": "cyan",
}
"""The same in rich's words."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one meaning."""

    text: str
    style: str = ""


def safe(text: str) -> str:
    """Text of others without what would steer a terminal: control characters become visible marks."""
    return _CONTROL.sub(lambda found: " " if found[0] in "\t\n\r" else "\ufffd", text)


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(char) for char in text)


def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clip(text: str, room: int, mark: str = "…") -> str:
    """The text in at most `room` columns, with a mark where something is missing."""
    if cells(text) <= room:
        return text
    kept, used = [], 0
    for char in text:
        used += _cell(char)
        if used > room - len(mark):
            break
        kept.append(char)
    return ("".join(kept) + mark)[: max(room, 0)]


def fold(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` columns, broken at spaces where there are any; nothing is lost."""
    lines, line = [], ""
    for word in re.findall(r"\S+\s*|\s+", text):
        rest = word
        while cells((line + rest).rstrip()) > room:
            if line:
                lines.append(line.rstrip())
                line = ""
                continue
            head = _head(rest, room)
            lines.append(head)
            rest = rest[len(head) :]
        line += rest
    return [*lines, line.rstrip()] if line.rstrip() or not lines else lines


def _head(text: str, room: int) -> str:
    """As many characters as fit, at least one."""
    used = 0
    for index, char in enumerate(text):
        used += _cell(char)
        if used > room and index:
            return text[:index]
    return text


def paint(spans: tuple[Span, ...] | list[Span], color: bool) -> str:
    """One line, with colour or without."""
    if not color:
        return "".join(span.text for span in spans).rstrip()
    parts = [f"\x1b[{SGR[s.style]}m{s.text}\x1b[0m" if SGR[s.style] and s.text else s.text for s in spans]
    return "".join(parts).rstrip()
