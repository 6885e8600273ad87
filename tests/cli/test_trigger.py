"""`flexctl trigger` against the box in memory's own port: what it says, and what it needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript
from tests.support.api import Api
from tests.support.box import Box
from tests.support.media_double import fake_media

KEY = "0123456789abcdef"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env={**media.env, "FLEX_API_KEY": KEY}) as made:
        yield made


@pytest.fixture(autouse=True)
def _empty(server: Box) -> Iterator[None]:
    yield
    with Api(server) as api:
        for one in api.get("/flex/pipeline").json():
            api.call("DELETE", f"/flex/pipeline/{one['id']}")


def run(box: Box, *argv: str, tty: bool = False, **env: str) -> Ran:
    on = terminal(80) if tty else PIPE
    return flexctl(*argv, url=box.url, on=on, FLEX_FINGERPRINT=box.fingerprint, **{"FLEX_API_KEY": KEY, **env})


def test_as_people_see_it(server: Box) -> None:
    lines = [
        ("trigger", "publish", "live/mystream"),
        ("trigger", "publish", "live/mystream", "-o", "table"),
        ("trigger", "publish", "///"),
        ("trigger", "unpublish", "live/other"),
        ("trigger", "publish", "live/mystream", "--pipeline", "gate", "--dry-run"),
    ]
    text = ""
    for line in lines:
        ran = run(server, *line, tty=True)
        told = "\n".join(one for one in ran.err.splitlines() if "request id" not in one)
        text += transcript(Ran(ran.code, ran.out.replace(server.url, "https://box"), told), *line)
    golden("trigger", text)


def test_as_programs_read_it(server: Box) -> None:
    made = run(server, "trigger", "publish", "live/mystream", "-o", "json")
    assert json.loads(made.out) == {"status": "ok", "pipelineId": "livemystream", "action": "play"}
    assert run(server, "trigger", "unpublish", "live/nothing", "-o", "name").out == "livenothing\n"
    gone = run(server, "trigger", "unpublish", "live/x", "--query", "action")
    assert (gone.code, json.loads(gone.out)) == (0, "stop")


def test_without_a_key_nothing_is_sent(server: Box) -> None:
    ran = run(server, "trigger", "publish", "a", FLEX_API_KEY="")
    assert (ran.code, ran.out) == (2, "")
    assert "FLEX_API_KEY" in ran.err
    wrong = run(server, "trigger", "publish", "a", FLEX_API_KEY="wrong-wrong-wrong")
    assert wrong.code == 4
    assert "the API key" in wrong.err
    with Api(server) as api:
        assert api.get("/flex/pipeline").json() == []


def test_curl_takes_the_key_from_the_environment(server: Box, tmp_path: Path) -> None:
    ran = run(server, "trigger", "publish", "live/a b", "--curl")
    assert ran.out.startswith("curl -X PUT ")
    assert '-H "X-API-Key: $FLEX_API_KEY"' in ran.out
    assert "path=live%2Fa+b" in ran.out
    assert KEY not in ran.out + ran.err


@pytest.mark.parametrize("verb", ["publish", "unpublish"])
def test_help_has_an_example(verb: str) -> None:
    golden(f"help_trigger_{verb}", flexctl("trigger", verb, "--help", on=terminal(100)).out)
