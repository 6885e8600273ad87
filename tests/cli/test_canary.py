"""Secrets go in by every door, and come out of none: a whole process a run, everything it wrote is searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.fakebox import FakeBox
from tests.cli.harness import GOLDEN

TOKEN, KEY, WORD, SOURCE, HOOK = (f"canary-{kind}-5d1c" for kind in ("token", "key", "word", "source", "hook"))
CREDENTIALS = {"FLEX_TOKEN": TOKEN, "FLEX_API_KEY": KEY, "FLEX_PASSWORD": WORD}
SECRETS = {**CREDENTIALS, "FLEX_SOURCE_PASSWORD": SOURCE, "FLEX_WEBHOOK_SECRET": HOOK}

RUNS = (
    "pipeline list",
    "pipeline list -o json",
    "pipeline list --curl",
    "pipeline get nope",
    "pipeline create new --source rtsp://192.0.2.1/a --source-user me",
    "pipeline create new --source rtsp://192.0.2.1/a --source-user me --dry-run",
    "pipeline create new --source rtsp://192.0.2.1/a --source-user me --dry-run -o json",
    "pipeline create new --source rtsp://192.0.2.1/a --source-user me --curl",
    "pipeline update cam1 --source-user me --curl",
    "pipeline wait cam1",
    "pipeline status cam1 -o yaml",
    "wait pipeline/cam1 --for state=playing",
    "top --once -o json",
    "events --since 0 --count 1",
    "api GET /flex/pipeline",
    "api GET /flex/pipeline --curl",
    "trigger publish cam1 --curl",
    "trigger publish cam1 --dry-run",
    "auth login --curl",
    "auth login --insecure-storage",
    "auth status -o json",
    "auth set-password --dry-run",
    "health -o json",
    "version",
    "diff -f site.yaml",
    "apply -f site.yaml",
    "apply -f site.yaml --dry-run -o json",
    "export",
    "context add lab http://127.0.0.1:9",
    "context list -o json",
    "pipeline lst",
    "pipeline list --outptu json",
)
SITE = "kind: Pipeline\nid: cam1\nsource: {uri: 'rtsp://192.0.2.1/a', user: me, password: '${env:SITE_WORD}'}\n"

FAULT = """
import sys
from unittest.mock import patch
from flexctl.__main__ import main
with patch("flexclient.FlexClient.__init__", side_effect=RuntimeError("a fault of our own")):
    main(sys.argv[1:])
"""


def wrote(folder: Path, *argv: str, url: str, code: str = "", **env: str) -> tuple[str, str]:
    """All that a run wrote, streams and files (the site's own description names no secret); its errors."""
    folder.mkdir(exist_ok=True)
    (folder / "site.yaml").write_text(SITE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
    home = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "FLEX_CONFIG_DIR": str(folder / "config")}
    given = {"FLEX_URL": url, **SECRETS, "SITE_WORD": SOURCE, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    command = [sys.executable, *(("-c", code) if code else ("-m", "flexctl")), *argv]
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**clean, **home, **given, "PYTHONPATH": root, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    files = "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    return ran.stdout + ran.stderr + files, ran.stderr


def told(text: str) -> list[str]:
    """Which secrets are in it."""
    return [secret for secret in (*SECRETS.values(),) if secret in text]


@contextmanager
def echo() -> Iterator[str]:
    """A box in trouble that sends back what it was sent, as frameworks in debug mode do."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            said = {"code": "INTERNAL_ERROR", "message": f"{dict(self.headers)} {body}", "hint": str(self.headers)}
            content = json.dumps(said).encode()
            self.send_response(500)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its base calls it so
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("line", RUNS)
def test_a_run_tells_none(line: str, box: FakeBox, tmp_path: Path) -> None:
    assert told(wrote(tmp_path / "on", *line.split(), url=box.url)[0]) == []


@pytest.mark.parametrize("line", ["pipeline list", "apply -f site.yaml", "auth login", "top --once", "doctor"])
def test_neither_does_one_with_the_box_off(line: str, tmp_path: Path) -> None:
    text, err = wrote(tmp_path / "off", *line.split(), url="http://127.0.0.1:1")
    assert err
    assert told(text) == []


@pytest.mark.parametrize(
    "line",
    ["pipeline list", "pipeline create new --source rtsp://192.0.2.1/a --source-user me", "auth login", "health"],
)
def test_what_a_box_sends_back_is_not_shown(line: str, tmp_path: Path) -> None:
    with echo() as url:
        text, err = wrote(tmp_path / "echo", *line.split(), "--timeout", "2s", url=url)
    assert "flexctl: " in err
    assert told(text) == []


def test_a_traceback_tells_none(box: FakeBox, tmp_path: Path) -> None:
    text, err = wrote(tmp_path / "fault", "pipeline", "list", url=box.url, code=FAULT)
    assert "a fault of our own" in err
    assert "Traceback" in err
    assert told(text) == []


def test_completion_keeps_none(box: FakeBox, tmp_path: Path) -> None:
    text, _ = wrote(tmp_path / "tab", "pipeline", "get", "", url=box.url, _FLEXCTL_COMPLETE="zsh")
    assert told(text) == []


def test_files_of_expected_output_hold_none() -> None:
    assert told("".join(path.read_text(encoding="utf-8") for path in GOLDEN.rglob("*.txt"))) == []


def test_the_secrets_went_in(box: FakeBox, tmp_path: Path) -> None:
    """What was never sent could not have been told."""
    wrote(tmp_path / "in", *RUNS[4].split(), url=box.url)
    wrote(tmp_path / "in", "trigger", "publish", "cam1", url=box.url)
    sent = "".join(f"{headers} {body.decode()}" for _, _, headers, body in box.requests)
    assert {secret for secret in (TOKEN, KEY, SOURCE) if secret not in sent} == set()
