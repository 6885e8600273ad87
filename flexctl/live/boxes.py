"""The boxes that a live command looks at, and what comes from each: pipelines, status, how the connection fares."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from flexctl.live.feed import Feed

if TYPE_CHECKING:
    from flexclient import Change, FlexClient, Row
    from flexclient.errors import FlexError
    from flexclient.models import PipelineStatus
    from flexctl.state import State

AGAIN_SECONDS = 5.0
"""After so long a box that was never reached is tried again."""
LOOK_SECONDS = 2.0
"""Between two looks at the status of pipelines of which no event tells."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box by its name. Of several each has its own; one alone has none."""

    name: str
    url: str
    client: FlexClient


def boxes_of(state: State) -> list[Box]:
    """The boxes of a run."""
    if state.many:
        return [Box(name, part.url, part.client) for name, part in state.boxes]
    return [Box("", state.url, state.client)]


@dataclass(frozen=True, slots=True)
class Changed:
    """A step of one box's table."""

    box: str
    change: Change


@dataclass(frozen=True, slots=True)
class Looked:
    """The status of one pipeline, asked for because nobody told it."""

    box: str
    status: PipelineStatus


@dataclass(frozen=True, slots=True)
class Failed:
    """A box cannot be followed: for the moment, or for good."""

    box: str
    error: FlexError
    final: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What became of something that was asked for by a key."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Logged:
    """The log of a pipeline."""

    box: str
    id: str
    text: str


News: TypeAlias = Changed | Looked | Failed | Said | Logged


def watched(boxes: Collection[Box]) -> Feed[News]:
    """All that happens to the pipelines of these boxes. One alone that fails is an error, of several it is news."""
    alone = len(boxes) == 1
    return Feed(*(_make(box, alone=alone) for box in boxes))


def _make(box: Box, *, alone: bool) -> Callable[[Callable[[News], None]], _Watched]:
    return lambda put: _Watched(box, put, alone=alone)


class _Watched:
    """One box's table as a stream, and beside it a thread that asks for what the events do not tell."""

    def __init__(self, box: Box, put: Callable[[News], None], *, alone: bool) -> None:
        self._box, self._put, self._alone = box, put, alone
        self._closed = threading.Event()
        self._stream: Any = None
        self._rows: Collection[Row] = ()
        self._live = False
        self._asked: dict[str, str] = {}

    def __iter__(self) -> Iterator[News]:
        from flexclient._resume import passing
        from flexclient.errors import FlexError

        threading.Thread(target=self._look, name="status", daemon=True).start()
        while not self._closed.is_set():
            try:
                yield from self._changes()
                return
            except FlexError as error:
                if self._alone:
                    raise
                yield Failed(self._box.name, error, not passing(error))
                if not passing(error):
                    return
                self._closed.wait(AGAIN_SECONDS)

    def _changes(self) -> Iterator[News]:
        self._stream = self._box.client.watch_pipelines()
        if self._closed.is_set():  # between the look and the stream
            return
        for change in self._stream:
            self._rows = list(change.pipelines.values())
            self._live = change.kind == "live" or (self._live and change.kind != "stale")
            yield Changed(self._box.name, change)

    def _look(self) -> None:
        """Ask for the status of what does not tell it by itself."""
        from flexclient.errors import FlexError

        while not self._closed.wait(LOOK_SECONDS / 2 if self._live else LOOK_SECONDS):
            for name, state in untold(self._rows, self._asked, live=self._live):
                if self._closed.is_set():
                    return
                self._asked[name] = state
                try:
                    self._put(Looked(self._box.name, self._box.client.pipelines.status(name)))
                except FlexError:  # the stream says so too, in more words
                    break

    def close(self) -> None:
        """End it, from any thread."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()


def untold(rows: Collection[Row], asked: dict[str, str], *, live: bool) -> list[tuple[str, str]]:
    """The pipelines whose status must be asked for, and their states. Pure.

    Where there are events, what plays tells each second; what rests has told when it came to rest, before we were
    there: it is asked once a state. A box without events is asked again and again.
    """
    wanted = [(row.id, str(row.state)) for row in rows if row.status is None]
    return [(name, state) for name, state in wanted if not live or asked.get(name) != state]
