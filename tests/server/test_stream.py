"""Events over a real connection: order, resume, gaps, filters, stalled readers, and the end."""

# ruff: noqa: A001 - what the API calls id and type is called so here

from __future__ import annotations

import random
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from flexserver.events import MAX_READERS
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, Listener, Seen, spec, until
from tests.support.box import Box


def kinds(listener: Listener) -> list[tuple[str, str | None]]:
    return [(seen.type, seen.data.get("id")) for seen in listener.events]


def test_what_happens_is_told_in_order(api: Api) -> None:
    with api.listen() as listener:
        api.create("cam1")
        api.call("PATCH", "/flex/pipeline/cam1", json={"overlay": {"text": "a"}})
        api.call("PUT", "/flex/pipeline/cam1/play")
        api.call("PUT", "/flex/pipeline/cam1/stop")
        api.call("DELETE", "/flex/pipeline/cam1")
        listener.wait(lambda seen: seen.type == "pipeline_deleted")
    seen = [one for one in listener.events if "stats" not in one.data]
    assert [one.type for one in seen if one.type != "pipeline_status"] == [
        "pipeline_created", "pipeline_updated", "pipeline_updated", "pipeline_updated", "pipeline_deleted",
    ]  # fmt: skip
    assert listener.states("cam1") == ["ready", "starting", "playing", "stopping", "ready"]
    ids = [one.id for one in listener.events]
    assert ids == sorted(set(ids))
    created, updated = seen[0].data, next(one.data for one in seen if one.type == "pipeline_updated")
    assert created["source"] == {"uri": "test://smpte"}
    assert updated["overlay"] == {"text": "a"}
    playing = next(one.data for one in seen if one.data.get("state") == "playing")
    assert playing["output_uri"] == f"rtsp://127.0.0.1:{api.box.rtsp_port}/cam1"


def test_events_name_the_box_as_their_reader_does(api: Api) -> None:
    with api.listen(headers={"Host": "encoder.example:99"}) as there, api.listen() as here:
        api.create("cam1")
        for listener, host in ((there, "encoder.example"), (here, "127.0.0.1")):
            seen = listener.wait(lambda one: one.type == "pipeline_status")
            assert seen.data["output_uri"] == f"rtsp://{host}:{api.box.rtsp_port}/cam1"


def test_list_then_stream_loses_and_doubles_nothing(api: Api) -> None:
    api.create("before")
    listed = api.get("/flex/pipeline")
    api.create("between")
    with api.listen(f"/flex/events?since={listed.headers['last-event-id']}") as listener:
        api.create("after")
        listener.wait(lambda seen: seen.data.get("id") == "after")
    created = [id for kind, id in kinds(listener) if kind == "pipeline_created"]
    assert created == ["between", "after"]


def shown(pipeline: dict[str, Any]) -> dict[str, Any]:
    """What an event tells of a pipeline; the time of an order is not in it."""
    return {name: value for name, value in pipeline.items() if name != "updated_at"}


def joined(listed: list[dict[str, Any]], events: list[Seen]) -> dict[str, dict[str, Any]]:
    """A list, brought up to date by events in the simplest way there is."""
    table = {one["id"]: shown(one) for one in listed}
    for seen in events:
        id = seen.data.get("id", "")
        if seen.type in ("pipeline_created", "pipeline_updated"):
            table[id] = shown(seen.data)
        elif seen.type == "pipeline_deleted":
            del table[id]
        elif seen.type == "pipeline_status":
            table[id] = {**table[id], "state": seen.data["state"], "order": seen.data["order"]}
    return table


def write(api: Api, dice: random.Random, end: threading.Event) -> None:
    with Api(api.box, keep=True) as own:
        while not end.is_set():
            id = dice.choice("abcde")
            path = f"/flex/pipeline/{id}"
            own.call(
                *dice.choice(
                    [("POST", "/flex/pipeline"), ("DELETE", path), ("PUT", f"{path}/play"), ("PUT", f"{path}/stop")]
                ),
                json=spec(id),
            )
            own.call("PATCH", path, json={"metadata": {"n": str(dice.random())}, "on_demand": dice.random() < 0.5})


def test_a_list_in_a_storm_of_writes_and_the_events_after_it_give_the_final_state(api: Api) -> None:
    end = threading.Event()
    lists = []
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, api, random.Random(seed), end) for seed in range(4)]
        try:
            begun = time.monotonic()
            while time.monotonic() - begun < 2:
                lists.append(api.get("/flex/pipeline"))
        finally:
            end.set()
        for writer in writers:
            writer.result()
    until(lambda: all(one["state"] in ("ready", "playing") for one in api.get("/flex/pipeline").json()))
    api.create("the-end")
    final = {one["id"]: shown(one) for one in api.get("/flex/pipeline").json()}
    positions = [int(one.headers["last-event-id"]) for one in lists]
    assert len(set(positions)) > 10, "nothing happened between the lists"
    for listed in lists[:: max(1, len(lists) // 10)]:
        since = int(listed.headers["last-event-id"])
        with api.listen(f"/flex/events?since={since}") as listener:
            listener.wait(lambda seen: seen.type == "pipeline_created" and seen.data["id"] == "the-end")
        ids = [seen.id for seen in listener.events]
        assert ids == sorted(set(ids))
        assert ids[0] > since
        assert joined(listed.json(), listener.events) == final


def test_the_header_goes_before_the_query(api: Api) -> None:
    api.create("a")
    newest = api.get("/flex/pipeline").headers["last-event-id"]
    with api.listen("/flex/events?since=0", headers={"Last-Event-ID": newest}) as listener:
        api.create("b")
        listener.wait(lambda seen: seen.type == "pipeline_created")
    assert {id for _, id in kinds(listener)} == {"b"}


@pytest.mark.parametrize("header", ["999999999999", "nonsense", "-5", "9" * 50])
def test_an_id_from_elsewhere_gives_gap_and_snapshot(api: Api, header: str) -> None:
    api.create("a")
    api.create("b")
    with api.listen(headers={"Last-Event-ID": header}) as listener:
        listener.wait(lambda seen: seen.data.get("id") == "b")
    assert kinds(listener)[:3] == [("gap", None), ("pipeline_status", "a"), ("pipeline_status", "b")]


def test_filters_and_their_faults(api: Api) -> None:
    with (
        api.listen("/flex/events?types=pipeline_created,pipeline_deleted") as typed,
        api.listen("/flex/events?pipeline_id=b,c") as chosen,
    ):
        for id in "abc":
            api.create(id)
        api.call("DELETE", "/flex/pipeline/a")
        typed.wait(lambda seen: seen.type == "pipeline_deleted")
        chosen.wait(lambda seen: seen.type == "pipeline_created" and seen.data["id"] == "c")
    assert kinds(typed) == [("pipeline_created", id) for id in "abc"] + [("pipeline_deleted", "a")]
    assert {id for _, id in kinds(chosen)} == {"b", "c"}
    for query in ("types=odd", "types=", "since=x", "since=-1", "nope=1"):
        assert api.get(f"/flex/events?{query}").status_code == 400


def test_one_pipelines_events(api: Api) -> None:
    assert api.get("/flex/pipeline/ghost/events").status_code == 404
    api.create("a")
    api.create("b")
    with api.listen("/flex/pipeline/a/events") as listener:
        api.call("PATCH", "/flex/pipeline/b", json={"overlay": {"text": "x"}})
        api.call("PATCH", "/flex/pipeline/a", json={"overlay": {"text": "x"}})
        listener.wait(lambda seen: seen.type == "pipeline_updated")
    assert {id for _, id in kinds(listener)} == {"a"}


def test_a_stalled_reader_slows_nobody(api: Api, fake_box: Box) -> None:
    """It opens a stream and never reads; the others get everything, and at the end it finds a gap."""
    parts = urlsplit(fake_box.url)
    context = ssl.create_default_context(cafile=fake_box.ca_file)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((parts.hostname, parts.port))
    with context.wrap_socket(plain, server_hostname=parts.hostname) as stalled, api.listen() as quick:
        stalled.sendall(b"GET /flex/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        api.create("cam1")
        until(lambda: len(quick.events) >= 2)
        text = "x" * 100_000
        begun = time.monotonic()
        for number in range(120):
            body = {"metadata": {"n": str(number), "x": text}}
            assert api.call("PATCH", "/flex/pipeline/cam1", json=body).status_code == 200
        quick.wait(lambda seen: seen.data.get("metadata", {}).get("n") == "119")
        assert time.monotonic() - begun < 20
        numbers = [seen.data["metadata"]["n"] for seen in quick.events if seen.type == "pipeline_updated"]
        assert numbers == [str(number) for number in range(120)]
        assert "event: gap" in read_until(stalled, b"event: gap", 15)


def read_until(connection: ssl.SSLSocket, wanted: bytes, seconds: float) -> str:
    connection.settimeout(seconds)
    data = b""
    while wanted not in data:
        data = data[-100:] + connection.recv(65536)
    return data.decode(errors="replace")


def test_a_stream_goes_on_over_a_restart(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    api = Api(box)
    with api.listen() as first:
        api.create("a")
        first.wait(lambda seen: seen.type == "pipeline_created")
        box.stop()
        assert first.ended.wait(5)
    assert first.events[-1].type == "bye"
    assert first.events[-1].data == {"reason": "shutdown"}
    box.start()
    api = Api(box)
    api.create("b")
    with api.listen(headers={"Last-Event-ID": str(first.events[-1].id)}) as second:
        second.wait(lambda seen: seen.type == "pipeline_created")
    assert "gap" not in [seen.type for seen in second.events]
    created = [seen for seen in [*first.events, *second.events] if seen.type == "pipeline_created"]
    assert [seen.data["id"] for seen in created] == ["a", "b"]
    assert created[1].id > first.events[-1].id


def test_a_change_that_a_crash_kept_from_its_readers_is_told_later(fake_boxes: FakeBoxes) -> None:
    """The ring is thrown away while the box is down: what it never told, it tells at the next start."""
    box, _ = fake_boxes()
    Api(box).create("a")
    box.stop()
    for path in box.data_dir.glob("events.db*"):
        path.unlink()
    box.start()
    with Api(box).listen("/flex/events?since=0") as listener:
        seen: Seen = listener.wait(lambda one: one.type == "pipeline_created")
    assert seen.data["id"] == "a"


def test_there_is_an_end_to_how_many_may_listen(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    parts = urlsplit(box.url)
    context = ssl.create_default_context(cafile=box.ca_file)
    with ExitStack() as streams, Api(box) as api:
        for _ in range(MAX_READERS):
            plain = streams.enter_context(socket.create_connection((str(parts.hostname), parts.port or 0), 10))
            stream = streams.enter_context(context.wrap_socket(plain, server_hostname=parts.hostname))
            stream.sendall(b"GET /flex/events HTTP/1.1\r\nHost: a\r\n\r\n")
            read_until(stream, b"retry:", 10)
        refused = api.get("/flex/events")
        assert (refused.status_code, refused.json()["code"]) == (503, "OVERLOADED")
        assert api.create("cam1").status_code == 201, "everything else works"
    with Api(box) as api:

        def opens() -> bool:
            with api.http.stream("GET", "/flex/events") as stream:
                return stream.status_code == 200

        until(opens, what="room after the others left")
