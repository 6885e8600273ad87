"""`flexctl apply` and its kin against a real server: what is applied is there, and stays as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flexclient import FlexClient
from tests.cli.harness import PIPE, Ran, flexctl
from tests.support.box import Box
from tests.support.media_double import fake_media

SITE = """\
kind: Settings
name: North
webhook_allowed_networks: [127.0.0.0/8]
---
kind: Webhook
url: http://127.0.0.1:9/hook
events: [pipeline.started]
headers: {X-Token: "${env:HOOK_TOKEN}"}
---
kind: Pipeline
id: gate
source: {uri: "rtsp://127.0.0.1:9/1", user: viewer, password: "${env:GATE_PASSWORD}"}
encoding: {bitrate: 2000}
overlay: {text: "Tor \N{LATIN SMALL LETTER U WITH DIAERESIS}ber 1"}
---
kind: Pipeline
id: always
on_demand: false
source: {uri: "test://smpte"}
"""


@pytest.fixture(scope="module")
def real_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env=media.env) as made:
        yield made


def test_a_site_from_nothing_to_nothing(real_box: Box, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE, encoding="utf-8")

    def run(*argv: str, stdin: str = "") -> Ran:
        known = {"FLEX_FINGERPRINT": real_box.fingerprint, "FLEX_CONFIG_DIR": str(tmp_path / "config")}
        return flexctl(
            *argv, url=real_box.url, on=PIPE, stdin=stdin, GATE_PASSWORD="canary-1", HOOK_TOKEN="canary-2", **known
        )

    def result(ran: Ran) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(ran.out)["summary"]
        return {name: count for name, count in found.items() if count}

    with FlexClient(url=real_box.url, fingerprint=real_box.fingerprint) as client:
        assert run("diff", "-f", str(file)).code == 1
        made = run("apply", "-f", str(file), "--wait", "-o", "json")
        assert made.code == 0, made.err
        assert result(made) == {"created": 3, "changed": 1}
        versions = {name: client.pipelines.get.raw(name).etag for name in ("gate", "always")}

        again = run("apply", "-f", str(file), "-o", "json")
        assert (again.code, result(again)) == (0, {"unchanged": 4})
        assert {name: client.pipelines.get.raw(name).etag for name in versions} == versions
        assert run("diff", "-f", str(file)).code == 0

        # The same secrets once more: the box itself says that they are what it has.
        assert run("apply", "-f", str(file), "--send-secrets").code == 0
        assert client.pipelines.get.raw("gate").etag == versions["gate"]

        exported = run("export").out
        assert "canary" not in exported
        assert run("diff", "-f", "-", stdin=exported).code == 0

        file.write_text(SITE.replace("2000", "3000").replace("test://smpte", "file:///etc/passwd"), encoding="utf-8")
        partly = run("apply", "-f", str(file))
        assert partly.code == 2
        assert f"{file}:19:10: source.uri: the file is outside the folders" in partly.err
        gate = client.pipelines.get("gate")
        assert gate.encoding is not None
        assert gate.encoding.bitrate == 3000

        client.pipelines.create({"id": "by-hand", "source": {"uri": "test://snow"}})
        file.write_text(SITE.partition("---")[0], encoding="utf-8")
        assert run("apply", "-f", str(file), "--prune", "--yes").code == 0
        assert [pipeline.id for pipeline in client.pipelines.list()] == ["by-hand"]
        assert client.webhooks.list() == []

        back = run("apply", "-f", "-", stdin=exported)
        assert back.code == 0, back.err
        assert run("export", "pipeline/gate", "pipeline/always").out in exported
        assert run("delete", "-f", "-", "--yes", stdin=exported).code == 0
        assert [pipeline.id for pipeline in client.pipelines.list()] == ["by-hand"]
