"""What another media server says of its publishers: publish makes or plays a pipeline, unpublish takes it away.

Nobody waits for a picture: a hook holds its media server up. Saying something twice is like saying it once. Hooks of
one path may come in the wrong order, as when a publisher takes another's place: an unpublish right after a second
publish is looked at again a little later, and holds only where the stream is really gone.
"""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from flexclient.models import Order, State, TriggerAction
from flexserver.errors import Refusal, conflict, not_found
from flexserver.ingress import names
from flexserver.ingress.turns import Turns
from flexserver.pipelines.service import Pipelines, Record

LATE_SECONDS = 2.0
"""An unpublish that comes so soon after a repeated publish may be of the publisher before."""
LOOK_SECONDS = 5.0
"""When such an unpublish is looked at again: a source that is gone is noticed by then."""

log = logging.getLogger(__name__)


class Triggers:
    """`box.ingress.triggers`."""

    def __init__(self, pipelines: Pipelines, turns: Turns, port: Callable[[], int]) -> None:
        """`port` says where the media server serves RTSP on this machine."""
        self._pipelines, self._turns, self._port = pipelines, turns, port
        self._repeated: dict[str, float] = {}
        """When a pipeline that was there was published again."""
        self._looking: set[asyncio.Task[None]] = set()

    async def publish(self, path: str | None, id: str | None) -> tuple[str, TriggerAction]:
        """A stream is there: play its pipeline, made where there is none. Raises `Refusal`."""
        name, source = self._named(path, id)
        async with self._turns.of(name):
            record = self._pipelines.find(name)
            if record is None and source is None:
                hint = "GET /flex/pipeline lists those that do; with path= a pipeline is made."
                raise not_found(f"the pipeline '{name}'", hint)
            if record is None:
                await self._pipelines.create(names.body(name, source or ""), transient=True)
            else:
                _check(record, source, chosen=id is not None)
                self._repeated[name] = time.monotonic()
                await self._pipelines.order(name, Order.PLAY, wait=False)
        return name, TriggerAction.PLAY

    async def unpublish(self, path: str | None, id: str | None) -> tuple[str, TriggerAction]:
        """A stream is gone: take its pipeline away, or stop it where it is stored. Raises `Refusal`."""
        name, source = self._named(path, id)
        async with self._turns.of(name):
            record = self._pipelines.find(name)
            if record is None or not _follows(record, source, chosen=id is not None):
                return name, TriggerAction.STOP
            if record.transient and time.monotonic() - self._repeated.get(name, -LATE_SECONDS) < LATE_SECONDS:
                self._look_later(record)
                return name, TriggerAction.PLAY
            await self._end(record)
        return name, TriggerAction.STOP

    def close(self) -> None:
        """Look at nothing any more."""
        for task in self._looking:
            task.cancel()

    def _named(self, path: str | None, id: str | None) -> tuple[str, str | None]:
        """The pipeline's id, and its source's address where a path says it."""
        if path is None:
            return id or "", None
        cleaned = names.clean(path)
        return id or names.id_of(cleaned), names.address(cleaned, self._port())

    async def _end(self, record: Record) -> None:
        self._repeated.pop(record.row.id, None)
        if record.transient:
            await self._pipelines.delete(record.row.id, None)
        else:
            await self._pipelines.order(record.row.id, Order.STOP, wait=False)

    def _look_later(self, record: Record) -> None:
        task = asyncio.create_task(self._look(record))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, record: Record) -> None:
        await asyncio.sleep(LOOK_SECONDS)
        async with self._turns.of(record.row.id):
            here = self._pipelines.find(record.row.id) is record
            if here and record.row.order == Order.PLAY and record.runner.life.state != State.PLAYING:
                log.info("a late unpublish holds", extra={"fields": {"pipeline": record.row.id}})
                try:
                    await self._end(record)
                except Refusal:
                    log.exception("a pipeline could not be taken away")


def _follows(record: Record, source: str | None, *, chosen: bool) -> bool:
    """Whether the pipeline is the one that the trigger means: it was named, or it reads this very stream."""
    if chosen and not record.transient:
        return True
    return source is None or (record.spec.source is not None and record.spec.source.uri == source)


def _check(record: Record, source: str | None, *, chosen: bool) -> None:
    if _follows(record, source, chosen=chosen):
        return
    id = record.row.id
    if record.transient:
        raise conflict(f"the pipeline '{id}' belongs to another published path", "Choose an id with pipelineId=.")
    raise conflict(f"there is a stored pipeline '{id}', and it reads something else", f"pipelineId={id} plays it.")
