"""When a call is tried again, and when not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import errors
from flexclient import models as m
from flexclient._retry import BACKOFF, Backoff, next_delay
from flexclient.errors import FlexError
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side

FINAL = sorted(set(m.ErrorCode) - {m.ErrorCode.RATE_LIMITED, m.ErrorCode.OVERLOADED})


def api(status: int, code: str | None = None, after: float | None = None) -> errors.ApiError:
    return errors.ApiError("no", status=status, code=m.ErrorCode(code or f"HTTP_{status}"), retry_after=after)


def decide(error: FlexError, **changes: Any) -> float | None:
    given_facts: dict[str, Any] = {"attempt": 1, "retries": 3, "idempotent": True, "remaining": 60.0, "chance": 0.5}
    return next_delay(error, **(given_facts | changes))


PASSING = [
    api(502),
    api(503),
    api(504),
    errors.CallTimeout("slow"),
    errors.Disconnected("gone"),
    api(503, "OVERLOADED"),
]
NEVER = [
    *(api(m.STATUS_OF[code], code) for code in FINAL),
    *(api(m.STATUS_OF[code], code, after=1.0) for code in FINAL),
    api(500),
    api(400),
    errors.TlsError("who are you"),
    errors.ProtocolError("what"),
    errors.UsageError("no"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_passes_is_tried_again_only_where_that_does_no_harm(error: FlexError) -> None:
    assert decide(error) is not None
    assert decide(error, idempotent=False) is None


@pytest.mark.parametrize("error", NEVER, ids=repr)
def test_what_is_final_is_final(error: FlexError) -> None:
    assert decide(error) is None


def test_a_request_that_never_left_may_go_again_whatever_it_is() -> None:
    assert decide(errors.Unreachable("refused"), idempotent=False) is not None


@pytest.mark.parametrize("error", [api(429, "RATE_LIMITED", 7.0), api(503, after=7.0), api(503, "OVERLOADED", 7.0)])
@given(chance=st.floats(0, 1))
def test_the_servers_word_comes_first(error: FlexError, chance: float) -> None:
    delay = decide(error, idempotent=False, chance=chance)
    assert delay is not None
    assert 7.0 <= delay <= 8.0


@given(
    attempt=st.integers(1, 10_000),
    retries=st.integers(0, 10),
    remaining=st.floats(-10, 1000),
    chance=st.floats(0, 1),
    after=st.none() | st.floats(0, 1e9),
    status=st.sampled_from([429, 500, 502, 503, 504]),
    idempotent=st.booleans(),
)
def test_a_wait_always_fits(
    attempt: int, retries: int, remaining: float, chance: float, after: float | None, status: int, idempotent: bool
) -> None:
    delay = next_delay(
        api(status, after=after),
        attempt=attempt,
        retries=retries,
        idempotent=idempotent,
        remaining=remaining,
        chance=chance,
    )
    if delay is None:
        return
    assert attempt <= retries
    assert 0 <= delay < remaining
    assert after is None or status not in {429, 503} or delay >= after


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1), first=st.floats(0.001, 10), cap=st.floats(10, 60))
def test_pauses_grow_to_their_cap(attempt: int, chance: float, first: float, cap: float) -> None:
    pause = Backoff(first, cap)
    full = pause.delay(attempt, 0)
    assert full / 2 <= pause.delay(attempt, chance) <= full <= cap
    assert pause.delay(attempt + 1, 0) >= full


def test_the_first_pauses() -> None:
    assert [BACKOFF.delay(n, 0) for n in range(1, 7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]


# The same through the engines


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient._retry.BACKOFF", Backoff(0.001, 0.002))


def test_a_proxys_answer_is_tried_again(side: Side, box: FakeFlex) -> None:
    box.add({"id": "cam1"})
    for status in (502, 503, 504):
        box.answer_with(status)
    assert side.do(side.client(transport=box).pipelines.get("cam1")).id == "cam1"
    assert len(box.requests) == 4


def test_retries_run_out(side: Side, box: FakeFlex) -> None:
    for _ in range(10):
        box.answer_with(502)
    with pytest.raises(errors.ApiError, match="502"):
        side.do(side.client(transport=box, retries=2).pipelines.list())
    assert len(box.requests) == 3


@pytest.mark.parametrize("code", ["PIPELINE_START_TIMEOUT", "GSTREAMER_UNAVAILABLE", "GSTREAMER_ERROR"])
def test_the_boxs_final_word_is_taken(side: Side, box: FakeFlex, code: str) -> None:
    box.refuse(code, times=5)
    with pytest.raises(errors.ApiError):
        side.do(side.client(transport=box).pipelines.play("cam1"))
    assert len(box.requests) == 1


def test_create_is_not_sent_twice(side: Side, box: FakeFlex) -> None:
    box.answer_with(502)
    with pytest.raises(errors.ApiError):
        side.do(side.client(transport=box).pipelines.create({"id": "cam1"}))
    assert len(box.requests) == 1


def test_told_to_wait_longer_than_the_deadline_raises_at_once(side: Side, box: FakeFlex) -> None:
    box.refuse("RATE_LIMITED", retry_after=900)
    began = time.monotonic()
    with pytest.raises(errors.RateLimited) as caught:
        side.do(side.client(transport=box).pipelines.list())
    assert caught.value.retry_after == 900
    assert time.monotonic() - began < 5
    assert len(box.requests) == 1


def test_told_to_come_back_it_comes_back(side: Side, box: FakeFlex) -> None:
    box.refuse("RATE_LIMITED", retry_after=0)
    assert side.do(side.client(transport=box).pipelines.create({"id": "cam1"})).id == "cam1"
    assert len(box.requests) == 2


def test_a_box_that_comes_up_is_reached_by_any_method(
    side: Side, box: FakeFlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexclient._retry.BACKOFF", Backoff(0.05, 0.05))
    box.go_down()
    client = side.client(transport=box, retries=100)
    began = time.monotonic()
    side.soon(box.come_up, lambda: time.monotonic() > began + 0.1)
    assert side.do(client.pipelines.create({"id": "cam1"})).id == "cam1"
    assert len(box.requests) == 1


def test_a_box_that_stays_down(side: Side, box: FakeFlex) -> None:
    box.go_down()
    with pytest.raises(errors.Unreachable, match="Connection refused") as caught:
        side.do(side.client(transport=box, url="https://box.test:1").pipelines.list())
    assert "https://box.test:1" in caught.value.message
    assert caught.value.hint
