"""Each command of the map as one run that shows its data, and one that it refuses; and the desk they run at.

The box is in memory, its ids and times are always the same, and nothing outside the test's folder is read or written.
"""

from __future__ import annotations

import base64
import importlib
import itertools
import json
import os
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import flexclient._fake
from flexclient import FlexClient
from flexclient.testing import FakeFlex
from flexctl.doctor.examine import Look
from flexctl.doctor.finding import Finding
from flexctl.out.terminal import Terminal
from tests.cli.desk import ROOT, URL, WORD
from tests.cli.harness import NOW, PIPE, Ran, flexctl
from tests.cli.test_discover import GATE, YARD, Network, seen

KEY = "hidden-key"
FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


@dataclass(frozen=True)
class Case:
    """How a command is run. `wrong` are the arguments of a run that fails; None where none can (`reason` says why)."""

    argv: str = ""
    wrong: str | None = "--no-such"
    stdin: str = ""
    password: bool = False
    """Whether the box has one."""


CASES: dict[str, Case] = {
    "alias set": Case("up 'pipeline play'", "pipeline 'camera list'"),
    "alias list": Case(),
    "alias delete": Case("pl", "nope"),
    "api": Case("GET /flex/health", "GET /flex/nothing"),
    "apply": Case("-f site.yaml", "-f broken.yaml"),
    "audio-device list": Case(),
    "auth login": Case("--password-stdin", "", stdin=WORD, password=True),
    "auth logout": Case(wrong="now", password=True),
    "auth status": Case(password=True),
    "auth set-password": Case("--password-stdin", "", stdin="a long password\n"),
    "auth remove-password": Case("--yes", "", password=True),
    "camera list": Case(),
    "camera get": Case("/dev/video0", "/dev/video9"),
    "camera events": Case("--count 1", "--count many"),
    "completion": Case("fish", "tcsh"),
    "context add": Case("yard http://192.0.2.9:3539", "lab not-an-address"),
    "context use": Case("far", "nope"),
    "context list": Case(),
    "context show": Case("lab", "nope"),
    "context rename": Case("far further", "nope there"),
    "context remove": Case("far --yes", "nope --yes"),
    "context trust": Case("lab", "nope"),
    "delete": Case("-f site.yaml --yes", "-f missing.yaml"),
    "diff": Case("-f site.yaml", "-f broken.yaml"),
    "discover": Case("--count 2", "--count many"),
    "doctor": Case(),
    "events": Case("--count 2", "--for soon"),
    "export": Case("", "tree/x"),
    "framegrab list": Case(),
    "framegrab download": Case("cam1-00001.avif", "nope-00001.avif"),
    "framegrab delete": Case("cam1-00001.avif --yes", "nope-00001.avif --yes"),
    "framegrab show": Case("cam1-00001.avif", "nope-00001.avif"),
    "health": Case(),
    "license show": Case(),
    "license install": Case("gate.lic", "missing.lic"),
    "license remove": Case("--yes", "now"),
    "metrics": Case(),
    "open": Case("--print", "--port many"),
    "openapi": Case("--query info"),
    "pipeline list": Case("", "--columns id,colour"),
    "pipeline get": Case("cam1", "nope"),
    "pipeline create": Case("new --source test://ball --bitrate 2M", "cam1 --source test://ball"),
    "pipeline update": Case("cam1 --bitrate 4M", "cam1"),
    "pipeline delete": Case("cam1 --yes", "nope --yes"),
    "pipeline play": Case("yard", "nope"),
    "pipeline stop": Case("cam1", "nope"),
    "pipeline status": Case("cam1", "nope"),
    "pipeline wait": Case("cam1", "yard --for playing --timeout 100ms"),
    "pipeline events": Case("cam1 --count 1", "nope --count 1"),
    "pipeline snapshot": Case("cam1 still.jpg", "nope still.jpg"),
    "pipeline logs": Case("cam1", "nope"),
    "pipeline graph": Case("cam1", "nope"),
    "play": Case("cam1 --print", "nope --print"),
    "settings get": Case(),
    "settings set": Case("name=Gate", "nope=1"),
    "settings edit": Case("--yes"),
    "top": Case("--once", "--once --interval soon"),
    "trigger publish": Case("cam1", ""),
    "trigger unpublish": Case("cam1", ""),
    "version": Case(),
    "wait": Case("pipeline/cam1 --for state=playing", "pipeline/nope --for state=playing"),
    "webhook list": Case(),
    "webhook create": Case("https://example.com/new --events pipeline.error", "nowhere"),
    "webhook delete": Case("wh_00000001 --yes", "wh_9 --yes"),
    "webhook test": Case("wh_00000001", "wh_9"),
    "webhook deliveries": Case("wh_00000001", "wh_9"),
    "webhook listen": Case("--secret-stdin --for 50ms", stdin="whsec_" + "QUFB" * 11),
}

SITE = """\
kind: Pipeline
id: cam1
source: {uri: test://smpte}
encoding: {bitrate: 3000}
---
kind: Pipeline
id: gate
source: {uri: test://ball}
"""

TERMS = {"serial_number": "GATE-1", "max_video_streams": 4, "codecs": {"h264": True, "h265": False, "av1": False}}
FINDINGS = [
    Finding("address", "ok", "box is 192.0.2.7"),
    Finding("clock", "fail", "the box is 65 s behind", "sudo systemctl restart systemd-timesyncd", "box"),
    Finding("player", "warn", "no player is installed", "sudo apt install ffmpeg"),
]


def filled(*, password: bool) -> FakeFlex:
    """A box with something of every kind."""
    box = FakeFlex(password=WORD if password else None, api_key=KEY)
    source = {"uri": "rtsp://192.0.2.20/main", "user": "viewer", "password": "hidden-word"}
    encoding = {"codec": "h264", "bitrate": 2000, "width": 1280, "height": 720, "fps": 30}
    box.add({"id": "cam1", "source": {"uri": "test://smpte"}, "encoding": encoding}, state="playing")
    box.add({"id": "yard", "source": source})
    box.plug("/dev/video0", "Webcam")
    box.add_audio_device()
    box.add_framegrab("cam1-00001.avif", b"a picture")
    with FlexClient(transport=box, token=_token(box) if password else None) as client:
        client.webhooks.create({"url": "https://example.com/a", "events": ["pipeline.error", "pipeline.started"]})
    box.deliver("wh_00000001", "pipeline.error", status=500)
    box._box.webhooks["wh_00000001"].status = 204
    happens = [partial(box.set_state, "cam1", "error", "no pictures"), partial(box.set_state, "cam1", "playing")]
    box.script([*happens, partial(box.plug, "/dev/video1", "Second"), *happens])
    return box


def _token(box: FakeFlex) -> str:
    with FlexClient(transport=box) as client:
        return client.auth.login(WORD).token.get_secret_value()


def lay_out(folder: Path, *, key: bool) -> dict[str, str]:
    """Files that the commands read, and flexctl's own folder; the variables that lead there."""
    config = folder / "config"
    config.mkdir()
    contexts = f'current = "lab"\n[contexts.lab]\nurl = "{URL}"\n[contexts.far]\nurl = "https://192.0.2.9:3539"\n'
    (config / "contexts.toml").write_text(contexts)
    (config / "contexts.toml").chmod(0o600)
    (folder / "site.yaml").write_text(SITE)
    (folder / "broken.yaml").write_text(SITE.replace("bitrate: 3000", "bitrate: lots"))
    (folder / "gate.lic").write_bytes(base64.b64encode(json.dumps({"payload": json.dumps(TERMS)}).encode()))
    return {
        "FLEX_CONFIG_DIR": str(config),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "FAKE_KEYRING": str(folder / "ring.json"),
        "PYTHONPATH": str(ROOT),
        "PYTHON_KEYRING_BACKEND": "tests.support.fake_keyring.Working",
        "FLEX_API_KEY": KEY if key else "",
        "EDITOR": "true",
        "TERM": "dumb",
    }


def _now(ahead: timedelta = timedelta()) -> str:
    return (NOW + ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def same_every_time() -> Iterator[None]:
    """Ids, times and secrets of the box in memory, the network and the looks of doctor, as no run changes them."""
    with ExitStack() as held:
        for found in pkgutil.iter_modules(flexclient._fake.__path__, "flexclient._fake."):
            module = importlib.import_module(found.name)
            for name, value in (("now", _now), ("_numbers", itertools.count(1))):
                if hasattr(module, name):
                    held.enter_context(patch.object(module, name, value))
        held.enter_context(patch("flexclient.testing.now", _now))
        fixed = SimpleNamespace(token_bytes=lambda count: b"A" * count)
        held.enter_context(patch("flexclient._fake.webhook.secrets", fixed))
        held.enter_context(patch("flexctl.live.discovery.Discovery", Network(*seen(GATE, YARD))))
        looks = [Look("all", lambda: iter(FINDINGS))]
        held.enter_context(patch("flexctl.cmds.doctor._looks", lambda *_: looks))
        yield


def run(folder: Path, name: str, args: list[str], *, off: bool = False, on: Terminal = PIPE) -> Ran:
    """Run a command at a desk and a box of its own."""
    case = CASES[name]
    folder.mkdir()
    env = lay_out(folder, key=name.startswith("trigger"))
    os.chdir(folder)
    with same_every_time():
        box = filled(password=case.password)
        connect = lambda **settings: FlexClient(transport=box, **settings)  # noqa: E731
        with patch("flexctl.state.connect", connect):
            flexctl("alias", "set", "pl", "pipeline list", url=URL, on=PIPE, **env)
            if case.password and name != "auth login":
                assert flexctl("auth", "login", "--password-stdin", url=URL, on=PIPE, stdin=WORD, **env).code == 0
            if off:
                box.go_down()
            ran = flexctl(*name.split(), *args, url=URL, on=on, stdin="" if off else case.stdin, **env)
    return Ran(ran.code, ran.out.replace(str(folder), "~"), ran.err.replace(str(folder), "~"))
