"""Runs flexctl inside the test, connected to whatever the test says, and compares what comes out with files."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from flexctl.__main__ import run
from flexctl.out.terminal import Terminal

NOW = datetime(2026, 11, 1, 12, 5, 30, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"
PIPE = Terminal()


def terminal(width: int, *, color: bool = False, height: int = 24, unicode: bool = True) -> Terminal:
    """A terminal of that size."""
    return Terminal(True, True, True, width, width, height, color=color, color_err=color, unicode=unicode)


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    def __init__(self, text: str = "") -> None:
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(errors="backslashreplace")


@contextmanager
def _environ(url: str, more: dict[str, str]) -> Iterator[None]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
    with patch.dict(os.environ, {**clean, "FLEX_URL": url, "TZ": "UTC", **more}, clear=True):
        yield


def flexctl(*argv: str, url: str = "http://127.0.0.1:9", on: Terminal = PIPE, stdin: str = "", **env: str) -> Ran:
    """Run it. Addresses of the test's own box read `http://box` in the result."""
    out, err = _Stream(), _Stream()
    with (
        _environ(url, env),
        patch.object(Terminal, "of_process", classmethod(lambda *_a, **_k: on)),
        patch("flexctl.state.now", lambda: NOW),
        patch.object(sys, "stdout", out),
        patch.object(sys, "stderr", err),
        patch.object(sys, "stdin", _Stream(stdin)),
    ):
        code = run(list(argv))
    if not url:
        return Ran(code, out.text(), err.text())
    return Ran(code, out.text().replace(url, "http://box"), err.text().replace(url, "http://box"))


def transcript(ran: Ran, *argv: str, note: str = "") -> str:
    """A run as people would see it, the two streams apart."""
    title = f"$ flexctl {' '.join(argv)}" + (f"    # {note}" if note else "")
    parts = [title, ran.out.rstrip("\n")]
    parts += [f"-- stderr\n{ran.err.rstrip()}"] if ran.err else []
    parts += [f"-- exit {ran.code}"] if ran.code else []
    return "\n".join(part for part in parts if part) + "\n"


def golden(name: str, text: str) -> None:
    """Compare with the file of that name; FLEX_UPDATE_GOLDEN=1 writes it instead (then read the difference)."""
    path = GOLDEN / f"{name}.txt"
    text = text.replace("\x1b", "\\e").replace("\r", "\\r")
    if os.environ.get("FLEX_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"there is no {path.name}: run once with FLEX_UPDATE_GOLDEN=1"
    assert text == path.read_text(encoding="utf-8")
