"""What the routes call: pipelines by their id, every change checked, stored and told in that order."""

# ruff: noqa: A001, A002 - what the API calls id and type is called so here

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakValueDictionary

from pydantic import ValidationError

from flexclient.models import ErrorCode, Order, PipelineSpec, Publisher
from flexserver.errors import Refusal, conflict, not_found
from flexserver.events import Hub
from flexserver.logs import stamp
from flexserver.media import graph
from flexserver.pipelines import documents, status
from flexserver.pipelines.cameras import Holders
from flexserver.pipelines.runner import Runner, codec_of
from flexserver.pipelines.supervisor import Supervisor
from flexserver.pipelines.waiting import overtaken, started, stopped
from flexserver.store import Row, Store, StoreError


@dataclass(slots=True)
class Record:
    """One pipeline: what is stored of it, and its run."""

    row: Row
    spec: PipelineSpec
    runner: Runner
    transient: bool = False
    """It is never stored: it goes with its publisher, or with the box."""
    publisher: Publisher | None = None
    """Who pushes its source to this box."""


class Pipelines:
    """All pipelines of the box. Changes of one pipeline take turns; different pipelines do not wait for each other."""

    def __init__(self, store: Store, hub: Hub, supervisor: Supervisor, rules: documents.Rules) -> None:
        self._store, self._hub, self._supervisor, self.rules = store, hub, supervisor, rules
        self._records: dict[str, Record] = {}
        self._mounts: dict[str, str] = {}
        self._cameras = Holders()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        supervisor.records = supervisor.seats.records = self._records
        hub.snapshot = self._snapshot

    def start(self, told: dict[str, str]) -> None:
        """Bring back what is stored, tell readers what they missed, and run what was ordered to run."""
        for row in self._store.load():
            spec = _restored(row)
            if mount := graph.mount_of(spec):
                self._mounts[mount] = row.id
            self._cameras.restore(row.id, spec)
            self._records[row.id] = Record(row, spec, self._supervisor.runner(spec))
        for id, record in self._records.items():
            if told.get(id) != record.row.etag:
                self._publish("pipeline_updated" if id in told else "pipeline_created", record)
        for gone in told.keys() - self._records.keys():
            self._publish_deleted(gone)
        for record in self._supervisor.seats.in_turn():
            record.runner.order(record.row.order)

    def all(self) -> list[Record]:
        """Every pipeline, by id."""
        return [self._records[id] for id in sorted(self._records)]

    def find(self, id: str) -> Record | None:
        """One pipeline, if it is there."""
        return self._records.get(id)

    def get(self, id: str) -> Record:
        """One pipeline. Raises `Refusal` (404)."""
        if record := self._records.get(id):
            return record
        raise not_found(f"the pipeline '{id}'", "GET /flex/pipeline lists those that do.")

    async def create(self, body: dict[str, Any], *, transient: bool = False) -> Record:
        """Store a new pipeline and start it where it is not on demand. Raises `Refusal`.

        A `transient` one is not stored, then or later, and it is not waited for.
        """
        spec = await self._read(body)
        async with self._turn(spec.id):
            if spec.id in self._records:
                hint = "PUT replaces it, PATCH changes it, DELETE makes room."
                raise conflict(f"there is a pipeline '{spec.id}' already", hint)
            now = stamp(time.time())
            order = documents.first_order(spec)
            row = Row(spec.id, documents.stored_json(spec), order, _etag(), now, now)
            with self._claimed(spec), self._seat(spec.id, plays=order == Order.PLAY):
                if not transient:
                    await self._store.save(row)
            record = self._records[spec.id] = Record(row, spec, self._supervisor.runner(spec), transient)
            self._publish("pipeline_created", record)
            record.runner.order(order)
        if not transient:
            await self._started(record)
        return record

    async def replace(self, id: str, body: dict[str, Any], if_match: str | None) -> tuple[Record, str]:
        """Put another pipeline in this one's place; returns how it was applied: `live`, `restart` or `stored`."""
        async with self._turn(id):
            spec = await self._read(documents.whole(body, id, self.get(id).spec))
            record = self._matching(id, if_match)
            reordered = spec.on_demand != record.spec.on_demand
            applied = await self._change(record, spec, reordered=reordered)
        await self._started(record)
        return record, applied

    async def patch(self, id: str, changes: dict[str, Any], if_match: str | None) -> tuple[Record, str]:
        """Change some fields (JSON merge patch); else as `replace`. Naming `on_demand` is an order, whatever it was."""
        async with self._turn(id):
            spec = await self._read(documents.merged(changes, self.get(id).spec))
            record = self._matching(id, if_match)
            applied = await self._change(record, spec, reordered="on_demand" in changes)
        await self._started(record)
        return record, applied

    async def delete(self, id: str, if_match: str | None) -> None:
        """Remove a pipeline; it is gone from the disk before its worker ends."""
        async with self._turn(id):
            record = self._matching(id, if_match)
            if not record.transient:
                await self._store.delete(id)
            del self._records[id]
            self._release(record.runner.mount, id)
            record.runner.deleted = True
            self._publish_deleted(id)
            await record.runner.close()
            self._cameras.release(id)  # not before: the worker has it open
            self._supervisor.seats.freed()

    async def order(self, id: str, order: Order, *, wait: bool = True) -> Record:
        """Play or stop; returns when it is so, or at once where nobody waits. Raises `Refusal`."""
        async with self._turn(id):
            record = self.get(id)
            if order == Order.PLAY:
                self._supervisor.seats.check_codec(record.runner.codec)
            with self._seat(id, plays=order == Order.PLAY):
                await self._ordered(record, order)
        if wait and order == Order.STOP:
            await stopped(record.runner)
        elif wait and not await self._started(record):
            raise overtaken(id, record.row.order)
        return record

    async def _ordered(self, record: Record, order: Order) -> None:
        if record.row.order != order:
            row = replace(record.row, order=order, etag=_etag(), updated_at=stamp(time.time()))
            await self._save(record, row)
            record.row = row
            self._publish("pipeline_updated", record)
        record.runner.order(order)

    async def close(self) -> None:
        """End every worker; what was ordered stays stored."""
        await asyncio.gather(*(record.runner.close() for record in self._records.values()))

    def kill(self) -> None:
        """End every worker at once."""
        for record in self._records.values():
            record.runner.kill()

    async def _read(self, body: dict[str, Any]) -> PipelineSpec:
        spec = documents.parse(body)
        self._supervisor.seats.check_codec(codec_of(spec))
        spec = documents.examine(spec, self.rules)
        await self._supervisor.check(spec)
        return spec

    async def _change(self, record: Record, spec: PipelineSpec, *, reordered: bool) -> str:
        order = documents.first_order(spec) if reordered else record.row.order
        text = documents.stored_json(spec)
        running = record.runner.running
        if (text, order) == (record.row.spec, record.row.order):
            return "live" if running else "stored"
        mount, old_mount = graph.mount_of(spec), record.runner.mount
        row = replace(record.row, spec=text, order=order, etag=_etag(), updated_at=stamp(time.time()))
        ordered = order != record.row.order
        with self._claimed(spec), self._seat(record.row.id, plays=ordered and order == Order.PLAY):
            await self._save(record, row)
        if old_mount != mount:
            self._release(old_mount, record.row.id)
        record.row, record.spec = row, spec
        live = running and await record.runner.adjust(spec)
        self._publish("pipeline_updated", record)
        if not live:
            record.runner.become(spec)
        if ordered:
            record.runner.order(order)
        return "live" if live else "restart" if running else "stored"

    async def _save(self, record: Record, row: Row) -> None:
        if not record.transient:
            await self._store.save(row)

    async def _started(self, record: Record) -> bool:
        """Wait until it plays where it is ordered to. False: another order came first. Raises `Refusal`."""
        return record.row.order != Order.PLAY or await started(record.runner, self._supervisor.start_timeout)

    def _matching(self, id: str, if_match: str | None) -> Record:
        """Asked last: a request that fails anyway fails for its own reason (RFC 9110, 13.2.1)."""
        record = self.get(id)
        if if_match is not None and if_match != "*" and quoted(record.row.etag) not in _tags(if_match):
            hint = "Read it again, look at what changed, and send the change with the new ETag."
            raise Refusal(ErrorCode.PRECONDITION_FAILED, f"the pipeline '{id}' was changed since you read it", hint)
        return record

    @asynccontextmanager
    async def _turn(self, id: str) -> AsyncIterator[None]:
        lock = self._locks.setdefault(id, asyncio.Lock())
        async with lock:
            yield

    @contextmanager
    def _claimed(self, spec: PipelineSpec) -> Iterator[None]:
        """The mount and the cameras for as long as the pipeline is stored. Raises `Refusal` (409)."""
        with _Claim(self._mounts, graph.mount_of(spec), spec.id), self._cameras.claimed(spec.id, spec):
            yield

    def _seat(self, id: str, *, plays: bool) -> AbstractContextManager[None]:
        """A seat for as long as the order is stored. Raises `Refusal` (402)."""
        return self._supervisor.seats.claim(id, plays=plays)

    def _release(self, mount: str | None, id: str) -> None:
        if mount and self._mounts.get(mount) == id:
            del self._mounts[mount]

    def _publish(self, kind: str, record: Record) -> None:
        data = status.pipeline(record).model_dump_json(exclude_unset=True).encode()
        self._hub.publish(kind, data, record.row.id, etag=record.row.etag)

    def _publish_deleted(self, id: str) -> None:
        self._hub.publish("pipeline_deleted", b'{"id":"%s"}' % id.encode(), id)

    def _snapshot(self) -> Iterator[tuple[str, bytes]]:
        port = self._supervisor.rtsp_port
        return ((record.row.id, status.status_event(record, port)) for record in self.all())


class _Claim:
    """A mount's name, taken before the disk knows and given back where the disk refuses."""

    def __init__(self, mounts: dict[str, str], mount: str | None, owner: str) -> None:
        self._mounts, self._mount, self._owner = mounts, mount, owner
        self._taken = False

    def __enter__(self) -> None:
        if self._mount is None:
            return
        holder = self._mounts.get(self._mount)
        if holder not in (None, self._owner):
            raise conflict(
                f"the mount '/{self._mount}' belongs to the pipeline '{holder}'", "Choose another output.uri."
            )
        self._taken = holder is None
        self._mounts[self._mount] = self._owner

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None and self._taken and self._mount:
            del self._mounts[self._mount]


def _restored(row: Row) -> PipelineSpec:
    try:
        return documents.from_store(row.spec)
    except ValidationError as error:
        raise StoreError(f"the stored pipeline '{row.id}' cannot be read: {error.errors()[0]['msg']}") from None


def quoted(etag: str) -> str:
    """An ETag as HTTP writes it."""
    return f'"{etag}"'


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]


def _etag() -> str:
    """A new name for a new version. Not a hash: that would say something about a password in the document."""
    return secrets.token_hex(8)
