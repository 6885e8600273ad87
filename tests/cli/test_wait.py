"""`flexctl wait`: conditions on any field, of several things at once, by events or without."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.live.conditions import condition, seen, value_at
from flexctl.live.things import Thing, thing
from flexctl.live.waiting import Course, Wish, conditions_of
from tests.cli.desk import Desk, desk
from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import Ran, flexctl, golden, terminal, transcript

__all__ = ["desk"]

DOCUMENT: dict[str, Any] = {
    "id": "cam1",
    "state": "playing",
    "on_demand": False,
    "readers": 0,
    "stats": {"fps": 29.97, "frames": 100},
    "reason": "",
    "outputs": [{"uri": "udp://239.1.1.1:5000"}],
    "events": ["pipeline.error", "camera.added"],
    "metadata": {"flex.set": "site", "site": "north"},
    "klv": None,
}


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "holds"),
        [
            ("state=playing", True),
            ("state==playing", True),
            ("state=ready,playing", True),
            ("state=ready", False),
            ("state!=error", True),
            ("state!=error,playing", False),
            ("stats.fps>=29.97", True),
            ("stats.fps>30", False),
            ("stats.fps<=30", True),
            ("stats.fps<29.97", False),
            ("stats.frames=100", True),
            ("stats.frames=100.0", True),
            ("readers=0", True),
            ("readers!=0", False),
            ("on_demand=false", True),
            ("state~^play", True),
            ("state~^lay", False),
            ("outputs.0.uri~239", True),
            ("outputs.1.uri~239", False),
            ("events=pipeline.error", True),
            ("events!=pipeline.error", False),
            ("metadata.flex.set=site", True),
            ("metadata.site=north", True),
            ("metadata.none=x", False),
            ("metadata.none!=x", False),
            ("metadata.none=", True),
            ("metadata.none!=", False),
            ("klv=", True),
            ("reason=", True),
            ("state!=", True),
            ("reason~.", False),
            ("stats.none>=0", False),
            ("state>=1", False),
            ("on_demand>=0", False),
            ("exists", True),
            ("delete", False),
        ],
    )
    def test_against_a_document(self, text: str, holds: bool) -> None:
        assert condition(text).holds(DOCUMENT) is holds
        assert condition(text).holds(None) is (text == "delete")

    @pytest.mark.parametrize("text", ["", "playing", "=x", "stats.fps>=fast", "stats.fps>=1,2", "reason~(", "a b"])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(Misuse):
            condition(text)

    def test_a_value_at_a_path(self) -> None:
        assert value_at(DOCUMENT, "outputs.0.uri") == "udp://239.1.1.1:5000"
        assert value_at(DOCUMENT, "state.deeper") is None
        assert value_at(DOCUMENT, "outputs.first") is None

    def test_what_was_seen_in_words(self) -> None:
        wanted = conditions_of(["state=ready", "stats.fps>=30", "stats.none=1", "events=x"])
        assert seen(DOCUMENT, wanted) == (
            "it is playing, stats.fps is 29.97, there is no stats.none, events is pipeline.error, camera.added"
        )
        assert seen({"state": "error", "reason": "no camera"}, wanted[:1]) == "it is error (no camera)"
        assert seen({"state": "ready", "order": "stop"}, wanted[:1]) == "it is ready (stopped)"


class TestThings:
    @pytest.mark.parametrize(
        ("text", "wanted"),
        [
            ("pipeline/cam1", Thing("pipeline", "cam1")),
            ("pipelines/cam1", Thing("pipeline", "cam1")),
            ("camera//dev/video0", Thing("camera", "/dev/video0")),
            ("settings", Thing("settings")),
        ],
    )
    def test_names(self, text: str, wanted: Thing) -> None:
        assert thing(text) == wanted

    @pytest.mark.parametrize("text", ["cam1", "pipeline", "pipeline/", "box/a", "settings/x", "/", ""])
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(Misuse):
            thing(text)

    def test_a_status_takes_the_old_ones_place_whole(self) -> None:
        from flexclient.models import PipelineStatus

        after = Thing("pipeline", "cam1").after(
            DOCUMENT, PipelineStatus.model_validate({"id": "cam1", "state": "ready"})
        )
        assert after["state"] == "ready"
        assert "stats" not in after
        assert after["metadata"] == DOCUMENT["metadata"]


class TestCourse:
    def course(self, *wanted: str, failing: tuple[str, ...] = ()) -> Course:
        return Course(
            Wish(conditions_of(wanted), conditions_of(failing)), [Thing("pipeline", "a"), Thing("pipeline", "b")]
        )

    def test_each_comes_true_at_its_own_time(self) -> None:
        course = self.course("state=playing")
        a, b = course.things
        course.saw(a, {"state": "playing"})
        course.saw(a, {"state": "error"})
        assert course.open == [b]
        course.saw(b, {"state": "playing"})
        assert course.open == []
        assert course.found[a].document == {"state": "playing"}

    def test_what_is_wanted_goes_before_what_fails(self) -> None:
        course = self.course("state=error", failing=("state=error",))
        course.saw(course.things[0], {"state": "error"})
        assert len(course.open) == 1

    @pytest.mark.parametrize("wish", ["delete", "exists"])
    def test_what_may_be_missing(self, wish: str) -> None:
        course = self.course(wish)
        course.saw(course.things[0], None)
        assert len(course.open) == (1 if wish == "delete" else 2)

    def test_what_is_missing(self) -> None:
        with pytest.raises(Stop) as found:
            self.course("state=playing").saw(Thing("pipeline", "a"), None)
        assert found.value.problem.code == Exit.NOT_FOUND


def later(act: Callable[[], object], box: FakeBox) -> threading.Thread:
    """Do it once somebody listens."""

    def run() -> None:
        box.wait_for(lambda: box.streams > 0)
        act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def gone(box: FakeBox, name: str) -> None:
    del box.pipelines[name]
    box.emit("pipeline_deleted", {"id": name})


class TestRuns:
    def test_what_is_so_already_is_answered_at_once_without_a_stream(self, box: FakeBox) -> None:
        ran = flexctl("wait", "pipeline/cam1", "--for", "state=playing", "-o", "json", url=box.url)
        assert ran.code == 0
        document = json.loads(ran.out)
        assert (document["metadata"], document["stats"]["fps"]) == ({"site": "north"}, 29.97)
        assert box.streams == 0

    def test_an_event_ends_it(self, box: FakeBox) -> None:
        later(lambda: box.set_state("broken", "playing"), box)
        ran = flexctl("wait", "pipeline/cam1", "pipeline/broken", "--for", "stats.fps>=20", url=box.url)
        assert ran.code == 0
        assert "✓ pipeline broken: stats.fps is 29.97." in ran.err
        assert len([path for _, path, *_ in box.requests if path.endswith("broken/status")]) <= 3, (
            "it listens, and asks little"
        )

    def test_until_it_is_gone(self, box: FakeBox) -> None:
        later(lambda: gone(box, "cam1"), box)
        ran = flexctl("wait", "pipeline/cam1", "--for", "delete", "-o", "json", url=box.url)
        assert (ran.code, ran.out) == (0, "null\n")

    def test_until_it_is_there(self, box: FakeBox) -> None:
        later(lambda: box.add("new"), box)
        assert flexctl("wait", "pipeline/new", "--for", "exists", url=box.url).code == 0

    def test_what_goes_meanwhile_is_not_found(self, box: FakeBox) -> None:
        later(lambda: gone(box, "cam1"), box)
        assert flexctl("wait", "pipeline/cam1", "--for", "readers>9", url=box.url).code == Exit.NOT_FOUND

    def test_or_fail(self, box: FakeBox) -> None:
        later(lambda: box.set_state("cam1", "error", reason="no camera"), box)
        argv = ("wait", "pipeline/cam1", "--for", "readers>9", "--or-fail", "state=error")
        ran = flexctl(*argv, url=box.url)
        assert ran.code == 1
        assert "flexctl: pipeline cam1 is in state error" in ran.err
        assert "flexctl pipeline logs cam1" in ran.err

    def test_a_box_that_goes_away_is_waited_for(self, box: FakeBox) -> None:
        def restart() -> None:
            box.stop()
            box.set_state("broken", "playing")
            box.start()

        later(restart, box)
        assert flexctl("wait", "pipeline/broken", "--for", "state=playing", url=box.url).code == 0

    def test_a_box_without_events_is_asked_again(self, old_box: FakeBox) -> None:
        def act() -> None:
            old_box.wait_for(lambda: True)
            old_box.pipelines["broken"]["state"] = "playing"

        timer = threading.Timer(0.4, act)
        timer.start()
        assert flexctl("wait", "pipeline/broken", "--for", "state=playing", url=old_box.url).code == 0
        timer.join()

    def test_several_at_once_share_the_time(self, box: FakeBox) -> None:
        ran = flexctl(
            *("wait", "pipeline/broken", "pipeline/entrance-east-camera", "pipeline/cam1"),
            *("--for", "state=playing", "--timeout", "300ms"),
            url=box.url,
        )
        assert ran.code == Exit.TIMED_OUT
        assert "pipeline broken was not playing within 0.3 s: it is error" in ran.err
        assert "pipeline/entrance-east-camera: it is ready (armed)" in ran.err
        assert "Waiting for pipeline broken, state=playing, and for 1 more: it is error." in ran.err

    @pytest.mark.parametrize(
        ("wanted", "meant"),
        [("stat=playing", "'state'"), ("reders>0", "'readers'"), ("state=playin", "'playing'"), ("state=zzz", "ready")],
    )
    def test_a_mistyped_condition_is_told_at_once(self, box: FakeBox, wanted: str, meant: str) -> None:
        ran = flexctl("wait", "pipeline/cam1", "--for", wanted, "--timeout", "60", url=box.url)
        assert ran.code == Exit.USAGE
        assert meant in ran.err

    @pytest.mark.parametrize("wanted", ["metadata.sitee=north", "zzzzzz=1"])
    def test_a_field_that_may_come_is_waited_for(self, box: FakeBox, wanted: str) -> None:
        ran = flexctl("wait", "pipeline/cam1", "--for", wanted, "--timeout", "0.2", url=box.url)
        assert ran.code == Exit.TIMED_OUT

    def test_pipeline_wait_is_the_same(self, box: FakeBox) -> None:
        later(lambda: box.set_state("broken", "playing"), box)
        ran = flexctl("pipeline", "wait", "broken", "--or-fail", "stopping", "-o", "json", url=box.url)
        assert (ran.code, json.loads(ran.out)["state"]) == (0, "playing")
        assert flexctl("pipeline", "wait", "nope", url=box.url).code == Exit.NOT_FOUND

    def test_nobody_there(self) -> None:
        assert flexctl("wait", "pipeline/cam1", "--for", "state=playing").code == Exit.UNREACHABLE

    def test_a_refusal_is_one(self, box: FakeBox) -> None:
        box.fail = Fault(401, "UNAUTHORIZED", "who are you")
        assert flexctl("wait", "pipeline/cam1", "--for", "delete", url=box.url).code == Exit.FORBIDDEN

    @pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "ndjson", "csv", "name"])
    def test_forms(self, box: FakeBox, form: str) -> None:
        argv = ("wait", "pipeline/cam1", "pipeline/broken", "--for", "exists", "-o", form)
        golden(f"wait-{form}", transcript(flexctl(*argv, url=box.url), *argv))

    def test_on_a_terminal_and_quietly(self, box: FakeBox) -> None:
        argv = ("wait", "pipeline/cam1", "--for", "state=playing")
        ran = flexctl(*argv, url=box.url, on=terminal(60))
        assert (ran.out, ran.err) == ("", "✓ pipeline cam1: it is playing.\n")
        assert flexctl(*argv, "-q", url=box.url, on=terminal(60)) == Ran(0, "", "")


class TestOtherKinds:
    def test_cameras_framegrabs_webhooks_and_settings(self, desk: Desk) -> None:
        desk.box = type(desk.box)()
        desk.box.plug("/dev/video0", "Webcam")
        desk.box.add({"id": "cam1", "source": {"uri": "test://smpte"}})
        desk.box.add_framegrab("cam1-00001.avif")
        for word in ("/dev/video0", "Webcam"):
            assert desk.run("wait", f"camera/{word}", "--for", "exists").code == 0
        assert desk.run("wait", "camera//dev/video9", "--for", "delete").code == 0
        ran = desk.run("wait", "framegrab/cam1-*", "--for", "size_bytes>0", "-o", "json")
        assert json.loads(ran.out)["file"] == "cam1-00001.avif"
        assert desk.run("wait", "webhook/wh_12345678", "--for", "exists", "--timeout", "200ms").code == Exit.TIMED_OUT
        assert desk.run("wait", "webhook/wh_12345678", "--for", "disabled_at=").code == Exit.NOT_FOUND
        assert desk.run("wait", "settings", "--for", "exists", "-o", "name").out == "settings\n"

    def test_a_camera_that_is_plugged_in_meanwhile(self, desk: Desk) -> None:
        desk.box = type(desk.box)()
        asked = threading.Event()
        desk.box.on_request = lambda seen: asked.set() if seen.path == "/flex/events" else None

        def plug() -> None:
            asked.wait(10)
            desk.box.plug("/dev/video7")

        helper = threading.Thread(target=plug, daemon=True)
        helper.start()
        assert desk.run("wait", "camera//dev/video7", "--for", "exists").code == 0
        helper.join(10)
