from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server.door import door, keyed_box, locked
from tests.support.api import Api
from tests.support.box import Box
from tests.support.fixtures import box, box_factory
from tests.support.media_double import FakeMedia, fake_media

__all__ = ["box", "box_factory", "door", "keyed_box", "locked"]


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> FakeMedia:
    """The fake media processes of this module's box."""
    return fake_media(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="module")
def fake_box(tmp_path_factory: pytest.TempPathFactory, fake: FakeMedia) -> Iterator[Box]:
    """A box without real media: fast, and its workers fail as they are told."""
    with Box(tmp_path_factory.mktemp("box") / "data", "--start-timeout", "1.5", env=fake.env) as made:
        yield made


@pytest.fixture
def api(fake_box: Box, fake: FakeMedia) -> Iterator[Api]:
    """A client of the module's fake box, which is empty again after the test."""
    with Api(fake_box) as made:
        yield made
        fake.forget()
        for one in made.get("/flex/pipeline").json():
            made.call("DELETE", f"/flex/pipeline/{one['id']}")


FakeBoxes = Callable[..., tuple[Box, FakeMedia]]


@pytest.fixture
def fake_boxes(tmp_path: Path) -> Iterator[FakeBoxes]:
    """Boxes of one's own with fake media; all end with the test."""
    made: list[Box] = []

    def make(*args: str, problem: str | None = None, env: dict[str, str] | None = None) -> tuple[Box, FakeMedia]:
        media = fake_media(tmp_path / f"fake{len(made)}", problem)
        one = Box(tmp_path / f"data{len(made)}", *args, env={**media.env, **(env or {})})
        made.append(one)
        return one, media

    yield make
    for one in made:
        one.stop()
