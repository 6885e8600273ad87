"""Settings of a box: partial, durable, told; a stale copy and a faulty field are refused."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flexclient.models import ErrorCode, Settings
from flexserver.errors import Refusal
from flexserver.events import Hub
from flexserver.settings import BoxSettings, merged
from flexserver.store import Store
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box

PATH = "/flex/settings"
DEFAULTS = {
    "cot_enabled": False,
    "cot_address": "239.2.3.1:6969",
    "cot_interval_seconds": 5.0,
    "mdns_enabled": True,
    "webhook_allowed_networks": [],
    "ingress_rtsp_enabled": False,
    "ingress_rtmp_enabled": False,
}


@pytest.fixture
def fresh(api: Api) -> Iterator[Api]:
    """The module's box with its settings as they come, before and after."""
    reset = dict.fromkeys(Settings.model_fields)
    put(api, reset).raise_for_status()
    yield api
    put(api, reset).raise_for_status()


def put(api: Api, changes: Any, **headers: str) -> httpx.Response:
    return api.call("PUT", PATH, json=changes, headers=headers)


def test_what_is_not_set_has_its_default(fresh: Api) -> None:
    assert fresh.get(PATH).json() == DEFAULTS


def test_a_put_changes_what_it_names_and_answers_all(fresh: Api) -> None:
    changes = {"name": "gate", "webhook_allowed_networks": ["10.0.0.0/8", "fd00::/8"], "cot_interval_seconds": 1}
    assert put(fresh, changes).json() == {**DEFAULTS, **changes, "cot_interval_seconds": 1.0}
    assert put(fresh, {"cot_enabled": True}).json()["name"] == "gate"
    assert put(fresh, {}).json() == fresh.get(PATH).json()
    without = put(fresh, {"name": None, "webhook_allowed_networks": None}).json()
    assert without == {**DEFAULTS, "cot_enabled": True, "cot_interval_seconds": 1.0}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cot_enabled": "true"}, "cot_enabled"),
        ({"cot_enabled": 1}, "cot_enabled"),
        ({"cot_interval_seconds": 0}, "cot_interval_seconds"),
        ({"cot_interval_seconds": 3601}, "cot_interval_seconds"),
        ({"cot_address": "239.2.3.1"}, "cot_address"),
        ({"cot_address": "239.2.3.1:0"}, "cot_address"),
        ({"cot_address": "a b:6969"}, "cot_address"),
        ({"webhook_allowed_networks": ["10.0.0.1/8"]}, "webhook_allowed_networks"),
        ({"webhook_allowed_networks": ["10.0.0.0/8", "everywhere"]}, "webhook_allowed_networks"),
        ({"webhook_allowed_networks": ["fe80::%eth0/64"]}, "webhook_allowed_networks"),
        ({"webhook_allowed_networks": ["10.0.0.0/8", "10.0.0.0/8"]}, "webhook_allowed_networks"),
        ({"webhook_allowed_networks": [7]}, "webhook_allowed_networks.0"),
        ({"webhook_allowed_networks": "10.0.0.0/8"}, "webhook_allowed_networks"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "\u00a0 \u2003"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "a\u0007"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"colour": None}, "colour"),
    ],
)
def test_a_faulty_field_is_named_and_nothing_changes(fresh: Api, changes: dict[str, Any], field: str) -> None:
    refused = put(fresh, {"mdns_enabled": False, **changes})
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused.json()["details"]] == [field]
    assert fresh.get(PATH).json() == DEFAULTS


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"name": NaN}', b'{"name": "a", "name": "b"}'])
def test_a_body_that_is_no_object_is_refused(fresh: Api, body: bytes) -> None:
    refused = fresh.call("PUT", PATH, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400


def test_another_media_type_is_refused(fresh: Api) -> None:
    assert fresh.call("PUT", PATH, content=b"name=gate").status_code == 415


def test_a_stale_copy_is_refused(fresh: Api) -> None:
    etag = fresh.get(PATH).headers["ETag"]
    assert fresh.get(PATH, headers={"If-None-Match": etag}).status_code == 304
    mine = put(fresh, {"name": "mine"}, **{"If-Match": etag})
    assert mine.status_code == 200
    assert mine.headers["ETag"] != etag
    theirs = put(fresh, {"name": "theirs"}, **{"If-Match": etag})
    assert (theirs.status_code, theirs.json()["code"]) == (412, "PRECONDITION_FAILED")
    assert theirs.json()["hint"]
    assert put(fresh, {"name": "any"}, **{"If-Match": "*"}).status_code == 200
    assert put(fresh, {"name": None}, **{"If-Match": f'"old", {fresh.get(PATH).headers["ETag"]}'}).status_code == 200
    assert fresh.get(PATH).headers["ETag"] == etag, "the same settings have the same name"


def test_of_two_copies_changed_at_once_one_is_refused(fresh: Api) -> None:
    etag = fresh.get(PATH).headers["ETag"]

    async def race() -> list[int]:
        async with httpx.AsyncClient(base_url=fresh.box.url, verify=False) as client:
            tries = [client.put(PATH, json={"name": f"n{number}"}, headers={"If-Match": etag}) for number in range(8)]
            return sorted([reply.status_code for reply in await asyncio.gather(*tries)])

    assert asyncio.run(race()) == [200, *[412] * 7]


def test_a_change_is_told_once_and_no_change_is_not(fresh: Api) -> None:
    with fresh.listen("/flex/events?types=settings_changed") as listener:
        put(fresh, {"name": "gate", "cot_enabled": True})
        put(fresh, {"name": "gate"})
        put(fresh, {"mdns_enabled": True})
        put(fresh, {"name": "yard"})
        until(lambda: len(listener.events) == 2)
    assert [seen.data["name"] for seen in listener.events] == ["gate", "yard"]
    assert listener.events[0].data == {**DEFAULTS, "name": "gate", "cot_enabled": True}


def test_an_acknowledged_change_survives_kill_9(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    with Api(box) as api:
        etag = put(api, {"name": "gate", "cot_interval_seconds": 9.5}).headers["ETag"]
        box.kill()
        box.start()
    with Api(box) as api:
        kept = api.get(PATH)
    assert kept.json() == {**DEFAULTS, "name": "gate", "cot_interval_seconds": 9.5}
    assert kept.headers["ETag"] == etag


def test_what_another_version_stored_stays_and_does_no_harm(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    stored = {"later": {"deep": [1]}, "cot_interval_seconds": 7200, "cot_address": 5, "name": "gate"}
    _stop_and_write(box, stored)
    box.start()
    with Api(box) as api:
        assert api.get(PATH).json() == {**DEFAULTS, "name": "gate"}
        assert put(api, {"later": 1}).json()["details"][0]["field"] == "later"
        put(api, {"name": "yard", "cot_address": "tak:6969"}).raise_for_status()
    box.stop()
    assert _read(box) == {**stored, "name": "yard", "cot_address": "tak:6969"}
    assert "cot_interval_seconds" in box.log, "who looks for it finds why the value is not used"


def _stop_and_write(box: Box, stored: dict[str, Any]) -> None:
    box.stop()
    with sqlite3.connect(box.data_dir / "flex.db") as database:
        database.execute("INSERT OR REPLACE INTO facts VALUES ('settings', ?)", (json.dumps(stored),))
    database.close()


def _read(box: Box) -> Any:
    with sqlite3.connect(box.data_dir / "flex.db") as database:
        [[text]] = database.execute("SELECT value FROM facts WHERE name = 'settings'").fetchall()
    database.close()
    return json.loads(text)


def test_parts_are_called_after_the_change_and_a_failing_one_harms_nobody(tmp_path: Path) -> None:
    async def check() -> list[Settings]:
        store, hub = Store(tmp_path / "flex.db"), Hub(tmp_path / "events.db")
        hub.start()
        settings, heard = BoxSettings(store, hub), list[Settings]()

        def fails(_: Settings) -> None:
            assert "gate" in store.facts()["settings"], "it is durable by now"
            raise RuntimeError("a part")

        settings.changed += [fails, heard.append]
        await settings.update({"name": "gate"})
        assert settings.now.name == "gate"
        await settings.update({"name": "gate"})
        with pytest.raises(Refusal):
            await settings.update({"name": 5})
        await hub.finish()
        store.close()
        return heard

    assert [one.name for one in asyncio.run(check())] == ["gate"]


def test_a_full_disk_changes_nothing_and_tells_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        store, hub = Store(tmp_path / "flex.db"), Hub(tmp_path / "events.db")
        hub.start()
        settings, heard = BoxSettings(store, hub), list[Settings]()
        settings.changed.append(heard.append)
        before, etag, newest = settings.now, settings.etag, hub.newest

        async def full(*_: object) -> None:
            raise Refusal(ErrorCode.INSUFFICIENT_STORAGE, "the disk is full")

        monkeypatch.setattr(store, "put", full)
        with pytest.raises(Refusal, match="the disk is full"):
            await settings.update({"name": "gate"})
        assert (settings.now, settings.etag, hub.newest, heard) == (before, etag, newest, [])
        monkeypatch.undo()
        assert (await settings.update({"name": "yard"})).name == "yard"
        await hub.finish()
        store.close()

    asyncio.run(check())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(list(Settings.model_fields)) | st.text(min_size=1, max_size=12)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(NAMES, JSON, max_size=4))
@examples(max_examples=300, deadline=None)
def test_any_body_is_taken_whole_or_refused_by_name(stored: dict[str, Any], body: dict[str, Any]) -> None:
    made, faults = taken(stored, body)
    for fault in faults:
        assert any(fault == name or fault.startswith(f"{name}.") for name in body)
    if made is None:
        assert faults
        return
    assert {name: made.get(name) for name in body} == body
    untouched = {name: value for name, value in stored.items() if name not in body}
    assert {name: value for name, value in made.items() if name not in body} == {
        name: value for name, value in untouched.items() if value is not None or name not in Settings.model_fields
    }


def taken(stored: dict[str, Any], body: dict[str, Any]) -> tuple[dict[str, Any] | None, list[str]]:
    """What is stored, or the fields that are refused."""
    try:
        return merged(stored, body), []
    except Refusal as refusal:
        return None, [fault.field for fault in refusal.details]
