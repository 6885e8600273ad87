"""Every file of examples/ runs against a live box, and does what its first line says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flexclient import FlexClient
from tests.support.api import until
from tests.support.box import Box
from tests.support.media_double import FakeMedia, fake_media

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BIN = Path(sys.executable).parent
SECONDS = 60
ELSEWHERE = {"__init__.py", "demo.py", "quickstart.yaml"}
"""Run by tests/e2e/test_demo.py."""


@dataclass(frozen=True)
class Desk:
    """A box, a folder to work in, and the environment that a shell would have."""

    box: Box
    media: FakeMedia
    folder: Path
    client: FlexClient

    @property
    def env(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
        own = {"FLEX_URL": self.box.url, "FLEX_FINGERPRINT": self.box.fingerprint}
        paths = {"PATH": f"{BIN}:{os.environ['PATH']}", "FLEX_CONFIG_DIR": str(self.folder / "config")}
        return {**clean, **own, **paths}

    def command(self, name: str, *words: str) -> list[str]:
        if name == "flexctl":
            return [str(BIN / name), *words]
        return ["sh" if name.endswith(".sh") else sys.executable, str(EXAMPLES / name), *words]

    def run(self, name: str, *words: str, code: int = 0, **env: str) -> str:
        """What it writes to stdout; its exit code must be `code`."""
        done = subprocess.run(
            self.command(name, *words),
            **self.around(env),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return str(done.stdout)

    def around(self, env: dict[str, str]) -> dict[str, Any]:
        return {"cwd": self.folder, "env": {**self.env, **env}, "text": True, "stdin": subprocess.DEVNULL}

    @contextmanager
    def running(self, name: str, *words: str) -> Iterator[subprocess.Popen[str]]:
        """It runs beside the test, which reads its stdout line by line."""
        with subprocess.Popen(
            self.command(name, *words), **self.around({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def ids(self) -> list[str]:
        return [pipeline.id for pipeline in self.client.pipelines.list()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    media = fake_media(tmp_path / "fake")
    folder = tmp_path / "work"
    folder.mkdir()
    with (
        Box(tmp_path / "data", env=media.env) as box,
        FlexClient(url=box.url, fingerprint=box.fingerprint) as client,
    ):
        yield Desk(box, media, folder, client)


def test_every_example_is_run() -> None:
    """Each file is named in a call of this module."""
    there = {path.name for path in EXAMPLES.iterdir() if path.is_file()} - ELSEWHERE
    source = Path(__file__).read_text(encoding="utf-8")
    run = {name for name in there if re.search(rf'(?:run|running|EXAMPLES /)\s*\(?"{re.escape(name)}"', source)}
    assert run == there
    assert [name[:2] for name in sorted(there)] == [f"{number:02}" for number in range(1, 11)]
    for name in ELSEWHERE - {"__init__.py"}:
        assert name.partition(".")[0] in (ROOT / "tests" / "e2e" / "test_demo.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("[0-9]*")), ids=lambda path: path.name)
def test_the_first_line_says_what_it_shows_and_how_to_run_it(path: Path) -> None:
    first = next(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#!"))
    assert first.startswith("# ")
    assert f"examples/{path.name}" in first
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 45, "an example is short"
    assert set(re.findall(r"FLEX_[A-Z_]+", text)) <= {"FLEX_URL", "FLEX_FINGERPRINT"}


def test_quickstart(tmp_path: Path) -> None:
    """With real media: the picture is one."""
    with (
        Box(tmp_path / "data") as box,
        FlexClient(url=box.url, fingerprint=box.fingerprint) as client,
    ):
        said = Desk(box, FakeMedia(tmp_path), tmp_path, client).run("01_quickstart.py")
        assert said == f"Watch {box.rtsp_url}/hello, or look at hello.jpg.\n"
        assert (tmp_path / "hello.jpg").read_bytes().startswith(b"\xff\xd8\xff")
        assert client.pipelines.get("hello").state == "playing"


def test_watch_events(desk: Desk) -> None:
    desk.client.pipelines.create({"id": "gate", "source": {"uri": "test://ball"}})
    with desk.running("02_watch_events.py") as process:
        assert process.stdout
        assert process.stdout.readline() == "gate: ready\n"
        desk.client.pipelines.play("gate")
        assert process.stdout.readline() in {"gate: starting\n", "gate: playing\n"}
        desk.client.pipelines.delete("gate")
        assert until(lambda: process.stdout and process.stdout.readline() == "gate: gone\n")
    assert desk.run("02_watch_events.py", "0.5") == ""


def test_async_many(desk: Desk) -> None:
    assert re.fullmatch(r"12 pipelines in \d+\.\d\d s, 12 are ready\.\n", desk.run("03_async_many.py"))
    assert desk.ids() == []


def test_ensure(desk: Desk) -> None:
    said = [desk.run("04_ensure.py", *words) for words in ((), (), ("3000",))]
    assert said == ["created\n", "unchanged\n", "replaced\n"]
    encoding = desk.client.pipelines.get("ensured").encoding
    assert encoding
    assert encoding.bitrate == 3000
    desk.run("04_ensure.py", "0", code=1)


def test_fleet(desk: Desk) -> None:
    desk.client.pipelines.create({"id": "gate", "on_demand": False, "source": {"uri": "test://ball"}})
    desk.run("flexctl", "context", "add", "north", desk.box.url, "--fingerprint", desk.box.fingerprint)
    desk.run("flexctl", "context", "add", "off", "https://127.0.0.1:9", "--fingerprint", "AA" * 32, "--no-check")
    north, off = desk.run("05_fleet.py").splitlines()
    assert north == "north: 1 of 1 play: gate"
    assert re.match("off: .*127.0.0.1:9", off)


def test_webhook_receiver(desk: Desk) -> None:
    with desk.running("06_webhook_receiver.py") as process:
        assert process.stdout
        assert process.stdout.readline().startswith("Listening at http://127.0.0.1:")
        desk.client.pipelines.create({"id": "gate", "on_demand": False, "source": {"uri": "test://ball"}})
        assert process.stdout.readline() == "pipeline.started gate\n"
        desk.client.pipelines.stop("gate")
        assert process.stdout.readline() == "pipeline.stopped gate\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert desk.client.webhooks.list() == []


def test_ci(desk: Desk) -> None:
    assert desk.run("07_ci.sh") == "test://smpte plays; ci.jpg shows it.\n"
    assert (desk.folder / "ci.jpg").read_bytes().startswith(b"\xff\xd8\xff")
    assert desk.ids() == [], "it cleans up"


def test_ci_of_a_source_that_is_not_there(tmp_path: Path) -> None:
    """With real media: 1, its status on stderr, and nothing left behind."""
    with (
        Box(tmp_path / "data") as box,
        FlexClient(url=box.url, fingerprint=box.fingerprint) as client,
    ):
        desk = Desk(box, FakeMedia(tmp_path), tmp_path, client)
        assert desk.run("07_ci.sh", "rtsp://127.0.0.1:9/none", code=1) == ""
        assert desk.ids() == []


def test_site(desk: Desk) -> None:
    site, secret = str(EXAMPLES / "08_site.yaml"), "canary"
    changes = desk.run("flexctl", "diff", "-f", site, code=1, YARD_PASSWORD=secret)
    assert "north-gate" in changes
    assert secret not in changes
    desk.run("flexctl", "apply", "-f", site, "--yes", YARD_PASSWORD=secret)
    assert desk.ids() == ["north-gate", "north-yard"]
    assert desk.client.settings.get().name == "North"
    assert [hook.url for hook in desk.client.webhooks.list()] == ["http://127.0.0.1:9000/hook"]
    desk.run("flexctl", "diff", "-f", site, YARD_PASSWORD=secret)


def test_testing_with_fake_flex(desk: Desk) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", EXAMPLES / "09_testing_with_fake_flex.py"],
        **{**desk.around({}), "cwd": ROOT},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_backup(desk: Desk) -> None:
    desk.client.pipelines.create({"id": "gate", "source": {"uri": "test://ball"}, "metadata": {"owner": "me"}})
    assert desk.run("10_backup.sh", "save").startswith("flex-backup.yaml: 2 documents.")
    before = json.loads(desk.run("flexctl", "pipeline", "get", "gate", "-o", "json"))
    desk.client.pipelines.delete("gate")
    assert "gate" in desk.run("10_backup.sh", "restore")
    after = json.loads(desk.run("flexctl", "pipeline", "get", "gate", "-o", "json"))
    assert {**after, "metadata": {"owner": after["metadata"]["owner"]}, **times(before)} == before
    desk.run("10_backup.sh", code=2)


def times(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("created_at", "updated_at")}
