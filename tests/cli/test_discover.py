"""`flexctl discover`: what it makes of what it hears. The network is tests/server/scenes.py's."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pyte
import pytest

from flexctl.live.discovery import Heard
from flexctl.views.found import Found, found, nearest, trust_lines
from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript

PIN = ":".join(["AB"] * 32)
GATE = Found("gate", ("192.0.2.7", "2001:db8::7"), 3539, 8731, "0.1.0", PIN)
YARD = Found("yard", ("2001:db8::9",), 4000, 8731, "0.2.0", ":".join(["CD"] * 32))
BARE = Found("Another make", ("192.0.2.9",), 3539)
FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


class Network:
    """Stands in for `Discovery`: says what it was told to, then waits to be closed."""

    def __init__(self, *heard: Heard) -> None:
        self.heard, self.closed, self.end = heard, False, threading.Event()

    def __call__(self) -> Network:
        return self

    def __iter__(self) -> Iterator[Heard]:
        yield from self.heard
        self.end.wait(0.5)

    def close(self) -> None:
        self.closed = True
        self.end.set()


def discover(*argv: str, heard: tuple[Heard, ...] = (), **options: Any) -> Ran:
    network = Network(*heard)
    with patch("flexctl.live.discovery.Discovery", network):
        ran = flexctl("discover", *argv, **options)
    assert network.closed
    return ran


def seen(*boxes: Found) -> tuple[Heard, ...]:
    return tuple(Heard(box.name, box) for box in boxes)


def test_every_form() -> None:
    heard = seen(YARD, GATE, BARE)
    runs = [transcript(discover("-o", form, heard=heard), "discover", "-o", form) for form in FORMS]
    runs += [
        transcript(discover(heard=heard, on=terminal(width), TERM="dumb"), "discover", note=f"{width} columns")
        for width in (120, 80, 40)
    ]
    runs.append(transcript(discover(heard=seen(GATE)), "discover", note="one box"))
    runs.append(transcript(discover(heard=seen(BARE)), "discover", note="one that says little"))
    runs.append(transcript(discover(), "discover", note="nobody there"))
    runs.append(transcript(discover("-o", "json"), "discover", "-o", "json", note="nobody there"))
    golden("discover", "\n".join(runs))


def test_many_boxes_do_not_fill_the_screen_with_fingerprints() -> None:
    many = [Found(f"box{number}", (f"192.0.2.{number}",), 3539, None, None, PIN) for number in range(1, 6)]
    ran = discover(heard=seen(*many))
    assert PIN not in ran.out + ran.err
    assert "flexctl discover -o wide" in ran.err
    assert discover("-o", "wide", heard=seen(*many)).out.count(PIN) == 5


def test_it_stops_when_there_are_enough() -> None:
    heard = seen(GATE, YARD)
    assert discover("--count", "1", "-o", "name", heard=heard).out == "https://192.0.2.7:3539\n"


def test_a_box_that_goes_is_not_shown_and_one_that_changes_is_shown_as_it_is() -> None:
    moved = Found("yard", ("192.0.2.10",), 3539)
    heard = (*seen(GATE, YARD), Heard("gate", None), *seen(moved), Heard("never seen", None))
    assert json.loads(discover("-o", "json", heard=heard).out) == [
        {"name": "yard", "url": "https://192.0.2.10:3539", "addresses": ["192.0.2.10"]}
    ]


def test_it_needs_no_box_that_is_configured() -> None:
    assert discover(heard=seen(GATE), url="not an address").code == 0


def test_without_the_library_it_says_what_to_install() -> None:
    with patch.dict(sys.modules, {"zeroconf": None}):
        ran = flexctl("discover")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "flexctl: finding boxes needs the Python package zeroconf\n  Install it: pip install zeroconf\n"


@pytest.mark.parametrize("argv", [("--timeout", "soon"), ("--timeout", "0"), ("--count", "many"), ("gate",)])
def test_misuse(argv: tuple[str, ...]) -> None:
    assert flexctl("discover", *argv, on=PIPE).code == 2


def test_ctrl_c_shows_what_was_found_so_far() -> None:
    class Interrupted(Network):
        def __iter__(self) -> Iterator[Heard]:
            yield from self.heard
            raise KeyboardInterrupt

    with patch("flexctl.live.discovery.Discovery", Interrupted(*seen(GATE))):
        ran = flexctl("discover", "--timeout", "1m", "-o", "name")
    assert (ran.code, ran.out) == (0, "https://192.0.2.7:3539\n")


class TestWhatIsHeard:
    HERE = ("192.0.2.5/24", "10.0.0.5/8", "2001:db8:5::5/64")

    def test_the_address_next_door_comes_first(self) -> None:
        addresses = ["2001:db8:9::1", "172.16.0.9", "2001:db8:5::9", "192.0.2.9"]
        assert nearest(addresses, self.HERE) == ("192.0.2.9", "2001:db8:5::9", "172.16.0.9", "2001:db8:9::1")

    def test_a_box_is_what_it_says(self) -> None:
        said = {"version": "0.1.0", "rtsp": "8731", "fingerprint": PIN.lower()}
        assert found("gate", ["2001:db8::7", "192.0.2.7"], 3539, said, self.HERE) == GATE

    @pytest.mark.parametrize(
        "said",
        [
            {"fingerprint": f"{PIN};rm -rf ~", "rtsp": "8731$(reboot)"},
            {"fingerprint": "", "rtsp": "\u0661"},
            {"rtsp": "9" * 400},
            {},
        ],
    )
    def test_what_is_no_fingerprint_or_port_never_reaches_a_line_to_copy(self, said: dict[str, str]) -> None:
        box = found("gate", ["192.0.2.7"], 3539, said, self.HERE)
        assert box is not None
        assert (box.fingerprint, box.rtsp_port) == (None, None)
        assert trust_lines(box) == "export FLEX_URL=https://192.0.2.7:3539"

    @pytest.mark.parametrize(
        ("addresses", "port"), [([], 3539), (["$(reboot)"], 3539), (["fe80::1%eth0"], 3539), (["192.0.2.7"], 0)]
    )
    def test_what_cannot_be_reached_is_no_box(self, addresses: list[str], port: int) -> None:
        assert found("gate", addresses, port, {}, self.HERE) is None

    def test_ipv6_stands_in_brackets(self) -> None:
        assert (YARD.url, YARD.rtsp_url) == ("https://[2001:db8::9]:4000", "rtsp://[2001:db8::9]:8731")

    def test_a_hostile_name_steers_no_terminal(self) -> None:
        ran = discover(heard=seen(Found("\x1b[2Jgate\n\u202e", ("192.0.2.7",), 3539)), on=terminal(80), TERM="dumb")
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out


def test_on_a_terminal_the_table_grows_and_stays_once() -> None:
    ran = discover("--timeout", "300ms", heard=(), on=terminal(80), TERM="xterm")
    assert "looking, " in ran.out
    screen = pyte.Screen(80, 24)
    ran = discover("--count", "2", heard=seen(GATE, YARD), on=terminal(80), TERM="xterm")
    pyte.Stream(screen).feed(ran.out.replace("\n", "\r\n"))
    lines = [line.rstrip() for line in screen.display if line.strip()]
    assert [line.split()[0] for line in lines] == ["NAME", "gate", "yard"]
    assert not screen.cursor.hidden


def test_a_machine_without_a_network_is_told_so() -> None:
    with patch("zeroconf.Zeroconf", side_effect=RuntimeError("no interfaces")):
        ran = flexctl("discover")
    assert ran.code == 1
    assert ran.err.startswith("flexctl: this machine cannot listen for mDNS: it has no address of a network\n")
