"""Streams that a program iterates over: the only place that reads one. What to do next is thought out elsewhere
(`_resume`, `_watch`), once for both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from flexclient._call import Flow, Open, Pause, Read, Step
from flexclient._engine import AsyncEngine, SyncEngine, adrive, drive
from flexclient._resume import StreamState
from flexclient.errors import FlexError

if TYPE_CHECKING:
    import asyncio

    from flexclient._http import AsyncChannel, SyncChannel

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OnState = Callable[[StreamState], object]


class Source(Protocol[T_co]):
    """Where a stream's items come from, as steps."""

    def next(self) -> Flow[T_co | StreamState | None]:
        """The next item, a change of the connection, or None at the end."""
        ...


class _Closed(Exception):
    """The stream was closed while it waited."""


class EventStream(Generic[T]):
    """A stream of the box, for `for` and `with`. It opens when it is first read, and again by itself when it is lost.

    `close` may be called from any thread, and ends an iteration that waits in another one.
    """

    def __init__(self, engine: SyncEngine, source: Source[T], on_state: OnState | None = None) -> None:
        self._engine, self._source, self._on_state = engine, source, on_state
        self._channel: SyncChannel | None = None
        self._closed = threading.Event()
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._reading:
            try:
                while not self._closed.is_set():
                    item = drive(self._source.next(), self._do)
                    if item is None:
                        break
                    if not isinstance(item, StreamState):
                        return item
                    if self._on_state is not None:
                        self._on_state(item)
            except _Closed:
                pass
            except FlexError:
                self._closed.set()
                self._let_go()
                raise
            self._closed.set()
            self._let_go()
            raise StopIteration

    def _do(self, step: Step) -> Any:
        if self._closed.is_set():
            raise _Closed
        if isinstance(step, Read):
            return self._read()
        if isinstance(step, Open):
            self._let_go()
            self._channel = self._engine.open(step)
            return None
        if isinstance(step, Pause):
            return self._closed.wait(step.seconds)
        return self._engine.send(step)

    def _read(self) -> Any:
        assert self._channel is not None, "a stream is read after it was opened"  # noqa: S101 - held by its source
        try:
            return self._channel.read()
        except FlexError:
            if self._closed.is_set():
                raise _Closed from None
            raise

    def _let_go(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def close(self) -> None:
        """End the stream, and the iteration with it. Closing twice is no harm."""
        self._closed.set()
        if self._reading.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._reading.release()
        elif (channel := self._channel) is not None:
            channel.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncEventStream(Generic[T]):
    """A stream of the box, for `async for` and `async with`. It opens when it is first read, and again by itself when
    it is lost.

    `aclose` may be called from any task, and ends an iteration that waits in another one. A read that is cancelled, by
    `asyncio.wait_for` for example, loses nothing: the next one goes on where it was.
    """

    def __init__(self, engine: AsyncEngine, source: Source[T], on_state: OnState | None = None) -> None:
        self._engine, self._source, self._on_state = engine, source, on_state
        self._channel: AsyncChannel | None = None
        self._closed = False
        self._reading = False
        self._next: asyncio.Task[T | None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        import asyncio

        if self._reading:
            raise RuntimeError("another task reads this stream")
        if self._closed:
            raise StopAsyncIteration
        # A task of its own outlives the cancelling of whoever waits for it.
        task = self._next = self._next or asyncio.ensure_future(self._item())
        self._reading = True
        try:
            await asyncio.wait({task})
        finally:
            self._reading = False
        self._next = None
        item = None if task.cancelled() else await self._result(task)
        if item is None:
            await self.aclose()
            raise StopAsyncIteration
        return item

    async def _result(self, task: asyncio.Task[T | None]) -> T | None:
        try:
            return task.result()
        except FlexError:
            await self.aclose()
            raise

    async def _item(self) -> T | None:
        while True:
            item = await adrive(self._source.next(), self._do)
            if not isinstance(item, StreamState):
                return item
            if self._on_state is not None:
                self._on_state(item)

    async def _do(self, step: Step) -> Any:
        if isinstance(step, Open):
            await self._let_go()
            self._channel = await self._engine.open(step)
            return None
        if isinstance(step, Read):
            assert self._channel is not None, "a stream is read after it was opened"  # noqa: S101 - held by its source
            return await self._channel.read()
        if isinstance(step, Pause):
            import asyncio

            return await asyncio.sleep(step.seconds)
        return await self._engine.send(step)

    async def _let_go(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.aclose()

    async def aclose(self) -> None:
        """End the stream, and the iteration with it. Closing twice is no harm."""
        self._closed = True
        task = self._next
        if task is not None and not task.done():
            import asyncio

            task.cancel()
            await asyncio.wait({task})
        await self._let_go()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
