"""Many boxes at once: names, errors as values, one dead box, merged streams, closing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flexclient import AsyncFlexFleet, FlexClient, FlexFleet, errors
from flexclient.fleet import FleetItem
from flexclient.testing import FakeFlex
from tests.sdk.wire import Visit, Wire

NAMES = ["north", "east", "south"]


@pytest.fixture
def boxes() -> dict[str, FakeFlex]:
    made = {name: FakeFlex(retry_ms=1) for name in NAMES}
    for name, box in made.items():
        box.add({"id": name})
    return made


def options(boxes: dict[str, FakeFlex]) -> dict[str, Any]:
    return {name: {"url": f"https://{name}", "transport": box, "retries": 0} for name, box in boxes.items()}


class Sync:
    """`FlexFleet`."""

    def map(self, given: Any, work: Any, **more: Any) -> Any:
        with FlexFleet(given, at_once=more.pop("at_once", 16)) as fleet:
            return fleet.map(work, **more)

    def take(self, given: Any, opened: Any, enough: Any) -> list[FleetItem[Any]]:
        found: list[FleetItem[Any]] = []
        with FlexFleet(given) as fleet, fleet.stream(opened) as stream:
            for item in stream:
                found.append(item)
                if enough(found):
                    break
        return found


class Async:
    """`AsyncFlexFleet`."""

    def map(self, given: Any, work: Any, **more: Any) -> Any:
        async def run() -> Any:
            async with AsyncFlexFleet(given, at_once=more.pop("at_once", 16)) as fleet:
                return await fleet.map(work, **more)

        return asyncio.run(run())

    def take(self, given: Any, opened: Any, enough: Any) -> list[FleetItem[Any]]:
        async def run() -> list[FleetItem[Any]]:
            found: list[FleetItem[Any]] = []
            async with AsyncFlexFleet(given) as fleet:
                async for item in fleet.stream(opened):
                    found.append(item)
                    if enough(found):
                        break
            return found

        return asyncio.run(run())


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param()


def test_results_have_names_and_order_and_errors_are_values(kind: Any, boxes: dict[str, FakeFlex]) -> None:
    boxes["east"].go_down()
    boxes["south"].refuse("CONFLICT")
    found = kind.map(options(boxes), lambda box: box.pipelines.list())
    assert list(found) == NAMES
    assert [one.id for one in found["north"]] == ["north"]
    assert list(found.good) == ["north"]
    assert {name: type(error) for name, error in found.failed.items()} == {
        "east": errors.Unreachable, "south": errors.Conflict,
    }  # fmt: skip


def test_a_mistake_of_the_program_is_no_value(kind: Any, boxes: dict[str, FakeFlex]) -> None:
    def mistaken(box: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises((ZeroDivisionError, ExceptionGroup)):
        kind.map(options(boxes), mistaken)


def test_no_boxes(kind: Any) -> None:
    assert kind.map({}, lambda box: box.pipelines.list()) == {}
    assert kind.take({}, lambda box: box.watch(), lambda _: False) == []


def test_a_dead_box_costs_its_own_deadline(kind: Any, boxes: dict[str, FakeFlex]) -> None:
    def silent(visit: Visit) -> None:
        visit.over.wait(30)

    with Wire(silent) as wire:
        began = time.monotonic()
        found = kind.map({"dead": wire.url, **options(boxes)}, lambda box: box.system.version(), deadline=0.5)
        took = time.monotonic() - began
    assert isinstance(found["dead"], errors.CallTimeout)
    assert list(found.good) == NAMES
    assert took < 5


def test_no_more_than_so_many_at_once(boxes: dict[str, FakeFlex]) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work(client: FlexClient) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        both.wait(5)  # two are there together, or it breaks
        with lock:
            inside -= 1

    with FlexFleet({f"box{n}": "https://x" for n in range(6)}, at_once=2) as fleet:
        fleet.map(work)
    assert most == 2


def test_no_more_than_so_many_at_once_async() -> None:
    inside, most = 0, 0

    async def work(client: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0)
        inside -= 1

    Async().map({f"box{n}": "https://x" for n in range(6)}, work, at_once=2)
    assert most == 2


# Streams


def told(boxes: dict[str, FakeFlex], name: str, count: int) -> list[Any]:
    steps: list[Any] = []
    for number in range(count):
        steps.append(lambda number=number: boxes[name].emit("pipeline_deleted", {"id": f"{name}{number}"}))
        steps.append(boxes[name].hang_up if number % 2 else boxes[name].restart)
    return steps


def test_merged_streams_lose_and_double_nothing(kind: Any, boxes: dict[str, FakeFlex]) -> None:
    for name, box in boxes.items():
        box.script(told(boxes, name, 8))

    def deleted(found: list[FleetItem[Any]]) -> list[tuple[str, str]]:
        return [(one.box, one.item.data.id) for one in found if one.item and one.item.type == "pipeline_deleted"]

    found = kind.take(options(boxes), lambda box: box.events.stream(since=0), lambda found: len(deleted(found)) == 24)
    for name in NAMES:
        assert [gone for box, gone in deleted(found) if box == name] == [f"{name}{n}" for n in range(8)]


def test_a_box_that_is_off_is_told_once_and_joins_when_it_is_back(
    kind: Any, boxes: dict[str, FakeFlex], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flexclient._fleet_stream.LONGEST_RETRY", 0.01)
    boxes["east"].go_down()
    tries = 0

    def enough(found: list[FleetItem[Any]]) -> bool:
        nonlocal tries
        tries += 1
        if any(one.error for one in found):
            boxes["east"].come_up()
        return {one.box for one in found if one.item} == set(NAMES) and any(one.error for one in found)

    found = kind.take(options(boxes), lambda box: box.watch(), enough)
    assert [type(one.error) for one in found if one.error] == [errors.Unreachable]


def test_a_box_that_refuses_for_good_is_left_out_and_the_others_go_on(kind: Any, boxes: dict[str, FakeFlex]) -> None:
    boxes["east"].refuse("UNAUTHORIZED")
    for name in ("north", "south"):
        boxes[name].script([boxes[name].hang_up])
    found = kind.take(options(boxes), lambda box: box.events.stream(since=0, resume=False), lambda _: False)
    assert [(one.box, type(one.error)) for one in found] == [("east", errors.Unauthorized)]


def test_close_from_elsewhere_ends_the_iteration(boxes: dict[str, FakeFlex]) -> None:
    with FlexFleet(options(boxes)) as fleet:
        stream = fleet.events()
        ended = threading.Event()

        def read() -> None:
            list(stream)
            ended.set()

        thread = threading.Thread(target=read)
        thread.start()
        until = time.monotonic() + 10
        while sum(box.readers for box in boxes.values()) < 3:
            assert time.monotonic() < until
            time.sleep(0.005)
        stream.close()
        assert ended.wait(10)
        thread.join(10)
        assert sum(box.readers for box in boxes.values()) == 0
        assert list(stream) == []


def test_close_from_another_task_ends_the_iteration(boxes: dict[str, FakeFlex]) -> None:
    async def run() -> list[Any]:
        async with AsyncFlexFleet(options(boxes)) as fleet:
            stream = fleet.events()
            reading = asyncio.ensure_future(_all(stream))
            while sum(box.readers for box in boxes.values()) < 3:  # noqa: ASYNC110 - what it looks at is not asyncio's
                await asyncio.sleep(0)
            await stream.aclose()
            await stream.aclose()
            return [*await asyncio.wait_for(reading, 10), *await _all(stream)]

    async def _all(stream: Any) -> list[Any]:
        return [item async for item in stream]

    assert asyncio.run(run()) == []
    assert sum(box.readers for box in boxes.values()) == 0


def test_a_mistake_in_an_asynchronous_stream_is_raised(boxes: dict[str, FakeFlex]) -> None:
    def mistaken(box: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup):
        Async().take(options(boxes), mistaken, lambda _: False)


# What a fleet is made of


def test_names_of_addresses_and_the_mapping() -> None:
    with FlexFleet(["https://a:3539", "b", "http://[::1]:1"]) as fleet:
        assert list(fleet) == ["a:3539", "b", "[::1]:1"]
        assert fleet["b"].url == "https://b"
        assert "b" in fleet
        assert repr(fleet) == "<FlexFleet a:3539, b, [::1]:1>"


@pytest.mark.parametrize("bad", ["https://a", {"a": {}}, {"a": {"url": "x", "tokn": "SECRET"}}, {"a": "https://u:p@x"}])
def test_boxes_that_cannot_be(bad: Any) -> None:
    for fleet in (FlexFleet, AsyncFlexFleet):
        with pytest.raises(errors.UsageError) as caught:
            fleet(bad)
        assert "SECRET" not in str(caught.value)


def test_a_token_of_the_environment_goes_to_no_box(boxes: dict[str, FakeFlex], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_TOKEN", "of one box")
    monkeypatch.setenv("FLEX_API_KEY", "of one box")
    Sync().map(
        {**options(boxes), "north": {**options(boxes)["north"], "token": "its own"}}, lambda b: b.pipelines.list()
    )
    assert boxes["north"].requests[0].headers["authorization"] == "Bearer its own"
    assert not {"authorization", "x-api-key"} & set(boxes["east"].requests[0].headers)


CONTEXTS = """
current = "lab"
[contexts.lab]
url = "https://10.0.0.5:3539"
fingerprint = "FINGERPRINT"
token_command = "printf 'tok-1\\\\nmore'"
[contexts.roof]
url = "https://10.0.0.6:3539"
read_only = true
strange = 1
""".replace("FINGERPRINT", ":".join(["AA"] * 32))


def test_saved_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_CONFIG_DIR", str(tmp_path))
    with pytest.raises(errors.UsageError, match="no boxes are saved"):
        FlexFleet.from_contexts()
    (tmp_path / "contexts.toml").write_text(CONTEXTS)
    with FlexFleet.from_contexts() as fleet:
        assert {name: client.url for name, client in fleet.items()} == {
            "lab": "https://10.0.0.5:3539", "roof": "https://10.0.0.6:3539",
        }  # fmt: skip
        assert fleet["lab"]._settings.trust.fingerprint
        source = fleet["lab"]._settings.auth.source
        assert callable(source)
        assert source() == "tok-1"
        with pytest.raises(errors.UsageError, match="read_only"):
            fleet["roof"].pipelines.delete("x")
    assert list(FlexFleet.from_contexts("roof", file=tmp_path / "contexts.toml")) == ["roof"]
    with pytest.raises(errors.UsageError, match="no context 'nope'"):
        FlexFleet.from_contexts("nope")


def test_a_token_command_that_fails_tells_nothing_of_itself(tmp_path: Path) -> None:
    (tmp_path / "c").write_text('[contexts.a]\nurl = "https://a"\ntoken_command = "false --password SECRET"\n')
    with FlexFleet.from_contexts(file=os.fspath(tmp_path / "c")) as fleet:
        (error,) = fleet.map(lambda box: box.pipelines.list()).failed.values()
    assert isinstance(error, errors.UsageError)
    assert "SECRET" not in f"{error} {error.hint}"


@pytest.mark.parametrize("text", ["[", "contexts = 3", "[contexts.a]\nx = 1"])
def test_a_file_that_holds_no_contexts(tmp_path: Path, text: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(errors.UsageError, match="holds no contexts"):
        FlexFleet.from_contexts(file=tmp_path / "c")
