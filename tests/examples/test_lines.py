"""What the tutorial, the how-to pages and the examples show of flexctl can be typed, also where it is not run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer import Exit

from flexctl.errors import Misuse
from tests.cli.test_examples import lines_of, parse, words
from tests.examples.pages import ROOT

PAGES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_of_flexctl(page: Path) -> None:
    shown = list(lines_of(page.read_text(encoding="utf-8")))
    assert shown
    for line, whole in shown:
        try:
            parse(words(line.partition("; echo")[0].replace("$(", "").replace(")", "")))
        except Exit:
            continue  # a help topic
        except Misuse as error:
            if whole or "is missing" not in str(error):
                raise AssertionError(f"{line}: {error}") from error
