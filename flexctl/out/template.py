"""`--template`: a text with fields in braces, filled in for each item. Pure.

It looks as Python's format strings do, and is none of them: a field is looked up in JSON values and nowhere else, so
no attribute of an object can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from flexctl.errors import Misuse
from flexctl.meant import meant
from flexctl.out.human import exact

_HINT = "a field is {id} or {stats.fps:.1f}, a brace is {{, a tab is \\t: `flexctl help output`"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\0": "\0", "\\\\": "\\"}
_STEP = re.compile(r"\[([^\[\]]+)\]|(?:^|\.)([^.\[\]]+)")
_SPEC = re.compile(r"(?:.?[<>=^])?[-+ ]?z?#?0?(?P<width>\d*)[,_]?(?:\.(?P<digits>\d+))?[a-zA-Z%]?", re.DOTALL)
_LONGEST = 1000
"""No field is padded to more columns than this."""
MISSING = object()


@dataclass(frozen=True, slots=True)
class Piece:
    """Text as it is, and the field behind it."""

    text: str
    name: str | None = None
    """As it was written; None where only text is left, empty for the item itself."""
    path: tuple[str, ...] = ()
    spec: str = ""

    @property
    def width(self) -> int:
        """Columns that the field is padded to."""
        found = _SPEC.fullmatch(self.spec)
        return int(found["width"] or 0) if found else 0


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was read."""

    pieces: tuple[Piece, ...]

    @property
    def ending(self) -> str:
        """What follows each item: a line's end, unless the template ends its items itself."""
        last = self.pieces[-1]
        return "" if last.name is None and last.text.endswith(("\n", "\0")) else "\n"

    def fill(self, item: Any) -> str:
        """The text for one item."""
        return "".join(piece.text + ("" if piece.name is None else _shown(piece, item)) for piece in self.pieces)

    def typo(self, items: Sequence[Any]) -> str:
        """What to remark where no item has a field, and one of a like name is there."""
        paths = [piece.path[:length] for piece in self.pieces for length in range(1, len(piece.path) + 1)]
        for path in paths if items else []:
            if all(found(item, path) is MISSING for item in items):
                above = [found(item, path[:-1]) for item in items]
                known = {key for one in above if isinstance(one, dict) for key in one}
                if guess := meant(path[-1], sorted(known)):
                    return f"--template: nothing has a field '{'.'.join(path)}'{guess}"
        return ""


def read(text: str) -> Template:
    """Read a template. Raises Misuse."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise Misuse(f"--template: {str(error).lower()}", _HINT) from None
    return Template(tuple(_piece(*part) for part in parsed) or (Piece(""),))


def _piece(text: str, name: str | None, spec: str | None, conversion: str | None) -> Piece:
    text = re.sub(r"\\[tnr0\\]", lambda found: _ESCAPES[found[0]], text)
    if name is None:
        return Piece(text)
    steps = [bracket or word for bracket, word in _STEP.findall(name)]
    if conversion or "".join(_STEP.sub("", name)):
        raise Misuse(f"--template: '{{{name}{'!' + conversion if conversion else ''}}}' is no field", _HINT)
    piece = Piece(text, name, tuple(steps), spec or "")
    digits = _SPEC.fullmatch(piece.spec)
    if not digits or max(piece.width, int(digits["digits"] or 0)) > _LONGEST:
        raise Misuse(f"--template: '{piece.spec}' is no format of '{name}'", _HINT)
    return piece


def found(item: Any, path: tuple[str, ...]) -> Any:
    """What lies at the path in JSON values, or MISSING."""
    for step in path:
        if isinstance(item, dict) and step in item:
            item = item[step]
        elif isinstance(item, list) and re.fullmatch(r"-?\d{1,9}", step) and -len(item) <= int(step) < len(item):
            item = item[int(step)]
        else:
            return MISSING
    return item


def _shown(piece: Piece, item: Any) -> str:
    value = found(item, piece.path)
    if value is MISSING or value is None:
        return " " * piece.width
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and piece.spec:
        return _formatted(piece, value)
    if isinstance(value, (dict, list)):
        from flexctl.out.formats import to_line

        value = to_line(value)
    return _formatted(piece, exact(value)) if piece.spec else exact(value)


def _formatted(piece: Piece, value: str | float) -> str:
    try:
        return format(value, piece.spec)
    except (ValueError, OverflowError):
        kind = "text" if isinstance(value, str) else "a number"
        sentence = f"--template: '{piece.name}' is {kind} here ({value}), which '{piece.spec}' cannot show"
        raise Misuse(sentence, "text takes widths only: {state:>12}") from None
