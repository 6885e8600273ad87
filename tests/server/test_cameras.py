"""Cameras through the API, their ioctls answered by umockdev: no driver and no USB, but the kernel's own interfaces.

It cannot stream, so what a pipeline makes of a camera is compared by value (tests/media/test_camera_graph.py).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from flexserver.cameras import CameraList
from flexserver.devices.process import NoAnswer, Prober
from flexserver.errors import Refusal
from flexserver.events import Hub
from flexserver.store import Store
from tests.support.api import Api, Listener, until
from tests.support.box import Box
from tests.support.cameras import WEBCAM, Cameras
from tests.support.media_double import FakeMedia, fake_media

TYPES = "camera_added,camera_removed"


@pytest.fixture(scope="module")
def cameras() -> Iterator[Cameras]:
    with Cameras() as made:
        yield made


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> FakeMedia:
    return fake_media(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="module")
def box_with_cameras(tmp_path_factory: pytest.TempPathFactory, cameras: Cameras, media: FakeMedia) -> Iterator[Box]:
    env = {**media.env, **cameras.env}
    with Box(tmp_path_factory.mktemp("box") / "data", "--start-timeout", "1.5", env=env) as made:
        yield made


@pytest.fixture
def api(box_with_cameras: Box, cameras: Cameras, media: FakeMedia) -> Iterator[Api]:
    """A client of the module's box; afterwards it has no pipeline and no camera."""
    with Api(box_with_cameras) as made:
        yield made
        media.forget()
        for one in made.get("/flex/pipeline").json():
            made.call("DELETE", f"/flex/pipeline/{one['id']}")
        cameras.unplug_all()
        until(lambda: listed(made) == [], what="an empty box")


def listed(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/flex/cameras").raise_for_status().json()["cameras"]
    return found


def plug(api: Api, cameras: Cameras, number: int = 0, camera: dict[str, Any] = WEBCAM, **more: Any) -> dict[str, Any]:
    """Plug it in, and wait until the box lists it."""
    path = cameras.plug(number, camera, **more)
    found: dict[str, Any] = until(lambda: next((one for one in listed(api) if one["path"] == path), None), what=path)
    return found


def detail(api: Api, path: str = "/dev/video0") -> dict[str, Any]:
    found: dict[str, Any] = api.get("/flex/camera", params={"path": path}).raise_for_status().json()
    return found


def told(listener: Listener) -> list[tuple[str, dict[str, Any]]]:
    return [(seen.type, seen.data) for seen in list(listener.events)]


def use(api: Api, name: str, uri: str = "file:///dev/video0", **source: Any) -> Any:
    return api.create(name, source={"uri": uri, **source})


# The list and the capabilities


def test_a_box_without_cameras_says_so(api: Api) -> None:
    answer = api.get("/flex/cameras")
    assert (answer.status_code, answer.json()) == (200, {"cameras": []})
    assert api.get("/flex/camera", params={"path": "/dev/video0"}).status_code == 404


def test_the_list_agrees_with_v4l2_ctl(api: Api, cameras: Cameras) -> None:
    found = plug(api, cameras, serial="S1")
    said = cameras.run("v4l2-ctl", "-d", "/dev/video0", "--info")
    assert re.search(r"Card type\s+: (.*)", said)[1] == found["name"] == "Mock Cam 9000"  # type: ignore[index]
    assert re.search(r"Driver name\s+: (.*)", said)[1] == found["driver"] == "uvcvideo"  # type: ignore[index]
    assert found["format_count"] == 2
    assert found.keys() == {"path", "name", "driver", "format_count", "id"}


RANGES = {
    "card": "Free Cam",
    "formats": [
        {"fourcc": "NV12", "sizes": [{"from": [320, 240], "to": [640, 480], "step": [320, 240]}]},
        {
            "fourcc": "YUYV",
            "sizes": [{"from": [16, 16], "to": [1920, 1080], "step": [1, 1]}],
            "intervals": [{"from": [1, 60], "to": [1, 1]}],
        },
        {"fourcc": "pRAA", "text": "Bayer that nobody reads", "sizes": [[640, 480]]},
    ],
}


def by_v4l2_ctl(text: str) -> set[tuple[str, int, int, float]]:
    """Format, width, height and rate of `v4l2-ctl --list-formats-ext`."""
    found, name, size = set(), "", (0, 0)
    for line in text.splitlines():
        if match := re.search(r"\[\d+\]: '(.*?)'", line):
            name = match[1]
        elif match := re.search(r"Size: Discrete (\d+)x(\d+)", line):
            size = int(match[1]), int(match[2])
        elif match := re.search(r"\(([\d.]+) fps\)", line):
            found.add((name, *size, float(match[1])))
    return found


def test_the_capabilities_are_those_that_v4l2_ctl_lists(api: Api, cameras: Cameras) -> None:
    camera = {**WEBCAM, "formats": [*WEBCAM["formats"], {"fourcc": "H264", "sizes": [[1280, 720]]}]}
    plug(api, cameras, 0, camera)
    found = detail(api)
    ours = {(one["format"], one["width"], one["height"], one["fps"]) for one in found["capabilities"]}
    assert ours == by_v4l2_ctl(cameras.run("v4l2-ctl", "-d", "/dev/video0", "--list-formats-ext"))
    assert len(ours) == 10
    assert found["formats"] == ["YUYV", "MJPG", "H264"]


def test_the_best_capability_is_the_first_and_has_the_highest_score(api: Api, cameras: Cameras) -> None:
    plug(api, cameras)
    found = detail(api)
    best = found["best_capability"]
    assert best == found["capabilities"][0]
    assert (best["format"], best["width"], best["height"], best["fps"]) == ("MJPG", 1920, 1080, 30)
    assert best["gstreamer_caps"] == "image/jpeg,width=1920,height=1080,framerate=30/1"
    scores = [one["quality_score"] for one in found["capabilities"]]
    assert scores == sorted(scores, reverse=True)


def test_ranges_are_named_by_usual_sizes_and_unknown_formats_are_only_named(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0, RANGES)
    found = detail(api)
    sizes = {(one["format"], one["width"], one["height"]) for one in found["capabilities"]}
    assert {size for size in sizes if size[0] == "NV12"} == {("NV12", 320, 240), ("NV12", 640, 480)}
    assert {("YUYV", 16, 16), ("YUYV", 1280, 720), ("YUYV", 1920, 1080)} <= sizes
    assert found["formats"] == ["NV12", "YUYV", "pRAA"]
    assert not {size for size in sizes if size[0] == "pRAA"}
    best = found["best_capability"]
    assert (best["format"], best["width"], best["height"], best["fps"]) == ("YUYV", 1920, 1080, 60)


def test_a_driver_without_lists_is_taken_as_it_is_set(api: Api, cameras: Cameras) -> None:
    capture_card = {"card": "HDMI", "formats": [{"fourcc": "UYVY", "intervals": []}], "current": [1600, 900, "UYVY"]}
    plug(api, cameras, 0, capture_card)
    (only,) = detail(api)["capabilities"]
    assert (only["width"], only["height"], only["fps"]) == (1600, 900, 0)
    assert only["gstreamer_caps"] == "video/x-raw,format=UYVY,width=1600,height=900"


def test_only_nodes_that_capture_are_cameras(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0)
    plug(api, cameras, 2, port="1-2")
    cameras.plug(1, meta=True, index=1)
    until(lambda: cameras.asked(1), what="the metadata node to be asked")
    assert [one["path"] for one in listed(api)] == ["/dev/video0", "/dev/video2"]
    answer = api.get("/flex/camera", params={"path": "/dev/video1"})
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_camera_without_formats_has_no_best(api: Api, cameras: Cameras) -> None:
    assert plug(api, cameras, 0, {"card": "Blank", "formats": []})["format_count"] == 0
    assert detail(api).keys() >= {"capabilities", "formats"}
    assert "best_capability" not in detail(api)


@pytest.mark.parametrize("path", ["/etc/passwd", "/dev/../etc/passwd", "video0", "/dev/video0\0"])
def test_a_path_outside_of_dev_is_refused_by_name(path: str, api: Api) -> None:
    answer = api.get("/flex/camera", params={"path": path})
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["details"]] == ["path"]


@pytest.mark.parametrize("path", ["/dev/video9", "/dev/null", "/dev/v4l/by-id/none"])
def test_what_is_no_camera_is_not_found_and_not_opened(path: str, api: Api) -> None:
    assert api.get("/flex/camera", params={"path": path}).status_code == 404


def test_a_path_is_needed(api: Api) -> None:
    assert api.get("/flex/camera").json()["details"][0]["field"] == "path"


def test_a_link_names_its_camera(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0, link="v4l/by-id/usb-mock-index0")
    assert detail(api, "/dev/v4l/by-id/usb-mock-index0") == detail(api)


# Ids and plugs


def test_an_id_outlives_a_replug_also_under_another_number(api: Api, cameras: Cameras) -> None:
    first = plug(api, cameras, 0, serial="S1")["id"]
    assert re.fullmatch(r"mock-cam-9000-[0-9a-f]{8}", first)
    cameras.unplug(0)
    until(lambda: not listed(api), what="the unplug")
    again = plug(api, cameras, 3, serial="S1")
    assert (again["id"], again["path"]) == (first, "/dev/video3")


@pytest.mark.parametrize("serial", [{}, {"serial": "200901010001"}], ids=["no serial", "the same serial"])
def test_two_cameras_of_one_kind_are_told_apart_by_their_port(
    serial: dict[str, Any], api: Api, cameras: Cameras
) -> None:
    ids = [plug(api, cameras, number, port=f"1-{number}", **serial)["id"] for number in (1, 2)]
    assert ids[0] != ids[1]
    cameras.unplug(1)
    cameras.unplug(2)
    until(lambda: not listed(api), what="the unplug")
    swapped = [plug(api, cameras, 5 - number, port=f"1-{number}", **serial)["id"] for number in (2, 1)]
    assert swapped == [ids[1], ids[0]]


def test_two_pictures_of_one_device_are_two_cameras(api: Api, cameras: Cameras) -> None:
    ids = [plug(api, cameras, number, serial="S1", index=number)["id"] for number in (0, 2)]
    assert ids[0] != ids[1]


def test_plugs_are_told_on_both_streams_with_the_same_ids(api: Api, cameras: Cameras) -> None:
    with api.listen("/flex/cameras/events") as mine, api.listen(f"/flex/events?types={TYPES}") as every:
        begun = time.monotonic()
        cameras.plug()
        mine.wait(lambda seen: seen.type == "camera_added")
        assert time.monotonic() - begun < 1.5, "netlink tells it, not the look every two seconds"
        cameras.unplug()
        mine.wait(lambda seen: seen.type == "camera_removed")
        every.wait(lambda seen: seen.type == "camera_removed")
        assert told(mine) == [
            ("camera_added", {"device_path": "/dev/video0", "device_name": "Mock Cam 9000"}),
            ("camera_removed", {"device_path": "/dev/video0"}),
        ]
        assert [(seen.id, seen.type) for seen in mine.events] == [(seen.id, seen.type) for seen in every.events]
        first = mine.events[0].id
    with api.listen("/flex/cameras/events", headers={"Last-Event-ID": str(first)}) as late:
        assert late.wait(lambda seen: seen.type == "camera_removed").id > first
        assert len(late.events) == 1


def test_the_stream_of_cameras_tells_of_nothing_else(api: Api, cameras: Cameras) -> None:
    with api.listen("/flex/cameras/events") as mine, api.listen() as every:
        api.create("cam1")
        every.wait(lambda seen: seen.type == "pipeline_created")
        cameras.plug()
        mine.wait(lambda seen: seen.type == "camera_added")
        assert [seen.type for seen in mine.events] == ["camera_added"]


def test_a_quick_replug_is_a_removal_and_an_addition(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, serial="S1")
    with api.listen("/flex/cameras/events") as mine:
        cameras.unplug(0)
        cameras.plug(0, serial="S1")
        mine.wait(lambda seen: seen.type == "camera_added")
        assert [seen.type for seen in mine.events] == ["camera_removed", "camera_added"]


def test_a_metadata_node_is_no_event(api: Api, cameras: Cameras) -> None:
    with api.listen("/flex/cameras/events") as mine:
        cameras.plug(1, meta=True)
        until(lambda: cameras.asked(1), what="the metadata node to be asked")
        cameras.plug(2, port="1-2")
        mine.wait(lambda seen: seen.type == "camera_added")
        cameras.unplug(1)
        cameras.unplug(2)
        mine.wait(lambda seen: seen.type == "camera_removed")
        assert {seen.data["device_path"] for seen in mine.events} == {"/dev/video2"}


def test_after_a_restart_only_what_changed_is_told(tmp_path: Path, cameras: Cameras) -> None:
    with Cameras() as mine:
        media = fake_media(tmp_path / "fake")
        mine.plug(0, serial="A")
        mine.plug(1, port="1-2")
        with Box(tmp_path / "data", env={**media.env, **mine.env}) as box, Api(box) as api:
            with api.listen("/flex/cameras/events?since=0") as before:
                before.wait(lambda seen: len(before.events) == 2)
                assert {seen.type for seen in before.events} == {"camera_added"}
                last = before.events[-1].id
            box.stop()
            mine.unplug(1)
            mine.plug(4, port="1-4", card="New Cam")
            box.start()
            with api.listen(f"/flex/cameras/events?since={last}") as after:
                after.wait(lambda seen: len(after.events) == 2)
                assert sorted(told(after), key=str) == [
                    ("camera_added", {"device_path": "/dev/video4", "device_name": "New Cam"}),
                    ("camera_removed", {"device_path": "/dev/video1"}),
                ]


def test_without_netlink_sysfs_is_looked_at(cameras: Cameras) -> None:
    program = "from flexserver.devices import watch; watch.listen = lambda: None; watch.main()"
    watcher = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **cameras.env},
        text=True,
    )
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    try:
        assert json.loads(watcher.stdout.readline()) == {}
        path = cameras.plug(7)
        assert list(json.loads(watcher.stdout.readline())) == [path]
        cameras.unplug(7)
        assert json.loads(watcher.stdout.readline()) == {}
    finally:
        watcher.stdin.close()
        assert watcher.wait(5) == 0, "it ends when nobody listens"
        watcher.stdout.close()


def test_the_watcher_ends_with_the_server_and_is_started_again_when_it_dies(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "fake")
    with Cameras() as mine, Box(tmp_path / "data", env={**media.env, **mine.env}) as box, Api(box) as api:
        first = until(lambda: watchers(box.pid), what="the watcher")
        for pid in first:
            os.kill(pid, 9)
        mine.plug()
        until(lambda: listed(api), 8, what="the camera, seen by another watcher")
        second = watchers(box.pid)
        assert second
        assert not set(second) & set(first)
        box.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in second), what="the watcher's end")


def watchers(parent: int) -> list[int]:
    """The server's watcher processes."""
    found = []
    for entry in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        command = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
        if b"flexserver.devices.watch" in command:
            found.append(int(entry))
    return found


# Drivers that hang


def test_a_hanging_driver_costs_only_its_own_question(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0)
    plug(api, cameras, 1, port="1-2")
    cameras.hang(0)
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(api.get("/flex/camera?path=/dev/video0")))
    asked = cameras.asked(0)
    begun = time.monotonic()
    asking.start()
    until(lambda: cameras.asked(0) > asked, what="the question")
    with Api(api.box) as other:
        assert [one["path"] for one in listed(other)] == ["/dev/video0", "/dev/video1"]
        assert detail(other, "/dev/video1")["name"] == "Mock Cam 9000"
        assert other.get("/flex/healthz").status_code == 200
        assert asking.is_alive(), "all of that while the first question hangs"
    asking.join(10)
    assert time.monotonic() - begun < 5
    (answer,) = answers
    assert (answer.status_code, answer.json()["code"]) == (500, "GSTREAMER_ERROR")
    assert "/dev/video0 cannot be asked: its driver did not answer within 3 s" in answer.json()["message"]
    assert "Unplug it" in answer.json()["hint"]
    cameras.wake(0)
    assert detail(api)["name"] == "Mock Cam 9000"


def test_a_camera_that_hangs_from_the_start_is_listed_with_its_problem_until_it_answers(
    api: Api, cameras: Cameras
) -> None:
    with api.listen("/flex/cameras/events") as mine:
        cameras.plug(0, hangs=True)
        found = until(lambda: listed(api), 8, what="the camera")
        assert found[0]["problem"] == "its driver did not answer within 3 s"
        assert (found[0]["name"], found[0]["format_count"]) == ("Mock Cam 9000", 0)
        assert mine.events == []
        cameras.wake(0)
        assert detail(api)["name"] == "Mock Cam 9000"
        mine.wait(lambda seen: seen.type == "camera_added")
        assert "problem" not in listed(api)[0]


# A camera as the source of a pipeline


def graph_of(media: FakeMedia, name: str) -> list[tuple[str, dict[str, Any]]]:
    found = json.loads(media.graph(name))
    return [(element["factory"], dict(element["properties"])) for element in found["elements"]]


@pytest.mark.parametrize("uri", ["file:///dev/video0", "v4l2:///dev/video0", "v4l2:///dev/v4l/by-id/mock"])
def test_a_pipeline_runs_its_cameras_best_capability(uri: str, api: Api, cameras: Cameras, media: FakeMedia) -> None:
    plug(api, cameras, 0, link="v4l/by-id/mock")
    answer = api.create("cam1", source={"uri": uri}, on_demand=False)
    assert (answer.status_code, answer.json()["state"]) == (201, "playing")
    camera, asked, decoder, *_ = graph_of(media, "cam1")
    assert camera == ("v4l2src", {"device": uri.partition("://")[2]})
    assert asked == ("capsfilter", {"caps": "image/jpeg,width=1920,height=1080,framerate=30/1"})
    assert decoder == ("jpegdec", {})
    line = api.get("/flex/pipeline/cam1/graph").text
    assert "v4l2src" in line
    assert "image/jpeg,width=1920,height=1080,framerate=30/1" in line


def test_caps_of_the_source_win(api: Api, cameras: Cameras, media: FakeMedia) -> None:
    plug(api, cameras)
    wanted = "video/x-raw,format=YUY2,width=640,height=480,framerate=15/1"
    assert api.create("cam1", source={"uri": "file:///dev/video0", "caps": wanted}, on_demand=False).status_code == 201
    camera, asked, following, *_ = graph_of(media, "cam1")
    assert (camera[0], asked[1], following[0]) == ("v4l2src", {"caps": wanted}, "deinterlace")


def test_a_camera_that_is_not_there_is_waited_for_and_played_at_once(api: Api, cameras: Cameras) -> None:
    answer = api.create("cam1", source={"uri": "v4l2:///dev/video0"}, on_demand=False)
    assert (answer.status_code, answer.json()["code"]) == (500, "GSTREAMER_ERROR")
    assert "there is no camera at /dev/video0" in answer.json()["message"]
    assert "stored" in answer.json()["hint"]
    far = until(lambda: (api.status()["restarts"] >= 3) and api.status(), 10, "some tries")
    assert far["reason"] == "there is no camera at /dev/video0; it is waited for"
    cameras.plug()
    api.wait("cam1", "playing", 1.5)


def test_a_lost_camera_is_a_lost_source(api: Api, cameras: Cameras, media: FakeMedia) -> None:
    plug(api, cameras)
    api.create("cam1", source={"uri": "file:///dev/video0"}, on_demand=False)
    cameras.unplug()
    until(lambda: not listed(api), what="the unplug")
    for pid in media.starts("cam1")[-1:]:
        os.kill(pid, 9)
    found = api.wait("cam1", "reconnecting")
    assert until(lambda: "no camera at /dev/video0" in (api.status()["reason"] or "") and api.status())
    assert found["order"] == "play"
    cameras.plug()
    api.wait("cam1", "playing")


def test_a_camera_in_use_is_a_conflict_that_names_its_holder(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0, link="v4l/by-id/mock")
    assert use(api, "cam1").status_code == 201
    api.create("cam2")
    for answer in (
        use(api, "cam3"),
        use(api, "cam3", "v4l2:///dev/video0"),
        use(api, "cam3", "v4l2:///dev/v4l/by-id/mock"),
        use(api, "cam3", "file:///dev//./video0"),
        api.call("PUT", "/flex/pipeline/cam2", json={"source": {"uri": "v4l2:///dev/video0"}}),
        api.call("PATCH", "/flex/pipeline/cam2", json={"source": {"uri": "v4l2:///dev/video0"}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "PIPELINE_CONFLICT")
        assert "'cam1'" in answer.json()["message"]
    assert [one["id"] for one in api.get("/flex/pipeline").json()] == ["cam1", "cam2"]
    assert api.get("/flex/pipeline/cam2").json()["source"] == {"uri": "test://smpte"}


def test_a_pipeline_may_keep_its_own_camera(api: Api, cameras: Cameras) -> None:
    plug(api, cameras)
    use(api, "cam1")
    same = {"source": {"uri": "v4l2:///dev/video0"}, "metadata": {"a": "b"}}
    assert api.call("PUT", "/flex/pipeline/cam1", json=same).status_code == 200


def test_a_camera_is_free_after_a_delete_and_after_a_change(api: Api, cameras: Cameras) -> None:
    plug(api, cameras)
    use(api, "cam1")
    api.call("DELETE", "/flex/pipeline/cam1")
    assert use(api, "cam2").status_code == 201
    api.call("PATCH", "/flex/pipeline/cam2", json={"source": {"uri": "test://ball"}})
    assert use(api, "cam3").status_code == 201
    assert use(api, "cam4").status_code == 409, "and it is taken again"


def test_a_refused_change_keeps_the_old_camera_and_takes_no_other(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0)
    plug(api, cameras, 1, port="1-2")
    plug(api, cameras, 2, port="1-3")
    use(api, "cam1", "v4l2:///dev/video0")
    use(api, "cam2", "v4l2:///dev/video1")
    assert api.call("PATCH", "/flex/pipeline/cam1", json={"source": {"uri": "v4l2:///dev/video1"}}).status_code == 409
    assert use(api, "cam3", "v4l2:///dev/video0").status_code == 409
    stale = {"If-Match": '"x"'}
    body = {"source": {"uri": "v4l2:///dev/video2"}}
    assert api.call("PATCH", "/flex/pipeline/cam1", json=body, headers=stale).status_code == 412
    assert use(api, "cam3", "v4l2:///dev/video2").status_code == 201


def test_of_many_who_want_a_camera_at_once_one_gets_it(api: Api, cameras: Cameras) -> None:
    plug(api, cameras)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: use(api, f"cam{number}"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert len(api.get("/flex/pipeline").json()) == 1


def test_a_stored_pipeline_holds_its_camera_after_a_restart(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "fake")
    with Cameras() as mine, Box(tmp_path / "data", env={**media.env, **mine.env}) as box, Api(box) as api:
        plug(api, mine)
        api.create("cam1", source={"uri": "file:///dev/video0"}, on_demand=False)
        box.restart()
        api.wait("cam1", "playing")
        answer = use(api, "cam2", "v4l2:///dev/video0")
        assert (answer.status_code, answer.json()["code"]) == (409, "PIPELINE_CONFLICT")


def test_a_link_follows_its_camera_to_another_number(api: Api, cameras: Cameras) -> None:
    plug(api, cameras, 0, link="v4l/by-id/mock")
    use(api, "cam1", "v4l2:///dev/v4l/by-id/mock")
    cameras.unplug(0)
    until(lambda: not listed(api), what="the unplug")
    plug(api, cameras, 5, link="v4l/by-id/mock")
    plug(api, cameras, 0, port="1-2")
    assert use(api, "cam2", "v4l2:///dev/video0").status_code == 201, "another camera has the old number"
    assert use(api, "cam3", "v4l2:///dev/video5").status_code == 409


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ({"uri": "v4l2:///dev/null"}, "source.uri"),
        ({"uri": "v4l2:///etc/passwd"}, "source.uri"),
        ({"uri": "v4l2:///dev/../etc/passwd"}, "source.uri"),
        ({"uri": "v4l2://host/dev/video0"}, "source.uri"),
        ({"uri": "v4l2:///dev/video0?x=1"}, "source.uri"),
        ({"uri": "v4l2:///dev/video0", "loop": True}, "source.loop"),
        ({"uri": "file:///dev/video0", "loop": True}, "source.loop"),
        ({"uri": "v4l2:///dev/video0", "caps": "video/x-raw ! filesink location=/tmp/x"}, "source.caps"),
        ({"uri": "v4l2:///dev/video0", "caps": "video/x-raw,width=[1,9]"}, "source.caps"),
        ({"uri": "v4l2:///dev/video0", "caps": "audio/x-raw"}, "source.caps"),
        ({"uri": "rtsp://camera/1", "caps": "video/x-raw"}, "source.caps"),
    ],
)
def test_an_address_that_can_be_no_camera_is_refused_by_name(source: dict[str, Any], field: str, api: Api) -> None:
    answer = api.create("cam1", source=source)
    assert answer.status_code == 400
    assert field in [fault["field"] for fault in answer.json()["details"]]


# The part alone


def test_a_camera_that_another_program_has_is_a_conflict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(*_: object, **__: object) -> Any:
        raise NoAnswer("another program has it for itself", "End the program that uses it.", 16)

    async def ask() -> Refusal:
        store, hub = Store(tmp_path / "flex.db"), Hub(tmp_path / "events.db")
        hub.start()
        part = CameraList(store, hub)
        monkeypatch.setattr(Prober, "ask", busy)
        node = {"plug": "1", "access": "2", "name": "Cam", "driver": "uvcvideo", "index": 0}
        part._see({"/dev/video0": node})
        try:
            (found,) = (await part.all()).cameras
            assert found.problem == "another program has it for itself"
            with pytest.raises(Refusal) as refused:
                await part.detail("/dev/video0")
            return refused.value
        finally:
            await part.close()
            await hub.finish()
            store.close()

    refusal = asyncio.run(ask())
    assert refusal.code == "CONFLICT"
    assert refusal.hint == "End the program that uses it."
