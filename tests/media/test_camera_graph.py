"""A camera as a source, by value: what elements it becomes. Nothing here can stream from a camera: there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest

from flexclient import models as m
from flexserver.devices import modes
from flexserver.devices.modes import Mode
from flexserver.media import checks, graph, sources
from flexserver.media.elements import Graph
from flexserver.media.patience import SILENCE, Patience
from flexserver.protocol import Failed
from tests.media.harness import SERVER, Worker, graph_of, spec

JPEG = "image/jpeg,width=1920,height=1080,framerate=30/1"
RAW = "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1"
H264 = "video/x-h264,stream-format=byte-stream,width=1280,height=720,framerate=30/1"
FORMATS = [*modes._RAW, *modes._CODED]


def camera(uri: str = "v4l2:///dev/video0", *, known: str | None = None, **source: Any) -> Graph:
    return graph_of(spec(uri, source=source), camera_caps=known)


def factories(found: Graph) -> list[str]:
    return [element.factory for element in found.elements]


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        (RAW, ["v4l2src", "capsfilter", "deinterlace"]),
        (JPEG, ["v4l2src", "capsfilter", "jpegdec", "deinterlace"]),
        (H264, ["v4l2src", "capsfilter", "decodebin", "deinterlace"]),
        (None, ["v4l2src", "decodebin", "deinterlace"]),
    ],
)
def test_pictures_are_decoded_by_what_the_camera_gives(caps: str | None, expected: list[str]) -> None:
    for found in (camera(known=caps), camera(known=RAW, caps=caps) if caps else camera()):
        assert factories(found)[: len(expected)] == expected
        assert dict(found["source"].properties) == {"device": "/dev/video0"}
        assert found.source == "camera"
        if caps:
            assert dict(found["asked"].properties) == {"caps": caps}


def test_the_sources_own_caps_win() -> None:
    assert dict(camera(known=JPEG, caps=RAW)["asked"].properties) == {"caps": RAW}
    assert "asked" not in camera()


@pytest.mark.parametrize(
    ("uri", "device"),
    [
        ("file:///dev/video0", "/dev/video0"),
        ("file:///dev/video12", "/dev/video12"),
        ("file:///dev/v4l/by-id/usb-Cam%20One-index0", "/dev/v4l/by-id/usb-Cam One-index0"),
        ("v4l2:///dev/gate", "/dev/gate"),
        ("v4l2:////dev//./video0", "/dev/video0"),
        ("file://localhost/dev/video0", "/dev/video0"),
        ("file:///dev/shm/a.mp4", None),
        ("file:///dev/video0/../shm/a.mp4", None),
        ("file:///media/dev/video0", None),
        ("test://ball", None),
        ("rtsp://camera/dev/video0", None),
        ("rtsp://[::1/x", None),
    ],
)
def test_which_addresses_are_cameras(uri: str, device: str | None) -> None:
    assert sources.camera_of(uri) == device


def test_a_camera_is_live() -> None:
    found = camera(known=RAW)
    assert "pace" not in found, "only a file is held back to real time"
    assert dict(found["waiting"].properties)["leaky"] == "downstream", "a slow encoder costs pictures, no latency"
    watched = Patience("camera", 0.0)
    assert watched.look(1, arrived=True, pictures=10) is None
    assert watched.look(1 + SILENCE + 0.1, arrived=True, pictures=10) == "no picture for 2.6 s"


GSTREAMER = """
import json, sys
from flexserver.media import build
from flexserver.media.elements import Graph
from flexserver.media.gst import Gst
given = json.load(sys.stdin)
gives = Gst.ElementFactory.make("v4l2src").get_pad_template("src").get_caps()
for text in given["caps"]:
    caps = Gst.Caps.from_string(text)
    assert caps is not None and caps.is_fixed() and gives.can_intersect(caps), text
for one in given["graphs"]:
    made = build.pipeline(Graph.from_json(one))
    assert made.get_by_name("source").get_property("device") == "/dev/video0"
    asked = made.get_by_name("asked")
    assert asked is None or asked.get_property("caps").is_fixed()
print("built", len(given["caps"]), len(given["graphs"]))
"""


def test_gstreamer_takes_the_caps_of_every_format_and_builds_the_graphs() -> None:
    caps = [Mode(fourcc, 640, 480, Fraction(30000, 1001)).caps for fourcc in FORMATS]
    graphs = [camera(known=known).to_json() for known in (RAW, JPEG, H264, None)]
    given = json.dumps({"caps": caps, "graphs": graphs})
    env = {**os.environ, "PYTHONPATH": SERVER}
    command = [sys.executable, "-c", GSTREAMER]
    ran = subprocess.run(command, input=given, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout.split() == ["built", str(len(FORMATS)), "4"], ran.stderr


@pytest.mark.parametrize("fourcc", FORMATS)
def test_the_caps_of_every_capability_may_be_written_into_a_source(fourcc: str) -> None:
    for rate in (Fraction(30), modes.UNKNOWN_RATE):
        source = m.Source(uri="v4l2:///dev/video0", caps=Mode(fourcc, 640, 480, rate).caps)
        assert checks.check_source(source) == []


def test_changing_how_a_camera_runs_needs_a_restart() -> None:
    assert graph.changes(camera(known=RAW), camera(known=JPEG)) is None
    assert graph.changes(camera(known=RAW), camera(known=RAW)) == []


def test_a_camera_that_is_not_there_is_the_sources_fault() -> None:
    with Worker(spec("v4l2:///dev/video63", source={"caps": RAW})) as worker:
        failed = worker.wait(Failed)
        assert failed.part == "source"
        assert failed.message.startswith("source /dev/video63: there is nothing at this address (v4l2src: ")
