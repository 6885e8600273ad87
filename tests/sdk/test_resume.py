"""The course of a stream over lost connections, without a connection: the pure part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import errors
from flexclient import models as m
from flexclient._call import Call, Open, Pause, Read
from flexclient._engine import drive
from flexclient._resume import LONGEST_RETRY, Follower, Item, StreamState, passing
from flexclient._sse import RawEvent

CALL: Call[Any] = Call("GET", "/flex/events", type(None))


@dataclass
class Line:
    """A box as a follower sees it: a log of events, and a connection that breaks when the test says."""

    log: list[int] = field(default_factory=list)
    """Ids of everything that ever happened."""
    breaks: list[Any] = field(default_factory=list)
    """How many events each connection brings before it is lost; an error instead refuses the connection."""
    forgets: Callable[[int], bool] = lambda since: False
    with_ids: bool = True
    asked: list[str | None] = field(default_factory=list)
    calls: list[Call[Any]] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    at: int = 0
    left: int = 0
    queue: list[RawEvent] = field(default_factory=list)

    def do(self, step: Any) -> Any:
        if isinstance(step, Pause):
            return self.paused.append(step.seconds)
        if isinstance(step, Open):
            return self.open(step.call)
        assert isinstance(step, Read)
        if self.queue:
            return [self.queue.pop(0)]
        if self.left <= 0 or self.at >= len(self.log):
            return None
        self.left -= 1
        self.at += 1
        return [self.event(self.log[self.at - 1])]

    def open(self, call: Call[Any]) -> None:
        since = call.headers.get("Last-Event-ID") or call.query.get("since")
        self.asked.append(since)
        self.calls.append(call)
        brings = self.breaks.pop(0) if self.breaks else 10**9
        if isinstance(brings, Exception):
            raise brings
        self.left = brings
        if since is not None and self.with_ids:
            self.at = sum(1 for number in self.log if number <= int(since))
            if self.forgets(int(since)):
                self.at = len(self.log)
                head = str(self.log[-1])
                self.queue = [RawEvent("gap", "{}", head), RawEvent("pipeline_status", status(0), head)]

    def event(self, number: int) -> RawEvent:
        return RawEvent("pipeline_status", status(number), str(number) if self.with_ids else None)


def status(number: int) -> str:
    return f'{{"id": "cam", "state": "playing", "restarts": {number}}}'


def items(follower: Follower, line: Line, count: int) -> list[Item]:
    found: list[Item] = []
    while len(found) < count:
        item = drive(follower.next(), line.do)
        if item is None:
            break
        found.append(item)
    return found


def numbers(found: list[Item]) -> list[Any]:
    return [e.data.restarts if e.type == "pipeline_status" else e.type for e in found if isinstance(e, m.Event)]


@given(
    gaps=st.lists(st.integers(1, 5), min_size=1, max_size=30),
    breaks=st.lists(st.integers(0, 6), max_size=20),
    start=st.integers(0, 10),
)
def test_nothing_is_lost_or_doubled_where_events_have_ids(gaps: list[int], breaks: list[int], start: int) -> None:
    log = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    line = Line(log, list(breaks))
    follower = Follower(CALL, since=start, chance=lambda: 0.5)
    wanted = [number for number in log if number > start]
    found = items(follower, line, len(wanted) + 3 * len(breaks) + 1)
    assert numbers(found)[: len(wanted)] == wanted


@given(repeats=st.integers(1, 4))
def test_a_box_that_sends_known_events_again_is_not_believed(repeats: int) -> None:
    line = Line([1, 2, 3, 4], [2])
    follower = Follower(CALL, since=0)
    first = items(follower, line, 3)
    assert numbers(first) == [1, 2]
    items(follower, line, 1)  # the connection is lost
    line.queue = [line.event(n) for n in (1, 2) * repeats]
    open_ = line.open

    def replay(call: Call[Any]) -> None:
        queue = line.queue
        open_(call)
        line.queue = queue

    line.open = replay  # type: ignore[method-assign]
    assert numbers(items(follower, line, 3)) == [3, 4]


def test_where_the_box_has_forgotten_a_gap_and_its_snapshot_pass() -> None:
    line = Line([7, 8, 9], [2], forgets=lambda since: since == 8)
    follower = Follower(CALL, since=6)
    assert numbers(items(follower, line, 7)) == [7, 8, "gap", 0]
    assert follower.last_id == "9"


def test_without_ids_a_gap_says_that_something_may_be_missing() -> None:
    line = Line([1, 2, 3], [1, 2], with_ids=False)
    follower = Follower(CALL)
    assert numbers(items(follower, line, 7)) == [1, "gap", 2, 3]
    assert line.asked == [None, None]


def test_the_first_connection_asks_by_query_and_later_ones_by_header() -> None:
    line = Line([1, 2], [0, 1])
    follower = Follower(CALL, since=0)
    items(follower, line, 7)
    assert [(dict(call.query), dict(call.headers)) for call in line.calls[:3]] == [
        ({"since": "0"}, {}),
        ({}, {"Last-Event-ID": "0"}),
        ({}, {"Last-Event-ID": "1"}),
    ]


PASSING: list[errors.FlexError] = [errors.Unreachable("x"), errors.Disconnected("x"), errors.CallTimeout("x")]
PASSING += [errors.ApiError("x", status=s, code=m.ErrorCode("HTTP")) for s in (429, 502, 503, 504)]
FINAL: list[errors.FlexError] = [errors.TlsError("x"), errors.ProtocolError("x")]
FINAL += [errors.ApiError("x", status=s, code=m.ErrorCode("HTTP")) for s in (400, 401, 404, 500)]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_a_lost_stream_survives_what_passes(error: errors.FlexError) -> None:
    assert passing(error)
    line = Line([1, 2], [1, error, error, 1])
    found = items(Follower(CALL, since=0), line, 7)
    assert [item.kind if isinstance(item, StreamState) else item.id for item in found] == [
        "live", 1, "stale", "stale", "stale", "live", 2,
    ]  # fmt: skip
    lost = [item.error for item in found if isinstance(item, StreamState) and item.kind == "stale"]
    assert lost == [None, error, error]


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_a_lost_stream_does_not_hide_what_is_final(error: errors.FlexError) -> None:
    assert not passing(error)
    line = Line([1, 2], [1, error])
    follower = Follower(CALL, since=0)
    items(follower, line, 3)
    with pytest.raises(type(error)):
        items(follower, line, 1)


@pytest.mark.parametrize("error", [*PASSING, *FINAL], ids=repr)
def test_a_stream_that_never_opened_raises(error: errors.FlexError) -> None:
    with pytest.raises(type(error)):
        items(Follower(CALL), Line(breaks=[error]), 1)


def test_without_resume_it_ends() -> None:
    line = Line([1, 2, 3], [2])
    assert numbers(items(Follower(CALL, since=0, resume=False), line, 99)) == [1, 2]
    assert len(line.asked) == 1


def test_pauses_grow_while_nothing_comes_and_start_anew_once_something_does() -> None:
    line = Line([1, 2], [1, *[errors.Unreachable("x")] * 8, 1])
    found = items(Follower(CALL, since=0, chance=lambda: 0.0), line, 15)
    assert line.paused[:9] == [1, 2, 4, *[LONGEST_RETRY] * 6]
    assert line.paused[9:] == [1.0]
    told = [item.retry_in for item in found if isinstance(item, StreamState) and item.kind == "stale"]
    assert told == line.paused[: len(told)]


def test_a_box_that_hangs_up_at_once_is_not_asked_in_a_rush() -> None:
    line = Line([1], [0, 0, 0, 0])
    items(Follower(CALL, since=0, chance=lambda: 0.0), line, 9)
    assert line.paused == [1.0, 2.0, 4.0, 5.0]


@pytest.mark.parametrize(("ms", "first"), [(2000, 2.0), (10, 0.01), (10**9, LONGEST_RETRY), (-1, 1.0)])
def test_the_boxs_retry_is_respected_within_reason(ms: int, first: float) -> None:
    line = Line([1, 2], [0])
    line.queue = [RawEvent("message", None, None, ms)]
    items(Follower(CALL, chance=lambda: 0.0), line, 3)
    assert line.paused == [first]


def test_retry_after_of_a_refusal_is_respected() -> None:
    busy = errors.ApiError("x", status=503, code=m.ErrorCode("OVERLOADED"), retry_after=17.0)
    line = Line([1, 2], [1, busy, 1])
    items(Follower(CALL, since=0, chance=lambda: 0.0), line, 6)
    assert line.paused == [1.0, 17.0]


@pytest.mark.parametrize("mark", ["4", "3", None])
def test_bye_is_handed_out_and_the_stream_opened_again(mark: str | None) -> None:
    line = Line([5], [])
    line.queue = [RawEvent("bye", '{"reason": "restart"}', mark)]
    found = items(Follower(CALL, since=3), line, 5)
    assert numbers(found) == ["bye", 5]
    assert line.asked == ["3", mark or "3"]
