"""The state machine where the licence has a word: what waits, what ends, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flexclient.models import Order, State
from flexserver.pipelines.lifecycle import (
    Action,
    Due,
    Exited,
    Fault,
    Faulted,
    Happening,
    Life,
    Reviewed,
    Told,
    Wanted,
    step,
)
from tests.server.test_lifecycle import ARMED, BROKEN, CODEC, LIMIT, NEW, PLAYING, POLICY, STARTING, actions, run


def held(life: Life, fault: Fault | None, *events: Happening, at: float = 100.0) -> Life:
    """The life after events while the licence says that, as a runner asks it before each step."""
    for event in events or (Reviewed(),):
        life, _ = step(replace(life, held=fault), event, at, POLICY)
    return life


@pytest.mark.parametrize("fault", [LIMIT, CODEC])
def test_what_the_licence_does_not_allow_waits_and_says_why(fault: Fault) -> None:
    waiting, asked = step(replace(NEW, held=fault), Told(Order.PLAY), 100, POLICY)
    assert (waiting.state, waiting.reason, waiting.fault, waiting.due) == (State.ERROR, fault.message, fault, None)
    assert (asked, waiting.restarts, waiting.seated) == ((Action.REPORT,), 0, False)
    assert step(replace(waiting, held=fault), Reviewed(), 200, POLICY)[1] == (), "it is told once"
    assert held(waiting, replace(fault, message="other words")).reason == "other words"
    admitted, asked = step(replace(waiting, held=None), Reviewed(), 200, POLICY)
    assert (admitted.state, admitted.reason, admitted.fault) == (State.STARTING, None, None)
    assert (asked, admitted.seated) == ((Action.SPAWN,), True)


def test_a_licence_that_shrinks_ends_the_worker_in_good_order() -> None:
    ending, asked = step(replace(PLAYING, held=LIMIT), Reviewed(), 300, POLICY)
    assert (ending.state, asked, ending.due) == (State.STOPPING, (Action.QUIT,), 300 + POLICY.quit)
    gone, asked = step(ending, Exited("done"), 300, POLICY)
    assert (gone.state, gone.reason, gone.failures, asked) == (State.ERROR, LIMIT.message, 0, (Action.REPORT,))
    assert held(ending, None, Exited("done")).state == State.RECONNECTING, "it may again, meanwhile"


def test_a_reader_who_has_to_wait_and_leaves_leaves_no_trace() -> None:
    waiting = held(ARMED, LIMIT, Wanted(True))
    assert (waiting.state, waiting.reason) == (State.ERROR, LIMIT.message)
    left = held(held(waiting, LIMIT, Wanted(False)), LIMIT, Due(), at=100 + POLICY.linger)
    assert (left.state, left.reason, left.fault, left.due) == (State.READY, None, None, None)
    assert held(ARMED, LIMIT).state == State.READY, "who wants nothing is refused nothing"


def test_a_stop_order_ends_the_wait_and_a_broken_launch_line_comes_first() -> None:
    waiting = held(NEW, LIMIT, Told(Order.PLAY))
    stopped = held(waiting, LIMIT, Told(Order.STOP))
    assert (stopped.state, stopped.reason) == (State.READY, None)
    hopeless = run(STARTING, Faulted(Fault("graph", "no element x")), Exited("gone"))
    assert held(hopeless, LIMIT).reason == "no element x"
    assert not hopeless.seated


def test_a_retry_waits_for_the_licence_too() -> None:
    assert BROKEN.seated, "who tries again keeps the seat"
    waiting = held(BROKEN, LIMIT)
    assert (waiting.state, waiting.retry_at, waiting.reason) == (State.ERROR, None, LIMIT.message)
    assert actions(replace(waiting, held=None), Reviewed()) == (Action.SPAWN,)
