"""The pipeline routes: documents in and out, conditions, conflicts, and what is refused by name."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from flexclient.models import Pipeline, PipelineStatus
from tests.server.conftest import FakeBoxes
from tests.server.test_refusals import details
from tests.support.api import TEST_SOURCE, Api, spec
from tests.support.box import Box
from tests.support.media_double import FakeMedia

RTSP = {"uri": "rtsp://127.0.0.1:9/x", "user": "u", "password": "s3cret-pw"}


def test_create_answers_what_was_written_and_how_it_is(api: Api) -> None:
    response = api.create("cam1", encoding={"bitrate": 900}, metadata={"where": 'äöü " ! <b> \\u0000'})
    assert response.status_code == 201
    assert response.headers["location"] == "/flex/pipeline/cam1"
    body = response.json()
    Pipeline.model_validate(body)
    assert body.pop("created_at") == body.pop("updated_at")
    assert body == {
        "id": "cam1",
        "mode": "simple",
        "on_demand": True,
        "source": TEST_SOURCE,
        "encoding": {"bitrate": 900},
        "metadata": {"where": 'äöü " ! <b> \\u0000'},
        "state": "ready",
        "order": "armed",
        "klv": {"available": False},
    }
    assert api.get("/flex/pipeline/cam1").json() == response.json()
    assert api.get("/flex/pipeline").json() == [response.json()]


def test_a_pipeline_can_be_read_changed_and_put_back(api: Api) -> None:
    read = api.create().json()
    read["overlay"] = {"text": "hello"}
    response = api.call("PUT", "/flex/pipeline/cam1", json=read)
    assert response.status_code == 200
    assert response.headers["flex-applied"] == "stored"
    assert response.json()["overlay"] == {"text": "hello"}
    assert response.json()["updated_at"] > read["updated_at"]
    assert response.json()["created_at"] == read["created_at"]


def test_lists_can_be_filtered(api: Api) -> None:
    api.create("b", on_demand=False)
    api.create("a")

    def ids(query: str) -> list[str]:
        return [one["id"] for one in api.get(f"/flex/pipeline?{query}").json()]

    assert ids("") == ["a", "b"]
    assert ids("on_demand=true") == ["a"]
    assert ids("state=playing") == ["b"]
    assert ids("mode=simple&on_demand=false") == ["b"]
    assert ids("mode=advanced") == []


def test_an_unknown_pipeline_is_404_everywhere(api: Api) -> None:
    calls = [("GET", ""), ("DELETE", ""), ("PUT", "/play"), ("PUT", "/stop"), ("GET", "/status"), ("GET", "/events")]
    calls += [("GET", "/snapshot.jpg"), ("GET", "/graph"), ("GET", "/logs")]
    for method, tail in calls:
        response = api.call(method, f"/flex/pipeline/ghost{tail}")
        assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND"), (method, tail)
    for method in ("PUT", "PATCH"):
        assert api.call(method, "/flex/pipeline/ghost", json=spec("ghost")).status_code == 404


def test_passwords_go_in_and_never_out(api: Api, fake_box: Box) -> None:
    with api.listen() as listener:
        answers = [
            api.call("POST", "/flex/pipeline", json=spec(source=RTSP, on_demand=False)),
            api.get("/flex/pipeline/cam1"),
            api.get("/flex/pipeline"),
            api.get("/flex/pipeline/cam1/status"),
            api.get("/flex/pipeline/cam1/logs"),
            api.get("/flex/pipeline/cam1/graph"),
            api.call("PATCH", "/flex/pipeline/cam1", json={"encoding": {"bitrate": 800}}),
        ]
        listener.wait(lambda seen: seen.type == "pipeline_updated")
        told = str([seen.data for seen in listener.events])
    assert "s3cret-pw" not in told
    for answer in answers:
        assert answer.status_code in (200, 201)
        assert "s3cret-pw" not in answer.text
        assert "password" not in answer.text or answer is answers[5]
    assert "s3cret-pw" not in fake_box.log
    assert "s3cret-pw" in stored(fake_box)
    for name in ("flex.db", "events.db", "certs/flex.key"):
        assert (fake_box.data_dir / name).stat().st_mode & 0o077 == 0
    assert fake_box.data_dir.stat().st_mode & 0o777 == 0o700


def stored(box: Box) -> str:
    """All bytes of the store, its log included."""
    return "".join(path.read_bytes().decode("latin-1") for path in box.data_dir.glob("flex.db*"))


@pytest.mark.parametrize(
    ("method", "change", "kept"),
    [
        ("PUT", {"source": {"uri": RTSP["uri"], "user": "u"}}, True),
        ("PUT", {"source": {"uri": RTSP["uri"], "user": "u", "latency_ms": 50}}, True),
        ("PUT", {"source": {"uri": RTSP["uri"], "user": "u", "password": None}}, False),
        ("PUT", {"source": {"uri": RTSP["uri"], "user": "other"}}, False),
        ("PUT", {"source": {"uri": "rtsp://127.0.0.2:9/x", "user": "u"}}, False),
        ("PUT", {"source": TEST_SOURCE}, False),
        ("PATCH", {"encoding": {"bitrate": 999}}, True),
        ("PATCH", {"source": {"latency_ms": 99}}, True),
        ("PATCH", {"source": {"password": None}}, False),
        ("PATCH", {"source": {"uri": "rtsp://127.0.0.2:9/x"}}, False),
        ("PATCH", {"source": {"user": "v"}}, False),
    ],
)
def test_a_password_stays_with_its_source(
    api: Api, fake: FakeMedia, method: str, change: dict[str, Any], kept: bool
) -> None:
    """Judged by the graph that the worker gets."""
    api.call("POST", "/flex/pipeline", json=spec(source=RTSP))
    body = {"id": "cam1", **change} if method == "PUT" else change
    assert api.call(method, "/flex/pipeline/cam1", json=body).status_code == 200
    assert api.call("PUT", "/flex/pipeline/cam1/play").status_code == 200
    assert ("s3cret-pw" in fake.graph("cam1")) is kept


def test_put_is_the_whole_and_patch_a_part(api: Api) -> None:
    api.create("cam1", encoding={"bitrate": 900, "width": 640}, metadata={"a": "1", "b": "2"}, overlay={"text": "x"})
    patch = {"encoding": {"bitrate": 901, "width": None}, "metadata": {"a": None, "c": "3"}, "overlay": None}
    patched = api.call("PATCH", "/flex/pipeline/cam1", json=patch).json()
    assert patched["encoding"] == {"bitrate": 901}
    assert patched["metadata"] == {"b": "2", "c": "3"}
    assert "overlay" not in patched
    put = api.call("PUT", "/flex/pipeline/cam1", json={"source": TEST_SOURCE}).json()
    assert "encoding" not in put
    assert "metadata" not in put


def test_patch_takes_both_media_types_and_ignores_what_is_read_only(api: Api) -> None:
    api.create()
    for media_type in ("application/json", "application/merge-patch+json"):
        body = b'{"state": "playing", "created_at": "never", "klv": null, "overlay": {"text": "a"}}'
        headers = {"Content-Type": media_type}
        response = api.call("PATCH", "/flex/pipeline/cam1", content=body, headers=headers)
        assert (response.status_code, response.json()["state"]) == (200, "ready")


def test_an_id_cannot_be_changed(api: Api) -> None:
    api.create()
    assert "id" in details(api.call("PUT", "/flex/pipeline/cam1", json=spec("cam2")))
    assert "id" in details(api.call("PATCH", "/flex/pipeline/cam1", json={"id": "cam2"}))
    assert "id" in details(api.call("PATCH", "/flex/pipeline/cam1", json={"id": None}))


def test_etags_are_of_what_was_ordered_and_conditions_hold(api: Api) -> None:
    made = api.create()
    first = made.headers["etag"]
    assert api.get("/flex/pipeline/cam1").headers["etag"] == first
    assert api.get("/flex/pipeline/cam1", headers={"If-None-Match": first}).status_code == 304
    same = api.call("PUT", "/flex/pipeline/cam1", json=made.json())
    assert same.headers["etag"] == first, "nothing changed"
    second = api.call("PATCH", "/flex/pipeline/cam1", json={"overlay": {"text": "a"}}, headers={"If-Match": first})
    assert second.status_code == 200
    assert second.headers["etag"] != first
    for method in ("PUT", "PATCH", "DELETE"):
        options = {} if method == "DELETE" else {"json": spec()}
        refused = api.call(method, "/flex/pipeline/cam1", headers={"If-Match": first}, **options)
        assert (refused.status_code, refused.json()["code"]) == (412, "PRECONDITION_FAILED")
    third = api.call("PUT", "/flex/pipeline/cam1/play").headers["etag"]
    assert third not in (first, second.headers["etag"])
    assert api.get("/flex/pipeline/cam1", headers={"If-None-Match": f'"x", W/{third}'}).status_code == 304
    listed = {"If-Match": f"{first}, {third}"}
    assert api.call("DELETE", "/flex/pipeline/cam1", headers=listed).status_code == 204


def test_changing_on_demand_changes_the_order_and_nothing_else_does(api: Api) -> None:
    api.create()
    api.call("PUT", "/flex/pipeline/cam1/stop")
    assert api.call("PATCH", "/flex/pipeline/cam1", json={"overlay": {"text": "a"}}).json()["order"] == "stop"
    playing = api.call("PATCH", "/flex/pipeline/cam1", json={"on_demand": False}).json()
    assert (playing["order"], playing["state"]) == ("play", "playing")
    assert api.call("PATCH", "/flex/pipeline/cam1", json={"on_demand": True}).json()["order"] == "armed"
    api.wait("cam1", "ready")


@pytest.mark.parametrize(
    "parts",
    [
        {"encoding": {"width": 16, "height": 8192}},
        {"encoding": {"width": 0, "height": 0}},
        {"encoding": {"width": 640}, "crop": {"left": 1, "top": 3}},
        {"crop": {"left": 1}, "transform": {"rotate": 90}},
        {"encoding": {"width": 360, "height": 640}, "transform": {"rotate": 270}},
    ],
)
def test_even_sizes_and_any_crop_or_turn_are_fine(api: Api, parts: dict[str, Any]) -> None:
    assert api.create(**parts).status_code == 201


def test_an_odd_size_is_not_made_even_behind_ones_back(api: Api) -> None:
    said = details(api.create(encoding={"width": 1281, "height": 2}))
    assert said == {
        "encoding.width": "must be even: H.264 stores colour for 2x2 pixels",
        "encoding.height": "must be at least 16, or 0: as the source has it",
    }


@pytest.mark.parametrize("last", ["stop", "play"])
def test_naming_on_demand_in_a_patch_is_an_order(api: Api, fake: FakeMedia, last: str) -> None:
    """The way back to armed; a PUT of the same value says nothing about the order."""
    made = api.create().json()
    api.call("PUT", f"/flex/pipeline/cam1/{last}")
    assert api.call("PUT", "/flex/pipeline/cam1", json=made).json()["order"] == last
    assert api.call("PATCH", "/flex/pipeline/cam1", json={"on_demand": True}).json()["order"] == "armed"
    api.wait("cam1", "ready")
    fake.watch("cam1")
    api.wait("cam1", "playing")
    fake.watch()
    assert api.call("PATCH", "/flex/pipeline/cam1", json={"on_demand": False}).json()["order"] == "play"
    api.call("PUT", "/flex/pipeline/cam1/stop")
    again = api.call("PATCH", "/flex/pipeline/cam1", json={"on_demand": False}).json()
    assert (again["order"], again["state"]) == ("play", "playing")


def test_two_pipelines_cannot_have_one_mount(api: Api) -> None:
    api.create("a", output={"uri": "rtsp://0.0.0.0:8731/live/one"})
    taken = api.create("b", output={"uri": "rtsp://0.0.0.0/live/one"})
    assert (taken.status_code, taken.json()["code"]) == (409, "CONFLICT")
    assert "'a'" in taken.json()["message"]
    assert api.get("/flex/pipeline/b").status_code == 404
    api.create("b")
    assert api.call("PATCH", "/flex/pipeline/a", json={"output": {"uri": "rtsp://0.0.0.0/b"}}).status_code == 409
    assert api.call("PATCH", "/flex/pipeline/a", json={"output": {"uri": "rtsp://0.0.0.0/c"}}).status_code == 200
    assert api.create("d", output={"uri": "rtsp://0.0.0.0/live/one"}).status_code == 201, "the old mount is free"
    api.call("DELETE", "/flex/pipeline/d")
    assert api.create("e", output={"uri": "rtsp://0.0.0.0/live/one"}).status_code == 201


def test_one_of_many_creates_wins(api: Api) -> None:
    with ThreadPoolExecutor(12) as pool:
        codes = [r.status_code for r in pool.map(lambda _: api.create("cam1", on_demand=False), range(12))]
    assert sorted(codes) == [201] + [409] * 11
    with ThreadPoolExecutor(12) as pool:
        same = {"uri": "rtsp://0.0.0.0/same"}
        codes = [r.status_code for r in pool.map(lambda n: api.create(f"m{n}", output=same), range(12))]
    assert sorted(codes) == [201] + [409] * 11


def test_racing_changes_leave_one_whole_pipeline(fake_boxes: FakeBoxes) -> None:
    """Anything at once from many: no 500, one worker at most, and the last state is a whole one."""
    box, fake = fake_boxes()
    api = Api(box)
    api.create("cam1", on_demand=False)
    bad: list[tuple[int, str]] = []
    calls: list[tuple[str, str, Any]] = [
        ("PUT", "", spec(on_demand=False, overlay={"text": "put"})),
        ("PATCH", "", {"overlay": {"text": "patch"}}),
        ("DELETE", "", None),
        ("PUT", "/stop", None),
        ("PUT", "/play", None),
    ]

    def storm(number: int) -> None:
        for step in range(6):
            method, tail, body = calls[(number + step) % len(calls)]
            response = api.call(method, f"/flex/pipeline/cam1{tail}", **({"json": body} if body else {}))
            if response.status_code not in (200, 204, 404, 409):
                bad.append((response.status_code, response.text))
            if number == 0:
                api.create("cam1", on_demand=False)

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bad == []
    api.call("DELETE", "/flex/pipeline/cam1")
    assert api.create("cam1", on_demand=False).status_code == 201
    assert len(fake.alive) == 1, "an old worker was left behind"


def test_status_is_whole_and_names_the_box_as_the_client_does(api: Api) -> None:
    api.create("cam1", on_demand=False)
    said = api.status()
    PipelineStatus.model_validate(said)
    port = api.box.rtsp_port
    assert said["output_uri"] == f"rtsp://127.0.0.1:{port}/cam1"
    for host, shown in [
        ("box.local:1", "box.local"),
        ("[::1]:9", "[::1]"),
        ("a b", "127.0.0.1"),
        ("<script>", "127.0.0.1"),
    ]:
        seen = api.get("/flex/pipeline/cam1/status", headers={"Host": host}).json()["output_uri"]
        assert seen == f"rtsp://{shown}:{port}/cam1"
    api.create("udp", output={"uri": "udp://127.0.0.1:5004"})
    assert api.status("udp")["output_uri"] == "udp://127.0.0.1:5004"


def test_snapshot_graph_and_logs(api: Api) -> None:
    api.create("cam1")
    for address in ("snapshot.jpg", "graph?format=dot"):
        refused = api.get(f"/flex/pipeline/cam1/{address}")
        assert (refused.status_code, refused.json()["code"]) == (409, "CONFLICT")
        assert "play" in refused.json()["hint"]
    assert api.get("/flex/pipeline/cam1/graph").text.startswith("gst-launch-1.0 ")
    api.call("PUT", "/flex/pipeline/cam1/play")
    picture = api.get("/flex/pipeline/cam1/snapshot.jpg?width=320")
    assert (picture.headers["content-type"], picture.content[:2]) == ("image/jpeg", b"\xff\xd8")
    etag = {"If-None-Match": picture.headers["etag"]}
    assert api.get("/flex/pipeline/cam1/snapshot.jpg", headers=etag).status_code == 304
    assert api.get("/flex/pipeline/cam1/graph?format=dot").text.startswith("digraph")
    logs = api.get("/flex/pipeline/cam1/logs?tail=1")
    assert logs.headers["content-type"] == "text/plain; charset=utf-8"
    assert logs.text.endswith("fake worker of cam1: play\n")
