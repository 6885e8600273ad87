"""What several threads put in and one takes out: bounded, so that a slow reader slows the boxes, not the memory."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

WAITING = 1000
"""Items that may wait for the reader; who has more to put waits."""


class Merge(Generic[T]):
    """One way in for each of `writers`, one way out. It is over once every writer is done, or it is closed."""

    def __init__(self, writers: int) -> None:
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._writers = writers
        self.closed = threading.Event()

    def put(self, item: T) -> None:
        """Put one in, once there is room. After the end it goes nowhere."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < WAITING or self.closed.is_set())
            self._items.append(item)
            self._changed.notify_all()

    def done(self) -> None:
        """One writer has nothing more."""
        with self._changed:
            self._writers -= 1
            self._changed.notify_all()

    def take(self) -> T | None:
        """The next one; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or not self._writers or self.closed.is_set())
            if self.closed.is_set() or not self._items:
                return None
            self._changed.notify_all()
            return self._items.popleft()

    def close(self) -> None:
        """End it for everybody."""
        with self._changed:
            self.closed.set()
            self._changed.notify_all()
