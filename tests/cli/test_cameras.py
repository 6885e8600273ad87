"""`flexctl camera` and `flexctl audio-device` against a real box: its cameras are umockdev's, its sound ALSA's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript
from tests.support.api import until
from tests.support.box import Box
from tests.support.cameras import WEBCAM, Cameras
from tests.support.media_double import fake_media

FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")
FREE = {
    "card": "Free Cam",
    "formats": [
        {"fourcc": "YUYV", "sizes": [{"from": [32, 32], "to": [1280, 720], "step": [2, 2]}]},
        {"fourcc": "MJPG", "sizes": [[640, 480], [1920, 1080]], "intervals": []},
        {"fourcc": "pRAA", "sizes": [[640, 480]]},
    ],
}
SOUND = 'pcm.mic { type null hint { show on description "Desk microphone" } }\n'


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras() as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, cameras: Cameras) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env={**media.env, **cameras.env}) as made:
        yield made


@pytest.fixture
def plugged(server: Box, cameras: Cameras) -> Iterator[Box]:
    """The box with three cameras, two of them alike."""
    cameras.plug(0, serial="S1")
    cameras.plug(2, port="1-2")
    cameras.plug(4, FREE, port="1-3")
    until(lambda: len(paths(server)) == 3, what="the cameras")
    yield server
    cameras.unplug_all()
    until(lambda: not paths(server), what="no camera")


def run(box: Box, *argv: str, on: Any = PIPE) -> Ran:
    return flexctl(*argv, url=box.url, on=on, FLEX_FINGERPRINT=box.fingerprint)


def paths(box: Box) -> list[str]:
    return run(box, "camera", "list", "-o", "name").out.split()


def steady(ran: Ran) -> Ran:
    """Without what is another one each time."""
    lines = [line for line in ran.err.splitlines() if "request id" not in line]
    return Ran(ran.code, ran.out, "\n".join(lines))


@pytest.mark.parametrize("argv", [("camera", "list"), ("camera", "get", "/dev/video4")], ids=" ".join)
def test_in_every_form(argv: tuple[str, ...], plugged: Box) -> None:
    runs = [transcript(run(plugged, *argv, "-o", form), *argv, "-o", form) for form in FORMS]
    runs += [
        transcript(run(plugged, *argv, on=terminal(width)), *argv, note=f"{width} columns") for width in (120, 80, 40)
    ]
    golden("-".join(argv[:2]), "\n".join(runs))


def test_a_camera_by_its_path_its_id_and_its_name(plugged: Box) -> None:
    listed = json.loads(run(plugged, "camera", "list", "-o", "json").out)
    assert [one["path"] for one in listed] == ["/dev/video0", "/dev/video2", "/dev/video4"]
    for word in ("/dev/video4", "video4", listed[2]["id"], "Free Cam", "free cam"):
        ran = run(plugged, "camera", "get", word, "-o", "json")
        assert (ran.code, json.loads(ran.out)["path"]) == (0, "/dev/video4"), word


def test_what_is_wrong_is_said_with_what_to_do(plugged: Box) -> None:
    runs = []
    for argv in (
        ("camera", "get", "Mock Cam 9000"),
        ("camera", "get", "nope"),
        ("camera", "get", "/dev/video9"),
        ("camera", "get", "/etc/passwd"),
        ("camera", "get"),
    ):
        ran = steady(run(plugged, *argv))
        assert ran.code
        assert not ran.out
        runs.append(transcript(ran, *argv))
    golden("camera-errors", "\n".join(runs))


def test_none_at_all(server: Box) -> None:
    ran = run(server, "camera", "list")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        "No camera is plugged in.",
        "  Plug one into the box; see it come: flexctl camera events",
    ]
    assert json.loads(run(server, "camera", "list", "-o", "json").out) == []
    ran = run(server, "camera", "get", "gate")
    assert (ran.code, "No camera is plugged in." in ran.err) == (3, True)


def test_a_hanging_camera_shows_its_problem(server: Box, cameras: Cameras) -> None:
    cameras.plug(0, WEBCAM, hangs=True)
    ran = until(lambda: (ran := run(server, "camera", "list", on=terminal(100))).out and ran, 8, "the camera")
    assert "its driver did not answer within 3 s" in ran.out
    ran = run(server, "camera", "get", "/dev/video0")
    assert (ran.code, "its driver did not answer within 3 s" in ran.err) == (1, True)
    cameras.unplug_all()
    until(lambda: not paths(server), what="no camera")


def test_events_are_lines_in_a_pipe_and_rows_on_a_terminal(plugged: Box) -> None:
    ran = run(plugged, "camera", "events", "--since", "0", "--count", "2")
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [one["event"] for one in told] == ["camera_added"] * 2
    assert told[0].keys() == {"id", "event", "data"}
    assert told[0]["data"].keys() == {"device_path", "device_name"}
    ran = run(plugged, "camera", "events", "--since", "0", "--count", "1", "--scroll", on=terminal(80))
    assert "camera_added" in ran.out
    assert "/dev/video" in ran.out


@pytest.mark.parametrize(
    ("argv", "address"),
    [
        (("camera", "list"), "http://box/flex/cameras"),
        (("camera", "get", "/dev/video0"), "http://box/flex/camera?path=%2Fdev%2Fvideo0"),
        (("camera", "events", "--since", "3"), "http://box/flex/cameras/events?since=3"),
        (("audio-device", "list"), "http://box/flex/audio-devices"),
    ],
)
def test_curl_says_what_would_be_sent(argv: tuple[str, ...], address: str, server: Box) -> None:
    assert address in run(server, *argv, "--curl").out


def test_audio_devices(tmp_path: Path) -> None:
    (tmp_path / "asound.conf").write_text(SOUND)
    media = fake_media(tmp_path / "fake")
    argv = ("audio-device", "list")
    with Box(tmp_path / "data", env={**media.env, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}) as box:
        runs = [transcript(run(box, *argv, "-o", form), *argv, "-o", form) for form in FORMS]
        runs.append(transcript(run(box, *argv, on=terminal(40)), *argv, note="40 columns"))
        (tmp_path / "asound.conf").write_text("")
        empty = run(box, *argv)
        assert (empty.code, empty.out) == (0, "")
        runs.append(transcript(empty, *argv, note="none"))
        assert json.loads(run(box, *argv, "-o", "json").out) == []
        box.stop()
        assert run(box, *argv).code == 7
    golden("audio-device-list", "\n".join(runs))
