"""Advanced pipelines over HTTP: launch lines judged before they are stored; and pictures that there are none of."""

# ruff: noqa: A002 - what the API calls id and type is called so here

from __future__ import annotations

import pytest

from tests.server.conftest import FakeBoxes
from tests.server.test_refusals import details
from tests.support.api import Api
from tests.support.fixtures import BoxFactory


def test_no_picture_is_told_as_it_is(fake_boxes: FakeBoxes) -> None:
    box, media = fake_boxes("--allow-advanced")
    api = Api(box)
    media.script("blank", "blank")

    def refusal(id: str) -> tuple[str, str]:
        response = api.get(f"/flex/pipeline/{id}/snapshot.jpg")
        assert (response.status_code, response.json()["code"]) == (409, "CONFLICT")
        return response.json()["message"], response.json().get("hint", "")

    api.create("ready")
    assert refusal("ready")[0].endswith("has no picture to show: it is ready, not playing")
    assert "/play starts it" in refusal("ready")[1]
    api.create("blank", on_demand=False)
    assert refusal("blank")[0].endswith("has no picture to show: there is no picture yet")
    assert "play starts" not in refusal("blank")[1]
    body = {"id": "adv", "mode": "advanced", "raw_pipeline": "good", "on_demand": False}
    assert api.call("POST", "/flex/pipeline", json=body).json()["state"] == "playing"
    assert refusal("adv") == ("the pipeline 'adv' has no picture to show: an advanced pipeline keeps none", "")


def test_a_launch_line_that_can_never_work_is_refused_and_not_stored(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes("--allow-advanced")
    api = Api(box)
    good = {"id": "adv", "mode": "advanced", "raw_pipeline": "good"}
    bad = {**good, "raw_pipeline": "bad"}
    assert details(api.call("POST", "/flex/pipeline", json=bad)) == {"raw_pipeline": "the launch line is bad"}
    assert api.get("/flex/pipeline").json() == []
    assert api.call("POST", "/flex/pipeline", json=good).status_code == 201
    before = api.get("/flex/pipeline/adv").json()
    for method, body in (("PUT", bad), ("PATCH", {"raw_pipeline": "bad"})):
        assert details(api.call(method, "/flex/pipeline/adv", json=body)).keys() == {"raw_pipeline"}
    assert api.get("/flex/pipeline/adv").json() == before


@pytest.mark.parametrize("problem", [None, "no gi"])
def test_a_launch_line_that_cannot_be_checked_is_stored(fake_boxes: FakeBoxes, problem: str | None) -> None:
    """No GStreamer, or a probe that fails: the worker will say what is wrong with it."""
    box, media = fake_boxes("--allow-advanced", problem=problem)
    if problem is None:
        (media.folder / "python").unlink()
    body = {"id": "adv", "mode": "advanced", "raw_pipeline": "bad"}
    assert Api(box).call("POST", "/flex/pipeline", json=body).status_code == 201


def test_a_real_launch_line_is_checked_for_real(box_factory: BoxFactory) -> None:
    api = Api(box_factory("--allow-advanced"))
    for line, said in [
        ("videotestsrc ! nosuchelement", 'no element "nosuchelement"'),
        ("filesrc location=/etc/passwd ! h264parse", "element 'filesrc' is not allowed"),
        ("! ! !", "syntax error"),
    ]:
        body = {"id": "adv", "mode": "advanced", "raw_pipeline": line}
        assert said in details(api.call("POST", "/flex/pipeline", json=body))["raw_pipeline"]
    line = "videotestsrc is-live=true ! video/x-raw,width=320,height=180 ! x264enc tune=zerolatency"
    body = {"id": "adv", "mode": "advanced", "raw_pipeline": line}
    assert api.call("POST", "/flex/pipeline", json=body).status_code == 201


def test_advanced_names_the_flag_that_allows_it(api: Api) -> None:
    body = {"id": "adv", "mode": "advanced", "raw_pipeline": "videotestsrc"}
    assert "--allow-advanced" in details(api.call("POST", "/flex/pipeline", json=body))["mode"]
