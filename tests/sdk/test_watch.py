"""The table joined from list and stream: it is always as the box is, whatever breaks."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexclient import Change, FlexClient, Row, errors
from flexclient import models as m
from flexclient._watch import applied, synced
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side


def pipeline(name: str, state: str = "ready") -> m.Pipeline:
    return m.Pipeline(id=name, state=m.State(state))


def status(name: str, state: str = "ready") -> m.PipelineStatus:
    return m.PipelineStatus(id=name, state=m.State(state))


def states(change: Change) -> dict[str, str]:
    return {name: str(row.state) for name, row in change.pipelines.items()}


def truth(box: FakeFlex) -> dict[str, str]:
    """How the box really is."""
    with FlexClient(transport=box) as client:
        return {found.id: str(found.state) for found in client.pipelines.list()}


# The table, pure


def test_a_list_is_the_whole_truth() -> None:
    rows = {"a": Row("a", m.State.READY), "b": Row("b", m.State.PLAYING, None, status("b", "playing"))}
    table = synced(rows, [pipeline("b", "playing"), pipeline("c")])
    assert list(table) == ["b", "c"]
    assert table["b"].status == status("b", "playing"), "what is known of it is kept"


def test_a_status_that_the_list_contradicts_is_forgotten() -> None:
    rows = {"a": Row("a", m.State.PLAYING, None, status("a", "playing"))}
    assert synced(rows, [pipeline("a", "error")])["a"] == Row("a", m.State.ERROR, pipeline("a", "error"), None)


def test_events_change_one_row_of_a_new_table() -> None:
    before = synced({}, [pipeline("a"), pipeline("b")])
    playing = applied(before, m.Event("pipeline_status", status("a", "playing")))
    assert playing["a"] == Row("a", m.State.PLAYING, pipeline("a"), status("a", "playing"))
    assert before["a"].state == "ready"
    changed = applied(playing, m.Event("pipeline_updated", pipeline("a", "starting")))
    assert changed["a"] == Row("a", m.State.STARTING, pipeline("a", "starting"), status("a", "playing"))
    assert list(applied(changed, m.Event("pipeline_deleted", m.PipelineDeleted(id="a")))) == ["b"]
    assert applied(before, m.Event("pipeline_error", m.PipelineError(id="a", message="x"))) == before
    assert applied(before, m.Event("pipeline_deleted", m.PipelineDeleted(id="nobody"))) == before


# The course, through both clients


def until(side: Side, watch: Any, kind: str) -> Change:
    """The next change of that kind."""
    while True:
        change: Change = side.next(watch)
        if change.kind == kind:
            return change


@pytest.fixture
def box() -> FakeFlex:
    box = FakeFlex()
    box.add({"id": "cam1"})
    return box


def test_it_begins_with_the_list_and_goes_on_with_what_happens(side: Side, box: FakeFlex) -> None:
    watch = side.client(transport=box).watch_pipelines()
    first = side.next(watch)
    assert (first.kind, states(first)) == ("sync", {"cam1": "ready"})
    box.set_state("cam1", "starting")  # between the list and the stream
    box.script([lambda: box.set_state("cam1", "playing")])
    assert side.next(watch).kind == "live"
    found = [side.next(watch), side.next(watch)]
    assert [(c.kind, states(c)["cam1"], c.event.id) for c in found] == [
        ("event", "starting", 1),
        ("event", "playing", 2),
    ]
    assert len([seen for seen in box.requests if seen.path == "/flex/pipeline"]) == 1
    side.do(watch.close())


def test_over_a_restart_each_event_comes_once(side: Side, box: FakeFlex) -> None:
    watch = side.client(transport=box).watch_pipelines()
    box.script([lambda: box.set_state("cam1", "playing"), box.restart])
    assert until(side, watch, "stale").pipelines["cam1"].state == "playing"
    box.set_state("cam1", "error")
    box.set_state("cam1", "starting")
    assert side.next(watch).kind == "live"
    assert [states(side.next(watch)) for _ in range(2)] == [{"cam1": "error"}, {"cam1": "starting"}]
    side.do(watch.close())


def test_after_a_gap_the_list_is_read_again(side: Side, box: FakeFlex) -> None:
    watch = side.client(transport=box).watch_pipelines()
    box.script([box.hang_up])
    until(side, watch, "stale")
    with FlexClient(transport=box) as other:
        other.pipelines.create({"id": "cam2"})
        other.pipelines.delete("cam1")
    box.forget()
    assert states(until(side, watch, "sync")) == {"cam2": "ready"}
    box.script([lambda: box.set_state("cam2", "playing")])
    assert states(until(side, watch, "event")) == {"cam2": "playing"}
    side.do(watch.close())


def test_a_box_that_is_down_makes_it_stale_and_comes_back(side: Side, box: FakeFlex) -> None:
    watch = side.client(transport=box).watch_pipelines()
    box.script([box.go_down])
    assert until(side, watch, "stale").error is None
    change = until(side, watch, "stale")
    assert isinstance(change.error, errors.Unreachable)
    assert change.retry_in
    box.come_up()
    box.set_state("cam1", "playing")
    assert states(until(side, watch, "event")) == {"cam1": "playing"}
    side.do(watch.close())


def test_a_list_that_fails_after_a_gap_is_tried_again(
    side: Side, box: FakeFlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexclient._watch.RETRY", 0.01)
    watch = side.client(transport=box, retries=0).watch_pipelines()
    box.script([lambda: box.emit("gap", {}), lambda: None])
    until(side, watch, "live")
    box.refuse("OVERLOADED", times=2)
    assert isinstance(until(side, watch, "stale").error, errors.Overloaded)
    assert side.next(watch).kind == "live"
    assert states(side.next(watch)) == {"cam1": "ready"}
    side.do(watch.close())


def test_what_cannot_be_read_the_first_time_is_raised(side: Side, box: FakeFlex) -> None:
    box.refuse("UNAUTHORIZED")
    with pytest.raises(errors.Unauthorized):
        side.next(side.client(transport=box).watch_pipelines())
    box.go_down()
    with pytest.raises(errors.Unreachable):
        side.next(side.client(transport=box, retries=0).watch_pipelines())


def test_a_box_without_events_is_asked_again_and_again(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient._watch.POLL", 0.01)
    box = FakeFlex(plain=True)
    box.add({"id": "cam1"})
    watch = side.client(transport=box, retries=0).watch_pipelines()
    assert states(side.next(watch)) == {"cam1": "ready"}
    box.set_state("cam1", "playing")
    change = side.next(watch)
    assert (change.kind, states(change)) == ("sync", {"cam1": "playing"})
    box.go_down()
    assert side.next(watch).kind == "stale"
    box.set_state("cam1", "error")
    box.come_up()
    assert [side.next(watch).kind, states(side.next(watch))] == ["live", {"cam1": "error"}]
    side.do(watch.close())


def test_a_stream_without_ids_and_a_list_without_header(side: Side) -> None:
    """Nobody says when such a box's list was true: it is read again once the stream is open, and after each gap."""
    box = FakeFlex(ids=False)
    box.add({"id": "cam1"})
    watch = side.client(transport=box).watch_pipelines()
    assert states(side.next(watch)) == {"cam1": "ready"}
    box.set_state("cam1", "playing")  # before the stream is open: told to nobody
    assert side.next(watch).kind == "live"
    assert states(side.next(watch)) == {"cam1": "playing"}
    box.add({"id": "cam2"})
    box.script([lambda: box.set_state("cam2", "starting")])
    assert states(side.next(watch)) == {"cam1": "playing", "cam2": "starting"}
    assert side.next(watch).pipelines["cam2"].pipeline is not None, "a pipeline nobody told of is read"
    box.hang_up()
    assert side.next(watch).kind == "stale"
    box.set_state("cam1", "error")
    assert side.next(watch).kind == "live"
    assert states(side.next(watch)) == {"cam1": "error", "cam2": "starting"}
    side.do(watch.close())


NAMES = st.sampled_from(["a", "b", "c"])
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["create", "delete", "play", "stop", "patch", "hang up", "restart", "forget"]), NAMES),
    max_size=25,
)


def act(box: FakeFlex, action: str, name: str) -> None:
    with FlexClient(transport=box) as client:
        calls: dict[str, Any] = {
            "create": lambda: client.pipelines.create({"id": name}),
            "delete": lambda: client.pipelines.delete(name),
            "play": lambda: client.pipelines.play(name),
            "stop": lambda: client.pipelines.stop(name),
            "patch": lambda: client.pipelines.patch(name, {"metadata": {"k": action}}),
            "hang up": box.hang_up,
            "restart": box.restart,
            "forget": box.forget,
        }
        with contextlib.suppress(errors.NotFound, errors.Conflict):
            calls[action]()
        if action == "forget":
            box.hang_up()


@settings(deadline=None, max_examples=60)
@given(before=ACTIONS, during=ACTIONS, ids=st.booleans())
def test_the_table_is_as_the_box_is(before: list[tuple[str, str]], during: list[tuple[str, str]], ids: bool) -> None:
    box = FakeFlex(ids=ids, retry_ms=0)
    for action, name in before:
        act(box, action, name)
    with FlexClient(transport=box) as client, client.watch_pipelines() as watch:
        box.script([*(lambda step=step: act(box, *step) for step in during), lambda: box.emit("done", {})])
        seen: list[int] = []
        for change in watch:
            if change.event and change.event.id is not None:
                seen.append(change.event.id)
            if change.event and change.event.type == "done":
                assert states(change) == truth(box)
                break
    numbered = [number for number in seen if number]
    assert numbered == sorted(numbered)
