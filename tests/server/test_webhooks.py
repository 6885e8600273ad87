"""Webhooks of a running server: what it takes, what it sends, what it keeps to itself, what outlives a kill -9."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook as Standard

from flexclient.webhooks import verify
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.receiver import Receiver

HOOKS = "/flex/webhooks"
CANARY = "canary-5f2b9c"
OPEN = {"webhook_allowed_networks": ["127.0.0.0/8"]}


@pytest.fixture
def hooks(api: Api) -> Iterator[Api]:
    """The module's box, loopback allowed and no webhooks."""
    api.call("PUT", "/flex/settings", json=OPEN).raise_for_status()
    yield api
    for one in api.get(HOOKS).json():
        api.call("DELETE", f"{HOOKS}/{one['id']}").raise_for_status()


def make(api: Api, url: str, *events: str, **more: Any) -> dict[str, Any]:
    answer = api.call("POST", HOOKS, json={"url": url, "events": events or ["pipeline.started"], **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(api: Api, **body: Any) -> dict[str, str]:
    """Field -> message of a 400."""
    body = {"url": "https://example.com/", "events": ["pipeline.started"], **body}
    answer = api.call("POST", HOOKS, json=body)
    assert answer.status_code == 400, answer.text
    return {one["field"]: one["message"] for one in answer.json()["details"]}


def test_a_webhook_from_its_making_to_its_end(hooks: Api) -> None:
    with Receiver() as receiver:
        assert hooks.get(HOOKS).json() == []
        answer = hooks.call("POST", HOOKS, json={"url": receiver.url, "events": ["pipeline.started"]})
        made = answer.json()
        assert made.keys() == {"id", "url", "events", "created_at", "secret"}
        assert re.fullmatch(r"wh_[a-z0-9]{8}", made["id"])
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", made["secret"])
        assert answer.headers["location"] == f"{HOOKS}/{made['id']}"
        assert answer.headers["cache-control"] == "no-store"
        assert hooks.get(HOOKS).json() == [{name: made[name] for name in made if name != "secret"}]
        assert hooks.get(f"{HOOKS}/{made['id']}/deliveries").json() == []
        hooks.create("cam1", on_demand=False)
        (sent,) = until(
            lambda: [d for d in hooks.get(f"{HOOKS}/{made['id']}/deliveries").json() if d["state"] == "delivered"]
        )
        assert (sent["webhook_id"], sent["event"], sent["attempts"]) == (made["id"], "pipeline.started", 1)
        assert (sent["status"], "next_attempt_at" in sent) == (204, False)
        assert hooks.call("DELETE", f"{HOOKS}/{made['id']}").status_code == 204
        for method, path in (("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
            gone = hooks.call(method, f"{HOOKS}/{made['id']}{path}")
            assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")


def test_what_is_sent_is_what_standard_webhooks_says(hooks: Api) -> None:
    with Receiver() as receiver:
        made = make(hooks, receiver.url + "?a=b", "pipeline.started", "pipeline.stopped", headers={"X-Key": "käse"})
        hooks.create("cam1", on_demand=False)
        hooks.call("PUT", "/flex/pipeline/cam1/stop")
        hooks.call("POST", f"{HOOKS}/{made['id']}/test")
        until(lambda: len(receiver.got) == 3)
        theirs, other = Standard(made["secret"]), Standard("whsec_" + "A" * 43 + "=")
        for got in receiver.got:
            assert theirs.verify(got.body, got.headers) == got.json
            assert verify(got.body, got.headers, made["secret"]).type == got.type
            with pytest.raises(Exception, match="No matching signature"):
                other.verify(got.body, got.headers)
            assert got.json.keys() == {"type", "timestamp", "data"}
            assert got.path == "/hook?a=b"
            assert got.headers["content-type"] == "application/json"
            assert got.headers["x-key"].encode("latin-1").decode("latin-1") == "käse"
            assert got.headers["user-agent"].startswith("flexserver/")
        assert sorted(receiver.types) == ["pipeline.started", "pipeline.stopped", "test"]
        started = next(got for got in receiver.got if got.type == "pipeline.started").json["data"]
        assert (started["id"], started["state"]) == ("cam1", "playing")
        assert started["output_uri"].startswith("rtsp://127.0.0.1:")


def test_a_test_says_what_came_of_it(hooks: Api) -> None:
    with Receiver() as receiver:
        made = make(hooks, receiver.url)
        receiver.answers.append(500)
        bad = hooks.call("POST", f"{HOOKS}/{made['id']}/test")
        assert bad.status_code == 200
        assert (bad.json()["state"], bad.json()["status"]) == ("failed", 500)
        assert bad.json()["error"] == "the receiver answered 500"
        good = hooks.call("POST", f"{HOOKS}/{made['id']}/test").json()
        assert (good["state"], good["status"], good["event"], good["attempts"]) == ("delivered", 204, "test", 1)
        assert good["duration_ms"] > 0
        assert hooks.get(f"{HOOKS}/{made['id']}/deliveries").json() == []


def test_a_failing_pipeline_is_an_error_once(hooks: Api, fake: Any) -> None:
    fake.script("cam1", "source")
    with Receiver() as receiver:
        make(hooks, receiver.url, "pipeline.error", "pipeline.started")
        hooks.create("cam1", on_demand=False)
        until(lambda: hooks.status("cam1")["restarts"] > 2)
        fake.script("cam1", "play")
        hooks.wait("cam1", "playing", 10)
        until(lambda: len(receiver.got) == 2)
        assert receiver.types == ["pipeline.error", "pipeline.started"]
        assert receiver.got[0].json["data"]["message"] == "the source is bad"


def test_a_worker_that_crashes_is_no_new_start(hooks: Api, fake: Any) -> None:
    with Receiver() as receiver:
        make(hooks, receiver.url, "pipeline.started", "pipeline.stopped", "pipeline.error")
        hooks.create("crasher", on_demand=False)
        os.kill(fake.starts("crasher")[0], signal.SIGKILL)
        until(lambda: len(fake.starts("crasher")) == 2)
        hooks.wait("crasher", "playing")
        hooks.call("DELETE", "/flex/pipeline/crasher")
        until(lambda: receiver.types[-1:] == ["pipeline.stopped"])
        assert receiver.types == ["pipeline.started", "pipeline.error", "pipeline.stopped"]


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({"url": "ftp://example.com"}, "url", "http"),
        ({"url": "https://user:pw@example.com/"}, "url", "header"),
        ({"url": "https://example.com/#x"}, "url", "#"),
        ({"url": "https://example.com:99999/"}, "url", "port"),
        ({"url": "https://" + "x" * 2048}, "url", "long"),
        ({"url": ""}, "url", ""),
        ({"url": 7}, "url", "string"),
        ({"events": []}, "events", "empty"),
        ({"events": ["pipeline.exploded"]}, "events.0", "not one of"),
        ({"events": ["camera.added", "camera.added"]}, "events", "twice"),
        ({"headers": {f"X-{n}": "y" for n in range(11)}}, "headers", "10"),
        ({"headers": {"X" * 129: "y"}}, "headers", "128"),
        ({"headers": {"X": "y" * 1025}}, "headers", "1,024"),
        ({"headers": {"X": "a\r\nHost: evil"}}, "headers", "one line"),
        ({"headers": {"X: y\r\nZ": "a"}}, "headers", "name"),
        ({"headers": {"Webhook-Signature": "v1,x"}}, "headers", "own"),
        ({"headers": {"host": "evil"}}, "headers", "own"),
        ({"secret": "whsec_x"}, "secret", "no such field"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(hooks: Api, body: dict[str, Any], field: str, word: str) -> None:
    details = refused(hooks, **body)
    found = next(name for name in details if name == field or name.startswith(field + "."))
    assert word in details[found]
    assert hooks.get(HOOKS).json() == []


def test_ten_headers_of_full_size_are_taken(hooks: Api) -> None:
    headers = {f"{n}" * 128: "v" * 1024 for n in range(10)}
    with Receiver() as receiver:
        made = make(hooks, receiver.url, headers=headers)
        assert hooks.call("POST", f"{HOOKS}/{made['id']}/test").json()["status"] == 204
        assert headers.items() <= receiver.got[0].headers.items()


def test_private_targets_need_the_settings_at_the_making_and_at_each_delivery(hooks: Api) -> None:
    with Receiver() as receiver:
        made = make(hooks, receiver.url)
        hooks.call("PUT", "/flex/settings", json={"webhook_allowed_networks": None}).raise_for_status()
        for url in (receiver.url, "http://localhost/", "http://2130706433/", "http://[::ffff:127.0.0.1]/",
                    "http://169.254.169.254/latest/", "http://10.0.0.1/", "https://[fe80::1]/"):  # fmt: skip
            assert "settings do not allow" in refused(hooks, url=url)["url"]
        outcome = hooks.call("POST", f"{HOOKS}/{made['id']}/test").json()
        assert outcome["error"] == "127.0.0.1 is the box itself"
        assert receiver.got == []
        hooks.call("PUT", "/flex/settings", json=OPEN).raise_for_status()
        assert hooks.call("POST", f"{HOOKS}/{made['id']}/test").json()["status"] == 204


def test_there_is_room_for_32(hooks: Api) -> None:
    for number in range(32):
        make(hooks, f"http://127.0.0.1:9/{number}")
    full = hooks.call("POST", HOOKS, json={"url": "http://127.0.0.1:9/", "events": ["camera.added"]})
    assert (full.status_code, full.json()["code"]) == (409, "CONFLICT")
    listed = [one["url"].rpartition("/")[2] for one in hooks.get(HOOKS).json()]
    assert len(listed) == 32


def test_kill_9_between_event_and_delivery_loses_and_doubles_nothing(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    with Receiver() as receiver:
        receiver.hang()
        with Api(box) as api:
            api.call("PUT", "/flex/settings", json=OPEN)
            made = make(api, receiver.url, "pipeline.started", "pipeline.stopped")
            api.create("cam1", on_demand=False)
            until(lambda: receiver.got)
            api.create("cam2", on_demand=False)
            until(lambda: len(api.get(f"{HOOKS}/{made['id']}/deliveries").json()) == 2)
        box.kill()
        receiver.let_go()
        first = receiver.got[0].id
        box.start()
        with Api(box) as api:
            # Both starts, the stop of both when the box went down, and both starts after it.
            until(lambda: len(receiver.got) == 7)
            done = until(
                lambda: (
                    len(d := api.get(f"{HOOKS}/{made['id']}/deliveries").json()) == 6
                    and all(one["state"] == "delivered" for one in d)
                    and d
                )
            )
            assert receiver.got[1].id == first, "what hung is sent again, under its old id"
            assert len({got.id for got in receiver.got}) == 6 == len(done)
            told = [(got.type, got.json["data"]["id"]) for got in receiver.got[1:]]
            assert sorted(told[:2]) == [("pipeline.started", "cam1"), ("pipeline.started", "cam2")]
            assert sorted(told[2:4]) == [("pipeline.stopped", "cam1"), ("pipeline.stopped", "cam2")]
            assert sorted(told[4:]) == sorted(told[:2])
            for got in receiver.got:
                verify(got.body, got.headers, made["secret"])


def test_the_box_ends_in_time_while_a_receiver_hangs(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    with Receiver() as receiver, Api(box) as api:
        receiver.hang()
        api.call("PUT", "/flex/settings", json=OPEN)
        make(api, receiver.url)
        api.create("cam1", on_demand=False)
        until(lambda: receiver.got)
        assert box.stop() == 0


def test_what_is_given_up_is_an_event(hooks: Api) -> None:
    with Receiver() as receiver, hooks.listen() as stream:
        receiver.usual = 410
        made = make(hooks, receiver.url + "/secret-in-the-path")
        hooks.create("cam1", on_demand=False)
        told = stream.wait(lambda seen: seen.type == "webhook_failed").data
        assert told == {
            "webhook_id": made["id"],
            "url": f"http://127.0.0.1:{receiver.port}",
            "event": "pipeline.started",
            "message": "the receiver answered 410: it wants no more",
            "attempts": 1,
            "disabled": True,
        }
        (shown,) = hooks.get(HOOKS).json()
        assert shown["disabled_reason"] == told["message"]
        assert shown["disabled_at"]


def test_secrets_are_told_to_nobody(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes("--log-level", "debug")
    with Receiver() as receiver, Api(box) as api, api.listen() as stream:
        api.call("PUT", "/flex/settings", json=OPEN)
        receiver.answers += [(500, {"Set-Cookie": CANARY}), 410]
        made = make(api, f"{receiver.url}?token={CANARY}", "pipeline.started", headers={"X-Key": CANARY})
        secret = made["secret"]
        api.call("POST", f"{HOOKS}/{made['id']}/test")
        api.create("cam1", on_demand=False)
        stream.wait(lambda seen: seen.type == "webhook_failed")
        bad = api.call("POST", HOOKS, json={"url": f"http://u:{CANARY}@x/", "events": ["camera.added"]})
        worse = api.call("POST", HOOKS, json={"url": "http://x/", "events": [], "headers": {"X": f"{CANARY}\r\n"}})
        listed = api.get(HOOKS).text
        assert listed.count(CANARY) == 1, "the address is shown to who may ask for it"
        texts = [
            listed.replace(f"?token={CANARY}", ""), api.get(f"{HOOKS}/{made['id']}/deliveries").text, bad.text,
            worse.text, json.dumps([seen.data for seen in stream.events]), api.get("/flex/health").text,
        ]  # fmt: skip
        assert receiver.got[0].headers["x-key"] == CANARY
        assert box.stop() == 0
        for text in (*texts, box.log):
            assert CANARY not in text
            assert secret not in text
            assert secret.removeprefix("whsec_") not in text


def test_nothing_is_sent_through_a_proxy(fake_boxes: FakeBoxes) -> None:
    """A proxy would connect to whatever it likes: what was checked would not be what is connected to."""
    with Receiver() as receiver, Receiver() as proxy:
        box, _ = fake_boxes(env={"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "ALL_PROXY": proxy.url})
        with Api(box) as api:
            api.call("PUT", "/flex/settings", json=OPEN)
            made = make(api, receiver.url)
            assert api.call("POST", f"{HOOKS}/{made['id']}/test").json()["status"] == 204
        assert (len(receiver.got), proxy.got) == (1, [])


def test_statistics_are_not_made_for_webhooks_alone(fake_box: Box, hooks: Api) -> None:
    """Who hears only what is kept costs a playing pipeline nothing."""
    with Receiver() as receiver:
        make(hooks, receiver.url)
        hooks.create("cam1", on_demand=False)
        until(lambda: receiver.got)
        before = int(hooks.get("/flex/pipeline").headers["last-event-id"])
        until(lambda: hooks.status("cam1").get("stats", {}).get("frames", 0) > 30)
        assert int(hooks.get("/flex/pipeline").headers["last-event-id"]) == before
