"""Time limits, torn answers and closing, on real connections."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flexclient import StreamState, errors
from tests.sdk.harness import Side
from tests.sdk.wire import STREAM_HEAD, Visit, Wire, answer_with, chunk

EVENT = b'id: %d\nevent: pipeline_deleted\ndata: {"id": "x"}\n\n'


def silent(visit: Visit) -> None:
    visit.over.wait(30)


def hang_up(visit: Visit) -> None:
    visit.socket.close()


def torn(visit: Visit) -> None:
    visit.send(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"version"')
    visit.socket.close()


def gibberish(visit: Visit) -> None:
    visit.send(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")


def drip(visit: Visit) -> None:
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    while not visit.over.wait(0.02):
        visit.send(b" ")


@pytest.mark.parametrize(
    ("handler", "kind", "tries"),
    [
        (silent, errors.CallTimeout, 2),
        (hang_up, errors.Disconnected, 2),
        (torn, errors.Disconnected, 2),
        (gibberish, errors.ProtocolError, 1),
    ],
)
def test_what_comes_of_a_bad_connection(side: Side, handler: Any, kind: type[Exception], tries: int) -> None:
    with Wire(handler) as wire, pytest.raises(kind) as caught:
        side.do(side.client(url=wire.url, timeout=0.3, retries=1).system.version())
    assert type(caught.value) is kind
    assert wire.connections == tries


def test_a_post_whose_answer_is_lost_is_not_sent_again(side: Side) -> None:
    with Wire(hang_up) as wire, pytest.raises(errors.Disconnected):
        side.do(side.client(url=wire.url).pipelines.create({"id": "cam1"}))
    assert len(wire.heads) == 1


@pytest.mark.parametrize("handler", [silent, drip])
def test_the_deadline_holds_for_the_whole_call(side: Side, handler: Any) -> None:
    began = time.monotonic()
    with Wire(handler) as wire, pytest.raises(errors.CallTimeout) as caught:
        side.do(side.client(url=wire.url, deadline=0.5, retries=50).system.version())
    assert 0.4 < time.monotonic() - began < 5
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.hint


def test_a_call_that_starts_a_pipeline_waits_longer(side: Side) -> None:
    def slow(visit: Visit) -> None:
        visit.over.wait(0.6)
        answer_with({"id": "cam1", "state": "playing"})(visit)

    with Wire(slow) as wire:
        client = side.client(url=wire.url, timeout=0.2, retries=0)
        assert side.do(client.pipelines.play("cam1")).state == "playing"
        with pytest.raises(errors.CallTimeout):
            side.do(client.pipelines.get("cam1"))


def test_connections_are_kept_and_shared_by_copies(side: Side) -> None:
    with Wire(answer_with({"version": "1"})) as wire:
        client = side.client(url=wire.url)
        for copy in (client, client.with_options(timeout=3), client.with_options(token="t")):
            side.do(copy.system.version())
        assert wire.connections == 1
        assert [b"authorization: Bearer t" in head for head in wire.heads] == [False, False, True]


def test_an_answer_is_never_longer_than_memory(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient._http.MAX_ANSWER", 1000)
    with Wire(answer_with({"version": "x" * 2000})) as wire, pytest.raises(errors.ProtocolError, match="longer"):
        side.do(side.client(url=wire.url).system.version())


def test_a_silent_stream_is_given_up_and_opened_again(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flexclient._engine.SILENCE", 0.3)

    def one_event_each(visit: Visit) -> None:
        visit.send(STREAM_HEAD + chunk(b"retry: 10\n\n" + EVENT % len(wire.heads)))
        visit.over.wait(30)

    states: list[StreamState] = []
    with Wire(one_event_each) as wire:
        stream = side.client(url=wire.url).events.stream(on_state=states.append)
        assert [side.next(stream).id, side.next(stream).id] == [1, 2]
        side.do(stream.close())
    assert [state.kind for state in states] == ["live", "stale", "live"]
    assert isinstance(states[1].error, errors.CallTimeout)
    assert b"last-event-id: 1" in wire.heads[1].lower()


def test_heartbeats_keep_a_quiet_stream(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither httpx's own limit of 5 s nor `timeout` ends a stream; bytes of any kind show that the box is there."""
    monkeypatch.setattr("flexclient._engine.SILENCE", 0.5)

    def quiet(visit: Visit) -> None:
        visit.send(STREAM_HEAD)
        for _ in range(15):
            visit.over.wait(0.1)
            visit.send(chunk(b": \n\n"))
        visit.send(chunk(EVENT % 1))
        visit.over.wait(30)

    with Wire(quiet) as wire:
        stream = side.client(url=wire.url, timeout=0.2, deadline=0.4).events.stream()
        assert side.next(stream).id == 1
        side.do(stream.close())
        assert wire.connections == 1


def test_a_stream_that_waits_on_a_socket_closes_at_once(side: Side) -> None:
    def quiet(visit: Visit) -> None:
        visit.send(STREAM_HEAD)
        visit.over.wait(30)

    states: list[StreamState] = []
    with Wire(quiet) as wire:
        stream = side.client(url=wire.url).events.stream(on_state=states.append)
        side.soon(lambda: stream.close(), lambda: bool(states))
        began = time.monotonic()
        assert side.all(stream) == []
        assert time.monotonic() - began < 5
