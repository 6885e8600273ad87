"""The licence of a box, live: what it allows plays, the rest is refused or waits, and the clock is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box, BoxError
from tests.support.licences import Vendor
from tests.support.media_double import FakeMedia, fake_media

VENDOR = Vendor()
FREE = {
    "licensed": False,
    "max_video_streams": 1,
    "codecs": {"h264": True, "h265": False, "av1": False},
    "reason": "there is no licence",
}


@pytest.fixture(scope="module")
def licensed_media(tmp_path_factory: pytest.TempPathFactory) -> FakeMedia:
    return fake_media(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="module")
def licensed_box(tmp_path_factory: pytest.TempPathFactory, licensed_media: FakeMedia) -> Iterator[Box]:
    """A box with the vendor's key."""
    key = ("--license-public-key", VENDOR.pem)
    with Box(tmp_path_factory.mktemp("box") / "data", *key, "--start-timeout", "1.5", env=licensed_media.env) as made:
        yield made


@pytest.fixture
def box(licensed_box: Box, licensed_media: FakeMedia) -> Iterator[Api]:
    """Its client; after the test it is on the free tier and empty again."""
    with Api(licensed_box) as api:
        yield api
        licensed_media.forget()
        for one in api.get("/flex/pipeline").json():
            api.call("DELETE", f"/flex/pipeline/{one['id']}").raise_for_status()
        remove(api).raise_for_status()


def install(api: Api, text: str, **headers: str) -> httpx.Response:
    return api.call("POST", "/flex/license", content=text, headers={"Content-Type": "text/plain", **headers})


def remove(api: Api) -> httpx.Response:
    return api.call("DELETE", "/flex/license")


def play(api: Api, id: str) -> httpx.Response:  # noqa: A002
    return api.call("PUT", f"/flex/pipeline/{id}/play")


def code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


LIMIT, CODEC = (402, "LICENSE_LIMIT_EXCEEDED"), (402, "LICENSE_ERROR")


# The licence itself


def test_a_box_without_a_vendors_key_is_unlocked(api: Api) -> None:
    found = api.get("/flex/licensed").json()
    assert found == {"licensed": True, "codecs": {"h264": True, "h265": True, "av1": True}}
    refused = install(api, VENDOR.licence())
    assert code(refused) == (409, "CONFLICT")
    assert "--license-public-key" in refused.json()["hint"]
    assert remove(api).json() == found


def test_install_read_remove(box: Api) -> None:
    assert box.get("/flex/licensed").json() == FREE
    made = install(box, VENDOR.licence("F-7", 3, h265=True) + "\n")
    assert made.json() == {
        "licensed": True,
        "serial_number": "F-7",
        "expiration_date": "2099-12-31T23:59:59Z",
        "max_video_streams": 3,
        "codecs": {"h264": True, "h265": True, "av1": False},
    }
    assert box.get("/flex/licensed").json() == made.json()
    for_ever = install(box, VENDOR.licence("F-8", None, None)).json()
    assert {"expiration_date", "max_video_streams"}.isdisjoint(for_ever), "without end and without limit"
    assert remove(box).json() == FREE
    assert remove(box).json() == FREE, "what is gone can be removed again"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (VENDOR.licence("old", expires=datetime(2020, 1, 1, tzinfo=UTC)), "payload.expiration_date"),
        (Vendor().licence(), "signature"),
        (VENDOR.licence()[:-9], ""),
        ("garbage", ""),
        ("", ""),
    ],
)
def test_a_licence_that_is_none_changes_nothing(box: Api, text: str, field: str) -> None:
    held = install(box, VENDOR.licence("F-1")).json()
    refused = install(box, text)
    assert code(refused) == (400, "VALIDATION_ERROR")
    assert refused.json()["details"][0]["field"] == field
    assert refused.json()["hint"]
    assert box.get("/flex/licensed").json() == held


def test_the_body_is_text(box: Api) -> None:
    assert install(box, VENDOR.licence(), **{"Content-Type": "application/json"}).status_code == 415
    assert install(box, "A" * 2_000_000).status_code == 413
    assert (
        box.call("POST", "/flex/license", content=b"\xff\xfe", headers={"Content-Type": "text/plain"}).status_code
        == 400
    )


def test_an_acknowledged_licence_survives_kill_9(fake_boxes: FakeBoxes) -> None:
    server, _ = fake_boxes("--license-public-key", VENDOR.pem)
    with Api(server) as api:
        held = install(api, VENDOR.licence("F-9")).json()
        server.kill()
        server.start()
    with Api(server) as api:
        assert api.get("/flex/licensed").json() == held
        remove(api).raise_for_status()
        server.kill()
        server.start()
    with Api(server) as api:
        assert api.get("/flex/licensed").json() == FREE


def test_a_stored_licence_of_another_vendor_counts_as_none_and_stays(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "fake")
    server = Box(tmp_path / "data", "--license-public-key", VENDOR.pem, env=media.env)
    with Api(server) as api:
        install(api, VENDOR.licence("F-1")).raise_for_status()
    server.args = ("--license-public-key", Vendor().pem)
    server.restart()
    with Api(server) as api:
        assert api.get("/flex/licensed").json() == {**FREE, "reason": "the stored licence is not valid for this box"}
    server.args = ("--license-public-key", VENDOR.pem)
    server.restart()
    with Api(server) as api:
        assert api.get("/flex/licensed").json()["serial_number"] == "F-1"
    server.stop()


def test_a_key_that_is_none_keeps_the_server_from_starting(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "fake")
    with pytest.raises(BoxError) as caught:
        Box(tmp_path / "data", env={**media.env, "FLEX_LICENSE_PUBLIC_KEY": "/nowhere.pem"})
    assert "--license-public-key: cannot read /nowhere.pem" in str(caught.value)
    assert "Traceback" not in str(caught.value)


# Codecs


@pytest.mark.parametrize("codec", ["h265", "av1"])
def test_a_codec_that_is_not_licensed_is_refused(box: Api, codec: str) -> None:
    install(box, VENDOR.licence("F-1", 5)).raise_for_status()
    refused = box.create("cam1", encoding={"codec": codec})
    assert code(refused) == CODEC
    assert refused.json()["details"] == [{"field": "encoding.codec", "message": "this codec is not licensed"}]
    assert refused.json()["message"] == f"the licence F-1 allows h264, and not {codec}"
    assert box.get("/flex/pipeline").json() == []


def test_a_codec_is_asked_for_at_put_patch_and_play_too(box: Api) -> None:
    box.create("cam1").raise_for_status()
    whole = {"source": {"uri": "test://smpte"}, "encoding": {"codec": "h265"}}
    assert code(box.call("PUT", "/flex/pipeline/cam1", json=whole)) == CODEC
    assert code(box.call("PATCH", "/flex/pipeline/cam1", json={"encoding": {"codec": "av1"}})) == CODEC
    install(box, VENDOR.licence("F-1", 5, h264=False, h265=True)).raise_for_status()
    assert code(play(box, "cam1")) == CODEC
    assert code(box.call("PATCH", "/flex/pipeline/cam1", json={"metadata": {"a": "b"}})) == CODEC
    assert box.status("cam1")["order"] == "armed"


def test_a_stream_whose_codec_is_not_licensed_any_more_ends_and_comes_back(box: Api) -> None:
    install(box, VENDOR.licence("F-1", 5)).raise_for_status()
    box.create("cam1", on_demand=False).raise_for_status()
    with box.listen() as events:
        install(box, VENDOR.licence("F-2", 5, h264=False, av1=True)).raise_for_status()
        held = box.wait("cam1", "error")
        assert held["reason"] == "the licence F-2 allows av1, and not h264"
        told = events.wait(lambda seen: seen.type == "pipeline_error")
        assert (told.data["id"], told.data["code"]) == ("cam1", "LICENSE_ERROR")
    install(box, VENDOR.licence("F-3", 5)).raise_for_status()
    assert "reason" not in box.wait("cam1", "playing")


# How many


def test_more_streams_than_licensed_are_refused_and_nothing_changes(box: Api) -> None:
    box.create("cam1", on_demand=False).raise_for_status()
    box.create("cam2").raise_for_status()
    refused = play(box, "cam2")
    assert code(refused) == LIMIT
    assert refused.json()["message"] == (
        "there is no licence, and without one the box allows one playing stream, which is cam1"
    )
    assert box.status("cam2")["order"] == "armed"
    assert code(box.create("cam3", on_demand=False)) == LIMIT
    assert box.get("/flex/pipeline/cam3").status_code == 404
    assert code(box.call("PATCH", "/flex/pipeline/cam2", json={"on_demand": False})) == LIMIT
    assert box.get("/flex/pipeline/cam2").json()["on_demand"] is True
    assert play(box, "cam1").status_code == 200, "who plays may be told to play"
    box.call("PUT", "/flex/pipeline/cam1/stop").raise_for_status()
    assert play(box, "cam2").json()["state"] == "playing"


def test_of_many_orders_at_once_as_many_as_licensed_come_true(box: Api) -> None:
    import asyncio

    install(box, VENDOR.licence("F-1", 2)).raise_for_status()
    for number in range(6):
        box.create(f"cam{number}").raise_for_status()

    async def race() -> list[int]:
        async with httpx.AsyncClient(base_url=box.box.url, verify=False, timeout=20) as client:
            orders = [client.put(f"/flex/pipeline/cam{number}/play") for number in range(6)]
            return sorted([reply.status_code for reply in await asyncio.gather(*orders)])

    assert asyncio.run(race()) == [200, 200, 402, 402, 402, 402]
    orders = [one["order"] for one in box.get("/flex/pipeline").json()]
    assert sorted(orders) == ["armed"] * 4 + ["play"] * 2


def test_a_reader_waits_until_there_is_room(box: Api, licensed_media: FakeMedia) -> None:
    box.create("cam1", on_demand=False).raise_for_status()
    box.create("cam2").raise_for_status()
    licensed_media.watch("cam2")
    held = box.wait("cam2", "error")
    assert held["reason"].endswith("one playing stream, which is cam1")
    assert (held["order"], held["restarts"]) == ("armed", 0)
    licensed_media.watch()
    assert "reason" not in box.wait("cam2", "ready"), "nobody asks for it any more"
    licensed_media.watch("cam2")
    box.wait("cam2", "error")
    box.call("DELETE", "/flex/pipeline/cam1").raise_for_status()
    assert "reason" not in box.wait("cam2", "playing")


def test_a_watched_stream_counts(box: Api, licensed_media: FakeMedia) -> None:
    box.create("cam1").raise_for_status()
    box.create("cam2").raise_for_status()
    assert play(box, "cam2").status_code == 200
    box.call("PUT", "/flex/pipeline/cam2/stop").raise_for_status()
    licensed_media.watch("cam1")
    box.wait("cam1", "playing")
    assert code(play(box, "cam2")) == LIMIT
    assert play(box, "cam1").status_code == 200


def test_a_stream_that_lost_its_source_keeps_its_seat(box: Api, licensed_media: FakeMedia) -> None:
    licensed_media.script("cam1", "source")
    assert box.create("cam1", on_demand=False).status_code == 500
    box.create("cam2").raise_for_status()
    assert code(play(box, "cam2")) == LIMIT


def test_a_smaller_licence_ends_the_newest_and_a_larger_one_brings_them_back(box: Api) -> None:
    install(box, VENDOR.licence("F-3", 3)).raise_for_status()
    for name in ("zebra", "cam1", "cam2"):
        box.create(name, on_demand=False).raise_for_status()
    with box.listen() as events:
        remove(box).raise_for_status()
        for name in ("cam1", "cam2"):
            assert box.wait(name, "error")["reason"].endswith("one playing stream, which is zebra")
        assert box.status("zebra")["state"] == "playing", "the oldest stays"
        told = events.wait(lambda seen: seen.type == "pipeline_error")
        assert told.data["code"] == "LICENSE_LIMIT_EXCEEDED"
        assert not events.states("zebra"), "its viewers saw nothing of it"
    assert box.get("/flex/health").json()["parts"]["workers"]["status"] == "degraded"
    waiting = box.call("PATCH", "/flex/pipeline/cam1", json={"metadata": {"a": "b"}})
    assert code(waiting) == LIMIT
    assert "stored" in waiting.json()["hint"]
    assert box.get("/flex/pipeline/cam1").json()["metadata"] == {"a": "b"}
    install(box, VENDOR.licence("F-2", 2)).raise_for_status()
    box.wait("cam1", "playing")
    assert box.status("cam2")["state"] == "error"
    box.call("PUT", "/flex/pipeline/zebra/stop").raise_for_status()
    assert "reason" not in box.wait("cam2", "playing")


def test_expiry_is_noticed_while_the_box_runs(box: Api) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    install(box, VENDOR.licence("F-1", 2, ends)).raise_for_status()
    for name in ("cam1", "cam2"):
        box.create(name, on_demand=False).raise_for_status()
    held = box.wait("cam2", "error", 8)
    assert held["reason"].startswith(f"the licence F-1 expired on {ends:%Y-%m-%d at %H:%M:%S} UTC, and without one")
    assert box.status("cam1")["state"] == "playing"
    found = box.get("/flex/licensed").json()
    assert (found["licensed"], found["max_video_streams"], found["serial_number"]) == (False, 1, "F-1")
    assert found["reason"].startswith("the licence F-1 expired")
    install(box, VENDOR.licence("F-2", 2)).raise_for_status()
    box.wait("cam2", "playing")


def test_a_restart_plays_the_oldest_and_the_others_say_why(fake_boxes: FakeBoxes) -> None:
    server, media = fake_boxes()
    names = ("yard", "gate", "attic", "cellar")
    with Api(server) as api:
        for name in names:
            api.create(name, on_demand=False).raise_for_status()
    server.args = ("--license-public-key", VENDOR.pem)
    server.kill()
    media.forget()
    server.start()
    with Api(server) as api:
        api.wait("yard", "playing")
        for name in names[1:]:
            assert api.wait(name, "error")["reason"].endswith("one playing stream, which is yard")
        install(api, VENDOR.licence("F-1", 2)).raise_for_status()
        api.wait("gate", "playing")
        api.call("PUT", "/flex/pipeline/yard/stop").raise_for_status()
        api.wait("attic", "playing")
        assert api.status("cellar")["state"] == "error"
        install(api, VENDOR.licence("F-2", None)).raise_for_status()
        api.wait("cellar", "playing")


def test_the_limit_holds_whatever_happens(box: Api, licensed_media: FakeMedia) -> None:
    """Orders, readers and licences in a mix: never more play than may, and who may does."""
    pick = _numbers(20261101)
    for number in range(5):
        box.create(f"cam{number}").raise_for_status()
    allowed = 1
    for _ in range(40):
        name, what = f"cam{pick(5)}", pick(4)
        if what == 0:
            allowed = 1 + pick(4)
            install(box, VENDOR.licence("F-1", allowed)).raise_for_status()
        elif what == 1:
            licensed_media.watch(*[f"cam{number}" for number in range(5) if pick(2)])
        else:
            verb = "play" if what == 2 else "stop"
            assert box.call("PUT", f"/flex/pipeline/{name}/{verb}").status_code in (200, 402)
    wanted = until(lambda: _settled(box), 10, "peace")
    playing = [one for one in wanted if one["state"] == "playing"]
    assert len(playing) == min(allowed, len(wanted))


def _settled(api: Api) -> list[dict[str, Any]] | None:
    """The pipelines that are to run, once each of them plays or waits for the licence."""
    found = [api.status(f"cam{number}") for number in range(5)]
    if any(one["state"] not in {"ready", "playing", "error"} for one in found):
        return None
    return [one for one in found if one["state"] != "ready"] or None


def _numbers(seed: int) -> Callable[[int], int]:
    import random

    random_ = random.Random(seed)
    return random_.randrange
