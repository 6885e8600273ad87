"""The tutorial is done from its first line to its last, on real boxes, and shows what its page shows."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.examples.pages import ROOT
from tests.examples.reader import Reader, blocks, missing, plain

PAGE = ROOT / "docs" / "tutorial.md"


@pytest.mark.timeout(240)
def test_the_tutorial_is_true(tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        reader.read(PAGE)
        assert (tmp_path / "gate.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert len(reader.done) > 25


def test_a_line_that_is_not_true_would_be_found() -> None:
    seen = "ID   FPS\ngate 29.97  12s\n\ngone 3m 4s ago"
    assert missing("ID  FPS\ngate 30.1 1m 2s\ngone 5s ago", seen) == []
    assert missing("\N{HORIZONTAL ELLIPSIS}\ngone\N{HORIZONTAL ELLIPSIS}", seen) == []
    assert missing("gone \N{HORIZONTAL ELLIPSIS}\nID  FPS", seen) == ["ID  FPS"]
    assert missing("gate  - 12s", seen) == ["gate  - 12s"]
    assert plain("SHA 1E:5A:\N{HORIZONTAL ELLIPSIS}:90") == plain("SHA 1E:5A:77:90") == "SHA <hex>"


def test_every_block_of_the_page_is_of_a_known_kind() -> None:
    kinds = {(language, kind if language == "console" else "file") for language, kind, _ in blocks(PAGE)}
    assert kinds == {
        ("console", ""),
        ("console", "by-hand"),
        ("console", "server"),
        ("console", "second"),
        ("python", "file"),
    }
    (by_hand,) = [text for _, kind, text in blocks(PAGE) if kind == "by-hand"]
    assert re.search(r"^  setup ", (ROOT / "dev").read_text(), re.MULTILINE)
    assert "./dev setup" in by_hand
