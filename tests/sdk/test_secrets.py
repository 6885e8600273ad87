"""Tokens, keys and passwords show nowhere but on the wire."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from flexclient import FlexClient, errors
from flexclient import models as m
from flexclient._auth import Auth
from flexclient._log import mask_json, mask_text
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side

SECRETS = ("tok-SECRET", "key-SECRET", "pass-SECRET", "uri-SECRET", "head-SECRET")
SPEC = m.PipelineSpec(
    id="cam1", source=m.Source.model_validate({"uri": "rtsp://user:uri-SECRET@cam/1", "password": "pass-SECRET"})
)


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that somebody may see; checked at the end."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    yield texts
    texts += [record.getMessage() for record in caplog.records]
    assert texts
    for secret in SECRETS:
        assert not [text for text in texts if secret in text]


def test_nothing_shows_them(side: Side, shown: list[str]) -> None:
    box = FakeFlex()
    box.refuse("CONFLICT", "id taken")
    headers = {"X-API-Key": "head-SECRET", "Authorization": "head-SECRET"}
    client = side.client(token="tok-SECRET", api_key="key-SECRET", transport=box)
    call = client.pipelines.create.plan(SPEC)
    shown += [repr(client), repr(client.pipelines), repr(call), str(call), client.curl(call), repr(client._settings)]
    shown += [repr(client._engine.settings.auth), repr(client.with_options(headers=headers)._settings)]
    try:
        side.do(client.pipelines.create(SPEC))
    except errors.Conflict as error:
        shown += [repr(error), str(error), repr(error.call), "".join(traceback.format_exception(error))]
        shown.append(repr(vars(error)))
    reply = side.do(client.request("POST", "/flex/pipeline", json=SPEC.body(), headers=headers))
    shown += [repr(reply), repr(box.requests[-1].path)]
    assert box.requests[-1].headers["authorization"] == "head-SECRET", "what is said last holds"
    assert box.requests[-1].json["source"]["password"] == "pass-SECRET"


def test_an_answer_that_is_not_understood_is_not_repeated(side: Side, shown: list[str]) -> None:
    box = FakeFlex()
    box.answer_with(200, b'{"id": 7, "state": "tok-SECRET", "source": {"password": "pass-SECRET"}}')
    with pytest.raises(errors.ProtocolError) as caught:
        side.do(side.client(transport=box).pipelines.get("cam1"))
    shown += [str(caught.value), "".join(traceback.format_exception(caught.value))]


@pytest.mark.parametrize("value", ["tok\nen", "tok\r\nX-Evil: 1", "tök"])
def test_a_token_that_no_header_may_carry_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(errors.UsageError) as caught:
        FlexClient(token=value)
    assert value not in str(caught.value)


def test_masks() -> None:
    document = {"password": "x", "inputs": [{"source": {"uri": "rtsp://u:p@h/", "password": None}}], "Token": "t"}
    assert mask_json(document) == {
        "password": "**********",
        "inputs": [{"source": {"uri": "rtsp://u:**********@h/", "password": None}}],
        "Token": "**********",
    }
    assert mask_text("rtsp://a:b@c/d and rtsp://x/y@z") == "rtsp://a:**********@c/d and rtsp://x/y@z"
    assert mask_text("rtsp://u:p@ss@h/") == "rtsp://u:**********@h/"


def test_a_token_source_is_asked_once_and_again_after_a_401(side: Side) -> None:
    box = FakeFlex(token="second")
    box.add({"id": "cam1"})
    tokens = iter(["first", "second", "third"])
    client = side.client(token=lambda: next(tokens), transport=box)
    assert side.do(client.pipelines.get("cam1")).id == "cam1"
    assert side.do(client.pipelines.get("cam1")).id == "cam1"
    shown = [seen.headers["authorization"] for seen in box.requests]
    assert shown == ["Bearer first", "Bearer second", "Bearer second"]


def test_a_token_that_stays_wrong_is_tried_no_further(side: Side) -> None:
    box = FakeFlex(token="right")
    tokens = iter(["wrong", "wrong too"])
    client = side.client(token=lambda: next(tokens), transport=box)
    with pytest.raises(errors.Unauthorized):
        side.do(client.pipelines.list())
    assert len(box.requests) == 2


def test_a_fixed_token_that_has_ended_is_final(side: Side) -> None:
    box = FakeFlex(token="right")
    client = side.client(token="wrong", transport=box)
    with pytest.raises(errors.Unauthorized) as caught:
        side.do(client.pipelines.list())
    assert len(box.requests) == 1
    assert caught.value.hint
    assert side.do(client.with_options(token="right").pipelines.list()) == []
    with pytest.raises(errors.Unauthorized):
        side.do(client.with_options(token=None).pipelines.list())
    assert "authorization" not in box.requests[-1].headers


def test_public_endpoints_need_no_token(side: Side) -> None:
    client = side.client(transport=FakeFlex(token="right"))
    assert side.do(client.system.health()).status == "ok"


def test_errors_travel_between_processes_without_secrets() -> None:
    box = FakeFlex()
    box.refuse("RATE_LIMITED", retry_after=1_000_000)
    with FlexClient(transport=box, token="tok-SECRET") as client, pytest.raises(errors.RateLimited) as caught:
        client.pipelines.list()
    pickled = pickle.dumps(caught.value)
    copy: Any = pickle.loads(pickled)
    assert b"SECRET" not in pickled
    assert (str(copy), copy.status, copy.retry_after, copy.code) == (str(caught.value), 429, 1e6, "RATE_LIMITED")


def test_auth_says_only_whether() -> None:
    assert repr(Auth("a", None)) == "Auth(token=True, api_key=False)"
