"""The webhooks of a box without the box, and a clock that tests wind."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from flexclient.models import Delivery, Webhook
from flexserver.events import Filter, Hub
from flexserver.store import Store
from flexserver.webhooks import Webhooks
from flexserver.webhooks.courier import Clock
from flexserver.webhooks.sender import Sender

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Winder:
    """A clock that stands still until a test winds it."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0
        self._moved = asyncio.Event()
        self.clock = Clock(lambda: self.time, lambda: 0.0, self._news)

    async def _news(self, event: asyncio.Event, seconds: float) -> None:
        end = self.time + seconds
        while not event.is_set() and self.time < end:
            waits = [asyncio.ensure_future(one.wait()) for one in (event, self._moved)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waits:
                    one.cancel()

    def wind(self, seconds: float) -> None:
        self.time += seconds
        self._moved.set()
        self._moved = asyncio.Event()


async def until(done: Callable[[], Any], seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.005)
    return found


class Bench:
    """The webhooks of a box without the box."""

    def __init__(self, folder: Path, sender: Sender | None = None) -> None:
        self.store, self.hub = Store(folder / "flex.db"), Hub(folder / "events.db")
        self.hub.start()
        self.hub.snapshot = lambda: self.states.items()
        self.states: dict[str, bytes] = {}
        self.winder = Winder()
        self.hooks = Webhooks(self.store, self.hub, lambda: LOOPBACK, "box", sender=sender, clock=self.winder.clock)

    async def make(self, url: str, *events: str, **more: Any) -> Webhook:
        return await self.hooks.create({"url": url, "events": events or ("camera.added",), **more})

    def tell(self, name: str = "video0") -> None:
        self.hub.publish("camera_added", b'{"device_path":"/dev/%s"}' % name.encode())

    def play(self, state: str, pipeline: str = "cam1") -> None:
        data = b'{"id":"%s","state":"%s"}' % (pipeline.encode(), state.encode())
        self.states[pipeline] = data
        self.hub.publish("pipeline_status", data, pipeline)

    @property
    def marks(self) -> int:
        """Whether the place in the events is stored."""
        return int(self.store.read("SELECT count(*) FROM webhook_mark")[0][0])

    def deliveries(self, hook: Webhook) -> list[Delivery]:
        return self.hooks.deliveries(hook.id)

    def has(self, hook: Webhook, count: int) -> bool:
        return len(self.deliveries(hook)) == count

    def newest(self, hook: Webhook) -> Delivery:
        return self.deliveries(hook)[0]

    async def tried(self, hook: Webhook, times: int) -> Delivery:
        found: Delivery = await until(lambda: (all_ := self.deliveries(hook)) and all_[0].attempts == times and all_[0])
        return found

    async def told(self) -> list[dict[str, Any]]:
        """Every `webhook_failed` so far."""
        reader = self.hub.subscribe(Filter(frozenset({"webhook_failed"})), 0)
        frames = await reader.take(0.2)
        self.hub.unsubscribe(reader)
        return [json.loads(frame.data) for frame in frames]


@asynccontextmanager
async def bench(folder: Path, sender: Sender | None = None) -> AsyncIterator[Bench]:
    made = Bench(folder, sender)
    await made.hooks.start()
    try:
        yield made
    finally:
        await made.hooks.close()
        await made.hub.finish()
        made.store.close()
