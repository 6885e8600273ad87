"""A stream that blocks, read in a thread, so that the screen goes on, time limits hold and Ctrl-C works at once."""

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
    """The stream is over, by itself or by an error."""

    error: BaseException | None


class Stream(Protocol[T_co]):
    """What can be read until somebody closes it."""

    def __iter__(self) -> Iterator[T_co]: ...
    def close(self) -> None:
        """End it, from any thread."""


class Feed(Generic[T]):
    """Items of a stream that is read in its own thread. `make` gets a function that puts items beside the stream's own.

    A reader that is slow makes the stream wait: nothing is dropped here, and memory stays bounded.
    """

    def __init__(self, make: Callable[[Callable[[T], None]], Stream[T]], *, limit: int = 1000) -> None:
        self._queue: Queue[T | _End] = Queue(limit)
        self._closed = threading.Event()
        self._stream = make(self._put)
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._stream:
                self._put(item)
        except BaseException as caught:
            error = caught
        self._put(_End(error))

    def _put(self, item: T | _End) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(Full):
                self._queue.put(item, timeout=0.2)
                return

    def items(self, seconds: float | None = None, tick: float = TICK) -> Iterator[T | None]:
        """The items; None at least every `tick` seconds. Ends with the source, or when the time is up."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = tick if end is None else min(tick, end - time.monotonic())
            if left <= 0:
                return
            try:
                item = self._queue.get(timeout=left)
            except Empty:
                yield None
                continue
            if isinstance(item, _End):
                if item.error:
                    raise item.error
                return
            yield item

    def close(self) -> None:
        """End the stream and its thread."""
        self._closed.set()
        self._stream.close()
        self._thread.join(2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
