"""The state machine: every rule by name, then any order of events at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flexclient.models import Order, State
from flexserver.pipelines.lifecycle import (
    Action,
    Changed,
    Closed,
    Due,
    Ended,
    Exited,
    Fault,
    Faulted,
    Happening,
    Life,
    Played,
    Policy,
    Reviewed,
    Told,
    Wanted,
    Worker,
    step,
)

POLICY = Policy()
SOURCE = Faulted(Fault("source", "no camera"))
CRASH = Exited("the worker was killed by SIGSEGV")


def run(life: Life, *events: Happening, at: float = 100.0) -> Life:
    for event in events:
        life, _ = step(life, event, at, POLICY)
    return life


def actions(life: Life, event: Happening, at: float = 100.0) -> tuple[Action, ...]:
    return step(life, event, at, POLICY)[1]


NEW = Life(Order.STOP)
ARMED = run(NEW, Told(Order.ARMED))
STARTING = run(NEW, Told(Order.PLAY))
PLAYING = run(STARTING, Played())
BROKEN = run(STARTING, SOURCE, Exited("the worker ended by itself"))


def test_an_armed_pipeline_waits_for_a_reader() -> None:
    assert (ARMED.state, ARMED.worker, ARMED.due) == (State.READY, Worker.NONE, None)
    assert actions(ARMED, Wanted(True)) == (Action.SPAWN,)
    assert run(ARMED, Wanted(True)).state == State.STARTING


def test_an_ordered_pipeline_starts_at_once_and_needs_no_reader() -> None:
    assert actions(NEW, Told(Order.PLAY)) == (Action.SPAWN,)
    assert (STARTING.state, STARTING.worker) == (State.STARTING, Worker.RUNNING)
    assert (PLAYING.state, PLAYING.fault, PLAYING.reason) == (State.PLAYING, None, None)


def test_readers_change_nothing_where_the_order_is_play_or_stop() -> None:
    for life in (PLAYING, run(PLAYING, Told(Order.STOP))):
        assert actions(life, Wanted(True)) == ()
        assert run(life, Wanted(True), Wanted(False)).state == life.state


def test_an_armed_pipeline_lingers_before_it_stops() -> None:
    watched = run(ARMED, Wanted(True), Played())
    left = run(watched, Wanted(False), at=200)
    assert (left.state, left.idle_at) == (State.PLAYING, 200 + POLICY.linger)
    assert actions(left, Due(), at=200.5) == ()
    assert actions(left, Due(), at=200 + POLICY.linger) == (Action.QUIT,)
    assert run(left, Due(), at=200 + POLICY.linger).state == State.STOPPING


def test_a_reader_who_comes_back_while_it_lingers_keeps_it() -> None:
    back = run(ARMED, Wanted(True), Played(), Wanted(False), Wanted(True))
    assert (back.state, back.idle_at) == (State.PLAYING, None)


def test_stop_ends_the_worker_in_good_order_then_by_force() -> None:
    stopping, asked = step(PLAYING, Told(Order.STOP), 300, POLICY)
    assert (stopping.state, asked, stopping.due) == (State.STOPPING, (Action.QUIT,), 300 + POLICY.quit)
    assert actions(stopping, Due(), at=300 + POLICY.quit) == (Action.KILL,)
    ended = run(stopping, Exited("done"))
    assert (ended.state, ended.worker, ended.failures) == (State.READY, Worker.NONE, 0)


def test_play_while_stopping_starts_again_once_the_old_worker_is_gone() -> None:
    again = run(PLAYING, Told(Order.STOP), Told(Order.PLAY))
    assert (again.state, again.worker) == (State.STARTING, Worker.ENDING)
    assert actions(again, Exited("done")) == (Action.SPAWN,)


def test_a_crash_while_playing_is_mended_at_once_and_told() -> None:
    mended, asked = step(PLAYING, CRASH, 400, POLICY)
    assert asked == (Action.REPORT, Action.SPAWN)
    assert (mended.state, mended.worker, mended.restarts) == (State.RECONNECTING, Worker.RUNNING, 1)
    assert mended.reason == "the worker was killed by SIGSEGV"
    assert run(mended, Played()).state == State.PLAYING


def test_a_second_crash_soon_after_waits_and_a_stable_run_forgives() -> None:
    twice = run(PLAYING, CRASH, Played(), CRASH, at=400)
    assert (twice.state, twice.worker) == (State.RECONNECTING, Worker.NONE)
    assert twice.retry_at is not None
    assert 0.5 <= twice.retry_at - 400 <= 1.5
    stable = run(PLAYING, CRASH, Played(), at=500)
    assert stable.failures == 1
    stable = run(stable, Due(), at=500 + POLICY.stable)
    assert (stable.failures, stable.state) == (0, State.PLAYING)
    assert actions(stable, CRASH) == (Action.REPORT, Action.SPAWN)


def test_the_first_fault_is_the_cause() -> None:
    dying, asked = step(STARTING, SOURCE, 100, POLICY)
    assert asked == (Action.KILL,)
    later = run(dying, Faulted(Fault("stall", "silent")), CRASH)
    assert later.fault == SOURCE.fault
    assert later.reason == "no camera"


@pytest.mark.parametrize("life", [STARTING, PLAYING])
@pytest.mark.parametrize("late", [Played(), Ended(), Due(), Wanted(True), Faulted(Fault("stall", "silent"))])
def test_whoever_failed_is_not_heard_any_more_and_our_kill_is_no_cause(life: Life, late: Happening) -> None:
    doomed = run(life, SOURCE)
    assert doomed.state != State.PLAYING
    said, asked = step(doomed, late, 100, POLICY)
    assert (said.state, said.fault, asked) == (doomed.state, SOURCE.fault, ())
    dead = run(said, Exited("the worker was killed by SIGKILL"))
    assert (dead.fault, dead.reason) == (SOURCE.fault, "no camera")


def test_each_try_has_a_cause_of_its_own() -> None:
    again = run(BROKEN, Due(), at=BROKEN.retry_at or 0)
    assert run(again, CRASH).reason == CRASH.how
    assert run(again, Faulted(Fault("output", "no host")), CRASH).reason == "no host"


@pytest.mark.parametrize("event", [Told(Order.PLAY), Changed()])
def test_an_order_for_a_doomed_worker_is_carried_out_once_it_is_gone(event: Happening) -> None:
    forgiven = run(PLAYING, SOURCE, event)
    assert (forgiven.state, forgiven.fault) == (State.STARTING, None)
    assert actions(forgiven, CRASH) == (Action.SPAWN,)
    assert run(PLAYING, SOURCE, Told(Order.STOP), CRASH).state == State.READY


def test_what_never_played_is_in_error_and_tries_again() -> None:
    assert (BROKEN.state, BROKEN.worker) == (State.ERROR, Worker.NONE)
    assert BROKEN.retry_at is not None
    assert actions(BROKEN, Due(), at=BROKEN.retry_at) == (Action.SPAWN,)
    assert run(BROKEN, Due(), at=BROKEN.retry_at).state == State.STARTING


def test_back_off_doubles_up_to_its_limit() -> None:
    waits = []
    life = STARTING
    for _ in range(POLICY.breaker + 2):
        life = run(life, CRASH, at=1000)
        assert life.retry_at is not None
        waits.append(life.retry_at - 1000)
        life = run(life, Due(), at=life.retry_at)
    for index, wait in enumerate(waits[: POLICY.breaker - 1]):
        assert 0.75 <= wait / min(POLICY.max_delay, POLICY.first_delay * 2**index) <= 1.25
    assert all(wait >= POLICY.max_delay * 0.75 for wait in waits[POLICY.breaker - 1 :])


def test_luck_spreads_the_retries() -> None:
    waits = {run(replace(STARTING, luck=luck / 10), CRASH, at=0).retry_at for luck in range(10)}
    assert len(waits) == 10


def test_the_breaker_calls_a_crash_loop_an_error() -> None:
    life = PLAYING
    for _ in range(POLICY.breaker):
        life = run(life, CRASH, at=100)
        life = run(life, *([Due()] if life.worker is Worker.NONE else []), at=life.retry_at or 100)
        life = run(life, *([Played()] if life.failures < POLICY.breaker else []))
    assert life.failures == POLICY.breaker
    assert run(life, CRASH).state == State.ERROR


def test_a_missing_gstreamer_is_not_looked_for_often() -> None:
    media = run(STARTING, Faulted(Fault("media", "no GStreamer")), Exited("gone"), at=0)
    assert media.state == State.ERROR
    assert media.retry_at is not None
    assert media.retry_at >= POLICY.max_delay * 0.75


@pytest.mark.parametrize("before", [STARTING, PLAYING, run(ARMED, Wanted(True))])
def test_what_can_never_work_rests_until_it_is_changed_or_ordered(before: Life) -> None:
    failed = run(before, Faulted(Fault("graph", "no element x")), Exited("gone"))
    for event in (Due(), Wanted(False), Wanted(True), Due()):
        failed, todo = step(failed, event, 1e6, POLICY)
        assert (failed.state, failed.due, failed.reason, todo) == (State.ERROR, None, "no element x", ())
    assert actions(failed, Changed()) == (Action.SPAWN,)
    assert actions(failed, Told(Order.PLAY)) == (Action.SPAWN,)
    assert run(failed, Told(Order.STOP)).state == State.READY
    assert run(failed, Closed()).state == State.READY


def test_no_picture_in_time_is_a_fault() -> None:
    late, asked = step(STARTING, Due(), 100 + POLICY.start, POLICY)
    assert asked == (Action.KILL,)
    assert late.fault is not None
    assert late.fault.part == "start"


def test_an_order_forgives_and_tries_at_once() -> None:
    assert actions(BROKEN, Told(Order.PLAY)) == (Action.SPAWN,)
    assert run(BROKEN, Told(Order.PLAY)).failures == 0
    assert run(BROKEN, Told(Order.STOP)).state == State.READY
    assert run(BROKEN, Told(Order.STOP)).retry_at is None


def test_a_change_replaces_the_worker() -> None:
    changing, asked = step(PLAYING, Changed(), 100, POLICY)
    assert asked == (Action.QUIT,)
    assert (changing.state, changing.worker, changing.played) == (State.STARTING, Worker.ENDING, False)
    assert actions(changing, Exited("done")) == (Action.SPAWN,)
    assert actions(changing, Due(), at=100 + POLICY.quit) == (Action.KILL,)


def test_a_change_of_what_failed_tries_at_once_and_of_what_rests_does_nothing() -> None:
    assert actions(BROKEN, Changed()) == (Action.SPAWN,)
    assert actions(ARMED, Changed()) == ()


def test_the_end_of_a_file_is_the_end_until_somebody_asks() -> None:
    over = run(PLAYING, Ended())
    assert (over.state, over.worker) == (State.STOPPING, Worker.ENDING)
    over = run(over, Exited("done"))
    assert (over.state, over.reason, over.order) == (State.READY, "the source came to its end", Order.PLAY)
    assert actions(over, Told(Order.PLAY)) == (Action.SPAWN,)
    watched = run(ARMED, Wanted(True), Played(), Ended(), Exited("done"))
    assert watched.state == State.READY
    assert actions(run(watched, Wanted(False), Due(), at=200), Wanted(True)) == (Action.SPAWN,)


def test_an_end_before_the_first_picture_is_a_fault() -> None:
    empty = run(STARTING, Ended(), Exited("done"))
    assert empty.state == State.ERROR
    assert empty.fault is not None
    assert empty.fault.part == "source"


def test_last_words_of_an_old_worker_are_not_heard() -> None:
    stopping = run(PLAYING, Told(Order.STOP))
    for event in (Played(), SOURCE, Ended()):
        assert step(stopping, event, 100, POLICY) == (stopping, ())
        assert step(ARMED, event, 100, POLICY) == (ARMED, ())
    assert step(ARMED, CRASH, 100, POLICY) == (ARMED, ())


def test_closed_is_for_ever() -> None:
    closed = run(PLAYING, Closed())
    assert closed.state == State.STOPPING
    closed = run(closed, Exited("done"))
    assert closed.state == State.READY
    for event in (Told(Order.PLAY), Wanted(True), Changed(), Due()):
        assert actions(closed, event, at=1e9) == ()


@pytest.mark.parametrize("life", [ARMED, STARTING, PLAYING, BROKEN, run(PLAYING, Told(Order.STOP))])
def test_due_before_its_time_changes_nothing(life: Life) -> None:
    assert step(life, Due(), 100, POLICY) == (life, ())


LIMIT, CODEC = Fault("license", "one stream, which is cam2"), Fault("codec", "h264, and not av1")


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens, in whatever order: one worker at most, a way out of every state, and no state that lies."""

    @initialize(luck=st.floats(0, 1))
    def begin(self, luck: float) -> None:
        self.life = Life(Order.STOP, luck=luck)
        self.now = 0.0
        self.process = False

    def happen(self, event: Happening) -> None:
        self.life, todo = step(self.life, event, self.now, POLICY)
        for action in todo:
            if action is Action.SPAWN:
                assert not self.process, "a second worker beside the first"
                self.process = True
            elif action is not Action.REPORT:
                assert self.process, "nobody there to end"

    @rule(order=st.sampled_from([Order.ARMED, Order.PLAY, Order.STOP]))
    def told(self, order: Order) -> None:
        self.happen(Told(order))

    @rule(wanted=st.booleans())
    def wanted(self, wanted: bool) -> None:
        self.happen(Wanted(wanted))

    @rule()
    def changed(self) -> None:
        self.happen(Changed())

    @rule(event=st.sampled_from([Played(), Ended(), SOURCE, Faulted(Fault("graph", "never"))]))
    def worker_says(self, event: Happening) -> None:
        self.happen(event)

    @precondition(lambda self: self.process)
    @rule()
    def dies(self) -> None:
        self.process = False
        self.happen(CRASH)

    @rule(seconds=st.floats(0.01, 60))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.life.due is not None and self.life.due <= self.now:
            self.happen(Due())

    @rule(fault=st.sampled_from([None, LIMIT, CODEC]))
    def licence(self, fault: Fault | None) -> None:
        self.life = replace(self.life, held=fault)
        self.happen(Reviewed())

    @rule()
    def closed(self) -> None:
        self.happen(Closed())

    @invariant()
    def the_process_is_known(self) -> None:
        assert self.process == (self.life.worker is not Worker.NONE)

    @invariant()
    def the_state_is_true(self) -> None:
        state, worker = self.life.state, self.life.worker
        if state == State.PLAYING:
            assert worker is Worker.RUNNING
        if state in (State.READY, State.ERROR):
            assert worker is Worker.NONE
        if state == State.STOPPING:
            assert worker is Worker.ENDING
        if worker is Worker.NONE and not self.life.goal:
            waits = self.life.hopeless or (self.life.wish and self.life.held)
            assert state == (State.ERROR if waits else State.READY)
        if state == State.READY:
            assert not (self.life.fault and self.life.fault.licensing)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """Who should run, runs, is hopeless or has a time to try again; who dies has a fault or a time limit."""
        if self.life.goal and self.life.worker is Worker.NONE:
            assert (self.life.retry_at is None) == self.life.hopeless
        if self.life.worker is Worker.NONE:
            assert self.life.deadline is None
        if self.life.worker is Worker.RUNNING and self.life.state != State.PLAYING:
            assert self.life.deadline is not None
        if self.life.worker is Worker.DOOMED:
            assert self.life.fault is not None

    def teardown(self) -> None:
        """From anywhere, a stop order ends in `ready` once the process is gone."""
        self.happen(Told(Order.STOP))
        if self.process:
            self.process = False
            self.happen(CRASH)
        assert self.life.state == State.READY


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
