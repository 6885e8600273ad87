"""One row of the fake box's table, and the forms of its answers. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flexclient._fake.box import FakeAnswer, dumps
from flexclient.models import EVENT_DATA, Mode, State


@dataclass(frozen=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    do: Callable[..., FakeAnswer]
    query: tuple[str, ...] = ()
    public: bool = False
    key: bool = False
    """Needs the API key, where the box has one."""
    ours: bool = False
    """Beyond the documented contract."""
    takes: tuple[str, ...] = ("application/json", "application/merge-patch+json")
    """Media types of the body."""


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda text: text in values


def _number(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdecimal() and len(text) <= 18 and low <= int(text) <= high


_TYPES = _one_of(*EVENT_DATA.keys() - {"gap", "bye"})
VALUES: dict[str, Callable[[str], bool]] = {
    "mode": _one_of(*(mode.value for mode in Mode)),
    "on_demand": _one_of("true", "false"),
    "state": _one_of(*(state.value for state in State)),
    "types": lambda text: all(map(_TYPES, text.split(","))),
    "since": _number(0, 2**53),
    "width": _number(16, 8192),
    "format": _one_of("launch", "dot"),
    "tail": _number(1, 1000),
}
"""What query parameters may be; the others may be anything."""


def json_answer(value: object, status: int = 200, **headers: str) -> FakeAnswer:
    """JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return FakeAnswer(status, {"content-type": "application/json", **named}, dumps(value))


def text_answer(text: str) -> FakeAnswer:
    """Plain text."""
    return FakeAnswer(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())
