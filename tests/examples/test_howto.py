"""The how-to pages: what they say to type is typed, and what they say to write is read by whoever reads it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tests.examples.pages import ROOT
from tests.examples.reader import Reader, blocks
from tests.support.box import Box

HOWTO = ROOT / "docs" / "howto"
KEY = "0123456789abcdef"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Somebody with a shell and no box."""
    with ExitStack() as stack:
        yield Reader(tmp_path, stack)


@pytest.fixture
def with_box(tmp_path: Path) -> Iterator[Reader]:
    """Somebody whose shell knows a box, and its key."""
    with ExitStack() as stack:
        box = stack.enter_context(Box(tmp_path / "data", "--ingest-rtsp-port=0", env={"FLEX_API_KEY": KEY}))
        given = {"FLEX_URL": box.url, "FLEX_FINGERPRINT": box.fingerprint, "FLEX_API_KEY": KEY}
        addresses = {"127.0.0.1:8731": f"127.0.0.1:{box.rtsp_port}"}
        yield Reader(tmp_path, stack, given, addresses)


def test_every_page_is_read_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [page.name for page in HOWTO.iterdir() if f'HOWTO / "{page.name}"' not in source] == []


def test_ci(reader: Reader) -> None:
    reader.read(HOWTO / "ci.md")


def test_alerts(with_box: Reader) -> None:
    with_box.read(HOWTO / "alerts-by-webhook.md")


def test_tak(with_box: Reader) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as free:
        free.bind(("127.0.0.1", 0))
        with_box.boxes["127.0.0.1:6969"] = f"127.0.0.1:{free.getsockname()[1]}"
    with_box.read(HOWTO / "tak-and-klv.md")


def test_mediamtx(with_box: Reader) -> None:
    """Its configuration and its hook are run by tests/server/test_deploy_ingress.py."""
    with_box.read(HOWTO / "mediamtx.md")


def test_kubernetes() -> None:
    """Its manifests are read by tests/contract/test_deploy.py; the page has one more."""
    page = HOWTO / "kubernetes.md"
    (job,) = [text for _, kind, text in blocks(page) if kind == "job.yaml"]
    kubernetes_validate.validate(YAML(typ="safe").load(job), "1.33", strict=True)
    container = ROOT / "server" / "deploy" / "container" / "Containerfile"
    assert container.name in page.read_text(encoding="utf-8")
    stateful = (ROOT / "server" / "deploy" / "kubernetes" / "statefulset.yaml").read_text(encoding="utf-8")
    assert "{name: flexserver, key: api-key}" in job
    assert "{name: flexserver, key: api-key}" in stateful
    assert "value: flexserver" in stateful, "the certificate is good for the name that the page uses"
