"""Tables of JSON values that no view is about: what a query picked, or any answer of the box. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flexctl.errors import Misuse
from flexctl.out.formats import to_line
from flexctl.out.human import exact
from flexctl.views.view import Column, Field, Part, View

_NAMES = ("id", "name", "file", "device_path", "url")
"""Fields that tell one thing from another, the best first."""


def view_of(rows: Sequence[Any]) -> View[Any]:
    """How to show these: a column for each key, or for each place in a list, or one for the values themselves."""
    if any(isinstance(row, dict) for row in rows):
        keys: list[str] = list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
        columns = tuple(_column(key, key) for key in keys)
    elif any(isinstance(row, list) for row in rows):
        most = max(len(row) for row in rows if isinstance(row, list))
        columns = tuple(_column(str(index + 1), index) for index in range(most))
    else:
        columns = (Column("value", "VALUE", _cell),)
    return View(columns, details=_details, name=_name, data=lambda row: row)


def is_flat(data: Any) -> bool:
    """Whether a table or a page of it says more than the JSON itself: not where objects lie in objects."""
    if isinstance(data, list):
        return True
    return not isinstance(data, dict) or not any(isinstance(value, (dict, list)) for value in data.values())


def _column(key: str, place: str | int) -> Column[Any]:
    return Column(key, key.upper(), lambda row: _cell(_at(row, place)), "state" if key == "state" else "text")


def _at(row: Any, place: str | int) -> Any:
    if isinstance(place, str):
        return row.get(place) if isinstance(row, dict) else None
    return row[place] if isinstance(row, list) and place < len(row) else None


def _cell(value: Any) -> Any:
    return to_line(value) if isinstance(value, (dict, list)) else value


def _details(data: Any) -> list[Part]:
    fields = data.items() if isinstance(data, dict) else [("", data)]
    return [Part("", tuple(Field(key, _cell(value)) for key, value in fields))]


def _name(row: Any) -> str:
    if isinstance(row, dict):
        for key in _NAMES:
            if isinstance(row.get(key), str):
                return exact(row[key])
        raise Misuse("-o name: these have no names", "pick what is meant with --query, or write it with --template")
    return exact(_cell(row))
