"""All runs together: makes runners, judges their workers, and turns what they tell into events."""

# ruff: noqa: A001 - what the API calls id and type is called so here

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from flexclient.models import Mode, PipelineSpec
from flexserver import protocol
from flexserver.config import Config
from flexserver.devices.nodes import device_of
from flexserver.errors import invalid_field
from flexserver.events import Hub
from flexserver.media import graph
from flexserver.media.sources import camera_of
from flexserver.pipelines import documents, grabs, status
from flexserver.pipelines.cameras import cameras_of
from flexserver.pipelines.engine import Engine
from flexserver.pipelines.lifecycle import Fault, Hurried, Policy
from flexserver.pipelines.runner import Runner, Told
from flexserver.pipelines.seats import Seats
from flexserver.pipelines.waiting import code_of

if TYPE_CHECKING:
    from flexserver.pipelines.service import Record

TICK = 0.05
"""Seconds between two statistics events, whatever their pipelines: 20 a second altogether."""
ONCE = 0.9
"""Seconds between two statistics events of one pipeline, at least: once a second, give or take a heartbeat's jitter."""
LOOK_EVERY = 10
"""Ticks between two rounds of the watchdog."""

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps every pipeline as it was ordered."""

    def __init__(self, config: Config, engine: Engine, hub: Hub, roots: documents.Rules) -> None:
        self.records: dict[str, Record] = {}
        self.start_timeout = config.start_timeout
        self._engine, self._hub, self._rules = engine, hub, roots
        self._policy = replace(Policy(), start=max(Policy().start, config.start_timeout))
        self._where = graph.Where(
            rtsp_host=config.host,
            rtsp_port=engine.front.port,
            media_roots=tuple(map(str, roots.media_roots)),
            advanced_elements=graph.ADVANCED_ELEMENTS + config.advanced_elements,
        )
        self.seats = Seats()
        self.camera_caps: Callable[[str], str | None] = lambda _: None
        """How the camera at a path runs best. Raises LookupError where it is not there; set by who knows."""
        self._fresh: dict[str, None] = {}
        """Pipelines with new statistics that nobody was told yet, oldest first."""
        engine.front.on_readers = self._on_readers

    @property
    def rtsp_port(self) -> int:
        """The port that RTSP is served on."""
        return self._engine.front.port

    def runner(self, spec: PipelineSpec) -> Runner:
        """A run for this pipeline, not ordered to do anything yet."""
        return Runner(spec, self._engine, self._policy, self._plan, self._on_told, self._on_fresh, self.seats.held)

    async def check(self, spec: PipelineSpec) -> None:
        """Look at an advanced pipeline's launch line before it is stored. Raises `Refusal`."""
        if spec.mode != Mode.ADVANCED:
            return
        if fault := await self._engine.fault_of(graph.build(spec, self._where)):
            hint = "A box started with --advanced-element NAME allows one element more."
            raise invalid_field("raw_pipeline", fault, hint if fault.startswith("element ") else None)

    async def watch(self) -> None:
        """Judge the workers and tell statistics, for ever."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK)
            ticks += 1
            if self._fresh and self._hub.listened:
                self._tell_statistics()
            if ticks % LOOK_EVERY == 0:
                now = time.monotonic()
                for record in list(self.records.values()):
                    record.runner.look(now)

    def _plan(self, spec: PipelineSpec) -> graph.Graph | Fault:
        """The graph to run, or why there is none now: files are looked at again each time."""
        if problem := self._engine.gstreamer.problem:
            return Fault("media", problem)
        for fault in documents.file_faults(spec, self._rules.media_roots):
            return Fault("source", fault.message)
        try:
            return graph.build(spec, self.where(spec))
        except LookupError as error:
            return Fault("source", str(error))
        except ValueError as error:
            return Fault("graph", str(error))

    def where(self, spec: PipelineSpec) -> graph.Where:
        """What the box decides of a pipeline's graph. Raises LookupError where its camera is not there."""
        if spec.source is None or spec.source.caps or (path := camera_of(spec.source.uri)) is None:
            return self._where
        return replace(self._where, camera_caps=self.camera_caps(path))

    def camera_came(self, device: str) -> None:
        """Whoever waits for this camera need not wait any longer."""
        for record in self.records.values():
            if any(device_of(path) == device for _, path in cameras_of(record.spec)):
                record.runner.happen(Hurried())

    def _on_readers(self, message: protocol.Readers) -> None:
        for record in self.records.values():
            if record.runner.mount == message.name:
                record.runner.watched(message.count, wanted=message.wanted)

    def _on_fresh(self, runner: Runner) -> None:
        now = time.monotonic()
        if runner.on_air and now - runner.ticked_at >= ONCE:
            runner.ticked_at = now
            self._fresh[runner.spec.id] = None

    def _on_told(self, runner: Runner, told: Told) -> None:
        record = self.records.get(runner.spec.id)
        if record is None or record.runner is not runner:
            return
        if told.fault:
            log.warning(
                "pipeline failed",
                extra={"fields": {"pipeline": record.row.id, "part": told.fault.part, "cause": told.fault.message}},
            )
            data = status.error_event(record, code_of(told.fault).value, told.fault.part, told.fault.message)
            self._hub.publish("pipeline_error", data, record.row.id)
        elif told.grabbed:
            data = grabs.file_of(record.row.id, told.grabbed).model_dump_json(exclude_none=True).encode()
            self._hub.publish("framegrab_created", data, record.row.id)
        else:
            self._publish_status(record, keep=True)
            self.seats.freed()

    def _tell_statistics(self) -> None:
        id = next(iter(self._fresh))
        del self._fresh[id]
        if (record := self.records.get(id)) and record.runner.on_air:
            self._publish_status(record, keep=False)

    def _publish_status(self, record: Record, *, keep: bool) -> None:
        data = status.status_event(record, self.rtsp_port)
        self._hub.publish("pipeline_status", data, record.row.id, etag=record.row.etag if keep else None, keep=keep)
