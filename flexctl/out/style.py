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

STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What steers a terminal or hides text. The joiners U+200C and U+200D stay: letters and emoji need them."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text of one meaning."""

    text: str
    style: str = ""


def safe(text: str) -> str:
    """Text of others without what would steer a terminal: control characters become visible marks."""
    return STEERING.sub(lambda found: " " if found[0] in "\t\n\r" else "\ufffd", text)


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, clusters(text)))


_JOINER, _PICTURE = "\u200d", "\ufe0f"


def clusters(text: str) -> list[str]:
    """The text in what people see as single signs: a letter with its accents, an emoji with its parts."""
    if text.isascii():
        return list(text)
    found: list[str] = []
    for char in text:
        if found and (_rides(char) or found[-1][-1] == _JOINER):
            found[-1] += char
        else:
            found.append(char)
    return found


def _rides(char: str) -> bool:
    """Whether a character belongs to the one before it: accents, joiners, skin tones, inner letters of Hangul."""
    code = ord(char)
    if code < 0x300:
        return False
    inner = 0x1160 <= code <= 0x11FF or 0x1F3FB <= code <= 0x1F3FF
    return inner or char == _JOINER or unicodedata.category(char) in {"Mn", "Me"}


def _columns(cluster: str) -> int:
    first = cluster[0]
    if unicodedata.east_asian_width(first) in "WF" or _PICTURE in cluster:
        return 2
    return 0 if _rides(first) else 1


def clip(text: str, room: int, mark: str = "…") -> str:
    """The text in at most `room` columns, with a mark where something is missing."""
    if len(text) <= room and cells(text) <= room:
        return text
    return (_head(text, max(room - len(mark), 0), least=0) + mark)[: max(room, 0)]


def fold(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` columns, broken at spaces where there are any; nothing is lost."""
    lines, line, used = [], "", 0
    for word in re.findall(r"\S+\s*|\s+", text):
        if used + cells(word.rstrip()) <= room:
            line, used = line + word, used + cells(word)
            continue
        if line:
            lines.append(line.rstrip())
        *whole, line = _pieces(word, room)
        used = cells(line)
        lines += whole
    return [*lines, line.rstrip()] if line.rstrip() or not lines else lines


_FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2}")


def _pieces(word: str, room: int) -> list[str]:
    """A word in pieces that fit; the last one keeps the spaces behind it."""
    if room > 2 and _FINGERPRINT.fullmatch(word.rstrip()):
        room -= room % 3  # never inside a byte
    pieces, start, end, sight = [], 0, len(word.rstrip()), 4 * room + 4
    while end - start > sight or cells(word[start:end]) > room:
        head = _head(word[start : start + sight], room)
        pieces.append(head)
        start += len(head)
    return [*pieces, word[start:]]


def _head(text: str, room: int, *, least: int = 1) -> str:
    """As many signs as fit, at least so many. Accents count nothing, so more than this is never looked at."""
    used = length = 0
    for index, cluster in enumerate(clusters(text[: 4 * room + 64])):
        used += _columns(cluster)
        if used > room and index >= least:
            break
        length += len(cluster)
    return text[:length]


def paint(spans: tuple[Span, ...] | list[Span], color: bool) -> str:
    """One line, with colour or without."""
    if not color:
        return "".join(span.text for span in spans).rstrip()
    parts = [f"\x1b[{SGR[s.style]}m{s.text}\x1b[0m" if SGR[s.style] and s.text else s.text for s in spans]
    return "".join(parts).rstrip()
