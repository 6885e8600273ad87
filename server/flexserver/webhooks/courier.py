"""Delivers the messages of one webhook, one after the other: a slow receiver delays nobody but itself.

What is due longest goes first, so messages arrive in the order of events as long as they arrive at the first try. One
that fails is tried again at its own times, and those behind it do not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from flexserver.errors import Refusal
from flexserver.logs import stamp
from flexserver.store import Job, Store
from flexserver.webhooks import documents, queue
from flexserver.webhooks.queue import Item, Row
from flexserver.webhooks.sender import Sender
from flexserver.webhooks.targets import read_url
from flexserver.webhooks.verdict import LONGEST, Outcome, Verdict, judge

STORE_PAUSE = 1.0
"""Seconds until a change is offered again to a disk that is full."""
LOOK_AGAIN = 60.0
"""Longest sleep, seconds: the time of day may jump."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance. Tests put others here."""

    now: Callable[[], float] = time.time
    """The time of day, seconds since 1970: pauses outlive a restart."""
    luck: Callable[[], float] = random.random
    news: Callable[[asyncio.Event, float], Awaitable[None]] = field(default_factory=lambda: _news)
    """Wait until the event is set, or so many seconds have passed."""


async def _news(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


Failed: TypeAlias = Callable[[Row, str, Item | None, bool], None]
"""Told of what was given up: webhook, why, message, and whether the webhook is switched off."""


async def durably(store: Store, job: Job) -> None:
    """Store a change, however long the disk is full."""
    told = False
    while True:
        try:
            return await store.run(job)
        except Refusal as refusal:
            if not told:
                log.error("webhooks wait for the disk", extra={"fields": {"cause": refusal.message}})
            told = True
            await asyncio.sleep(STORE_PAUSE)


class Courier:
    """The messages of one webhook."""

    def __init__(self, row: Row, store: Store, sender: Sender, clock: Clock, failed: Failed) -> None:
        self.row = row
        self._store, self._sender, self._clock, self._failed = store, sender, clock, failed
        self._target = read_url(row.url)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to deliver."""
        if self.row.disabled_at is None:
            self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There is a new message."""
        self._wake.set()

    async def close(self, seconds: float = 0.0) -> None:
        """End; a try that is under way may take so many seconds more."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def test(self) -> Item:
        """Send a message that says nothing, at once and once; how that went. It is not kept."""
        now = self._clock.now()
        item = documents.item(self.row.id, documents.TEST, {"webhook_id": self.row.id}, now)
        outcome = await self._send(item)
        return self._after(item, outcome, Verdict("given up" if outcome.error else "delivered"))

    async def _run(self) -> None:
        while not self._closing and self.row.disabled_at is None:
            self._wake.clear()
            item = self._next()
            wait = LOOK_AGAIN if item is None else item.next_at - self._clock.now()
            if 0 < wait <= LONGEST:
                await self._clock.news(self._wake, min(wait, LOOK_AGAIN))
            elif item is not None:  # due, or further off than any pause: the time of day was another one then
                await self._try(item)

    def _next(self) -> Item | None:
        try:
            return queue.next_item(self._store, self.row.id)
        except sqlite3.Error as error:
            log.error("a webhook's messages cannot be read", extra={"fields": {"cause": str(error)}})
            return None

    async def _try(self, item: Item) -> None:
        outcome = await self._send(item)
        verdict = judge(outcome, item.attempts + 1, self._clock.luck())
        tried = self._after(item, outcome, verdict)
        row = self.row
        if verdict.kind == "gone":
            row = replace(row, disabled_at=stamp(self._clock.now()), disabled_reason=outcome.error)
        await durably(self._store, queue.tried(tried, row if row is not self.row else None))
        self.row = row
        _note(tried)
        if verdict.kind in {"given up", "gone"}:
            self._failed(row, outcome.error or "", tried, verdict.kind == "gone")

    async def _send(self, item: Item) -> Outcome:
        headers = documents.headers(self.row, item, self._clock.now())
        return await self._sender.post(self._target, headers, item.body.encode())

    def _after(self, item: Item, outcome: Outcome, verdict: Verdict) -> Item:
        """The message after a try."""
        now = self._clock.now()
        tried = replace(
            item,
            attempts=item.attempts + 1,
            last_at=now,
            status=outcome.status,
            seconds=outcome.seconds,
            error=outcome.error,
        )
        if verdict.kind == "again":
            return replace(tried, next_at=now + verdict.pause)
        return queue.through(tried, "delivered" if verdict.kind == "delivered" else "failed")


def _note(item: Item) -> None:
    fields = {
        "webhook": item.webhook,
        "event": item.event,
        "message_id": item.id,
        "state": item.state,
        "attempts": item.attempts,
        "status": item.status,
        "error": item.error,
    }
    told = {name: value for name, value in fields.items() if value is not None}
    log.log(logging.WARNING if item.error else logging.DEBUG, "webhook", extra={"fields": told})
