"""What other media servers say of their publishers."""

# ruff: noqa: A002 - what the API calls id is called so here

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.media_double import FakeMedia

KEY = "0123456789abcdef"
PUBLISH = "/flex/triggers/mediaMtx/publish"


@pytest.fixture(scope="module")
def key_box(tmp_path_factory: pytest.TempPathFactory, fake: FakeMedia) -> Iterator[Box]:
    env = {**fake.env, "FLEX_API_KEY": KEY, "FLEX_INGEST_RTSP_PORT": "18554"}
    with Box(tmp_path_factory.mktemp("box") / "data", "--start-timeout", "5", env=env) as made:
        yield made


@pytest.fixture
def key_api(key_box: Box, fake: FakeMedia) -> Iterator[Api]:
    with Api(key_box) as made:
        yield made
        fake.forget()
        for one in made.get("/flex/pipeline").json():
            made.call("DELETE", f"/flex/pipeline/{one['id']}")


def trigger(api: Api, method: str, key: str | None = KEY, **query: str) -> httpx.Response:
    return api.call(method, PUBLISH, params=query, headers={"X-API-Key": key} if key else {})


def said(answer: httpx.Response) -> tuple[int, dict[str, str]]:
    return answer.status_code, answer.json()


def ids(api: Api) -> list[str]:
    return [one["id"] for one in api.get("/flex/pipeline").json()]


def test_publish_makes_what_the_contract_says_and_unpublish_removes_it(key_api: Api) -> None:
    play = (200, {"status": "ok", "pipelineId": "livemystream", "action": "play"})
    assert said(trigger(key_api, "PUT", path="live/mystream")) == play
    made = key_api.get("/flex/pipeline/livemystream").json()
    assert {
        name: made[name] for name in ("mode", "on_demand", "source", "encoding", "output", "klv_config", "order")
    } == {
        "mode": "simple",
        "on_demand": False,
        "source": {"uri": "rtsp://127.0.0.1:18554/live/mystream"},
        "encoding": {"codec": "h264", "bitrate": 750, "width": 1920, "height": 1080, "fps": 30.0},
        "output": {"uri": "rtsp://0.0.0.0:8731/livemystream"},
        "klv_config": {"pass_klv": True, "auto_extract_geolocation": True},
        "order": "play",
    }
    stop = (200, {"status": "ok", "pipelineId": "livemystream", "action": "stop"})
    assert said(trigger(key_api, "DELETE", path="live/mystream")) == stop
    assert ids(key_api) == []
    assert said(trigger(key_api, "DELETE", path="live/mystream")) == stop


def test_it_needs_the_key_also_while_no_password_is_set(key_api: Api) -> None:
    for method in ("PUT", "DELETE"):
        for key in (None, "wrong-wrong-wrong"):
            answer = trigger(key_api, method, key, path="a")
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
            assert "FLEX_API_KEY" in answer.json()["hint"]
    assert ids(key_api) == []


def test_a_box_without_a_key_says_so(api: Api) -> None:
    answer = trigger(api, "PUT", path="a")
    assert answer.status_code == 401
    assert "the server has none" in answer.json()["message"]


def test_nobody_waits_for_a_picture(key_api: Api, fake: FakeMedia) -> None:
    fake.script("slow", "mute")
    answer = trigger(key_api, "PUT", path="slow")
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 1
    assert key_api.status("slow")["state"] == "starting"


@pytest.mark.parametrize(
    ("path", "id"),
    [("/live/cam-1_b/", "livecam-1_b"), ("Größe 1", "Gre1"), ("a" * 64, "a" * 64), ("live/a?b=c", "liveabc")],
)
def test_an_id_is_what_an_id_may_have(key_api: Api, path: str, id: str) -> None:
    assert said(trigger(key_api, "PUT", path=path)) == (200, {"status": "ok", "pipelineId": id, "action": "play"})
    assert trigger(key_api, "DELETE", path=path).status_code == 200
    assert ids(key_api) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "path"),
        ({"path": ""}, "path"),
        ({"path": "///"}, "path"),
        ({"path": "a" * 65}, "path"),
        ({"path": "ä/ö"}, "path"),
        ({"path": "a\nb"}, "path"),
        ({"path": "a", "pipelineId": "a b"}, "pipelineId"),
        ({"path": "a", "pipelineid": "b"}, "pipelineid"),
    ],
)
def test_what_names_no_pipeline_is_refused(key_api: Api, query: dict[str, str], field: str) -> None:
    for method in ("PUT", "DELETE"):
        answer = trigger(key_api, method, **query)
        assert answer.status_code == 400
        assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert ids(key_api) == []


def test_two_paths_with_one_id(key_api: Api) -> None:
    assert trigger(key_api, "PUT", path="live/a").status_code == 200
    answer = trigger(key_api, "PUT", path="livea")
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert "pipelineId" in answer.json()["hint"]
    assert trigger(key_api, "DELETE", path="livea").status_code == 200
    assert ids(key_api) == ["livea"]
    assert trigger(key_api, "PUT", path="livea", pipelineId="other").status_code == 200
    assert ids(key_api) == ["livea", "other"]
    assert trigger(key_api, "DELETE", path="livea", pipelineId="other").status_code == 200
    assert ids(key_api) == ["livea"]


def test_a_stored_pipeline_is_played_and_stopped_by_its_name(key_api: Api) -> None:
    key_api.create("gate").raise_for_status()
    assert said(trigger(key_api, "PUT", path="live/x", pipelineId="gate"))[1]["pipelineId"] == "gate"
    key_api.wait("gate", "playing")
    assert said(trigger(key_api, "DELETE", path="live/x", pipelineId="gate"))[1]["action"] == "stop"
    key_api.wait("gate", "ready")
    assert key_api.status("gate")["order"] == "stop"
    assert trigger(key_api, "PUT", pipelineId="gate").status_code == 200
    key_api.wait("gate", "playing")
    answer = trigger(key_api, "PUT", pipelineId="nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_stored_pipeline_that_only_has_the_same_id_is_left_alone(key_api: Api) -> None:
    key_api.create("livex").raise_for_status()
    assert trigger(key_api, "PUT", path="live/x").status_code == 409
    assert trigger(key_api, "DELETE", path="live/x").status_code == 200
    assert key_api.get("/flex/pipeline/livex").json()["order"] == "armed"


def test_a_late_unpublish_of_the_publisher_before(key_api: Api) -> None:
    """Two publishers of one path, and their hooks come in the wrong order: the stream goes on."""
    trigger(key_api, "PUT", path="cam")
    key_api.wait("cam", "playing")
    with key_api.listen() as told:
        trigger(key_api, "PUT", path="cam")
        assert said(trigger(key_api, "DELETE", path="cam"))[1]["action"] == "play"
        until(lambda: trigger(key_api, "DELETE", path="cam").json()["action"] == "stop", 5)
    assert set(told.states("cam")) <= {"playing"}
    assert key_api.get("/flex/pipeline/cam").status_code == 404


def test_a_late_unpublish_holds_where_nothing_plays(key_api: Api, fake: FakeMedia) -> None:
    fake.script("cam", "mute")
    trigger(key_api, "PUT", path="cam")
    trigger(key_api, "PUT", path="cam")
    assert said(trigger(key_api, "DELETE", path="cam"))[1]["action"] == "play"
    until(lambda: ids(key_api) == [], 10)


def test_it_is_not_stored_and_told_like_all_others(tmp_path: Path, fake: FakeMedia) -> None:
    with Box(tmp_path / "data", env={**fake.env, "FLEX_API_KEY": KEY}) as box, Api(box) as api:
        with api.listen() as told:
            trigger(api, "PUT", path="cam")
            told.wait_state("cam", "playing")
            trigger(api, "PUT", path="cam2")
            assert api.call("PUT", "/flex/pipeline/cam2/stop").json()["order"] == "stop"
            trigger(api, "DELETE", path="cam")
            told.wait(lambda seen: seen.type == "pipeline_deleted")
        assert ids(api) == ["cam2"]
        box.restart()
        assert ids(api) == []
