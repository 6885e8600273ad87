"""The boxes that a live command looks at, and what comes from each: pipelines, status, how the connection fares."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from flexctl.live.feed import Feed, Stream

if TYPE_CHECKING:
    from flexclient import Change, FlexClient, Row
    from flexclient._resume import StreamState
    from flexclient.errors import FlexError
    from flexclient.models import Event, PipelineStatus
    from flexctl.state import State

T = TypeVar("T")

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


def patient(
    box: Box, closed: threading.Event, items: Callable[[], Iterator[T]], *, alone: bool
) -> Iterator[T | Failed]:
    """The items of a stream of one box. Of several boxes, one that cannot be reached is news, and is tried again."""
    from flexclient._resume import passing
    from flexclient.errors import FlexError

    while not closed.is_set():
        try:
            yield from items()
            return
        except FlexError as error:
            if alone:
                raise
            yield Failed(box.name, error, not passing(error))
            if not passing(error):
                return
            closed.wait(AGAIN_SECONDS)


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


def watched(boxes: Collection[Box], *, curious: bool = True) -> Feed[News]:
    """All that happens to the pipelines of these boxes. One alone that fails is an error, of several it is news.

    `curious`: the status of pipelines that do not tell it is asked for.
    """
    alone = len(boxes) == 1

    def make(box: Box) -> Callable[[Callable[[News], None]], _Watched]:
        return lambda put: _Watched(box, put, alone=alone, curious=curious)

    return Feed(*map(make, boxes))


class _Watched:
    """One box's table as a stream, and beside it a thread that asks for what the events do not tell."""

    def __init__(self, box: Box, put: Callable[[News], None], *, alone: bool, curious: bool) -> None:
        self._box, self._put, self._alone, self._curious = box, put, alone, curious
        self._closed = threading.Event()
        self._stream: Any = None
        self._rows: Collection[Row] = ()
        self._live = False
        self._asked: dict[str, str] = {}

    def __iter__(self) -> Iterator[News]:
        if self._curious:
            threading.Thread(target=self._look, name="status", daemon=True).start()
        return patient(self._box, self._closed, self._changes, alone=self._alone)

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


@dataclass(frozen=True, slots=True)
class Came:
    """An event of a box, or how the connection to it fares."""

    box: str
    item: Event[Any] | StreamState


Open: TypeAlias = "Callable[[Box, Callable[[StreamState], None]], Stream[Event[Any]]]"


def followed(boxes: Collection[Box], open_: Open) -> Feed[Came | Failed]:
    """The events of these boxes. `open_` opens the stream of one, in a thread of its own."""
    alone = len(boxes) == 1

    def make(box: Box) -> Callable[[Callable[[Came | Failed], None]], _Followed]:
        return lambda put: _Followed(box, put, open_, alone=alone)

    return Feed(*map(make, boxes))


class _Followed:
    """The events of one box as a stream."""

    def __init__(self, box: Box, put: Callable[[Came | Failed], None], open_: Open, *, alone: bool) -> None:
        self._box, self._put, self._open, self._alone = box, put, open_, alone
        self._closed = threading.Event()
        self._stream: Stream[Event[Any]] | None = None

    def __iter__(self) -> Iterator[Came | Failed]:
        return patient(self._box, self._closed, self._events, alone=self._alone)

    def _events(self) -> Iterator[Came]:
        name = self._box.name
        self._stream = self._open(self._box, lambda state: self._put(Came(name, state)))
        if not self._closed.is_set():
            yield from (Came(name, event) for event in self._stream)

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
