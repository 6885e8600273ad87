"""What a person sees and does in `top`: the selection, the filter, the order, the questions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from flexctl.live.boxes import Said
from flexctl.views.top import TROUBLE, Entry, reason_of
from flexctl.views.view import Column

Mode = Literal["table", "filter", "ask", "logs", "help"]
Place: TypeAlias = tuple[str, str]
"""A pipeline: its box and its id."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be done outside: `play`, `stop` or `logs` of a pipeline, or `quit`."""

    what: Literal["play", "stop", "logs", "quit"]
    place: Place = ("", "")


@dataclass(frozen=True, slots=True)
class Panel:
    """What is shown of the board, and how."""

    mode: Mode = "table"
    selected: Place | None = None
    index: int = 0
    """Where the selection stood: when its pipeline goes, the next one takes its place."""
    first: int = 0
    """The first row, or line of the log, that is in the window."""
    filter: str = ""
    order: str = "id"
    turned: bool = False
    said: Said | None = None
    said_at: datetime | None = None
    log: tuple[str, ...] = ()
    following: bool = True
    """Whether the log is shown at its end, and stays there when it grows."""


ORDERS = ("id", "state", "fps", "bitrate_kbps", "readers", "cpu_percent", "rss_bytes", "last_event")
"""The columns that `o` goes through."""
_DOWNWARD = frozenset({"fps", "bitrate_kbps", "readers", "cpu_percent", "rss_bytes", "last_event"})
"""Columns that begin with the largest."""


def ordered(entries: Sequence[Entry], panel: Panel, columns: Sequence[Column[Entry]]) -> list[Entry]:
    """The rows that pass the filter, in order; those without a value come last, and equals stay by name."""
    found = sorted((entry for entry in entries if _passes(entry, panel.filter)), key=lambda e: (e.id, e.box))
    [column] = [column for column in columns if column.key == panel.order]
    full = [entry for entry in found if column.value(entry) is not None]
    empty = [entry for entry in found if column.value(entry) is None]
    return [*sorted(full, key=lambda e: _rank(column, e), reverse=downward(panel)), *empty]


def downward(panel: Panel) -> bool:
    """Whether the order begins with the largest."""
    return (panel.order in _DOWNWARD) != panel.turned


def _rank(column: Column[Entry], entry: Entry) -> tuple[float, str]:
    value = column.value(entry)
    if column.key == "state":
        known = str(value) in TROUBLE
        return (TROUBLE.index(str(value)) if known else len(TROUBLE), "")
    if isinstance(value, datetime):
        return (value.timestamp(), "")
    return (float(value), "") if isinstance(value, (int, float)) else (0.0, str(value))


def _passes(entry: Entry, text: str) -> bool:
    words = (entry.id, entry.box, str(entry.state), reason_of(entry) or "")
    return not text or any(text.lower() in word.lower() for word in words)


def settled(panel: Panel, rows: Sequence[Entry], room: int) -> Panel:
    """The panel for these rows: the selection on one that is there, and in the window."""
    if panel.mode == "logs":
        most = max(len(panel.log) - room, 0)
        return replace(panel, first=most if panel.following else min(panel.first, most))
    if panel.mode == "help":
        return panel
    places = {(row.box, row.id): index for index, row in enumerate(rows)}
    index = places.get(panel.selected, panel.index) if panel.selected else panel.index
    index = max(min(index, len(rows) - 1), 0)
    selected = (rows[index].box, rows[index].id) if rows else None
    lowest, highest = max(index - room + 1, 0), index
    first = max(min(panel.first, highest, max(len(rows) - room, 0)), lowest)
    return replace(panel, selected=selected, index=index, first=first)


Pressed: TypeAlias = tuple[Panel, Deed | None]


def pressed(panel: Panel, key: str, rows: Sequence[Entry], room: int) -> Pressed:
    """What a key does, with these rows in a window that shows so many of them."""
    by_mode: dict[Mode, Callable[[Panel, str, Sequence[Entry], int], Pressed]] = {
        "table": _in_table,
        "filter": _in_filter,
        "ask": _in_question,
        "logs": _in_logs,
        "help": _in_help,
    }
    return by_mode[panel.mode](panel, key, rows, room)


_STEPS: dict[str, Callable[[int, int, int], int]] = {
    "up": lambda at, _count, _room: at - 1,
    "k": lambda at, _count, _room: at - 1,
    "down": lambda at, _count, _room: at + 1,
    "j": lambda at, _count, _room: at + 1,
    "page up": lambda at, _count, room: at - room,
    "page down": lambda at, _count, room: at + room,
    "home": lambda _at, _count, _room: 0,
    "g": lambda _at, _count, _room: 0,
    "end": lambda _at, count, _room: count - 1,
    "G": lambda _at, count, _room: count - 1,
}


def _in_table(panel: Panel, key: str, rows: Sequence[Entry], room: int) -> Pressed:
    if step := _STEPS.get(key):
        index = max(min(step(panel.index, len(rows), room), len(rows) - 1), 0)
        return settled(replace(panel, index=index, selected=None), rows, room), None
    if key == "q":
        return panel, Deed("quit")
    if key in {"p", "s", "l", "enter"}:
        return _wanted(panel, key)
    return _arranged(panel, key), None


def _wanted(panel: Panel, key: str) -> Pressed:
    """Something for the pipeline that is selected."""
    if panel.selected is None:
        return replace(panel, said=Said("there is no pipeline to choose", "dim")), None
    name = panel.selected[1]
    if key == "p":
        return replace(panel, said=Said(f"playing {name} …", "dim")), Deed("play", panel.selected)
    if key == "s":
        return replace(panel, mode="ask", said=None), None
    return replace(panel, said=Said(f"reading the log of {name} …", "dim")), Deed("logs", panel.selected)


def _arranged(panel: Panel, key: str) -> Panel:
    if key == "/":
        return replace(panel, mode="filter", said=None)
    if key == "?":
        return replace(panel, mode="help", said=None)
    if key == "o":
        after = ORDERS[(ORDERS.index(panel.order) + 1) % len(ORDERS)] if panel.order in ORDERS else ORDERS[0]
        return replace(panel, order=after, turned=False)
    if key == "O":
        return replace(panel, turned=not panel.turned)
    if key == "esc":
        return replace(panel, filter="", said=None)
    return panel


def _in_filter(panel: Panel, key: str, _rows: Sequence[Entry], _room: int) -> Pressed:
    if key == "enter":
        return replace(panel, mode="table"), None
    if key == "esc":
        return replace(panel, mode="table", filter=""), None
    if key == "backspace":
        return replace(panel, filter=panel.filter[:-1]), None
    if key == "clear":
        return replace(panel, filter=""), None
    return (replace(panel, filter=panel.filter + key) if len(key) == 1 else panel), None


def _in_question(panel: Panel, key: str, _rows: Sequence[Entry], _room: int) -> Pressed:
    back = replace(panel, mode="table")
    if key in {"y", "Y"} and panel.selected:
        return replace(back, said=Said(f"stopping {panel.selected[1]} …", "dim")), Deed("stop", panel.selected)
    return replace(back, said=Said("nothing was stopped", "dim")), None


def _in_logs(panel: Panel, key: str, _rows: Sequence[Entry], room: int) -> Pressed:
    if key in {"q", "esc", "l", "left"}:
        return replace(panel, mode="table", first=0, log=(), said=None), None
    if key == "r" and panel.selected:
        return panel, Deed("logs", panel.selected)
    if step := _STEPS.get("page down" if key == " " else key):
        most = max(len(panel.log) - room, 0)
        first = max(min(step(panel.first, len(panel.log), room), most), 0)
        return replace(panel, first=first, following=first == most), None
    return panel, None


def _in_help(panel: Panel, key: str, _rows: Sequence[Entry], _room: int) -> Pressed:
    if key == "q":
        return panel, Deed("quit")
    return replace(panel, mode="table"), None
