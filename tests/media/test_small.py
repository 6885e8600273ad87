"""Small pure parts: patience with a source, the audience, units on the wire, sentences for errors."""

from __future__ import annotations

import io
import os
import socket
import struct

import pytest

from flexserver import protocol
from flexserver.media import explain, units
from flexserver.media.audience import LINGER, Audience
from flexserver.media.patience import CONNECT, FIRST_PICTURE, SILENCE, Patience
from flexserver.media.units import Unit
from flexserver.protocol import Kind

# Patience


def test_nothing_arrives() -> None:
    patience = Patience("udp", 100)
    assert patience.look(100 + CONNECT, arrived=False, pictures=0) is None
    assert "nothing arrived" in (patience.look(100.1 + CONNECT, arrived=False, pictures=0) or "")


def test_data_without_pictures_gets_longer() -> None:
    patience = Patience("rtsp", 100)
    assert patience.look(101, arrived=True, pictures=0) is None
    assert patience.look(101 + FIRST_PICTURE, arrived=True, pictures=0) is None
    assert "no picture" in (patience.look(101.1 + FIRST_PICTURE, arrived=True, pictures=0) or "")


@pytest.mark.parametrize(("kind", "complains"), [("rtsp", True), ("udp", True), ("file", False), ("test", False)])
def test_silence_is_a_fault_of_network_sources_alone(kind: str, complains: bool) -> None:
    patience = Patience(kind, 100)
    assert patience.look(101, arrived=True, pictures=30) is None
    assert patience.look(101 + SILENCE, arrived=True, pictures=30) is None
    assert (patience.look(101.1 + SILENCE, arrived=True, pictures=30) is not None) is complains


def test_pictures_make_patient_again() -> None:
    patience = Patience("rtsp", 100)
    patience.look(101, arrived=True, pictures=1)
    assert patience.look(103, arrived=True, pictures=2) is None
    assert patience.look(105, arrived=True, pictures=2) is None


# Audience


def test_readers_are_counted_once_each() -> None:
    audience = Audience()
    audience.asked("a", 0)
    assert audience.news(0) == [("a", 0, True)]
    audience.plays("s1", "a", 1)
    audience.plays("s1", "a", 1)
    audience.plays("s2", "a", 1)
    assert audience.news(1) == [("a", 2, True)]
    assert audience.news(1) == []
    audience.left("s1", 2)
    audience.left("s1", 2)
    assert audience.news(2) == [("a", 1, True)]


def test_a_mount_stays_wanted_a_while() -> None:
    audience = Audience()
    audience.plays("s", "a", 0)
    audience.news(0)
    audience.left("s", 100)
    assert audience.news(100) == [("a", 0, True)]
    assert audience.news(100 + LINGER - 0.1) == []
    assert audience.news(100 + LINGER + 0.1) == [("a", 0, False)]


def test_who_asks_and_never_plays_is_forgotten() -> None:
    audience = Audience()
    audience.asked("a", 0)
    audience.news(0)
    assert audience.news(LINGER + 0.1) == [("a", 0, False)]


def test_a_mount_that_went_says_nothing_more() -> None:
    audience = Audience()
    audience.plays("s", "a", 0)
    audience.news(0)
    audience.forget("a")
    audience.left("s", 1)
    assert audience.news(100) == []


# Units


def test_units_survive_the_wire() -> None:
    sent = [Unit(Kind.KEY, 2**60, b"abc", 33), Unit(Kind.DELTA, -1, b""), Unit(Kind.SLATE, 0, bytes(100_000), 0, 3)]
    assert list(units.read(io.BytesIO(b"".join(map(units.frame, sent))))) == sent


@pytest.mark.parametrize("cut", [1, 21, 22, 30])
def test_a_torn_unit_is_dropped(cut: int) -> None:
    whole, torn = Unit(Kind.KEY, 1, b"whole"), units.frame(Unit(Kind.DELTA, 2, b"torn in the middle"))
    assert list(units.read(io.BytesIO(units.frame(whole) + torn[:cut]))) == [whole]


def test_nonsense_ends_the_stream() -> None:
    for wrong in (struct.pack("!IBBqq", 2**32 - 1, 0, 0, 0, 0), struct.pack("!IBBqq", 1, 0, 9, 0, 0) + b"x"):
        assert list(units.read(io.BytesIO(wrong))) == []


def test_the_peer_is_the_same_user() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert units.is_same_user(ours)


def test_another_user_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    with ours, theirs:
        assert not units.is_same_user(ours)


# Sentences


def test_a_known_error_is_a_sentence_with_gstreamers_own_words() -> None:
    debug = "../gst/rtsp/gstrtspsrc.c(6899): gst_rtspsrc_send (): /GstPipeline:pipeline/GstRTSPSrc:source:\n"
    debug += "Unauthorized (401)"
    found = explain.sentence("gst-resource-error-quark", 15, "Unauthorized", debug, "rtspsrc", "source rtsp://camera/x")
    assert found == "source rtsp://camera/x: it refused the user name or password (rtspsrc: Unauthorized (401))"


def test_an_unknown_error_still_names_element_and_cause() -> None:
    found = explain.sentence("gst-core-error-quark", 1, "it broke", None, "x264enc", "encoder")
    assert found == "encoder failed (x264enc: it broke)"


# Protocol


def test_messages_survive_the_wire() -> None:
    for message in (
        protocol.Start("a", {"x": [1]}, "link", "mount"),
        protocol.Playing(1, 2, 3.0, "x264enc"),
        protocol.Readers("a", 1, wanted=True),
    ):
        assert protocol.decode(protocol.encode(message)) == message


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"say":"Nope"}', b'{"say":"Quit","x":1}', b"\xff"])
def test_what_is_no_message_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a message"):
        protocol.decode(line)
