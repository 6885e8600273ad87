"""What the routes call, and the ear: hears the box's events and queues what webhooks are told of them.

How far the events were heard, what is known of the pipelines and the messages made of both are stored together: after
a crash the events are heard again from there, and nothing is lost or told twice.
"""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from flexclient.models import Delivery, Webhook
from flexserver.errors import conflict, not_found
from flexserver.events import Filter, Hub, Reader
from flexserver.ring import Frame
from flexserver.store import Store
from flexserver.webhooks import documents, queue
from flexserver.webhooks.courier import Clock, Courier, durably
from flexserver.webhooks.derive import HEARD, RESTARTED, Memory, News, derive, ended
from flexserver.webhooks.queue import Item, Row
from flexserver.webhooks.sender import Forbidden, Sender
from flexserver.webhooks.targets import Network

MAX_WEBHOOKS = 32
CLOSE_SECONDS = 1.0
"""Tries under way may take so long when the box shuts down."""
LISTEN_SECONDS = 3600.0

log = logging.getLogger(__name__)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that the settings name."""
    return tuple(ip_network(text, strict=False) for text in texts)


class Webhooks:
    """All webhooks of the box."""

    def __init__(
        self, store: Store, hub: Hub, allowed: Callable[[], Sequence[Network]], host: str,
        *, sender: Sender | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        """`allowed`: the networks that are not public and may be sent to; `host`: the box's name in addresses."""
        self._store, self._hub, self._host = store, hub, host
        self._sender, self._clock = sender or Sender(allowed), clock or Clock()
        self._couriers: dict[str, Courier] = {}
        self._position = hub.newest
        """Up to which event the box was heard."""
        self._memory: Memory = {}
        self._reader: Reader | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Hear what happened until the box ended, then go on. For the start, before any pipeline tells anything."""
        rows, mark = queue.load(self._store)
        if rows and mark:
            self._position, self._memory = mark
        for row in rows:
            self._couriers[row.id] = self._courier(row)
        self._reader = self._hub.subscribe(Filter(HEARD, passing=False), self._position)
        missed = await self._reader.take(0)
        self._listening = asyncio.create_task(self._listen(missed, self._hub.newest))
        for courier in self._couriers.values():
            courier.start()

    def all(self) -> list[Webhook]:
        """Every webhook as it is answered, the oldest first."""
        return [documents.webhook(courier.row) for courier in self._couriers.values()]

    async def create(self, body: Mapping[str, Any]) -> Webhook:
        """Make a webhook; the answer has its secret. Raises `Refusal`."""
        spec, target = documents.read(body)
        try:
            await self._sender.check(target)
        except Forbidden as reason:
            raise documents.forbidden(str(reason)) from None
        if len(self._couriers) >= MAX_WEBHOOKS:
            raise conflict(f"the box has {MAX_WEBHOOKS} webhooks already", "DELETE one that is not needed any more.")
        row = documents.made(spec, self._hub.newest, self._clock.now())
        courier = self._couriers[row.id] = self._courier(row)
        try:
            await self._store.run(queue.added(row, self._position, self._memory))
        except BaseException:
            del self._couriers[row.id]
            raise
        courier.start()
        return documents.webhook(row, secret=True)

    async def delete(self, id: str) -> None:
        """Forget a webhook and what waits for it. Raises `Refusal`."""
        courier = self._find(id)
        await self._store.run(queue.removed(id))
        self._couriers.pop(id, None)
        await courier.close()

    async def test(self, id: str) -> Delivery:
        """Send a test message now; how that went. Raises `Refusal`."""
        return documents.delivery(await self._find(id).test())

    def deliveries(self, id: str) -> list[Delivery]:
        """The newest messages of a webhook. Raises `Refusal`."""
        return [documents.delivery(item) for item in queue.newest(self._store, self._find(id).row.id)]

    async def close(self) -> None:
        """End, in a second or so; what waits goes on after the next start."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._reader is not None:
            self._hub.unsubscribe(self._reader)
        await asyncio.gather(*(courier.close(CLOSE_SECONDS) for courier in self._couriers.values()))

    def _find(self, id: str) -> Courier:
        if courier := self._couriers.get(id):
            return courier
        raise not_found(f"the webhook '{id}'", "GET /flex/webhooks lists those that do.")

    def _courier(self, row: Row) -> Courier:
        return Courier(row, self._store, self._sender, self._clock, self._on_failed)

    def _on_failed(self, row: Row, message: str, item: Item | None, disabled: bool) -> None:
        self._hub.publish("webhook_failed", documents.failed(row, message, item, disabled=disabled))

    async def _listen(self, missed: list[Frame], newest: int) -> None:
        """`newest`: the last event of the box's life before this one. What ran then has ended."""
        assert self._reader is not None  # noqa: S101  started
        memory, news = self._heard(missed)
        memory, stopped = ended(memory, reason=RESTARTED)
        await self._keep(newest, memory, [*news, *((newest, one) for one in stopped)])
        while True:
            if frames := await self._reader.take(LISTEN_SECONDS):
                memory, news = self._heard(frames)
                await self._keep(frames[-1].id, memory, news)

    def _heard(self, frames: Iterable[Frame]) -> tuple[Memory, list[tuple[int, News]]]:
        """What is known after these events, and their news with the number of the event."""
        memory, found = self._memory, list[tuple[int, News]]()
        for frame in frames:
            try:
                memory, news = self._after(memory, frame)
            except (
                ValueError,
                KeyError,
                TypeError,
            ):  # one event that nobody understands keeps no other from being told
                log.exception("an event says nothing to webhooks", extra={"fields": {"event": frame.type}})
                continue
            found += ((frame.id, one) for one in news)
        return memory, found

    def _after(self, memory: Memory, frame: Frame) -> tuple[Memory, tuple[News, ...]]:
        if frame.type == "gap":
            return ended(memory, [id for id, _ in self._hub.snapshot()])
        return derive(memory, frame, self._host)

    async def _keep(self, position: int, memory: Memory, news: Sequence[tuple[int, News]]) -> None:
        """Store what was heard, and wake who has something to deliver. Where nobody waits for it or nothing is new,
        nothing is stored: hearing it again would come to nothing again.
        """
        now = self._clock.now()
        items = [
            documents.item(courier.row.id, one.event, one.data, now, one.at)
            for id, one in news
            for courier in self._couriers.values()
            if one.event in courier.row.events and id > courier.row.since and courier.row.disabled_at is None
        ]
        dropped: dict[str, int] = {}
        if self._couriers and (items or memory != self._memory):
            await durably(self._store, queue.heard(position, memory, items, dropped))
        self._position, self._memory = position, memory
        for webhook in {item.webhook for item in items}:
            if courier := self._couriers.get(webhook):
                courier.wake()
                if count := dropped.get(webhook):
                    self._on_failed(courier.row, _dropped(count), None, disabled=False)


def _dropped(count: int) -> str:
    what = "the oldest message was" if count == 1 else f"the {count} oldest messages were"
    return f"{what} dropped: more than {queue.MAX_PENDING} waited"
