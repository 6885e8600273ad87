"""The queue and its couriers with a clock that tests wind: pauses of hours take no time."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from flexserver.errors import Refusal
from flexserver.events import Hub
from flexserver.store import Store
from flexserver.webhooks import courier, queue
from flexserver.webhooks.verdict import MAX_ATTEMPTS, PAUSES
from tests.support.receiver import Receiver
from tests.support.webhook_bench import bench, until


async def test_a_message_that_fails_is_tried_again_for_three_days_and_then_given_up(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.usual = 500
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell()
            for attempt, pause in enumerate(PAUSES, 1):
                seen = await box.tried(hook, attempt)
                assert (seen.state, seen.status, seen.error) == ("pending", 500, "the receiver answered 500")
                assert seen.next_attempt_at is not None
                assert seen.last_attempt_at is not None
                assert (seen.next_attempt_at - seen.last_attempt_at).total_seconds() == pause
                left = pause - 0.5
                while left > 0:  # in steps: a courier looks up now and then, and not too early
                    box.winder.wind(min(left, 3600))
                    left -= 3600
                await asyncio.sleep(0)
                assert len(receiver.got) == attempt
                box.winder.wind(0.6)
            seen = await box.tried(hook, MAX_ATTEMPTS)
            assert (seen.state, seen.next_attempt_at) == ("failed", None)
            (told,) = await box.told()
            assert told == {
                "webhook_id": hook.id,
                "url": receiver.url.removesuffix("/hook"),
                "event": "camera.added",
                "message": "the receiver answered 500",
                "attempts": MAX_ATTEMPTS,
                "disabled": False,
            }
        assert len({got.id for got in receiver.got}) == 1, "the same id at each try"
        assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == MAX_ATTEMPTS
        assert len({got.headers["webhook-signature"] for got in receiver.got}) == MAX_ATTEMPTS


async def test_a_message_behind_one_that_failed_does_not_wait_for_it(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers.append(500)
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            for name in ("a", "b", "c"):
                box.tell(name)
            await until(lambda: len(receiver.got) == 3)
            box.winder.wind(PAUSES[0])
            await until(lambda: len(receiver.got) == 4)
            paths = [got.json["data"]["device_path"] for got in receiver.got]
            assert paths == ["/dev/a", "/dev/b", "/dev/c", "/dev/a"]
            await until(lambda: all(one.state == "delivered" for one in box.deliveries(hook)))


async def test_410_switches_the_webhook_off(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers += [500, 410]
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell("a")
            await box.tried(hook, 1)
            box.tell("b")
            (shown,) = await until(lambda: [one for one in box.hooks.all() if one.disabled_at])
            assert shown.disabled_reason == "the receiver answered 410: it wants no more"
            assert [one.state for one in box.deliveries(hook)] == ["failed", "failed"], "what waited is cancelled"
            (told,) = await box.told()
            assert (told["webhook_id"], told["disabled"]) == (hook.id, True)
            other = await box.make(receiver.url)
            box.tell("c")
            await box.tried(other, 1)
            assert len(box.deliveries(hook)) == 2, "it is told nothing more"
        async with bench(tmp_path) as box:
            assert [bool(one.disabled_at) for one in box.hooks.all()] == [True, False]
            tested = await box.hooks.test(hook.id)
            assert (tested.state, tested.status) == ("delivered", 204), "a test goes out all the same"


async def test_a_receiver_that_asks_for_time_gets_it(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers.append((503, {"Retry-After": "90"}))
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell()
            seen = await box.tried(hook, 1)
            assert seen.next_attempt_at is not None
            assert seen.last_attempt_at is not None
            assert (seen.next_attempt_at - seen.last_attempt_at).total_seconds() == 90


async def test_too_many_messages_drop_the_oldest_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_PENDING", 3)
    with Receiver() as receiver:
        receiver.hang()
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            for number in range(6):
                box.tell(f"video{number}")
                await until(partial(box.has, hook, number + 1))
            states = [one.state for one in box.deliveries(hook)]
            assert states == ["pending"] * 3 + ["failed"] * 3
            assert "dropped" in str(box.deliveries(hook)[-1].error)
            told = await box.told()
            assert [one["message"] for one in told] == ["the oldest message was dropped: more than 3 waited"] * 3
            receiver.let_go()
            await until(lambda: len(receiver.got) == 4)
            paths = [got.json["data"]["device_path"] for got in receiver.got]
            assert paths == ["/dev/video0", "/dev/video3", "/dev/video4", "/dev/video5"], "0 was on its way"


async def test_only_the_newest_messages_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_DONE", 5)
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            for number in range(12):
                box.tell(f"video{number}")
            await until(lambda: len(receiver.got) == 12)
            await until(lambda: len(box.deliveries(hook)) == 5)
            assert {one.id for one in box.deliveries(hook)} == {got.id for got in receiver.got[-5:]}


async def test_deleting_a_webhook_cancels_what_waits(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.hang()
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell("a")
            box.tell("b")
            await until(lambda: len(receiver.got) == 1)
            await box.hooks.delete(hook.id)
            with pytest.raises(Refusal, match="NOT_FOUND"):
                box.hooks.deliveries(hook.id)
            receiver.let_go()
            box.winder.wind(PAUSES[0])
        assert Store(tmp_path / "flex.db").read("SELECT count(*) FROM webhook_queue")[0][0] == 0
        assert len(receiver.got) == 1


async def test_nothing_is_lost_or_told_twice_over_restarts(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url, "pipeline.started", "pipeline.stopped", "camera.added")
            box.play("playing")
            await until(lambda: receiver.types == ["pipeline.started"])
        hub = Hub(tmp_path / "events.db")  # events that nobody turned into messages before the box died
        hub.start()
        hub.publish("camera_added", b'{"device_path":"/dev/video1"}')
        hub.publish("pipeline_status", b'{"id":"cam2","state":"playing"}', "cam2")
        await hub.finish()
        wanted = ["pipeline.started", "camera.added", "pipeline.started", "pipeline.stopped", "pipeline.stopped"]
        async with bench(tmp_path) as box:
            await until(lambda: len(receiver.got) == 5)
            assert receiver.types == wanted
            assert receiver.got[-1].json["data"]["reason"] == "the box was restarted"
            box.play("playing")
            await until(lambda: len(receiver.got) == 6)
        async with bench(tmp_path) as box:
            await until(lambda: len(receiver.got) == 7)
            await until(lambda: all(one.state == "delivered" for one in box.deliveries(hook)))
        assert receiver.types[5:] == ["pipeline.started", "pipeline.stopped"]
        assert len({got.id for got in receiver.got}) == 7


async def test_pauses_outlive_a_restart(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers.append(500)
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell()
            due = (await box.tried(hook, 1)).next_attempt_at
        async with bench(tmp_path) as box:
            assert box.newest(hook).next_attempt_at == due
            box.winder.wind(PAUSES[0])
            assert (await box.tried(hook, 2)).state == "delivered"


async def test_a_time_of_day_that_jumps_back_keeps_nothing_waiting(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver.answers.append(500)
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            box.tell()
            await box.tried(hook, 1)
        async with bench(tmp_path) as box:
            box.winder.time -= 365 * 86400
            box.tell()
            await until(lambda: len(receiver.got) == 3)


async def test_events_that_were_lost_are_made_up_for(tmp_path: Path) -> None:
    """The reader falls so far behind that it gets a gap and how things are now."""
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            await box.make(receiver.url, "pipeline.started", "pipeline.stopped")
            box.play("playing", "a")
            box.play("playing", "b")
            await until(lambda: len(receiver.got) == 2)
            reader = box.hooks._reader
            assert reader is not None
            box.states = {"b": b'{"id":"b","state":"ready"}', "c": b'{"id":"c","state":"playing"}'}
            reader.lose("the reader was too slow")
            await until(lambda: len(receiver.got) == 5)
            told = [(got.type, got.json["data"]["id"]) for got in receiver.got[2:]]
            assert told == [("pipeline.stopped", "a"), ("pipeline.stopped", "b"), ("pipeline.started", "c")]


async def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "STORE_PAUSE", 0.01)
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            pages = box.store.read("PRAGMA page_count")[0][0]
            await box.store.run(lambda db: db.execute(f"PRAGMA max_page_count={pages}").close())
            big = "x" * 50_000
            box.tell(big)
            await until(lambda: box.store.problem)
            with pytest.raises(Refusal, match="INSUFFICIENT_STORAGE"):
                await box.make(receiver.url, headers={f"X-{n}": "y" * 1024 for n in range(10)})
            assert [one.id for one in box.hooks.all()] == [hook.id]
            await box.store.run(lambda db: db.execute("PRAGMA max_page_count=1000000").close())
            await until(lambda: len(receiver.got) == 1)
            assert (await box.tried(hook, 1)).state == "delivered"


async def test_a_webhook_hears_what_comes_after_it_was_made(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            box.tell("before")
            await until(lambda: box.hub._ring)
            await box.make(receiver.url)
            box.tell("after")
            await until(lambda: receiver.got)
            assert [got.json["data"]["device_path"] for got in receiver.got] == ["/dev/after"]


async def test_an_event_that_nobody_understands_keeps_no_other_from_being_told(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            await box.make(receiver.url, "pipeline.started")
            box.hub.publish("pipeline_status", b'{"id":"cam1"}', "cam1")
            box.hub.publish("pipeline_status", b"no JSON", "cam1")
            box.play("playing")
            await until(lambda: receiver.types == ["pipeline.started"])


async def test_a_store_that_cannot_be_read_for_once_ends_no_courier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            await box.make(receiver.url)
            with monkeypatch.context() as broken:
                failed = asyncio.Event()

                def fail(*_: object) -> None:
                    failed.set()
                    raise sqlite3.OperationalError("disk I/O error")

                broken.setattr(queue, "next_item", fail)
                box.tell("a")
                await asyncio.wait_for(failed.wait(), 5)
            assert receiver.got == []
            box.winder.wind(courier.LOOK_AGAIN)
            await until(lambda: len(receiver.got) == 1)


async def test_without_webhooks_nothing_is_stored_and_the_first_one_knows_what_runs(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            box.play("playing")
            box.tell()
            await until(lambda: box.hooks._memory)
            assert box.marks == 0
            first = await box.make(receiver.url, "pipeline.started", "pipeline.stopped")
            assert box.marks == 1
            box.play("ready")
            await until(lambda: receiver.types == ["pipeline.stopped"])
            await box.hooks.delete(first.id)
            assert box.marks == 0
            box.play("playing")
            await until(lambda: box.hooks._memory)
            assert box.marks == 0
            await box.make(receiver.url, "pipeline.started", "pipeline.stopped")
        async with bench(tmp_path) as box:  # it died while the pipeline ran
            await until(lambda: receiver.types == ["pipeline.stopped"] * 2)
