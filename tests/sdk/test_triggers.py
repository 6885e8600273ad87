"""Triggers through the SDK, both clients, against the box in memory."""

from __future__ import annotations

import pytest

from flexclient import errors
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side

KEY = "0123456789abcdef"


@pytest.mark.parametrize("plain", [False, True])
def test_publish_makes_a_pipeline_and_unpublish_takes_it_away(side: Side, plain: bool) -> None:
    box = FakeFlex(api_key=KEY, plain=plain)
    client = side.client(transport=box, api_key=KEY)
    made = side.do(client.triggers.publish("live/mystream"))
    assert (made.status, made.pipeline_id, made.action) == ("ok", "livemystream", "play")
    assert box.requests[-1].query == {"path": "live/mystream"}
    assert box.requests[-1].headers["x-api-key"] == KEY
    (pipeline,) = side.do(client.pipelines.list())
    assert pipeline.source
    assert pipeline.source.uri == "rtsp://127.0.0.1:8554/live/mystream"
    gone = side.do(client.triggers.unpublish("live/mystream"))
    assert (gone.pipeline_id, gone.action) == ("livemystream", "stop")
    assert side.do(client.pipelines.list()) == []
    assert side.do(client.triggers.unpublish("live/mystream")) == gone


def test_a_stored_pipeline_plays_and_stops(side: Side) -> None:
    client = side.client(transport=FakeFlex(api_key=KEY), api_key=KEY)
    side.do(client.pipelines.create({"id": "gate", "source": {"uri": "test://smpte"}}))
    side.do(client.triggers.publish("live/x", pipeline_id="gate"))
    assert side.do(client.pipelines.get("gate")).state == "playing"
    side.do(client.triggers.unpublish("live/x", pipeline_id="gate"))
    assert side.do(client.pipelines.get("gate")).order == "stop"


def test_what_is_refused(side: Side) -> None:
    box = FakeFlex(api_key=KEY)
    with pytest.raises(errors.Unauthorized):
        side.do(side.client(transport=box).triggers.publish("a"))
    with pytest.raises(errors.ValidationError_) as error:
        side.do(side.client(transport=box, api_key=KEY).triggers.publish("///"))
    assert [detail.field for detail in error.value.details] == ["path"]
