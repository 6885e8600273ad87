"""The hub and its ring, without HTTP: ids, replay, gaps, bounds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flexserver import events, ring
from flexserver.events import Filter, Hub, Reader
from flexserver.ring import Frame

ALL = Filter()


@asynccontextmanager
async def hub_at(path: Path) -> AsyncIterator[Hub]:
    hub = Hub(path / "events.db")
    hub.start()
    try:
        yield hub
    finally:
        await hub.finish()


async def take(reader: Reader, count: int) -> list[Frame]:
    found: list[Frame] = []
    while len(found) < count:
        found += await asyncio.wait_for(reader.take(5.0), 6.0)
        assert found, "nothing came"
    return found


def publish(hub: Hub, names: Iterable[object]) -> None:
    for name in names:
        hub.publish("pipeline_status", b'{"id":"%s"}' % str(name).encode(), str(name))


async def test_ids_grow_over_restarts_and_crashes(tmp_path: Path) -> None:
    last = 0
    for _ in range(3):
        hub = Hub(tmp_path / "events.db")
        hub.start()
        reader = hub.subscribe(ALL, None)
        publish(hub, "abc")
        ids = [frame.id for frame in await take(reader, 3)]
        assert ids == sorted(set(ids))
        assert ids[0] > last
        last = ids[-1]
        # No finish(): what was delivered must be on disk already.
    async with hub_at(tmp_path) as hub:
        assert len(hub.subscribe(ALL, 0)._queue) == 9


async def test_resume_gives_exactly_what_was_missed(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        reader = hub.subscribe(ALL, None)
        publish(hub, "abcde")
        seen = await take(reader, 5)
    async with hub_at(tmp_path) as hub:
        resumed = hub.subscribe(ALL, seen[1].id)
        publish(hub, "f")
        assert [frame.pipeline for frame in await take(resumed, 4)] == ["c", "d", "e", "f"]


async def test_an_event_on_its_way_is_not_doubled(tmp_path: Path) -> None:
    """A list was answered after the event got its id and before it was delivered: `since` covers it."""
    async with hub_at(tmp_path) as hub:
        publish(hub, "a")
        reader = hub.subscribe(ALL, hub.newest)
        publish(hub, "b")
        assert [frame.pipeline for frame in await take(reader, 1)] == ["b"]


async def test_filters(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        mine = hub.subscribe(Filter(pipelines=frozenset("b")), None)
        typed = hub.subscribe(Filter(types=frozenset({"pipeline_deleted"})), None)
        publish(hub, "abc")
        hub.publish("pipeline_deleted", b'{"id":"c"}', "c")
        hub.close("test")
        assert [(f.type, f.pipeline) for f in await take(mine, 2)] == [("pipeline_status", "b"), ("bye", None)]
        assert [(f.type, f.pipeline) for f in await take(typed, 2)] == [("pipeline_deleted", "c"), ("bye", None)]


async def test_a_gap_when_the_ring_does_not_reach_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "RING_SIZE", 10)
    async with hub_at(tmp_path) as hub:
        hub.snapshot = lambda: [("a", b'{"id":"a"}'), ("b", b'{"id":"b"}')]
        watcher = hub.subscribe(ALL, None)
        publish(hub, range(30))
        last = (await take(watcher, 30))[-1].id
        assert [f.type for f in await take(hub.subscribe(ALL, last - 10), 10)] == ["pipeline_status"] * 10
        frames = await take(hub.subscribe(ALL, last - 11), 3)
        assert b"does not remember back to there" in frames[0].data
        assert [(f.type, f.pipeline) for f in frames] == [
            ("gap", None), ("pipeline_status", "a"), ("pipeline_status", "b"),
        ]  # fmt: skip
        assert [f.id for f in frames] == [last - 11, last - 11, last], "cut off before its end, the gap must come again"


async def test_a_gap_for_an_id_from_elsewhere_then_it_goes_on(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        publish(hub, "a")
        reader = hub.subscribe(ALL, 10**12)
        gap = (await take(reader, 1))[0]
        assert gap.type == "gap"
        assert b"ahead of this box" in gap.data
        publish(hub, "b")
        assert [f.pipeline for f in await take(reader, 1)] == ["b"]


async def test_the_gap_survives_a_restart_of_a_trimmed_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (events, ring):
        monkeypatch.setattr(module, "RING_SIZE", 10)
    monkeypatch.setattr(ring, "BLOCK", 5)
    async with hub_at(tmp_path) as hub:
        watcher = hub.subscribe(ALL, None)
        last = 0
        for number in range(40):  # one by one: the file is trimmed once a block
            publish(hub, [number])
            last = (await take(watcher, 1))[-1].id
    rows = sqlite3.connect(tmp_path / "events.db").execute("SELECT count(*) FROM events").fetchone()[0]
    assert rows <= 16
    async with hub_at(tmp_path) as hub:
        assert [f.type for f in await take(hub.subscribe(ALL, 1), 1)] == ["gap"]
        assert len(await take(hub.subscribe(ALL, last - 3), 3)) == 3


async def test_what_is_not_kept_is_not_replayed_and_leaves_no_gap(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        reader = hub.subscribe(ALL, None)
        hub.publish("pipeline_status", b"{}", "tick", keep=False)
        publish(hub, "a")
        tick, kept = await take(reader, 2)
        again = hub.subscribe(ALL, tick.id - 1)
        assert [f.id for f in await take(again, 1)] == [kept.id]


async def test_a_reader_that_does_not_read_is_bounded_and_told(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        hub.snapshot = lambda: [("a", b'{"id":"a"}')]
        slow, quick = hub.subscribe(ALL, None), hub.subscribe(ALL, None)
        got = 0
        for _ in range(30):
            publish(hub, range(100))
            got += len(await take(quick, 100))
            assert len(slow._queue) <= events.MAX_EVENTS + 1
        assert got == 3000, "the slow one held up the quick one"
        frames = await take(slow, 2)
        assert [f.type for f in frames] == ["gap", "pipeline_status"]
        assert frames[-1].id == hub.newest
        publish(hub, "z")
        assert [f.pipeline for f in await take(slow, 1)] == ["z"]


async def test_a_reader_is_bounded_in_bytes(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        slow, quick = hub.subscribe(ALL, None), hub.subscribe(ALL, None)
        for _ in range(10):
            hub.publish("pipeline_status", b'{"x":"%s"}' % (b"x" * 1_000_000), "a")
            await take(quick, 1)
        assert slow._bytes <= events.MAX_BYTES
        assert [f.type for f in await take(slow, 1)] == ["gap"]


async def test_bye_is_last_even_for_a_reader_in_a_gap(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        lost = hub.subscribe(ALL, 10**12)
        hub.close("shutdown")
        hub.publish("pipeline_status", b"{}", "late")
        assert [f.type for f in await take(lost, 2)] == ["gap", "bye"]


async def test_a_damaged_ring_begins_anew_above_every_old_id(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        publish(hub, "a")
        old = hub.newest
    (tmp_path / "events.db").write_bytes(b"rubbish" * 1000)
    async with hub_at(tmp_path) as hub:
        assert hub.newest > old + 10**6
        assert (tmp_path / "events.db.damaged").exists()
        assert [f.type for f in await take(hub.subscribe(ALL, old), 1)] == ["gap"]


async def test_a_full_disk_costs_memory_of_events_and_nothing_else(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        reader = hub.subscribe(ALL, None)
        publish(hub, "a")
        before = (await take(reader, 1))[-1].id
        hub._disk._database.execute(f"PRAGMA max_page_count={5}")
        hub.publish("pipeline_status", b'{"x":"%s"}' % (b"x" * 1_000_000), "b")
        assert [f.pipeline for f in await take(reader, 1)] == ["b"]
        assert hub.problem
        hub._disk._database.execute("PRAGMA max_page_count=1000000")
        publish(hub, "c")
        lost = (await take(reader, 1))[-1].id - 1
        assert hub.problem is None
    async with hub_at(tmp_path) as hub:
        assert [f.type for f in await take(hub.subscribe(ALL, before), 1)] == ["gap"], "the hole was not told"
        assert [f.pipeline for f in await take(hub.subscribe(ALL, lost), 1)] == ["c"]


async def test_what_readers_were_told_is_remembered(tmp_path: Path) -> None:
    async with hub_at(tmp_path) as hub:
        hub.publish("pipeline_created", b"{}", "a", etag="1")
        hub.publish("pipeline_created", b"{}", "b", etag="1")
        hub.publish("pipeline_updated", b"{}", "a", etag="2")
        hub.publish("pipeline_deleted", b"{}", "b")
    hub = Hub(tmp_path / "events.db")
    assert hub.start() == {"a": "2"}
    await hub.finish()
