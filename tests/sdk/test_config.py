"""What a client is set to: arguments, environment, defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from flexclient import FlexClient, errors
from flexclient._config import truth
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side


def client(**settings: Any) -> FlexClient:
    return FlexClient(transport=FakeFlex(), **settings)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://box:3539/", "https://box:3539"),
        ("box", "https://box"),
        ("10.0.0.5:3539", "https://10.0.0.5:3539"),
        ("[fe80::1]:3539", "https://[fe80::1]:3539"),
        (" https://box:3539/api/ ", "https://box:3539/api"),
        ("http://box:8080", "http://box:8080"),
        (None, "https://127.0.0.1:3539"),
        ("", "https://127.0.0.1:3539"),
    ],
)
def test_url(given: str | None, used: str) -> None:
    assert client(url=given).url == used


def test_a_box_below_a_path_is_asked_there(side: Side, box: FakeFlex) -> None:
    below = side.client(url="https://box/api/", transport=box)
    assert below.curl(below.system.health.plan()) == "curl https://box/api/flex/health"
    with pytest.raises(errors.NotFound):
        side.do(below.system.health())
    assert box.requests[0].path == "/api/flex/health"


@pytest.mark.parametrize(
    "url",
    ["ftp://box", "https://", "https://box:port", "https://box:0", "https://box:99999", "https://box/?a=b", "://x"],
)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(errors.UsageError, match="no address"):
        client(url=url)


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(errors.UsageError) as caught:
        client(url="https://user:geheim@box")
    assert "geheim" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"deadline": -1}, {"retries": -1}])
def test_numbers_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.UsageError):
        client(**wrong)
    with pytest.raises(errors.UsageError):
        client().with_options(**wrong)


def test_the_environment_fills_what_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_URL", "https://env:1")
    monkeypatch.setenv("FLEX_TOKEN", "env-token")
    monkeypatch.setenv("FLEX_API_KEY", "env-key")
    box = FakeFlex()
    with FlexClient(transport=box) as from_env, FlexClient(transport=box, token="mine", url="mine") as given:
        from_env.pipelines.list()
        given.pipelines.list()
    first, second = box.requests
    assert (from_env.url, given.url) == ("https://env:1", "https://mine")
    assert (first.headers["authorization"], first.headers["x-api-key"]) == ("Bearer env-token", "env-key")
    assert second.headers["authorization"] == "Bearer mine"
    assert "x-api-key" not in second.headers, "who names a credential sends no other"


def test_empty_variables_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "TOKEN", "API_KEY", "FINGERPRINT", "CA_FILE", "INSECURE"):
        monkeypatch.setenv(f"FLEX_{name}", "")
    assert client().url == "https://127.0.0.1:3539"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("on", True), ("0", False), ("no", False)])
def test_truth(text: str, value: bool) -> None:
    assert truth("X", text) is value


def test_a_typo_does_not_switch_safety_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_INSECURE", "flase")
    with pytest.raises(errors.UsageError, match="FLEX_INSECURE"):
        client()


def test_a_program_that_says_secure_is_not_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_INSECURE", "1")
    assert client(insecure=False)._settings.trust.blind is False


def test_a_copy_shares_connections_and_changes_only_what_was_said() -> None:
    box = FakeFlex()
    first = FlexClient(transport=box, token="a", headers={"X-A": "1"})
    copy = first.with_options(timeout=3, retries=0)
    assert copy._http is first._http
    assert (copy._settings.timeout, copy._settings.deadline, copy._settings.retries) == (3, 60.0, 0)
    assert (first._settings.timeout, first._settings.retries) == (10.0, 3)
    copy.pipelines.list()
    copy.with_options(token=None, headers={}).pipelines.list()
    assert box.requests[0].headers.items() >= {"authorization": "Bearer a", "x-a": "1"}.items()
    assert not {"authorization", "x-a"} & box.requests[1].headers.keys()
    first.close()
