"""The words that a view is written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")

Kind = Literal[
    "text", "state", "kbps", "fps", "percent", "bytes", "seconds", "age", "ms", "count", "bool", "clock", "event"
]
"""What a value measures: it decides how people see it. Programs always get it exactly as it came."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a table.

    On a narrow terminal the column with the highest `priority` goes first; 0 never goes. `least` is the width below
    which its text is not cut (0: it is never cut, and folds when it alone is too wide).
    """

    key: str
    """Its name in `--columns` and `--sort-by`, and its title in CSV."""
    title: str
    value: Callable[[T], object]
    kind: Kind = "text"
    priority: int = 0
    least: int = 0
    wide: bool = False
    """Shown by `-o wide` and by name only."""
    if_any: bool = False
    """Left out of a table where no row has a value."""
    shown: Callable[[T], object] | None = None
    """What a table shows instead of the value, which programs get in CSV."""


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a detail page."""

    label: str
    value: object
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of lines of a detail page; the first one has no title."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """Everything that output needs to know about one kind of thing."""

    columns: tuple[Column[T], ...]
    details: Callable[[T], Sequence[Part]]
    name: Callable[[T], str]
    data: Callable[[T], Any]
    """The thing as JSON values: the model, never the table."""
