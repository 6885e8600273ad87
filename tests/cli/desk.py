"""A person's machine with a box in memory: fixtures of the tests of `flexctl auth`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import flexctl as package
from flexclient import FlexClient
from flexclient.testing import FakeFlex
from tests.cli.harness import PIPE, Ran, flexctl

ROOT = Path(package.__file__).parents[1]
WORD = "canary-word"
URL = "http://127.0.0.1:9"
FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


class Desk:
    """A person's machine: a configuration folder and a keyring of their own, and a box in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.ring = folder / "config", folder / "ring.json"
        self.box = FakeFlex(password=WORD)
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The box in memory lives in real time, so these runs do, too."""
        self.env = {
            "FLEX_CONFIG_DIR": str(self.config),
            "FAKE_KEYRING": str(self.ring),
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "tests.support.fake_keyring.Working",
        }

    def keyring(self, name: str) -> None:
        self.env["PYTHON_KEYRING_BACKEND"] = f"tests.support.fake_keyring.{name}"

    def run(self, *argv: str, stdin: str = "", on: Any = PIPE, **env: str) -> Ran:
        def connect(**settings: Any) -> FlexClient:
            return FlexClient(transport=self.box, **settings)

        with patch("flexctl.state.connect", connect), patch("tests.cli.harness.NOW", self.clock()):
            return flexctl(*argv, url=URL, stdin=stdin, on=on, **{**self.env, **env})

    def login(self, *more: str, word: str = WORD, **env: str) -> Ran:
        return self.run("auth", "login", "--password-stdin", *more, stdin=word + "\n", **env)

    @property
    def notes(self) -> list[Path]:
        return sorted(self.config.rglob("*.json"))

    @property
    def sessions(self) -> set[str]:
        return set(self.box._box.sessions)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def data(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)
