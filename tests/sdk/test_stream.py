"""Streams through both clients: what comes over the wire, and how they end."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from flexclient import AsyncFlexClient, StreamState, errors
from flexclient import models as m
from flexclient.testing import FakeFlex
from tests.sdk.harness import AsyncSide, Side

STATUS = b'{"id": "cam1", "state": "playing"}'


@pytest.fixture
def box() -> FakeFlex:
    box = FakeFlex()
    box.add({"id": "cam1"})
    return box


def read_raw(side: Side, box: FakeFlex, *chunks: bytes) -> list[Any]:
    """The events that a stream makes of these bytes."""
    stream = side.client(transport=box).events.stream(resume=False)
    box.script([*(lambda chunk=chunk: box.send_raw(chunk) for chunk in chunks), box.hang_up])
    return side.all(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_line_end_in_every_chunk_size(side: Side, box: FakeFlex, end: bytes, size: int) -> None:
    text = end.join(
        [b": hello", b"id: 1", b"event: pipeline_status", b"data: " + STATUS, b"", b"", b": beat", b"",
         b"event: pipeline_deleted", b'data: {"id":', b'data:"\xc3\xbc"}', b"id: 2", b"", b""]
    )  # fmt: skip
    found = read_raw(side, box, *(text[i : i + size] for i in range(0, len(text), size)))
    assert found == [
        m.Event("pipeline_status", m.PipelineStatus(id="cam1", state=m.State.PLAYING), 1),
        m.Event("pipeline_deleted", m.PipelineDeleted(id="ü"), 2),
    ]


def test_a_torn_last_event_is_not_handed_out(side: Side, box: FakeFlex) -> None:
    assert read_raw(side, box, b"id: 1\nevent: pipeline_status\ndata: " + STATUS + b"\n") == []


def test_blocks_without_data_are_no_events(side: Side, box: FakeFlex) -> None:
    assert read_raw(side, box, b"id: 5\n\n\n\nretry: 5\n\nevent: bye\n\n") == []


def test_an_event_of_a_new_type_arrives_as_unknown(side: Side, box: FakeFlex) -> None:
    (event,) = read_raw(side, box, b'id: 1\nevent: brand_new\ndata: {"a": [1]}\n\n')
    assert isinstance(event, m.UnknownEvent)
    assert (event.type, event.id, event.data.model_extra) == ("brand_new", 1, {"a": [1]})


@pytest.mark.parametrize(("data", "kept"), [(b'{"id": 5}', {"id": 5}), (b"not json", {"text": "not json"})])
def test_data_of_another_form_ends_no_stream(
    side: Side, box: FakeFlex, caplog: pytest.LogCaptureFixture, data: bytes, kept: dict[str, Any]
) -> None:
    caplog.set_level(logging.WARNING)
    strange, fine = read_raw(
        side, box, b"event: pipeline_status\ndata: " + data + b"\n\nevent: pipeline_status\ndata: " + STATUS + b"\n\n"
    )
    assert isinstance(strange, m.UnknownEvent)
    assert strange.data.model_extra == kept
    assert fine.data.state == "playing"
    assert "pipeline_status" in caplog.text


def test_an_error_answer_is_raised_as_what_it_is(side: Side, box: FakeFlex) -> None:
    with pytest.raises(errors.NotFound, match="there is no pipeline nope"):
        side.next(side.client(transport=box).pipelines.events("nope"))


def test_an_answer_that_is_no_stream_is_told(side: Side, box: FakeFlex) -> None:
    box.answer_with(200, b"<html>", {"content-type": "text/html"})
    with pytest.raises(errors.ProtocolError, match="text/html"):
        side.next(side.client(transport=box).events.stream())


def test_the_callers_headers_are_left_alone(side: Side, box: FakeFlex) -> None:
    mine = {"X-Mine": "1"}
    box.script([box.hang_up])
    side.all(side.client(transport=box, headers=mine).events.stream(resume=False))
    assert mine == {"X-Mine": "1"}
    assert box.requests[0].headers["x-mine"] == "1"


def test_a_stream_survives_a_restart_and_a_lost_connection(side: Side, box: FakeFlex) -> None:
    states: list[StreamState] = []
    stream = side.client(transport=box).events.stream(since=0, on_state=states.append)
    steps = ["playing", box.restart, "error", box.hang_up, "starting", "playing"]
    box.script(
        [step if callable(step) else lambda step=step: box.set_state("cam1", step) for step in steps]  # type: ignore[misc]
    )
    found = [side.next(stream) for _ in range(5)]
    assert [(e.type, getattr(e.data, "state", None)) for e in found] == [
        ("pipeline_status", "playing"),
        ("bye", None),
        ("pipeline_status", "error"),
        ("pipeline_status", "starting"),
        ("pipeline_status", "playing"),
    ]
    assert [state.kind for state in states] == ["live", "stale", "live", "stale", "live"]
    assert box.requests[-1].headers["last-event-id"] == "2"


def test_a_box_that_is_down_for_a_while(side: Side, box: FakeFlex) -> None:
    states: list[StreamState] = []
    stream = side.client(transport=box).events.stream(since=0, on_state=states.append)
    box.script([lambda: box.set_state("cam1", "playing"), box.go_down])
    assert side.next(stream).id == 1
    side.soon(box.come_up, lambda: any(state.error for state in states))
    box.script([lambda: box.set_state("cam1", "error")])
    assert side.next(stream).id == 2
    assert any(isinstance(state.error, errors.Unreachable) for state in states)
    assert all(state.retry_in for state in states if state.kind == "stale")


def test_a_box_that_forgot_sends_a_gap_and_its_snapshot(side: Side, box: FakeFlex) -> None:
    stream = side.client(transport=box).events.stream(since=0)
    box.script([lambda: box.set_state("cam1", "playing")])
    assert side.next(stream).id == 1
    box.hang_up()
    box.set_state("cam1", "error")
    box.forget()
    found = [side.next(stream), side.next(stream)]
    assert [event.type for event in found] == ["gap", "pipeline_status"]
    assert found[1].data.state == "error"


def test_filters_and_one_pipelines_events(side: Side, box: FakeFlex) -> None:
    box.add({"id": "cam2"})
    box.set_state("cam1", "playing")
    box.set_state("cam2", "playing")
    box.emit("pipeline_error", {"id": "cam2", "message": "x"})
    client = side.client(transport=box)
    box.script([box.hang_up] * 3)
    found = [
        side.all(client.pipelines.events("cam2", since=0, resume=False)),
        side.all(client.events.stream(types=["pipeline_error"], since=0, resume=False)),
        side.all(client.events.stream(pipeline_id=["cam1"], since=0, resume=False)),
    ]
    assert [[event.id for event in events] for events in found] == [[2, 3], [3], [1]]


# How they end


def closing(stream: Any) -> Any:
    return stream.close()


def test_close_from_elsewhere_ends_an_iteration_that_waits(side: Side, box: FakeFlex) -> None:
    stream = side.client(transport=box).events.stream()
    side.soon(lambda: closing(stream), lambda: box.readers == 1)
    assert side.all(stream) == []
    assert box.readers == 0
    assert side.all(stream) == [], "and it stays closed"


def test_close_ends_a_stream_that_waits_for_the_box_to_come_back(side: Side) -> None:
    box = FakeFlex(retry_ms=30_000)
    states: list[StreamState] = []
    stream = side.client(transport=box).events.stream(on_state=states.append)
    box.script([box.hang_up])
    side.soon(lambda: closing(stream), lambda: bool(states) and states[-1].kind == "stale")
    began = time.monotonic()
    assert side.all(stream) == []
    assert time.monotonic() - began < 10


def test_a_stream_that_was_never_read_closes(side: Side, box: FakeFlex) -> None:
    stream = side.client(transport=box).events.stream()
    side.do(stream.close())
    side.do(stream.close())
    assert side.all(stream) == []
    assert box.requests == []


def test_an_error_ends_the_iteration_for_good(side: Side, box: FakeFlex) -> None:
    box.refuse("UNAUTHORIZED")
    stream = side.client(transport=box).events.stream()
    with pytest.raises(errors.Unauthorized):
        side.next(stream)
    assert side.all(stream) == []


def test_a_with_block_lets_the_connection_go(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    box.set_state("cam1", "playing")
    if isinstance(side, AsyncSide):

        async def read() -> None:
            async with client.events.stream(since=0) as stream:
                assert (await anext(stream)).id == 1
                assert box.readers == 1

        side.do(read())
    else:
        with client.events.stream(since=0) as stream:
            assert next(stream).id == 1
            assert box.readers == 1
    assert box.readers == 0


def test_a_cancelled_read_loses_nothing() -> None:
    box = FakeFlex()
    box.add({"id": "cam1"})

    async def read() -> list[Any]:
        found: list[Any] = []
        async with AsyncFlexClient(transport=box) as client, client.events.stream() as stream:
            for number in range(5):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(stream), 0.01)
                box.set_state("cam1", "playing", str(number))
                found.append((await anext(stream)).data.reason)
            assert len(box.requests) == 1, "on one connection"
        return found

    assert asyncio.run(read()) == ["0", "1", "2", "3", "4"]


def test_two_tasks_cannot_read_one_stream() -> None:
    box = FakeFlex()

    async def read() -> None:
        async with AsyncFlexClient(transport=box) as client, client.events.stream() as stream:
            first = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task"):
                await anext(stream)
            await stream.aclose()
            with pytest.raises(StopAsyncIteration):
                await first

    asyncio.run(read())
