"""Requests that are overtaken while they wait for a start: what was stored is said to be stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.api import Api, Listener, spec, until
from tests.support.media_double import FakeMedia

CAM = "/flex/pipeline/cam1"
CHANGES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/flex/pipeline", spec(on_demand=False, metadata={"n": "1"})),
    ("PUT", CAM, spec(on_demand=False, metadata={"n": "1"})),
    ("PATCH", CAM, {"on_demand": False, "metadata": {"n": "1"}}),
]


def overtaken(
    api: Api, fake: FakeMedia, method: str, path: str, body: dict[str, Any] | None, by: tuple[str, str]
) -> httpx.Response:
    """The answer to a request that orders to play and waits for a picture, when another one, `by`, comes."""
    if method != "POST":
        api.create(on_demand=True)
    fake.script("cam1", "mute")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(api.call, method, path, json=body)
        until(lambda: starts(api))
        assert api.call(*by).is_success
        return asked.result(10)


def starts(api: Api) -> bool:
    """Whether it is there, and waits for its picture."""
    said = api.get(f"{CAM}/status")
    return said.status_code == 200 and said.json()["state"] == "starting"


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_stored_change_is_answered_as_such_though_a_stop_came(
    api: Api, fake: FakeMedia, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = overtaken(api, fake, method, path, body, ("PUT", f"{CAM}/stop"))
    assert answer.status_code == (201 if method == "POST" else 200), answer.text
    assert answer.json()["order"] == "stop"
    assert answer.json()["metadata"] == {"n": "1"}
    assert answer.headers["etag"] == api.get(CAM).headers["etag"]


def test_a_play_that_lost_to_a_stop_says_who_won(api: Api, fake: FakeMedia) -> None:
    answer = overtaken(api, fake, "PUT", f"{CAM}/play", None, ("PUT", f"{CAM}/stop"))
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert "'stop'" in answer.json()["message"]
    assert f"PUT {CAM}/play" in answer.json()["hint"]


@pytest.mark.parametrize(("method", "path", "body"), [*CHANGES, ("PUT", f"{CAM}/play", None)])
def test_what_was_deleted_meanwhile_says_so(
    api: Api, fake: FakeMedia, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = overtaken(api, fake, method, path, body, ("DELETE", CAM))
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert "deleted" in answer.json()["message"]
    assert "POST /flex/pipeline" in answer.json()["hint"]


def test_an_order_that_changes_what_is_stored_is_told_once_before_its_statuses(api: Api) -> None:
    api.create(on_demand=True)
    with api.listen() as listener:
        for order in ("play", "play", "stop", "stop"):
            answer = api.call("PUT", f"{CAM}/{order}")
            assert answer.json()["updated_at"] == api.get(CAM).json()["updated_at"]
        api.call("PATCH", CAM, json={"metadata": {"last": "yes"}})
        listener.wait(lambda seen: bool(seen.data.get("metadata")))
    updated = [seen for seen in listener.events if seen.type == "pipeline_updated"]
    assert [seen.data["order"] for seen in updated] == ["play", "stop", "stop"]
    for order, told in zip(("play", "stop"), updated, strict=False):
        assert told.id < first_status(listener, order)


def first_status(listener: Listener, order: str) -> int:
    """The id of the first status with this order."""
    return next(seen.id for seen in listener.events if seen.type == "pipeline_status" and seen.data["order"] == order)
