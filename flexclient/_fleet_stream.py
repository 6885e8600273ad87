"""The streams of many boxes as one: each is read by a thread or a task of its own, and tried until it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from flexclient._merge import WAITING, Merge
from flexclient._resume import LONGEST_RETRY, passing
from flexclient.errors import FlexError

if TYPE_CHECKING:
    import asyncio

    from flexclient._stream import AsyncEventStream, EventStream
    from flexclient.client import AsyncFlexClient, FlexClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FleetItem(Generic[T]):
    """One item of the merged streams: `item`, or the `error` that keeps a box from sending any."""

    box: str
    """Which box."""
    item: T | None = None
    error: FlexError | None = None


class FleetStream(Generic[T]):
    """The streams of many boxes as one, for `for` and `with`. `close` may be called from any thread."""

    def __init__(self, clients: Mapping[str, FlexClient], opened: Callable[[FlexClient], EventStream[T]]) -> None:
        self._clients, self._opened = clients, opened
        self._merge: Merge[FleetItem[T]] = Merge(len(clients))
        self._streams: dict[str, EventStream[T]] = {}
        self._threads: list[threading.Thread] = []
        self._guard = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FleetItem[T]:
        self._start()
        if (item := self._merge.take()) is None:
            self.close()
            raise StopIteration
        return item

    def _start(self) -> None:
        with self._guard:
            if self._threads or self._merge.closed.is_set():
                return
            for name, client in self._clients.items():
                self._threads.append(threading.Thread(target=self._pump, args=(name, client), daemon=True))
                self._threads[-1].start()

    def _pump(self, name: str, client: FlexClient) -> None:
        told = False
        try:
            while (stream := self._open(name, client)) is not None:
                try:
                    for item in stream:
                        self._merge.put(FleetItem(name, item))
                        told = False
                    return
                except FlexError as error:
                    if not told:
                        self._merge.put(FleetItem(name, error=error))
                    told = True
                    if not passing(error):
                        return
                self._merge.closed.wait(LONGEST_RETRY)
        finally:
            self._merge.done()

    def _open(self, name: str, client: FlexClient) -> EventStream[T] | None:
        with self._guard:  # a stream that `close` does not see would never end
            if self._merge.closed.is_set():
                return None
            stream = self._streams[name] = self._opened(client)
            return stream

    def close(self) -> None:
        """End every stream, and the iteration with it. Closing twice is no harm."""
        self._merge.close()
        with self._guard:
            streams = list(self._streams.values())
        for stream in streams:
            stream.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(LONGEST_RETRY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncFleetStream(Generic[T]):
    """The streams of many boxes as one, for `async for` and `async with`. `aclose` may be called from any task."""

    def __init__(
        self, clients: Mapping[str, AsyncFlexClient], opened: Callable[[AsyncFlexClient], AsyncEventStream[T]]
    ) -> None:
        self._clients, self._opened = clients, opened
        self._merged: asyncio.Queue[FleetItem[T] | None]
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FleetItem[T]:
        if self._closed:
            raise StopAsyncIteration
        if self._task is None:
            import asyncio

            self._merged = asyncio.Queue(WAITING)
            self._task = asyncio.create_task(self._pumps())
        if (item := await self._merged.get()) is not None:
            return item
        if not self._closed:
            self._closed = True
            await self._task  # what was the program's own mistake is raised here
        raise StopAsyncIteration

    async def _pumps(self) -> None:
        import asyncio

        try:
            async with asyncio.TaskGroup() as group:
                for name, client in self._clients.items():
                    group.create_task(self._pump(name, client))
        except Exception:  # it is raised to the reader, once what came before is read
            await self._merged.put(None)
            raise
        await self._merged.put(None)

    async def _pump(self, name: str, client: AsyncFlexClient) -> None:
        import asyncio

        told = False
        while True:
            async with self._opened(client) as stream:
                try:
                    async for item in stream:
                        await self._merged.put(FleetItem(name, item))
                        told = False
                    return
                except FlexError as error:
                    if not told:
                        await self._merged.put(FleetItem(name, error=error))
                    told = True
                    if not passing(error):
                        return
            await asyncio.sleep(LONGEST_RETRY)

    async def aclose(self) -> None:
        """End every stream, and the iteration with it. Closing twice is no harm."""
        import asyncio

        already, self._closed = self._closed, True
        if self._task is None or already:
            return
        self._task.cancel()
        await asyncio.wait({self._task})
        while not self._merged.empty():
            self._merged.get_nowait()
        self._merged.put_nowait(None)  # for a reader that waits

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
