"""One unbroken stream out of live pictures and the slate."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flexserver.media.splice import HOLD, HOLD_GONE, STARTING, Out, Splice
from flexserver.media.units import Unit
from flexserver.protocol import Kind

MS = 1_000_000
NOW = 10**12


def key(pts: int) -> Unit:
    return Unit(Kind.KEY, pts, b"key")


def delta(pts: int) -> Unit:
    return Unit(Kind.DELTA, pts, b"delta")


def begun() -> Splice:
    splice = Splice(slates=[b"a", b"b"])
    splice.begin(NOW)
    return splice


def test_live_begins_at_a_key_unit() -> None:
    splice = begun()
    assert splice.live(1, delta(NOW), NOW) is None
    assert splice.live(1, key(NOW), NOW) == Out(True, NOW, b"key")
    assert splice.live(1, delta(NOW + 33 * MS), NOW) == Out(False, NOW + 33 * MS, b"delta")


def test_a_worker_that_starts_gets_time_before_the_slate_is_shown() -> None:
    splice = begun()
    assert splice.slate(NOW + STARTING - 1) is None
    assert splice.slate(NOW + STARTING) is not None


def test_silence_shows_the_slate_sooner_when_the_worker_left() -> None:
    splice = begun()
    splice.live(1, key(NOW), NOW)
    assert not splice.is_due(NOW + HOLD - 1)
    splice.gone(2)
    assert not splice.is_due(NOW + HOLD_GONE)
    splice.gone(1)
    assert splice.is_due(NOW + HOLD_GONE)


def test_slates_take_turns_and_run_as_far_behind_as_live_did() -> None:
    splice = begun()
    splice.live(1, key(NOW - 200 * MS), NOW)
    first, second = splice.slate(NOW + HOLD), splice.slate(NOW + HOLD + 100 * MS)
    assert first
    assert second
    assert first.pts == NOW + HOLD - 200 * MS
    assert first.data != second.data
    assert first.is_key


def test_back_to_live_only_at_a_key_unit() -> None:
    splice = begun()
    splice.live(1, key(NOW), NOW)
    splice.slate(NOW + HOLD)
    later = NOW + HOLD + 50 * MS
    assert splice.live(1, delta(later), later) is None
    assert splice.live(1, key(later), later) is not None
    assert not splice.on_slate


def test_a_backlog_is_refused_and_a_small_step_back_is_shifted_as_a_whole() -> None:
    splice = begun()
    splice.live(1, key(NOW), NOW)
    shown = splice.slate(NOW + HOLD)
    assert shown
    assert splice.live(1, key(shown.pts - 200 * MS), NOW + HOLD) is None
    back = splice.live(1, key(shown.pts - 50 * MS), NOW + HOLD)
    assert back
    assert back.pts == shown.pts + MS
    following = splice.live(1, delta(shown.pts - 17 * MS), NOW + HOLD)
    assert following
    assert following.pts == back.pts + 33 * MS


def test_a_new_worker_takes_over_at_its_first_key_unit() -> None:
    splice = begun()
    splice.live(1, key(NOW), NOW)
    assert splice.live(2, delta(NOW + 33 * MS), NOW) is None
    assert splice.live(1, delta(NOW + 33 * MS), NOW) is not None
    assert splice.live(2, key(NOW + 66 * MS), NOW) is not None
    assert splice.active == 2
    assert splice.live(1, delta(NOW + 66 * MS), NOW) is None


def test_the_newest_two_slates_are_kept() -> None:
    splice = Splice()
    for data in (b"1", b"2", b"3", b"4"):
        splice.keep_slate(Unit(Kind.SLATE, 0, data))
    assert splice.slates == [b"3", b"4"]


WHAT = st.sampled_from(["live", "key", "tick", "gone", "begin"])
EVENTS = st.lists(st.tuples(WHAT, st.integers(1, 3), st.integers(0, 2000), st.integers(0, 900)), max_size=80)


@given(EVENTS)
def test_time_never_steps_back_and_every_run_begins_with_a_key_unit(events: list[tuple[str, int, int, int]]) -> None:
    splice, now = begun(), NOW
    out: list[tuple[int | None, Out]] = []
    for what, worker, passes, lag in events:
        now += passes * MS
        live = Unit(Kind.KEY if what == "key" else Kind.DELTA, now - lag * MS, b"x")
        if what in {"live", "key"}:
            found = splice.live(worker, live, now)
            source: int | None = worker
        else:
            found, source = (splice.slate(now) if what == "tick" else None), None
            if what == "gone":
                splice.gone(worker)
            elif what == "begin":
                splice.begin(now)
        if found:
            out.append((source, found))
    for (was, _), (is_now, unit) in pairwise(out):
        assert was == is_now or unit.is_key
    cuts = [(a[1], b[1]) for a, b in pairwise(out) if a[0] != b[0]]
    assert all(after.pts > before.pts for before, after in cuts)
