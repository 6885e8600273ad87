"""A stream that blocks, read in a thread, so that the screen goes on, time limits hold and Ctrl-C works at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

TICK = 0.25
"""Seconds between looks at the clock while nothing happens."""


@dataclass(frozen=True, slots=True)
class _End:
    """The stream is over, by itself or by an error."""

    error: BaseException | None


class Feed(Generic[T]):
    """Items of a source that runs in its own thread. `read` gets a function to put items with.

    A reader that is slow makes the source wait: nothing is dropped here, and memory stays bounded.
    """

    def __init__(self, read: Callable[[Callable[[T], None]], None], *, limit: int = 1000) -> None:
        self._queue: Queue[T | _End] = Queue(limit)
        self._read = read
        self._closed = threading.Event()
        threading.Thread(target=self._run, name="feed", daemon=True).start()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._read(self._put)
        except BaseException as caught:  # noqa: BLE001  it is raised again where the items are read
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
        """Let the thread end at its next item."""
        self._closed.set()
