"""Cameras and audio devices through the SDK, both clients, against the box in memory."""

from __future__ import annotations

import pytest

from flexclient import errors
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side


def test_cameras_are_listed_and_asked(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    assert side.do(client.cameras.list()).cameras == ()
    box.plug("/dev/video2", "Gate Cam")
    box.plug()
    first, second = side.do(client.cameras.list()).cameras
    assert (first.path, second.path, second.name, second.format_count) == ("/dev/video0", "/dev/video2", "Gate Cam", 2)
    found = side.do(client.cameras.get(second.path))
    assert (found.id, found.name, found.formats) == (second.id, "Gate Cam", ("YUYV", "MJPG"))
    assert found.best_capability == found.capabilities[0]
    assert found.best_capability.gstreamer_caps == "image/jpeg,width=1920,height=1080,framerate=30/1"
    scores = [one.quality_score for one in found.capabilities]
    assert scores == sorted(scores, reverse=True)


def test_a_camera_that_is_not_there(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    with pytest.raises(errors.NotFound):
        side.do(client.cameras.get("/dev/video0"))
    with pytest.raises(errors.ValidationError_) as caught:
        side.do(client.cameras.get("/etc/passwd"))
    assert [fault.field for fault in caught.value.details] == ["path"]


def test_plugs_are_told_and_nothing_else(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    box.plug()
    box.add({"id": "cam1", "source": {"uri": "test://smpte"}})
    box.set_state("cam1", "playing")
    box.unplug()
    stream = client.cameras.events(since=0)
    told = [side.next(stream) for _ in range(2)]
    assert [(one.type, one.data.device_path) for one in told] == [
        ("camera_added", "/dev/video0"),
        ("camera_removed", "/dev/video0"),
    ]
    assert told[0].data.device_name == "Camera"
    assert told[0].id is not None
    assert told[0].id < told[1].id
    assert box.requests[-1].path == "/flex/cameras/events"


def test_a_stream_of_cameras_resumes(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    box.script([box.plug, box.hang_up, box.unplug])
    stream = client.cameras.events(since=0)
    assert [side.next(stream).type for _ in range(2)] == ["camera_added", "camera_removed"]
    assert [seen.headers.get("last-event-id") for seen in box.requests] == [None, "1"]


def test_a_documented_box_has_them_too(side: Side) -> None:
    box = FakeFlex(plain=True, ids=False)
    client = side.client(transport=box)
    box.plug()
    assert len(side.do(client.cameras.list()).cameras) == 1
    box.script([box.unplug])
    assert side.next(client.cameras.events()).type == "camera_removed"


def test_a_camera_serves_one_pipeline(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    box.plug()
    side.do(client.pipelines.create({"id": "cam1", "source": {"uri": "v4l2:///dev/video0"}}))
    with pytest.raises(errors.PipelineConflict, match="cam1"):
        side.do(client.pipelines.create({"id": "cam2", "source": {"uri": "file:///dev/video0"}}))
    side.do(client.pipelines.patch("cam1", {"source": {"uri": "test://ball"}}))
    side.do(client.pipelines.create({"id": "cam2", "source": {"uri": "file:///dev/video0"}}))
    with pytest.raises(errors.PipelineConflict, match="cam2"):
        side.do(client.pipelines.patch("cam1", {"source": {"uri": "v4l2:///dev/video0"}}))


def test_audio_devices_are_listed(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    assert side.do(client.audio_devices.list()).devices == ()
    box.add_audio_device("hw:2,1", "Line", "Desk")
    (found,) = side.do(client.audio_devices.list()).devices
    assert (found.device, found.name, found.card_name, found.card, found.subdevice) == ("hw:2,1", "Line", "Desk", 2, 1)
