"""One row of the fake box's table, and the forms of its answers. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flexclient._fake.box import FakeAnswer, dumps


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


def json_answer(value: object, status: int = 200, **headers: str) -> FakeAnswer:
    """JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return FakeAnswer(status, {"content-type": "application/json", **named}, dumps(value))


def text_answer(text: str) -> FakeAnswer:
    """Plain text."""
    return FakeAnswer(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())
