"""A site to apply: a box in memory, a manifest, and flexctl between the two."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexclient import FlexClient
from flexclient.testing import FakeFlex
from tests.cli.harness import PIPE, Ran, flexctl

SITE = """\
# Everything at the north gate
kind: Settings
name: North
webhook_allowed_networks: [10.0.0.0/8]
---
kind: Pipeline
id: gate
source:
  uri: rtsp://camera/1
  user: viewer
  password: ${env:GATE_PASSWORD}
encoding: {bitrate: 2000}
---
kind: Webhook
url: https://10.1.2.3/hook
events: [pipeline.stopped, pipeline.started]
headers: {Authorization: "Bearer ${env:HOOK_TOKEN}"}
---
kind: Pipeline
id: always
on_demand: false
source: {uri: "test://smpte"}
"""
CANARIES = {"GATE_PASSWORD": "hunter2-canary", "HOOK_TOKEN": "hook-canary"}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class Site:
    """A box, a manifest, and flexctl between the two."""

    def __init__(self, box: FakeFlex, folder: Path, connect: Callable[[FakeFlex], None]) -> None:
        self.box, self.folder, self._connect = box, folder, connect
        self.file = folder / "site.yaml"
        self.write(SITE)

    def write(self, text: str, name: str = "site.yaml") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *argv: str, on: Any = PIPE, stdin: str = "", **env: str) -> Ran:
        words = [str(self.file) if word == "SITE" else word for word in argv]
        known = {"FLEX_CONFIG_DIR": str(self.folder / "config"), **CANARIES, **env}
        ran = flexctl(*words, on=on, stdin=stdin, **known)
        where = f"{self.folder}/"
        return Ran(ran.code, ran.out.replace(where, ""), ran.err.replace(where, ""))

    def apply(self, *argv: str, **more: Any) -> Ran:
        return self.run("apply", "-f", "SITE", *argv, **more)

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.write(text.replace(old, new))

    def writes(self) -> list[str]:
        """What was sent that changes something, since it was asked last."""
        found = [f"{seen.method} {seen.path}" for seen in self.box.requests if seen.method in WRITES]
        self.box.requests.clear()
        return found

    @property
    def client(self) -> FlexClient:
        return FlexClient(transport=self.box)

    def use(self, box: FakeFlex) -> None:
        """Another box from here on."""
        self.box = box
        self._connect(box)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name in ("routes", "webhook"):
        monkeypatch.setattr(f"flexclient._fake.{name}._numbers", itertools.count(1))

    def connect(box: FakeFlex) -> None:
        monkeypatch.setattr("flexctl.state.connect", lambda **given: FlexClient(transport=box, **given))

    box = FakeFlex()
    connect(box)
    return Site(box, tmp_path, connect)
