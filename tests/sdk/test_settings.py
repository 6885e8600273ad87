"""Settings through the SDK, both clients, against the box in memory."""

from __future__ import annotations

from typing import Any

import pytest

from flexclient import FlexClient, errors
from flexclient.models import Settings
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side


def test_a_change_is_partial_and_null_is_the_default(side: Side) -> None:
    client = side.client(transport=FakeFlex())
    assert side.do(client.settings.get()) == Settings.model_validate(Settings().model_dump(exclude_none=True))
    made = side.do(client.settings.update({"cot_enabled": True, "webhook_allowed_networks": ["10.0.0.0/8"]}))
    assert (made.cot_enabled, made.webhook_allowed_networks, made.mdns_enabled) == (True, ("10.0.0.0/8",), True)
    made = side.do(client.settings.update({"cot_enabled": None, "name": "gate"}))
    assert (made.cot_enabled, made.name, made.webhook_allowed_networks) == (False, "gate", ("10.0.0.0/8",))


def test_a_model_says_only_what_was_set(side: Side) -> None:
    box = FakeFlex()
    client = side.client(transport=box)
    side.do(client.settings.update(Settings(cot_interval_seconds=10)))
    assert box.requests[-1].json == {"cot_interval_seconds": 10}


def test_a_stale_copy_is_refused(side: Side) -> None:
    client = side.client(transport=FakeFlex())
    read = side.do(client.settings.get.raw())
    assert read.etag
    side.do(client.settings.update({"name": "theirs"}, if_match=read.etag))
    with pytest.raises(errors.PreconditionFailed):
        side.do(client.settings.update({"name": "mine"}, if_match=read.etag))
    assert side.do(client.settings.get()).name == "theirs"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cot_interval_seconds": 0}, "cot_interval_seconds"),
        ({"cot_enabled": "yes"}, "cot_enabled"),
        ({"nope": None}, "nope"),
        ({"webhook_allowed_networks": ["10.0.0.0/8", "x"]}, "webhook_allowed_networks"),
    ],
)
def test_a_faulty_field_is_named(changes: dict[str, Any], field: str) -> None:
    client = FlexClient(transport=FakeFlex())
    with pytest.raises(errors.ValidationError_) as caught:
        client.settings.update(changes)
    assert caught.value.details[0].field == field


def test_a_change_is_told() -> None:
    box = FakeFlex()
    client = FlexClient(transport=box)
    client.settings.update({"name": "gate"})
    client.settings.update({"name": "gate"})
    with client.events.stream(since=0, resume=False) as stream:
        box.script([box.hang_up])
        told = [event for event in stream if event.type == "settings_changed"]
    assert [event.data.name for event in told] == ["gate"], "what changes nothing is not told"


def test_a_box_with_the_documented_api_alone_will_do(side: Side) -> None:
    client = side.client(transport=FakeFlex(plain=True))
    assert side.do(client.settings.update({"name": "old"})).name == "old"
    assert side.do(client.settings.get.raw()).etag is None
