"""The rate limiter, held against the plainest one that could be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexserver import rates
from flexserver.rates import Limiter, Rate, network, peer

RATE = Rate(5, 900)
STEPS = st.lists(st.tuples(st.integers(0, 400), st.sampled_from("abc")), max_size=60)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(STEPS)
def test_no_address_gets_more_than_its_count_in_any_window(steps: list[tuple[int, str]]) -> None:
    clock, let_in = Clock(), list[tuple[float, str]]()
    limiter = Limiter(clock)
    for pause, address in steps:
        clock.now += pause
        recent = [when for when, who in let_in if who == address and when > clock.now - RATE.seconds]
        wait = limiter.wait("login", address, RATE)
        assert (wait is None) == (len(recent) < RATE.count)
        if wait is None:
            let_in.append((clock.now, address))
        else:
            assert recent[0] + RATE.seconds <= clock.now + wait < recent[0] + RATE.seconds + 1.001


@given(STEPS)
def test_who_waits_as_long_as_told_gets_in(steps: list[tuple[int, str]]) -> None:
    clock = Clock()
    limiter = Limiter(clock)
    for pause, address in steps:
        clock.now += pause
        if wait := limiter.wait("login", address, RATE):
            clock.now += wait
            assert limiter.wait("login", address, RATE) is None


def test_endpoints_count_apart() -> None:
    limiter = Limiter(Clock())
    assert [limiter.wait("a", "x", Rate(1, 60)), limiter.wait("b", "x", Rate(1, 60))] == [None, None]
    assert limiter.wait("a", "x", Rate(1, 60)) == 60


@given(st.lists(st.integers(0, 60), max_size=200))
def test_memory_has_an_end_and_the_newest_are_remembered(numbers: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rates, "MAX_PEERS", 10)
        limiter = Limiter(Clock())
        for number in numbers:
            limiter.wait("login", f"10.0.0.{number}", Rate(1, 900))
        assert len(limiter._asked) <= 10
        if numbers:
            assert limiter.wait("login", f"10.0.0.{numbers[-1]}", Rate(1, 900)) == 900


def test_one_site_of_ipv6_is_one_peer() -> None:
    assert peer("2001:db8:1:2::1") == peer("2001:db8:1:2:ffff::9") != peer("2001:db8:1:3::1")
    assert peer("::ffff:192.0.2.7") == peer("192.0.2.7") == "192.0.2.7"
    assert peer("fe80::1%eth0") == peer("fe80::2%eth1")
    assert peer("a unix socket") == "a unix socket"


@given(st.ip_addresses())
def test_every_address_is_somebody(address: object) -> None:
    assert peer(str(address)) == peer(peer(str(address)).partition("/")[0])


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
    ],
)
def test_neighbours_are_one_network(address: str, whole: str) -> None:
    assert network(address) == whole
