"""Cursor on Target for every playing pipeline: now, then at each interval, and once more when it is over."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from flexclient.models import State
from flexserver.announce import cot
from flexserver.announce.air import Air, find
from flexserver.events import Filter, Hub
from flexserver.pipelines import status
from flexserver.pipelines.service import Pipelines, Record

HEARD = frozenset({"pipeline_status", "pipeline_updated", "pipeline_deleted", "settings_changed"})
OVER = frozenset({State.READY, State.STOPPING, State.ERROR})
"""States that end an announcement. One that only reconnects keeps its marker, which fades by itself if that lasts."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to announce, and how often."""

    target: str
    """`host:port`."""
    interval: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What was last said of a pipeline; a feed of None: it is not announced."""

    feed: cot.Feed | None
    etag: str
    at: float


class Beacon:
    """Announces while it has a plan. All methods are for the event loop's thread."""

    def __init__(self, pipelines: Pipelines, hub: Hub, host: str, rtsp_port: int, box_id: str) -> None:
        """`host` is the address that the server listens on, `box_id` what makes the uids of this box its own."""
        self._pipelines, self._hub = pipelines, hub
        self._host, self._rtsp_port, self._box_id = host, rtsp_port, box_id
        self._plan: Plan | None = None
        self._told: dict[str, _Told] = {}
        self._task: asyncio.Task[None] | None = None
        self._air: Air | None = None
        self.problem: str | None = None
        """Why the last round did not reach the network, None where it did."""

    def follow(self, plan: Plan | None) -> None:
        """Do so from now on; None ends it with a last word about each pipeline."""
        before, self._plan = self._plan, plan
        if before and (plan is None or plan.target != before.target):
            self._end()
        if plan and self._task is None:
            self._task = asyncio.create_task(self._run())
            self._task.add_done_callback(self._died)

    def _end(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        self._send([cot.farewell(told.feed, _now()) for told in self._told.values() if told.feed])
        self._told.clear()
        self._air = self.problem = None

    def _died(self, task: asyncio.Task[None]) -> None:
        """A fault of ours ends the announcements, and nothing else."""
        if not task.cancelled() and (error := task.exception()):
            self.problem = f"a fault of the box: {error!r}"
            log.error("the announcements have failed", exc_info=error)

    async def _run(self) -> None:
        reader = self._hub.subscribe(Filter(HEARD), None)
        try:
            while plan := self._plan:
                if self._over() or self._due(plan):
                    await self._look(plan)
                    self._send(self._round(plan))
                await reader.take(self._rest(plan))
        finally:
            self._hub.unsubscribe(reader)

    async def _look(self, plan: Plan) -> None:
        """Find the way to the receivers, each time anew: networks come and go."""
        try:
            self._air = await asyncio.to_thread(find, plan.target, self._host)
        except OSError as error:
            self._air = None
            self._failed(plan.target, error)

    def _round(self, plan: Plan) -> list[bytes]:
        """What there is to say now."""
        now, said = _now(), [self._told.pop(name).feed for name in self._over()]
        datagrams = [cot.farewell(feed, now) for feed in said if feed]
        for record in self._due(plan):
            feed, old = self._feed(record), self._told.get(record.row.id)
            self._told[record.row.id] = _Told(feed, record.row.etag, time.monotonic())
            if old and old.feed and (feed is None or feed.uid != old.feed.uid):
                datagrams.append(cot.farewell(old.feed, now))
            if feed:
                datagrams.append(cot.event(feed, now, plan.interval))
        return datagrams

    def _feed(self, record: Record) -> cot.Feed | None:
        here = self._air.here if self._air else self._host
        fares = status.status(record, self._rtsp_port, f"[{here}]" if ":" in here else here)
        return cot.feed_of(record.spec, fares, self._box_id)

    def _over(self) -> list[str]:
        """Pipelines whose marker has to go."""
        records = {record.row.id: record for record in self._pipelines.all()}
        return [name for name in self._told if name not in records or records[name].runner.life.state in OVER]

    def _due(self, plan: Plan) -> list[Record]:
        """Pipelines that play and of which nothing was said, or something else, or nothing for an interval."""
        now = time.monotonic()

        def due(record: Record) -> bool:
            told = self._told.get(record.row.id)
            return told is None or told.etag != record.row.etag or now - told.at >= plan.interval

        playing = (record for record in self._pipelines.all() if record.runner.life.state == State.PLAYING)
        return [record for record in playing if due(record)]

    def _rest(self, plan: Plan) -> float:
        """Seconds to the next word that is due."""
        now = time.monotonic()
        return max(min((told.at for told in self._told.values()), default=now) + plan.interval - now, 0.05)

    def _send(self, datagrams: list[bytes]) -> None:
        if self._air is None or not datagrams:
            return
        try:
            self._air.send(datagrams)
        except OSError as error:
            self._failed(str(self._air.address[0]), error)
        else:
            if self.problem:
                log.info("announcements reach the network again")
            self.problem = None

    def _failed(self, target: str, error: OSError) -> None:
        """Tell it once; the next round tries again."""
        problem = f"nothing can be sent to {target}: {error.strerror or error}"
        if problem != self.problem:
            log.warning("announcements do not reach the network", extra={"fields": {"problem": problem}})
        self.problem = problem


def _now() -> datetime:
    return datetime.now(UTC)
