"""Fixtures that several parts of the suite share; tests/conftest.py takes them in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.box import Box

BoxFactory = Callable[..., Box]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One server for all tests of a module."""
    with Box(tmp_path_factory.mktemp("box") / "data") as made:
        yield made


@pytest.fixture
def box_factory(tmp_path: Path) -> Iterator[BoxFactory]:
    """Make servers with settings of your own: `box_factory("--start-timeout", "2")`; all end with the test."""
    made: list[Box] = []

    def make(*args: str, **options: object) -> Box:
        one = Box(tmp_path / f"data{len(made)}", *args, **options)  # type: ignore[arg-type]
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()
