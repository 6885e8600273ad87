"""The event side of the fake box: a ring of events, and the streams that read it, for threads and for asyncio."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from flexclient._http import AsyncByteStream, SyncByteStream

RING = 1000


@dataclass(frozen=True)
class Told:
    """One event that the box told."""

    id: int
    type: str
    data: dict[str, Any]

    def text(self, *, with_id: bool) -> str:
        """As it goes over the wire."""
        mark = f"id: {self.id}\n" if with_id else ""
        return f"{mark}event: {self.type}\ndata: {json.dumps(self.data)}\n\n"


@dataclass(frozen=True)
class Wanted:
    """What one reader asked for."""

    types: Collection[str] = ()
    pipelines: Collection[str] = ()

    def __contains__(self, event: Told) -> bool:
        if event.type in {"gap", "bye"}:
            return True
        type_fits = not self.types or event.type in self.types
        return type_fits and (not self.pipelines or event.data.get("id") in self.pipelines)


class Feed(SyncByteStream, AsyncByteStream):
    """The body of one open event stream. `idle` is called when its reader has read all there is."""

    def __init__(self, wanted: Wanted, idle: Callable[[], bool], gone: Callable[[Feed], None]) -> None:
        self.wanted = wanted
        self.token: str | None = None
        """What the reader showed."""
        self._idle, self._gone = idle, gone
        self._chunks: deque[bytes | None] = deque()
        self._changed = threading.Condition()
        self._wake: Callable[[], object] | None = None

    def put(self, chunk: bytes | None) -> None:
        """Send more; None ends it."""
        with self._changed:
            self._chunks.append(chunk)
            self._changed.notify_all()
            if self._wake is not None:
                self._wake()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            while not self._chunks and self._idle():
                pass
            with self._changed:
                self._changed.wait_for(lambda: self._chunks)
                chunk = self._chunks.popleft()
            if chunk is None:
                return
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import asyncio

        loop, more = asyncio.get_running_loop(), asyncio.Event()
        with self._changed:
            self._wake = lambda: loop.call_soon_threadsafe(more.set)
        while True:
            while not self._chunks and self._idle():
                pass
            more.clear()
            if not self._chunks:
                await more.wait()
                continue
            chunk = self._chunks.popleft()
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        """End it from the reader's side."""
        self._gone(self)
        self.put(None)

    async def aclose(self) -> None:
        """End it from the reader's side."""
        self._wake = None
        self.close()


@dataclass
class Ring:
    """The last events, and who listens. Without `ids` nothing can be asked for again."""

    ids: bool = True
    retry_ms: int = 10
    head: int = 0
    kept: deque[Told] = field(default_factory=lambda: deque(maxlen=RING))
    feeds: list[Feed] = field(default_factory=list)
    script: deque[Callable[[], object]] = field(default_factory=deque)

    def tell(self, type: str, data: dict[str, Any]) -> int:  # noqa: A002 - the API's word
        """Append an event and send it to who wants it; its id."""
        self.head += 1
        event = Told(self.head, type, data)
        self.kept.append(event)
        for feed in list(self.feeds):
            if event in feed.wanted:
                self.send(feed, event)
        return self.head

    def send(self, feed: Feed, event: Told) -> None:
        """Send one event to one reader."""
        feed.put(event.text(with_id=self.ids).encode())

    def listen(self, wanted: Wanted, since: int | None, snapshot: list[dict[str, Any]]) -> Feed:
        """A new reader: what it missed, or a gap and a snapshot where that is forgotten."""
        feed = Feed(wanted, self._idle, self._gone)
        feed.put(f"retry: {self.retry_ms}\n\n".encode())
        if since is not None and self.ids:
            for event in self._after(since, snapshot):
                if event in wanted:
                    self.send(feed, event)
        self.feeds.append(feed)
        return feed

    def _after(self, since: int, snapshot: list[dict[str, Any]]) -> list[Told]:
        oldest = self.kept[0].id if self.kept else self.head + 1
        if oldest - 1 <= since <= self.head:
            return [event for event in self.kept if event.id > since]
        gap = Told(self.head, "gap", {"since": since})
        return [gap, *(Told(self.head, "pipeline_status", status) for status in snapshot)]

    def end(self) -> None:
        """End every stream without a word."""
        for feed in list(self.feeds):
            feed.put(None)
        self.feeds.clear()

    def part(self, feeds: Collection[Feed], reason: str) -> None:
        """End these streams with `bye`."""
        for feed in feeds:
            self.send(feed, Told(self.head, "bye", {"reason": reason}))
            feed.put(None)
            self._gone(feed)

    def _idle(self) -> bool:
        """A reader has nothing left: do the next step of the script, if there is one."""
        if not self.script:
            return False
        self.script.popleft()()
        return True

    def _gone(self, feed: Feed) -> None:
        if feed in self.feeds:
            self.feeds.remove(feed)
