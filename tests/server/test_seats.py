"""Who may play, in any order of orders, readers, deaths and licences: never too many, and nobody waits for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexclient.models import Order, State
from flexserver.errors import Refusal
from flexserver.pipelines.lifecycle import Action, Exited, Happening, Life, Played, Policy, Told, Wanted, step
from flexserver.pipelines.seats import Grant, Seats

NAMES = ("yard", "gate", "attic", "cellar", "roof")
"""In the order of their birth, which is not that of the alphabet."""


@dataclass
class Run:
    """A run whose worker does at once what it is told."""

    id: str
    seats: Seats
    codec: str = "h264"
    life: Life = field(default_factory=lambda: Life(Order.STOP))

    @property
    def spec(self) -> Run:
        return self

    def happen(self, event: Happening) -> None:
        self.life, actions = step(replace(self.life, held=self.seats.held(self)), event, 0.0, Policy(linger=0))  # type: ignore[arg-type]
        for action in actions:
            if action is Action.SPAWN:
                self.happen(Played())
            elif action is not Action.REPORT:
                self.happen(Exited("done"))
        self.seats.freed()


@dataclass
class Row:
    id: str
    created_at: str
    order: Order = Order.STOP


@dataclass
class Record:
    row: Row
    runner: Run


@dataclass
class Site:
    """Five pipelines and a licence."""

    most: int | None = 1

    def __post_init__(self) -> None:
        self.seats = Seats()
        self.seats.grant = lambda: Grant(frozenset({"h264"}), self.most, "the licence F-1 allows")
        made = {name: Record(Row(name, f"2026-11-0{day}"), Run(name, self.seats)) for day, name in enumerate(NAMES, 1)}
        self.records: dict[str, Any] = dict(made)
        self.seats.records = self.records

    def order(self, name: str, order: Order) -> bool:
        """What the service does with an order; False where it is refused."""
        try:
            with self.seats.claim(name, plays=order == Order.PLAY):
                self.records[name].row.order = order
        except Refusal:
            return False
        self.records[name].runner.happen(Told(order))
        return True

    def license(self, most: int | None) -> None:
        self.most = most
        self.seats.review()

    @property
    def playing(self) -> list[str]:
        return [one.row.id for one in self.seats.in_turn() if one.runner.life.state == State.PLAYING]

    @property
    def waiting(self) -> list[str]:
        return [one.row.id for one in self.seats.in_turn() if one.runner.life.state == State.ERROR]


async def calm() -> None:
    """Let every review that was asked for take place: each may ask for the next."""
    for _ in range(20):
        await asyncio.sleep(0)


def on_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


ORDERS = st.tuples(st.sampled_from(NAMES), st.sampled_from(list(Order)))
READERS = st.tuples(st.sampled_from(NAMES), st.booleans())
LICENSES = st.one_of(st.none(), st.integers(1, 4))


@given(st.lists(st.one_of(ORDERS, READERS, LICENSES), max_size=25))
@settings(max_examples=300, deadline=None)
def test_never_too_many_and_nobody_waits_for_nothing(doings: list[Any]) -> None:
    async def check() -> None:
        site = Site()
        for doing in doings:
            before = site.playing
            match doing:
                case (str(name), Order() as order):
                    taken = [one for one in before if one != name]
                    refused = not site.order(name, order)
                    full = site.most is not None and len(taken) >= site.most
                    assert refused == (order == Order.PLAY and full and name not in before)
                case (str(name), bool(wanted)):
                    site.records[name].runner.happen(Wanted(wanted))
                case most:
                    site.license(most)
            await calm()
            most_now = len(NAMES) if site.most is None else site.most
            assert len(site.playing) <= most_now
            assert not site.waiting or len(site.playing) == most_now, "a seat is free, and somebody waits"
            if not isinstance(doing, tuple) and len(before) > most_now:
                assert site.playing == before[:most_now], "the first stay, the last give way"

    on_loop(check)


def test_seats_go_round_in_turn() -> None:
    async def check() -> None:
        site = Site(None)
        for name in reversed(NAMES):
            assert site.order(name, Order.PLAY)
        assert site.order("yard", Order.ARMED)
        site.records["yard"].runner.happen(Wanted(True))
        assert site.playing == ["gate", "attic", "cellar", "roof", "yard"], "what is ordered to play comes first"
        site.license(2)
        await calm()
        assert (site.playing, site.waiting) == (["gate", "attic"], ["cellar", "roof", "yard"])
        site.order("gate", Order.STOP)
        await calm()
        assert site.playing == ["attic", "cellar"]

    on_loop(check)


def test_a_claim_keeps_the_seat_until_the_order_is_stored() -> None:
    async def check() -> None:
        site = Site(1)
        with site.seats.claim("gate", plays=True):
            assert not site.order("yard", Order.PLAY)
            site.records["roof"].row.order = Order.ARMED
            site.records["roof"].runner.happen(Told(Order.ARMED))
            site.records["roof"].runner.happen(Wanted(True))
            assert site.waiting == ["roof"]
        await calm()
        assert site.order("yard", Order.STOP)

    on_loop(check)


def test_a_claim_ends_where_storing_fails() -> None:
    async def check() -> None:
        site = Site(1)
        with pytest.raises(OSError, match="full"), site.seats.claim("gate", plays=True):
            raise OSError("full")
        assert site.order("yard", Order.PLAY)

    on_loop(check)


@pytest.mark.parametrize(
    ("taken", "most", "said"),
    [
        (("yard",), 1, "the licence F-1 allows one playing stream, which is yard"),
        (("yard", "gate"), 2, "the licence F-1 allows 2 playing streams, which are yard, gate"),
        (NAMES[:4], 4, "the licence F-1 allows 4 playing streams, which are yard, gate, attic and 1 more"),
    ],
)
def test_the_sentence_names_who_has_the_seats(taken: tuple[str, ...], most: int, said: str) -> None:
    async def check() -> None:
        site = Site(most)
        for name in taken:
            assert site.order(name, Order.PLAY)
        with pytest.raises(Refusal) as caught, site.seats.claim("roof", plays=True):
            pass
        assert caught.value.message == said

    on_loop(check)


def test_a_box_without_limits_counts_nothing() -> None:
    seats = Seats()
    assert seats.held(Run("yard", seats, "av1")) is None  # type: ignore[arg-type]
    seats.check_codec("av1")
    with seats.claim("yard", plays=True):
        pass
