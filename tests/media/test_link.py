"""The worker's end of the link, with a front made of a socket: what goes over it, and when."""

from __future__ import annotations

import itertools
import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flexserver import protocol
from flexserver.media import graph as media
from flexserver.media import units
from flexserver.media.units import Unit
from flexserver.protocol import Kind
from tests.media.harness import Child, graph_of, silence, spec

NAME = f"flex-test-link-{os.getpid()}"


class Peer:
    """A front's end of one connection. Reads no byte ahead, so that silence is silence."""

    def __init__(self, listener: socket.socket) -> None:
        self._link, _ = listener.accept()
        self._link.settimeout(10)
        line = b""
        while not line.endswith(b"\n"):
            line += self._link.recv(1)
        self.hello = protocol.decode(line)
        self.units = units.read(self)

    def read(self, size: int, /) -> bytes:
        data = b""
        while len(data) < size and (more := self._link.recv(size - len(data))):
            data += more
        return data

    def say(self, command: bytes) -> None:
        self._link.sendall(command)

    def is_quiet(self, seconds: float) -> bool:
        """Whether nothing arrives for so long."""
        return not select.select([self._link], [], [], seconds)[0]

    def close(self) -> None:
        self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()


@contextmanager
def linked(uri: str = "test://smpte") -> Iterator[tuple[Child, socket.socket]]:
    pipeline = spec(uri)
    with socket.socket(socket.AF_UNIX) as listener, Child("worker") as worker:
        listener.bind("\0" + NAME)
        listener.listen()
        listener.settimeout(10)
        worker.send(protocol.Start("cam1", graph_of(pipeline).to_json(), NAME, media.mount_of(pipeline)))
        yield worker, listener


def next_of(peer: Peer, *kinds: Kind) -> Unit:
    return next(unit for unit in peer.units if unit.kind in kinds)


def test_it_says_hello_and_brings_two_slates() -> None:
    with linked(silence()) as (_, listener):
        peer = Peer(listener)
        assert isinstance(peer.hello, protocol.Hello)
        assert (peer.hello.mount, peer.hello.codec) == ("cam1", "h264")
        first, second = next(peer.units), next(peer.units)
        assert (first.kind, second.kind) == (Kind.SLATE, Kind.SLATE)
        assert first.data != second.data
        peer.close()


def test_it_sends_only_while_it_is_wanted_and_begins_with_a_key_unit() -> None:
    with linked() as (worker, listener):
        peer = Peer(listener)
        worker.wait(protocol.Playing)
        assert [next(peer.units).kind for _ in range(2)] == [Kind.SLATE] * 2
        assert peer.is_quiet(0.5)
        peer.say(protocol.SEND)
        assert next(peer.units).kind is Kind.KEY
        assert next(peer.units).kind is Kind.DELTA
        peer.say(protocol.HOLD)
        while not peer.is_quiet(0.5):
            assert next(peer.units).kind is Kind.DELTA
        peer.say(protocol.SEND)
        assert next(peer.units).kind is Kind.KEY
        peer.close()


def test_it_makes_a_key_unit_when_asked() -> None:
    with linked() as (worker, listener):
        peer = Peer(listener)
        worker.wait(protocol.Playing)
        peer.say(protocol.SEND)
        next_of(peer, Kind.KEY)
        for _ in range(3):
            for _ in range(8):
                assert next_of(peer, Kind.KEY, Kind.DELTA).kind is Kind.DELTA
            peer.say(protocol.KEY)
            kinds = [next_of(peer, Kind.KEY, Kind.DELTA).kind for _ in range(4)]
            assert Kind.KEY in kinds
        peer.close()


def test_requests_that_come_together_share_a_key_unit() -> None:
    with linked() as (worker, listener):
        peer = Peer(listener)
        worker.wait(protocol.Playing)
        peer.say(protocol.SEND)
        next_of(peer, Kind.KEY)
        for _ in range(50):
            peer.say(protocol.KEY)
        kinds = [next_of(peer, Kind.KEY, Kind.DELTA).kind for _ in range(30)]
        assert 1 <= kinds.count(Kind.KEY) <= 2
        peer.close()


def test_timestamps_are_absolute_and_even() -> None:
    with linked() as (worker, listener):
        peer = Peer(listener)
        worker.wait(protocol.Playing)
        peer.say(protocol.SEND)
        found = [next_of(peer, Kind.KEY, Kind.DELTA) for _ in range(30)]
        assert 0 <= time.monotonic_ns() - found[-1].pts < 500_000_000
        distances = [after.pts - before.pts for before, after in itertools.pairwise(found)]
        assert all(abs(distance - 1e9 / 30) < 1e6 for distance in distances)
        peer.close()


def test_it_comes_back_with_its_slates() -> None:
    with linked() as (_, listener):
        for _ in range(2):
            peer = Peer(listener)
            assert isinstance(peer.hello, protocol.Hello)
            assert next(peer.units).kind is Kind.SLATE
            peer.say(protocol.SEND)
            next_of(peer, Kind.KEY)
            peer.close()


def test_a_front_that_reads_nothing_does_not_stop_the_encoder() -> None:
    """The link is given up after two seconds and made anew; frames go on."""
    fast = spec("test://snow", encoding={"width": 640, "height": 360, "bitrate": 40_000})
    with socket.socket(socket.AF_UNIX) as listener, Child("worker") as worker:
        listener.bind("\0" + NAME)
        listener.listen()
        listener.settimeout(15)
        worker.send(protocol.Start("cam1", graph_of(fast).to_json(), NAME, "cam1"))
        peer = Peer(listener)
        worker.wait(protocol.Playing)
        peer.say(protocol.SEND)
        again = Peer(listener)
        frames = worker.all(protocol.Beat)[-1].frames
        worker.wait(protocol.Beat, lambda beat: beat.frames > frames + 20)
        peer.close()
        again.close()


def test_a_front_of_another_user_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself is `units.is_same_user`; here its verdict is what counts."""
    from flexserver.media.link import Link

    monkeypatch.setattr(units, "is_same_user", lambda _: False)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + NAME)
        listener.listen()
        listener.settimeout(10)
        link = Link(NAME, protocol.Hello("cam1", "h264"), lambda: None)
        sock, _ = listener.accept()
        with sock:
            assert sock.recv(100) == b""
        link.close()
