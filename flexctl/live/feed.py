"""Streams that block, read in threads, so that the screen goes on, time limits hold and Ctrl-C works at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

TICK = 0.25
"""Seconds between looks at the clock while nothing happens."""


@dataclass(frozen=True, slots=True)
class _End:
    """A stream is over, by itself or by an error."""

    error: BaseException | None


class Stream(Protocol[T_co]):
    """What can be read until somebody closes it."""

    def __iter__(self) -> Iterator[T_co]: ...
    def close(self) -> None:
        """End it, from any thread."""


class Feed(Generic[T]):
    """Items of streams, each read in a thread of its own. A `make` gets a function that puts items beside the stream's.

    A reader that is slow makes the streams wait: nothing is dropped here, and memory stays bounded. It ends when all of
    them have, or with the error of the first that fails.
    """

    def __init__(self, *makes: Callable[[Callable[[T], None]], Stream[T]], limit: int = 1000) -> None:
        self._queue: Queue[T | _End] = Queue(limit)
        self._closed = threading.Event()
        self._streams = [make(self.put) for make in makes]
        self._open = len(makes)
        self._threads = [
            threading.Thread(target=self._run, args=(stream,), name="feed", daemon=True) for stream in self._streams
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, stream: Stream[T]) -> None:
        error: BaseException | None = None
        try:
            for item in stream:
                self.put(item)
        except BaseException as caught:
            error = caught
        self._put(_End(error))

    def put(self, item: T) -> None:
        """Add an item beside those of the streams, from any thread."""
        self._put(item)

    def _put(self, item: T | _End) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(Full):
                self._queue.put(item, timeout=0.2)
                return

    @property
    def over(self) -> bool:
        """Whether every stream has ended."""
        return not self._open

    def items(self, seconds: float | None = None, tick: float = TICK) -> Iterator[T | None]:
        """The items; None at least every `tick` seconds. Ends with the streams, or when the time is up."""
        end = None if seconds is None else time.monotonic() + seconds
        while not self.over:
            left = tick if end is None else min(tick, end - time.monotonic())
            if left <= 0:
                return
            try:
                item = self._queue.get(timeout=left)
            except Empty:
                yield None
                continue
            if isinstance(item, _End):
                self._ended(item)
            else:
                yield item

    def ready(self) -> Iterator[T]:
        """The items that are there now, and at most as many as wait at one time: who draws does it once for all."""
        for _ in range(self._queue.qsize()):
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if isinstance(item, _End):
                self._ended(item)
            else:
                yield item

    def _ended(self, end: _End) -> None:
        self._open -= 1
        if end.error:
            raise end.error

    def close(self) -> None:
        """End the streams and their threads."""
        self._closed.set()
        for stream in self._streams:
            stream.close()
        for thread in self._threads:
            thread.join(2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
