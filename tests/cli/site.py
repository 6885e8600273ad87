"""A person's machine with several boxes on real ports: fixtures of the tests of contexts and fan-out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fakebox import FakeBox, fake_box
from tests.cli.harness import PIPE, Ran, flexctl


class Site:
    """A configuration folder of its own, and boxes saved in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "contexts.toml"
        self.boxes: dict[str, FakeBox] = {}
        self.env: dict[str, str] = {"FLEX_CONFIG_DIR": str(folder), "FLEX_URL": ""}

    def run(self, *argv: str, stdin: str = "", on: Any = PIPE, **env: str) -> Ran:
        """Run it; addresses of the boxes read `http://NAME` in the result."""
        ran = flexctl(*argv, url="", stdin=stdin, on=on, **{**self.env, **env})
        out, err = ran.out.replace("http://box", ""), ran.err.replace("http://box", "")
        for name, box in self.boxes.items():
            out, err = out.replace(box.url, f"http://{name}"), err.replace(box.url, f"http://{name}")
        return Ran(ran.code, out, err)

    def add(self, name: str, box: FakeBox, *more: str) -> None:
        self.boxes[name] = box
        ran = self.run("context", "add", name, box.url, *more)
        assert ran.code == 0, ran.err
        box.requests.clear()

    def changes(self) -> dict[str, list[tuple[str, str]]]:
        """What each box was asked to change."""
        return {
            name: [(method, path) for method, path, _, _ in box.requests if method != "GET"]
            for name, box in self.boxes.items()
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two boxes, `lab` and `roof`; `lab` is the current one."""
    made = Site(tmp_path / "config")
    with ExitStack() as stack:
        for name in ("lab", "roof"):
            box = stack.enter_context(fake_box())
            box.add("cam1", state="playing")
            made.add(name, box)
        made.boxes["roof"].add("cam2", source={"uri": "test://ball"})
        yield made


def dead(site: Site, name: str = "dead") -> None:
    """One more context, whose box is off."""
    assert site.run("context", "add", name, "http://127.0.0.1:1", "--no-check").code == 0
