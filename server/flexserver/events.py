"""What happens, told to everybody who listens.

Every event gets an id that only grows, across restarts and crashes too. An event is on disk before the first reader
sees it, so nobody ever knows more than the ring does. Readers are bounded: who does not read loses his own queue.
"""

# ruff: noqa: A002 - what the API calls id and type is called so here

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from flexserver.ring import RING_SIZE, Frame, Ring

MAX_EVENTS = 1_000
MAX_BYTES = 4 * 1024 * 1024
MAX_READERS = 256

CONTROL = frozenset({"gap", "bye"})
"""Events about the stream itself: no filter holds them back."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader wants; None means all."""

    types: frozenset[str] | None = None
    pipelines: frozenset[str] | None = None
    passing: bool = True
    """Also what is not kept: statistics. Who goes without is a part of the box, and counts as no reader."""

    def passes(self, frame: Frame) -> bool:
        """Whether the reader gets this one."""
        if frame.type in CONTROL:
            return True
        typed = (self.types is None or frame.type in self.types) and (frame.keep or self.passing)
        return typed and (self.pipelines is None or frame.pipeline in self.pipelines)


class Hub:
    """Takes events, keeps the newest, hands them on. All methods are for the event loop's thread."""

    def __init__(self, path: Path) -> None:
        """Opens the ring in `path`."""
        self.snapshot: Callable[[], Iterable[tuple[str, bytes]]] = tuple
        """(pipeline, status as JSON) of every pipeline as it is now; set by who knows."""
        self._disk = Ring(path)
        self._ring: deque[Frame] = deque()
        self._floor = self._disk.floor
        """Every kept event above this id is in the ring."""
        self._keep(self._disk.frames)
        self.newest = self._disk.newest
        """The highest id given out."""
        self.told: Counter[str] = Counter()
        """How many events of each type there were since the start."""
        self._readers: set[Reader] = set()
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="events", daemon=True)

    def start(self) -> dict[str, str]:
        """Begin to deliver on the running loop. Returns what readers were last told: pipeline -> ETag."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self._disk.told

    @property
    def problem(self) -> str | None:
        """Why events are not kept on disk at the moment, if so."""
        return self._disk.problem

    @property
    def listened(self) -> bool:
        """Whether anybody reads what is not kept."""
        return self.readers > 0

    def publish(
        self,
        type: str,
        data: bytes,
        pipeline: str | None = None,
        *,
        etag: str | None = None,
        keep: bool = True,
    ) -> None:
        """Tell everybody. `keep=False` is for what only matters now: it is not replayed.

        `etag` marks the version of a pipeline that its readers know from here on.
        """
        if self._closing and type != "bye":
            return
        self.newest += 1
        self.told[type] += 1
        self._queue.put(Frame(self.newest, type, pipeline, data, keep, etag))

    def subscribe(self, wanted: Filter, since: int | None) -> Reader:
        """A reader of what comes, and of what came after `since`."""
        reader = Reader(self, wanted, self.newest if since is None else min(since, self.newest))
        if since is not None:
            if since > self.newest:
                reader.lose("the id is ahead of this box: it was reset, or the id is not from here")
            elif since < self._floor:
                reader.lose("the box does not remember back to there")
            else:
                reader.replay(frame for frame in self._ring if frame.id > since)
        self._readers.add(reader)
        return reader

    def unsubscribe(self, reader: Reader) -> None:
        """Forget a reader."""
        self._readers.discard(reader)

    @property
    def readers(self) -> int:
        """How many read."""
        return sum(reader.passing for reader in self._readers)

    @property
    def kept(self) -> int:
        """How many events can be replayed."""
        return len(self._ring)

    def full(self) -> bool:
        """Whether there are as many readers as the box serves."""
        return self.readers >= MAX_READERS

    def close(self, reason: str) -> None:
        """Say `bye` to every reader; nothing is published after it."""
        if not self._closing:
            self._closing = True
            self.publish("bye", b'{"reason":"%s"}' % reason.encode(), keep=False)

    async def finish(self) -> None:
        """Write what is queued and close the ring."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._disk.close()

    def _keep(self, frames: Iterable[Frame]) -> None:
        self._ring.extend(frames)
        while len(self._ring) > RING_SIZE:
            self._floor = self._ring.popleft().id

    def _write(self) -> None:
        assert self._loop is not None  # noqa: S101  started
        open_ = True
        while open_:
            batch = [self._queue.get()]
            while not self._queue.empty():
                batch.append(self._queue.get())
            open_ = None not in batch
            frames = [frame for frame in batch if frame is not None]
            self._disk.add(frames)
            if open_:
                self._loop.call_soon_threadsafe(self._deliver, frames)

    def _deliver(self, frames: list[Frame]) -> None:
        self._keep(frame for frame in frames if frame.keep)
        for reader in self._readers:
            for frame in frames:
                reader.offer(frame)


class Reader:
    """One listener's queue, bounded: on overflow it is dropped and the reader gets a `gap` and a snapshot instead."""

    def __init__(self, hub: Hub, wanted: Filter, after: int) -> None:
        self._hub, self._wanted = hub, wanted
        self._after = after
        """Everything up to this id is known to the reader or told otherwise."""
        self._queue: deque[Frame] = deque()
        self._bytes = 0
        self._events_room, self._bytes_room = MAX_EVENTS, MAX_BYTES
        self._lost: str | None = None
        self.passing = wanted.passing
        """Whether statistics are for it, too."""
        self._ended: str | None = None
        self._news = asyncio.Event()

    def replay(self, frames: Iterable[Frame]) -> None:
        """Begin with these: they are the ring's own, so they cost nothing and do not count."""
        for frame in frames:
            self._take_in(frame)
        self._events_room += len(self._queue)
        self._bytes_room += self._bytes

    def lose(self, reason: str) -> None:
        """Give up the queue: the next thing to read is a gap."""
        self._queue.clear()
        self._bytes = 0
        self._lost = reason
        self._news.set()

    def offer(self, frame: Frame) -> None:
        """One more event."""
        if self._ended is not None or (self._lost is not None and frame.type != "bye"):
            return  # nobody reads it; or the snapshot will hold it
        self._take_in(frame)
        if len(self._queue) > self._events_room or self._bytes > self._bytes_room:
            self.lose("the reader was too slow")

    def end(self, reason: str) -> None:
        """Nothing more comes: what waits is still read, and after it `bye`."""
        self._ended = reason
        self._news.set()

    def _take_in(self, frame: Frame) -> None:
        if (frame.id > self._after or frame.type == "bye") and self._wanted.passes(frame):
            self._queue.append(frame)
            self._bytes += len(frame.data)
            self._news.set()

    async def take(self, seconds: float) -> list[Frame]:
        """Everything that waits; empty after `seconds` without news."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        frames = self._gap(self._lost) if self._lost is not None else []
        frames += self._queue
        self._queue.clear()
        self._bytes = 0
        self._events_room, self._bytes_room = MAX_EVENTS, MAX_BYTES
        if frames:
            self._after = max(self._after, frames[-1].id)
        if self._ended is not None:
            frames.append(Frame(self._after, "bye", None, b'{"reason":"%s"}' % self._ended.encode(), keep=False))
        return frames

    def _gap(self, reason: str) -> list[Frame]:
        """The gap and the state of everything. Only the last has the new id: cut off before it, the gap comes again."""
        since, newest = min(self._after, self._hub.newest), self._hub.newest
        told = Frame(since, "gap", None, b'{"since":%d,"reason":"%s"}' % (since, reason.encode()))
        states = (Frame(since, "pipeline_status", name, data) for name, data in self._hub.snapshot())
        frames = [told, *filter(self._wanted.passes, states)]
        frames[-1] = replace(frames[-1], id=newest)
        self._after, self._lost = newest, None
        return frames
