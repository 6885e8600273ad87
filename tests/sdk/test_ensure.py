"""`pipelines.ensure`: what it does, that it does nothing twice, and that nobody's change is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import FlexClient, errors
from flexclient import models as m
from flexclient._same import same
from flexclient.testing import FakeFlex, Seen
from tests.sdk.harness import Side

SPEC = {"id": "gate", "source": {"uri": "test://smpte"}}


def methods(box: FakeFlex) -> list[str]:
    return [seen.method for seen in box.requests]


@pytest.mark.parametrize("plain", [False, True], ids=["ours", "plain"])
def test_made_then_left_alone_then_replaced(side: Side, plain: bool) -> None:
    box = FakeFlex(plain=plain)
    client = side.client(transport=box)
    done = [side.do(client.pipelines.ensure(spec)) for spec in (SPEC, SPEC, {**SPEC, "metadata": {"a": "b"}})]
    assert [(one.action, one.changed) for one in done] == [("created", True), ("unchanged", False), ("replaced", True)]
    assert methods(box) == ["GET", "POST", "GET", "GET", "PUT"]
    assert ("if-match" in box.requests[-1].headers) is not plain
    assert done[-1].pipeline.metadata == {"a": "b"}
    assert done[-1].applied == (None if plain else "stored")


SAME: list[dict[str, Any]] = [
    {"mode": "simple", "on_demand": True},
    {"encoding": {"width": 1920, "height": 1080, "fps": 30}},
    {"encoding": None, "crop": {}, "overlay": {"text": ""}, "transform": {"rotate": 0}, "klv_config": {}},
    {"metadata": {}, "outputs": []},
    {"output": {"uri": "rtsp://0.0.0.0:8731/gate"}},
    {"source": {"uri": "test://smpte", "latency_ms": 200, "password": "of which no box tells"}},
    {"state": "playing", "order": "play"},
]
OTHER: list[dict[str, Any]] = [
    {"on_demand": False},
    {"encoding": {}},
    {"encoding": {"width": 1920, "height": 1080, "fps": 29.97}},
    {"overlay": {"text": "x"}},
    {"metadata": {"a": "b"}},
    {"output": {"uri": "rtsp://0.0.0.0:8731/door"}},
    {"outputs": [{"uri": "udp://10.0.0.1:5000"}]},
    {"source": {"uri": "test://smpte", "user": "u"}},
    {"audio": {"source": "test"}},
    {"framegrab": {}},
]


@pytest.mark.parametrize("more", SAME, ids=str)
def test_what_makes_no_difference(more: dict[str, Any]) -> None:
    with FlexClient(transport=FakeFlex()) as client:
        client.pipelines.create(SPEC)
        assert client.pipelines.ensure({**SPEC, **more}).action == "unchanged"
        client.pipelines.delete("gate")
        client.pipelines.create({**SPEC, **more})
        assert client.pipelines.ensure(SPEC).action == "unchanged"


@pytest.mark.parametrize("more", OTHER, ids=str)
def test_what_makes_one(more: dict[str, Any]) -> None:
    with FlexClient(transport=FakeFlex()) as client:
        client.pipelines.create(SPEC)
        assert client.pipelines.ensure({**SPEC, **more}).action == "replaced"
        assert client.pipelines.ensure({**SPEC, **more}).action == "unchanged"
        assert client.pipelines.ensure(SPEC).action == "replaced"


def test_a_box_on_another_port_and_fields_of_a_newer_one() -> None:
    found = m.Pipeline.model_validate(
        {**SPEC, "state": "ready", "output": {"uri": "rtsp://0.0.0.0:9000/gate"}, "new": 1}
    )
    assert same(found, m.PipelineSpec.model_validate(SPEC))
    assert same(found, m.PipelineSpec.model_validate({**SPEC, "new": 1}))
    assert not same(found, m.PipelineSpec.model_validate({**SPEC, "new": 2}))
    assert not same(found, m.PipelineSpec.model_validate({**SPEC, "output": {"uri": "rtsp://0.0.0.0:9000/door"}}))


# Races


def at(box: FakeFlex, number: int, do: Any) -> None:
    """Do something just before the request of that number is answered."""

    def on_request(_: Seen) -> None:
        if len(box.requests) == number:
            box.on_request = None
            with FlexClient(transport=box) as other:
                do(other)

    box.on_request = on_request


def test_somebody_makes_it_first(side: Side, box: FakeFlex) -> None:
    at(box, 2, lambda other: other.pipelines.create(SPEC))
    assert side.do(side.client(transport=box).pipelines.ensure(SPEC)).action == "unchanged"


def test_somebody_changes_it_in_between(side: Side, box: FakeFlex) -> None:
    box.add(SPEC)
    at(box, 2, lambda other: other.pipelines.patch("gate", {"metadata": {"theirs": "1"}}))
    done = side.do(side.client(transport=box).pipelines.ensure({**SPEC, "on_demand": False}))
    assert done.action == "replaced"
    assert [seen.method for seen in box.requests] == ["GET", "PUT", "PATCH", "GET", "PUT"]


def test_somebody_deletes_it_in_between(side: Side, box: FakeFlex) -> None:
    box.add(SPEC)
    at(box, 2, lambda other: other.pipelines.delete("gate"))
    assert side.do(side.client(transport=box).pipelines.ensure({**SPEC, "on_demand": False})).action == "created"


def test_somebody_who_never_rests_is_told(side: Side, box: FakeFlex) -> None:
    box.add(SPEC)
    turn = iter(range(100))

    def on_request(seen: Seen) -> None:
        if seen.method == "PUT":
            box.add({**SPEC, "metadata": {"n": str(next(turn))}})

    box.on_request = on_request
    with pytest.raises(errors.PreconditionFailed):
        side.do(side.client(transport=box).pipelines.ensure({**SPEC, "on_demand": False}))


def test_a_conflict_that_is_not_about_the_id_is_raised(side: Side, box: FakeFlex) -> None:
    box.add({**SPEC, "id": "other", "output": {"uri": "rtsp://0.0.0.0:8731/gate"}})
    with pytest.raises(errors.Conflict, match="mount"):
        side.do(side.client(transport=box).pipelines.ensure(SPEC))
    assert methods(box) == ["GET", "POST", "GET"]


def test_what_is_wrong_is_said_by_the_box(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    with pytest.raises(errors.ValidationError_):
        side.do(client.pipelines.ensure({**SPEC, "encoding": {"bitrate": "much"}}))
    box.add(SPEC)
    with pytest.raises(errors.ValidationError_):
        side.do(client.pipelines.ensure({**SPEC, "encoding": {"bitrate": "much"}}))
    with pytest.raises(errors.UsageError):
        side.do(client.pipelines.ensure({"source": {"uri": "test://smpte"}}))
    box.starts("late", "times out")
    with pytest.raises(errors.PipelineStartTimeout):
        side.do(client.pipelines.ensure({**SPEC, "id": "late", "on_demand": False}))


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "on_demand": st.booleans(),
        "encoding": st.fixed_dictionaries({}, optional={"bitrate": st.integers(1, 9), "fps": st.sampled_from([0, 25])}),
        "overlay": st.fixed_dictionaries({}, optional={"text": st.sampled_from(["", "x"])}),
        "metadata": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
        "crop": st.fixed_dictionaries({}, optional={"top": st.integers(0, 2)}),
    },
)  # fmt: skip


@given(first=PARTS, second=PARTS)
def test_twice_is_once(first: dict[str, Any], second: dict[str, Any]) -> None:
    with FlexClient(transport=FakeFlex()) as client:
        client.pipelines.ensure({**SPEC, **first})
        client.pipelines.ensure({**SPEC, **second})
        assert client.pipelines.ensure({**SPEC, **second}).action == "unchanged"


# Waiting for anything


def test_wait_until_anything_holds(side: Side, box: FakeFlex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient.resources.pipelines.FIRST_LOOK", 0.001)
    box.add(SPEC, state="playing")
    looks = iter(range(100))
    box.on_request = lambda seen: box.set_state("gate", "reconnecting", "no signal") if next(looks) == 3 else None
    client = side.client(transport=box)
    assert side.do(client.pipelines.wait("gate", until=lambda status: status.reason)).reason == "no signal"
    assert len(box.requests) == 4
    with pytest.raises(errors.WaitTimeout, match=r"not as wanted within 0\.05 s: it is reconnecting \(no signal\)"):
        side.do(client.pipelines.wait("gate", until=lambda status: False, timeout=0.05))
    box.set_state("gate", "error", "gone")
    with pytest.raises(errors.UnexpectedState):
        side.do(client.pipelines.wait("gate", until=lambda status: status.readers))
