"""docs/reference/python.md says what the docstrings say."""

from __future__ import annotations

from pathlib import Path

from flexclient._reference import page
from tests.sdk.test_surface import ENDPOINTS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"


def test_the_page_is_as_the_docstrings_are() -> None:
    assert PAGE.read_text() == page(), "make it again: python -m flexclient._reference > docs/reference/python.md"


def test_every_method_stands_there() -> None:
    text = page()
    for resource, names in ENDPOINTS.items():
        for name in names:
            assert f"**`client.{resource}.{name}(" in text
    for word in ("FlexFleet.map(", "FakeFlex.script(", "otel.traced(", "FlexError", "EventStream.close("):
        assert word in text
