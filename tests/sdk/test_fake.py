"""The box in memory keeps the contract: what a test learns from it holds for a real one."""

from __future__ import annotations

from typing import Any

import pytest

from flexclient import FlexClient, errors
from flexclient.testing import FakeFlex

SPEC = {"id": "cam1", "source": {"uri": "rtsp://cam/1", "user": "u", "password": "geheim"}}


@pytest.fixture
def client(box: FakeFlex) -> FlexClient:
    return FlexClient(transport=box)


def test_the_life_of_a_pipeline(client: FlexClient, box: FakeFlex) -> None:
    made = client.pipelines.create.raw(SPEC)
    assert (made.status, made.data.state, made.data.order) == (201, "ready", "armed")
    assert client.pipelines.play("cam1").state == "playing"
    assert client.pipelines.status("cam1").output_uri == "rtsp://127.0.0.1:8731/cam1"
    assert client.pipelines.snapshot("cam1").startswith(b"\xff\xd8")
    assert client.pipelines.graph("cam1", format="dot").startswith("digraph")
    stopped = client.pipelines.stop("cam1")
    assert (stopped.state, stopped.order) == ("ready", "stop")
    client.pipelines.delete("cam1")
    assert client.pipelines.list() == []
    with client.events.stream(since=0, resume=False) as stream:
        box.script([box.hang_up])
        told = [(event.type, str(getattr(event.data, "state", ""))) for event in stream]
    assert told == [
        ("pipeline_created", "ready"),
        ("pipeline_updated", "ready"),
        ("pipeline_status", "starting"),
        ("pipeline_status", "playing"),
        ("pipeline_updated", "playing"),
        ("pipeline_status", "stopping"),
        ("pipeline_status", "ready"),
        ("pipeline_deleted", ""),
    ]


def test_create_that_is_to_play(client: FlexClient) -> None:
    made = client.pipelines.create({**SPEC, "on_demand": False})
    assert (made.state, made.order) == ("playing", "play")


@pytest.mark.parametrize(("on_demand", "order"), [(True, "armed"), (False, "play")])
def test_a_patch_that_names_on_demand_is_an_order(client: FlexClient, on_demand: bool, order: str) -> None:
    client.pipelines.create({**SPEC, "on_demand": on_demand})
    client.pipelines.stop("cam1")
    assert client.pipelines.patch("cam1", {"metadata": {"a": "b"}}).order == "stop"
    assert client.pipelines.patch("cam1", {"on_demand": on_demand}).order == order


@pytest.mark.parametrize(
    ("outcome", "kind"), [("times out", errors.PipelineStartTimeout), ("fails", errors.GstreamerError)]
)
def test_a_start_that_fails_is_told_and_the_pipeline_is_stored(
    client: FlexClient, box: FakeFlex, outcome: Any, kind: type[errors.ApiError]
) -> None:
    box.starts("cam1", outcome)
    with pytest.raises(kind) as caught:
        client.pipelines.create({**SPEC, "on_demand": False})
    assert "stored" in (caught.value.hint or "")
    assert client.pipelines.get("cam1").id == "cam1"


def test_a_password_is_kept_and_never_answered(client: FlexClient, box: FakeFlex) -> None:
    made = client.pipelines.create(SPEC)
    assert made.source is not None
    assert made.source.password is None
    client.pipelines.replace("cam1", made)
    assert box.password_of("cam1") == "geheim"
    client.pipelines.patch("cam1", {"source": {"password": None}})
    assert box.password_of("cam1") is None


def test_versions(client: FlexClient) -> None:
    first = client.pipelines.create.raw(SPEC)
    assert client.pipelines.get.raw("cam1").etag == first.etag
    second = client.pipelines.patch.raw("cam1", {"metadata": {"a": "b"}}, if_match=first.etag or "")
    assert (second.data.metadata, second.applied) == ({"a": "b"}, "stored")
    assert second.etag != first.etag
    with pytest.raises(errors.PreconditionFailed):
        client.pipelines.delete("cam1", if_match=first.etag or "")
    third = client.pipelines.patch.raw("cam1", {"metadata": None})
    assert third.data.metadata is None


@pytest.mark.parametrize(
    ("call", "kind", "field"),
    [
        (lambda c: c.pipelines.create(SPEC), errors.Conflict, None),
        (lambda c: c.pipelines.create({"id": "b", "output": {"uri": "rtsp://0.0.0.0:8731/cam1"}}), errors.Conflict,
         None),
        (lambda c: c.pipelines.create({"id": "b", "typo": 1}), errors.ValidationError_, "typo"),
        (lambda c: c.pipelines.replace("cam1", {"id": "other"}), errors.ValidationError_, "id"),
        (lambda c: c.pipelines.patch("cam1", {"encoding": {"bitrate": 0}}), errors.ValidationError_,
         "encoding.bitrate"),
        (lambda c: c.pipelines.get("nope"), errors.NotFound, None),
        (lambda c: c.pipelines.snapshot("cam1"), errors.Conflict, None),
        (lambda c: c.request("GET", "/flex/nope"), errors.NotFound, None),
        (lambda c: c.request("POST", "/flex/pipeline/cam1", json={}), errors.MethodNotAllowed, None),
        (lambda c: c.request("GET", "/flex/pipeline", query={"stat": "x"}), errors.ValidationError_, "stat"),
        (lambda c: c.request("POST", "/flex/pipeline", json={}, headers={"Content-Type": "text/plain"}),
         errors.UnsupportedMediaType, None),
    ],
)  # fmt: skip
def test_refusals(client: FlexClient, call: Any, kind: type[errors.ApiError], field: str | None) -> None:
    client.pipelines.create(SPEC)
    before = client.pipelines.list()
    with pytest.raises(kind) as caught:
        call(client)
    assert type(caught.value) is kind
    assert field is None or field in [detail.field for detail in caught.value.details]
    assert client.pipelines.list() == before, "nothing half-made stays behind"


def test_filters(client: FlexClient) -> None:
    client.pipelines.create(SPEC)
    client.pipelines.create({"id": "cam2", "on_demand": False})
    assert [p.id for p in client.pipelines.list(on_demand=True)] == ["cam1"]
    assert [p.id for p in client.pipelines.list(state="playing", mode="simple")] == ["cam2"]


def test_a_box_with_the_documented_contract_alone() -> None:
    with FlexClient(transport=FakeFlex(plain=True)) as client:
        made = client.pipelines.create.raw({**SPEC, "on_demand": False})
        assert (made.etag, made.data.order) == (None, None)
        assert client.pipelines.wait("cam1").state == "playing"
        for missing in (
            lambda: client.pipelines.patch("cam1", {}),
            lambda: client.pipelines.logs("cam1"),
            lambda: next(client.events.stream()),
        ):
            with pytest.raises((errors.NotFound, errors.MethodNotAllowed)):
                missing()


def test_what_a_test_puts_there_is_checked(box: FakeFlex) -> None:
    with pytest.raises(ValueError, match="typo"):
        box.add({"id": "cam1", "typo": 1})


# Waiting


def test_wait_looks_until_it_is_there(box: FakeFlex, client: FlexClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient.resources.pipelines.FIRST_LOOK", 0.001)
    box.add({"id": "cam1"}, state="starting")
    box.answer_with(502)
    looks = iter(range(100))
    box.on_request = lambda seen: box.set_state("cam1", "playing") if next(looks) == 4 else None
    assert client.pipelines.wait("cam1").state == "playing"
    assert len(box.requests) == 5


def test_wait_ends_with_a_failure(box: FakeFlex, client: FlexClient) -> None:
    box.add({"id": "cam1"})
    box.set_state("cam1", "error", "no such host")
    with pytest.raises(errors.UnexpectedState, match="error: no such host") as caught:
        client.pipelines.wait("cam1")
    assert caught.value.status
    assert caught.value.status.reason == "no such host"
    assert client.pipelines.wait("cam1", states={"error"}).state == "error"


def test_wait_ends_in_time(box: FakeFlex, client: FlexClient) -> None:
    box.add({"id": "cam1"}, state="starting")
    with pytest.raises(errors.WaitTimeout, match=r"not playing or ready within 0.2 s: it is starting") as caught:
        client.pipelines.wait("cam1", states={"playing", "ready"}, timeout=0.2)
    assert isinstance(caught.value, errors.CallTimeout)
    assert caught.value.status
    box.go_down()
    with pytest.raises(errors.Unreachable):
        client.pipelines.wait("cam1", timeout=0.2)


def test_wait_for_nobody(client: FlexClient) -> None:
    with pytest.raises(errors.NotFound):
        client.pipelines.wait("nobody")
