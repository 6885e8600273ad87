"""The SDK and the real server, over HTTPS."""

from __future__ import annotations

from typing import Any

import pytest

from flexclient import Change, FlexClient, errors
from tests.sdk.harness import Side
from tests.support.fixtures import BoxFactory

SPEC = {"source": {"uri": "test://ball"}, "output": {"uri": "udp://127.0.0.1:9"}}


def test_the_box_keeps_what_the_box_in_memory_promises(side: Side, box_factory: BoxFactory) -> None:
    box = box_factory()
    client = side.client(url=box.url, ca_file=box.ca_file)
    assert side.do(client.system.health()).parts["api"].status == "ok"
    assert side.do(client.system.openapi())["openapi"].startswith("3.1")
    made = side.do(client.pipelines.create.raw({"id": "cam1", **SPEC}))
    assert (made.status, made.data.state, made.data.order) == (201, "ready", "armed")
    read = side.do(client.pipelines.get.raw("cam1"))
    assert (read.data, read.etag) == (made.data, made.etag)
    changed = side.do(client.pipelines.patch.raw("cam1", {"metadata": {"a": "b"}}, if_match=read.etag))
    assert (changed.data.metadata, changed.applied) == ({"a": "b"}, "stored")
    with pytest.raises(errors.PreconditionFailed):
        side.do(client.pipelines.delete("cam1", if_match=read.etag))
    with pytest.raises(errors.Conflict):
        side.do(client.pipelines.snapshot("cam1"))
    for strange in ("..", "ü", "a?b"):
        with pytest.raises((errors.NotFound, errors.ValidationError_)):
            side.do(client.pipelines.get(strange))
    with pytest.raises(errors.ValidationError_) as caught:
        side.do(client.pipelines.create({"id": "b", "encoding": {"bitrate": 0}, "typo": 1}))
    assert {detail.field for detail in caught.value.details} == {"encoding.bitrate", "typo"}
    assert [found.id for found in side.do(client.pipelines.list())] == ["cam1"]
    side.do(client.pipelines.delete("cam1"))


def test_a_watch_over_a_restart_and_a_kill_sees_every_event_once(side: Side, box_factory: BoxFactory) -> None:
    box = box_factory()
    watch = side.client(url=box.url, fingerprint=box.fingerprint).watch_pipelines()
    other = FlexClient(url=box.url, fingerprint=box.fingerprint)
    changes: list[Change] = []

    def until(found: Any) -> None:
        while not found(changes[-1] if changes else None):
            changes.append(side.next(watch))

    until(lambda change: change and change.kind == "live")
    for number, end in enumerate((box.stop, box.kill)):
        other.pipelines.create({"id": f"before{number}", **SPEC, "output": {"uri": f"udp://127.0.0.1:{number + 9}"}})
        until(lambda change, number=number: f"before{number}" in change.pipelines)
        end()
        until(lambda change: change.kind == "stale")
        box.start()
        other.pipelines.delete(f"before{number}")
        until(lambda change, number=number: f"before{number}" not in change.pipelines)
    side.do(watch.close())

    seen = [change.event for change in changes if change.event]
    numbers = [event.id or 0 for event in seen]
    assert numbers == sorted(set(numbers))
    kept = [(event.id, event.type) for event in seen if event.type in {"pipeline_created", "pipeline_deleted"}]
    assert kept == told_by(other)
    assert [change.kind for change in changes].count("sync") == 1, "nothing had to be read again"
    other.close()


def told_by(client: FlexClient) -> list[tuple[int | None, str]]:
    """Everything that the box remembers, read at once."""
    told: list[tuple[int | None, str]] = []
    types = ["pipeline_created", "pipeline_deleted"]
    with client.events.stream(types=types, since=0, resume=False) as stream:
        for event in stream:
            told.append((event.id, event.type))
            if len(told) == 4:
                return told
    return told
