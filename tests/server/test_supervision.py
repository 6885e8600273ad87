"""What the supervisor makes of workers that fail in every way there is; the workers are `fake_media.py`."""

# ruff: noqa: A001, A002 - what the API calls id and type is called so here

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.server.conftest import FakeBoxes
from tests.support.api import TEST_SOURCE, Api, until
from tests.support.media_double import FakeMedia


def order(api: Api, what: str, id: str = "cam1") -> int:
    return api.call("PUT", f"/flex/pipeline/{id}/{what}").status_code


def test_created_means_playing(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "slow")
    begun = time.monotonic()
    response = api.create("cam1", on_demand=False)
    assert (response.status_code, response.json()["state"]) == (201, "playing")
    assert time.monotonic() - begun > 0.5, "it answered before it played"


def test_play_and_stop_are_done_when_they_say_so(api: Api, fake: FakeMedia) -> None:
    api.create()
    assert api.status()["state"] == "ready"
    assert order(api, "play") == 200
    assert api.status()["state"] == "playing"
    assert fake.alive
    assert order(api, "play") == 200, "twice is as good as once"
    assert len(fake.starts("cam1")[-2:]) >= 1
    assert order(api, "stop") == 200
    assert (api.status()["state"], api.status()["order"]) == ("ready", "stop")
    assert fake.alive == []
    assert order(api, "stop") == 200


@pytest.mark.parametrize("word", ["source", "graph"])
def test_a_certain_cause_is_answered_at_once(api: Api, fake: FakeMedia, word: str) -> None:
    fake.script("cam1", word)
    begun = time.monotonic()
    response = api.create("cam1", on_demand=False)
    assert time.monotonic() - begun < 1.4
    assert (response.status_code, response.json()["code"]) == (500, "GSTREAMER_ERROR")
    assert f"the {word} is bad" in response.json()["message"]
    hopeless = word == "graph"
    assert ("Change it" if hopeless else "keeps trying") in response.json()["hint"]
    status = api.status()
    assert (status["state"], status["order"], status["reason"]) == ("error", "play", f"the {word} is bad")
    assert ("next_retry_at" in status) is not hopeless
    assert api.get("/flex/health").json()["parts"]["workers"]["status"] == "degraded"


def ours(api: Api) -> list[str]:
    """The server's own lines in the pipeline's log."""
    lines = api.get("/flex/pipeline/cam1/logs").text.splitlines()
    return [line.partition(" flexserver: ")[2] for line in lines if " flexserver: " in line]


def test_the_log_says_what_was_and_nothing_that_misleads(api: Api, fake: FakeMedia) -> None:
    """Our own kill after a worker's word is no cause, and an end that was asked for is no news."""
    fake.script("cam1", "source", "play", "play")
    api.create("cam1", on_demand=False)
    api.wait("cam1", "playing")
    order(api, "stop")
    order(api, "play")
    os.kill(fake.starts("cam1")[-1], signal.SIGSEGV)
    until(lambda: len(ours(api)) > 1)
    first, second = ours(api)
    assert first.startswith("the source is bad; started again in 0.")
    assert second == "the worker was killed by SIGSEGV; started again at once"


def test_the_log_of_what_can_never_work(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "graph")
    api.create("cam1", on_demand=False)
    assert ours(api) == ["the graph is bad; not started again"]


def test_a_worker_that_plays_on_after_its_failure_keeps_the_cause(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "undead")
    before = len(fake.starts("cam1"))  # the box is the module's: others had a cam1 too
    with api.listen() as listener:
        response = api.create("cam1", on_demand=False)
        assert (response.status_code, response.json()["message"]) == (500, "the source is bad")
        until(lambda: len(fake.starts("cam1")) > before + 3, 10)
        listener.wait(lambda seen: seen.type == "pipeline_error")
        assert "playing" not in listener.states("cam1")
        causes = [
            (seen.data["reason"], seen.data["message"]) for seen in listener.events if seen.type == "pipeline_error"
        ]
    assert set(causes) == {("source", "the source is bad")}
    assert len(fake.alive) <= 1


def test_a_machine_that_is_too_slow_is_told_once_in_the_log_and_in_the_status(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "late")
    complaint = "the machine is too slow for this pipeline: pictures are 71 s late"
    with api.listen() as listener:
        api.create("cam1", on_demand=False)
        listener.wait(lambda seen: seen.data.get("reason") == complaint)
    assert (api.status()["state"], api.status()["reason"]) == ("playing", complaint)
    assert ours(api) == [complaint]


def test_it_keeps_trying_until_the_camera_is_there(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "source", "source", "play")
    assert api.create("cam1", on_demand=False).status_code == 500
    assert api.wait("cam1", "playing")["restarts"] == 2


@pytest.mark.parametrize("word", ["mute", "crash", "exit"])
def test_an_uncertain_failure_is_504_and_stored(api: Api, fake: FakeMedia, word: str) -> None:
    fake.script("cam1", word)
    response = api.create("cam1", on_demand=False)
    assert (response.status_code, response.json()["code"]) == (504, "PIPELINE_START_TIMEOUT")
    assert "stored" in response.json()["hint"]
    assert api.get("/flex/pipeline/cam1").json()["order"] == "play"
    expected = {"mute": "", "crash": "SIGSEGV", "exit": "exit code 0"}[word]
    assert expected in response.json()["message"]


def test_a_killed_worker_is_back_at_once_and_everybody_is_told(api: Api, fake: FakeMedia) -> None:
    api.create("cam1", on_demand=False)
    api.create("cam2", on_demand=False)
    with api.listen() as listener:
        os.kill(fake.starts("cam1")[-1], signal.SIGSEGV)
        listener.wait_state("cam1", "reconnecting")
        until(lambda: listener.states("cam1")[-1] == "playing")
        mine = [seen for seen in listener.events if seen.data["id"] == "cam1" and "stats" not in seen.data]
        told = [(seen.type, seen.data.get("state")) for seen in mine]
        assert told[:2] == [("pipeline_error", None), ("pipeline_status", "reconnecting")]
        assert "SIGSEGV" in mine[0].data["message"]
        assert (mine[0].data["code"], mine[0].data["reason"]) == ("GSTREAMER_ERROR", "crash")
        assert listener.states("cam2") in ([], ["playing"]), "the other one was disturbed"
    assert api.status()["restarts"] == 1


def test_output_that_stops_advancing_condemns_the_worker(api: Api, fake: FakeMedia) -> None:
    """Both ways of hanging at once, because each takes the watchdog its five seconds."""
    fake.script("frozen", "frozen", "play")
    fake.script("hung", "hung", "play")
    with api.listen() as listener:
        for id in ("frozen", "hung"):
            assert api.create(id, on_demand=False).status_code == 201
        for id, said in (("frozen", "no encoded picture"), ("hung", "has not answered")):
            listener.wait_state(id, "reconnecting", 8)
            until(lambda: listener.states(id)[-1:] == ["playing"])  # noqa: B023  done before the next one
            errors = [seen.data for seen in listener.events if seen.type == "pipeline_error"]
            assert said in next(error["message"] for error in errors if error["id"] == id)


def test_a_worker_that_does_not_hear_is_killed(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "deaf")
    api.create("cam1", on_demand=False)
    begun = time.monotonic()
    assert order(api, "stop") == 200
    assert time.monotonic() - begun < 3
    assert fake.alive == []


def test_lines_that_are_no_messages_are_logged_and_passed_over(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "garbage")
    assert api.create("cam1", on_demand=False).status_code == 201
    assert "not a message" in api.get("/flex/pipeline/cam1/logs").text


def test_the_end_of_a_file_ends_the_worker(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "ended")
    assert api.create("cam1", on_demand=False).status_code == 201
    assert api.wait("cam1", "ready")["reason"] == "the source came to its end"
    assert fake.alive == []
    fake.script("cam1", "play")
    assert order(api, "play") == 200
    assert api.status()["state"] == "playing"


def test_on_demand_runs_while_somebody_watches(api: Api, fake: FakeMedia) -> None:
    api.create("cam1")
    until(lambda: "cam1" in fake.mounts)
    assert fake.starts("cam1")[-1:] not in [[pid] for pid in fake.alive]
    fake.watch("cam1")
    assert api.wait("cam1", "playing")["readers"] == 1
    fake.watch()
    api.wait("cam1", "ready")
    assert fake.alive == []
    assert api.status()["readers"] == 0


def test_stop_disarms_and_play_needs_no_reader(api: Api, fake: FakeMedia) -> None:
    api.create("cam1")
    until(lambda: "cam1" in fake.mounts)
    fake.watch("cam1")
    api.wait("cam1", "playing")
    order(api, "stop")
    until(lambda: "cam1" not in fake.mounts, what="readers are refused")
    assert fake.alive == []
    fake.watch()
    order(api, "play")
    until(lambda: "cam1" in fake.mounts)
    time.sleep(0.3)
    assert api.status()["state"] == "playing", "it stopped though it was ordered to play"


def test_a_udp_output_has_no_mount(api: Api, fake: FakeMedia) -> None:
    api.create("udp", output={"uri": "udp://127.0.0.1:5004"})
    api.create("cam1")
    until(lambda: "cam1" in fake.mounts)
    assert fake.mounts == {"cam1"}
    assert order(api, "play", "udp") == 200


def test_a_change_restarts_and_a_live_one_does_not(api: Api, fake: FakeMedia) -> None:
    api.create("cam1", on_demand=False, encoding={"bitrate": 700})
    workers = len(fake.starts("cam1"))
    live = api.call("PATCH", "/flex/pipeline/cam1", json={"encoding": {"bitrate": 800}})
    assert (live.headers["flex-applied"], live.json()["state"]) == ("live", "playing")
    assert len(fake.starts("cam1")) == workers
    noted = api.call("PATCH", "/flex/pipeline/cam1", json={"metadata": {"note": "x"}})
    assert noted.headers["flex-applied"] == "live"
    restart = api.call("PATCH", "/flex/pipeline/cam1", json={"encoding": {"width": 320}})
    assert (restart.headers["flex-applied"], restart.json()["state"]) == ("restart", "playing")
    assert len(fake.starts("cam1")) == workers + 1
    moved = api.call("PATCH", "/flex/pipeline/cam1", json={"output": {"uri": "rtsp://0.0.0.0/other"}})
    assert moved.headers["flex-applied"] == "restart"
    until(lambda: fake.mounts == {"other"})
    assert len(fake.alive) == 1


def test_delete_of_what_plays_leaves_nothing(api: Api, fake: FakeMedia) -> None:
    api.create("cam1", on_demand=False)
    with api.listen() as listener:
        assert api.call("DELETE", "/flex/pipeline/cam1").status_code == 204
        assert fake.alive == []
        until(lambda: "cam1" not in fake.mounts)
        deleted = listener.wait(lambda seen: seen.type == "pipeline_deleted")
        api.create("cam2")
        listener.wait(lambda seen: seen.type == "pipeline_created")
        assert [s.id for s in listener.events if s.data.get("id") == "cam1"][-1] == deleted.id, "words after its end"


def test_delete_while_it_starts_answers_both(api: Api, fake: FakeMedia) -> None:
    import threading

    fake.script("cam1", "mute")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(api.create("cam1", on_demand=False)))
    thread.start()
    until(lambda: api.get("/flex/pipeline/cam1").status_code == 200)
    assert api.call("DELETE", "/flex/pipeline/cam1").status_code == 204
    thread.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (409, "CONFLICT")
    assert "deleted" in answers[0].json()["message"]


def test_the_front_is_started_again_with_its_mounts(fake_boxes: FakeBoxes) -> None:
    box, media = fake_boxes()
    api = Api(box)
    api.create("cam1", on_demand=False)
    api.create("cam2")
    until(lambda: media.mounts == {"cam1", "cam2"})
    worker = media.starts("cam1")
    front = next(pid for pid in children(box.pid) if pid not in worker)
    (media.folder / "mounts").unlink()
    os.kill(front, signal.SIGKILL)
    until(lambda: media.mounts == {"cam1", "cam2"})
    until(lambda: api.get("/flex/health").json()["parts"]["rtsp"]["status"] == "ok")
    assert media.starts("cam1") == worker, "the worker had no part in it"
    assert api.status()["output_uri"].endswith(f":{box.rtsp_port}/cam1")


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def test_statistics_come_only_to_who_listens_and_once_a_second(api: Api) -> None:
    for number in range(3):
        api.create(f"cam{number}", on_demand=False)
    with api.listen() as listener:
        time.sleep(2.5)
        ticks = [seen for seen in listener.events if "stats" in seen.data]
    for number in range(3):
        mine = [seen for seen in ticks if seen.data["id"] == f"cam{number}"]
        assert 1 <= len(mine) <= 4
        assert mine[-1].data["stats"]["fps"] > 0
        assert mine[-1].data["stats"]["rss_bytes"] > 1_000_000
    with api.listen(f"/flex/events?since={ticks[0].id}") as again:
        api.create("after")
        again.wait(lambda seen: seen.type == "pipeline_created" and seen.data["id"] == "after")
        assert [seen for seen in again.events if seen.id <= ticks[-1].id] == [], "ticks were replayed"


def test_without_gstreamer_everything_else_works(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes(problem="no module named gi")
    api = Api(box)
    refused = api.create("cam1", on_demand=False)
    assert (refused.status_code, refused.json()["code"]) == (503, "GSTREAMER_UNAVAILABLE")
    assert "no module named gi" in refused.json()["message"]
    assert "stored" in refused.json()["hint"]
    assert api.create("cam2").status_code == 201
    assert api.call("PUT", "/flex/pipeline/cam2/play").json()["code"] == "GSTREAMER_UNAVAILABLE"
    assert api.call("PUT", "/flex/pipeline/cam2/stop").status_code == 200
    assert [one["id"] for one in api.get("/flex/pipeline").json()] == ["cam1", "cam2"]
    assert api.get("/flex/pipeline/cam2/graph").status_code == 200
    assert "gstreamer_version" not in api.get("/flex/version").json()
    health = api.get("/flex/health").json()
    assert (health["status"], health["parts"]["rtsp"]["status"]) == ("failed", "failed")
    assert api.get("/flex/healthz/ready").status_code == 503
    assert api.call("DELETE", "/flex/pipeline/cam1").status_code == 204


def test_an_interpreter_without_gi_is_a_box_without_gstreamer(fake_boxes: FakeBoxes, tmp_path: Path) -> None:
    import sys

    bare = tmp_path / "bare-python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.base_prefix}/bin/python3" -S -s "$@"\n')
    bare.chmod(0o700)
    for python in (bare, tmp_path / "nothing-here"):
        box, _ = fake_boxes("--media-python", str(python))
        refused = Api(box).create("cam1", on_demand=False)
        assert (refused.status_code, refused.json()["code"]) == (503, "GSTREAMER_UNAVAILABLE"), refused.text
        assert Api(box).create("cam2", source=TEST_SOURCE).status_code == 201
