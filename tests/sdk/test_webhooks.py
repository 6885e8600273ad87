"""Webhooks: the methods against the box in memory, and checking what a box sends."""

from __future__ import annotations

import base64
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from standardwebhooks import Webhook as Standard

from flexclient._values import Secret
from flexclient.errors import FlexError, NotFound, UsageError, ValidationError_
from flexclient.testing import FakeFlex
from flexclient.webhooks import MissingHeader, NoMessage, VerificationError, WrongSignature, WrongTime, sign, verify
from tests.sdk.harness import Side

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NOW = 1_800_000_000
BODY = b'{"type":"pipeline.started","timestamp":"2026-11-01T12:00:00.5Z","data":{"id":"cam1"}}'
HOOK = {"url": "https://example.com/hook", "events": ["pipeline.started"], "headers": {"X-Key": "canary-1"}}


def headers(body: bytes = BODY, at: int = NOW, secret: str = SECRET) -> dict[str, str]:
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": sign("msg_1", at, body, secret)}


def test_a_webhook_from_its_making_to_its_end(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    made = side.do(client.webhooks.create(HOOK))
    assert made.secret.get_secret_value().startswith("whsec_")
    assert made.secret.get_secret_value() not in repr(made)
    (listed,) = side.do(client.webhooks.list())
    assert (listed.id, listed.secret, listed.model_extra) == (made.id, None, {})
    assert side.do(client.webhooks.test(made.id)).state == "delivered"
    assert side.do(client.webhooks.deliveries(made.id)) == []
    box.deliver(made.id, "pipeline.started", status=500)
    (sent,) = side.do(client.webhooks.deliveries(made.id))
    assert (sent.event, sent.state, sent.status, sent.error) == (
        "pipeline.started", "failed", 500, "the receiver answered 500",
    )  # fmt: skip
    assert side.do(client.webhooks.test(made.id)).status == 500
    side.do(client.webhooks.delete(made.id))
    for method in (client.webhooks.delete, client.webhooks.test, client.webhooks.deliveries):
        with pytest.raises(NotFound):
            side.do(method(made.id))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["x"]}, "events.0"),
        ({"headers": {"X": "a\nb"}}, "headers"),
    ],
)
def test_what_a_box_refuses_the_fake_one_refuses(side: Side, box: FakeFlex, change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError_) as refused:
        side.do(side.client(transport=box).webhooks.create({**HOOK, **change}))
    assert [fault.field for fault in refused.value.details] == [field]


def test_the_settings_open_a_network(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    side.do(client.settings.update({"webhook_allowed_networks": ["127.0.0.0/8"]}))
    assert side.do(client.webhooks.create({**HOOK, "url": "http://127.0.0.1/"})).url == "http://127.0.0.1/"


def test_headers_are_stars_wherever_a_call_is_shown(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    call = client.webhooks.create.plan(HOOK)
    for text in (repr(call), str(call), client.curl(call)):
        assert "canary" not in text


# Checking


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), Secret(SECRET), SecretStr(SECRET)])
def test_what_a_box_sends_is_read(secret: Any) -> None:
    message = verify(BODY, headers(), secret, now=NOW)
    assert (message.id, message.type, message.data) == ("msg_1", "pipeline.started", {"id": "cam1"})
    assert message.timestamp == datetime(2026, 11, 1, 12, 0, 0, 500_000, UTC)
    assert verify(BODY.decode(), {name.upper(): text for name, text in headers().items()}, secret, now=NOW) == message


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=64))
def test_our_signatures_are_theirs_and_theirs_ours(noise: bytes, key: bytes) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    data = {"noise": base64.b64encode(noise).decode()}
    body = json.dumps({"type": "test", "timestamp": "2026-11-01T12:00:00Z", "data": data})
    now = datetime.now(UTC)
    stamp = int(now.timestamp())
    ours = sign("msg_1", stamp, body.encode(), secret)
    assert ours == Standard(secret).sign("msg_1", now.replace(tzinfo=UTC), body)
    signed = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp), "webhook-signature": ours}
    assert Standard(secret).verify(body, signed)["data"] == data == verify(body, signed, secret).data


def test_one_signature_of_several_is_enough() -> None:
    good = headers()["webhook-signature"]
    for text in (f"v1,{'A' * 43}= {good}", f"{good} v1a,x", f"v2,x  {good} "):
        assert verify(BODY, {**headers(), "webhook-signature": text}, SECRET, now=NOW)


@pytest.mark.parametrize("text", ["v1,", "v1", "x", "v1,ä", " ", "v1,%", "v1a," + "A" * 44])
def test_what_is_no_signature_matches_nothing(text: str) -> None:
    with pytest.raises(WrongSignature):
        verify(BODY, {**headers(), "webhook-signature": text}, SECRET, now=NOW)


def test_another_body_id_time_or_secret_is_found_out() -> None:
    for body, changed, secret in (
        (BODY + b" ", {}, SECRET),
        (BODY, {"webhook-id": "msg_2"}, SECRET),
        (BODY, {"webhook-timestamp": str(NOW + 1)}, SECRET),
        (BODY, {}, "whsec_" + "A" * 44),
    ):
        with pytest.raises(WrongSignature, match="does not match"):
            verify(body, {**headers(), **changed}, secret, now=NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("text", [None, ""])
def test_a_header_that_is_missing_is_named(name: str, text: str | None) -> None:
    left = {key: value for key, value in headers().items() if key != name} | ({} if text is None else {name: text})
    with pytest.raises(MissingHeader, match=name):
        verify(BODY, left, SECRET, now=NOW)


@pytest.mark.parametrize("text", ["soon", "-1", "1e9", "1.5", "9" * 13, "١٢"])
def test_a_time_that_is_none(text: str) -> None:
    with pytest.raises(MissingHeader, match="no time"):
        verify(BODY, {**headers(), "webhook-timestamp": text}, SECRET, now=NOW)


@pytest.mark.parametrize(("off", "good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_old_messages_are_not_believed(off: int, good: bool) -> None:
    if good:
        assert verify(BODY, headers(), SECRET, now=NOW + off)
        return
    with pytest.raises(WrongTime):
        verify(BODY, headers(), SECRET, now=NOW + off)
    assert verify(BODY, headers(), SECRET, now=NOW + off, tolerance=400)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"type":"x","timestamp":"soon","data":{}}',
                                  b'{"type":"x","timestamp":"2026-11-01T12:00:00Z","data":7}'])  # fmt: skip
def test_a_body_that_is_signed_and_no_message(body: bytes) -> None:
    with pytest.raises(NoMessage):
        verify(body, headers(body), SECRET, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "x", "whsec_ä"])
def test_a_secret_that_is_none_is_the_callers_mistake(secret: str) -> None:
    with pytest.raises(UsageError, match="whsec_") as wrong:
        verify(BODY, headers(), secret, now=NOW)
    assert wrong.value.__suppress_context__


def test_the_errors_are_of_the_one_tree_and_travel() -> None:
    for kind in (MissingHeader, WrongTime, WrongSignature, NoMessage):
        assert issubclass(kind, VerificationError)
        assert issubclass(kind, FlexError)
        error = kind("no", hint="so")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.message, again.hint) == (kind, "no", "so")
