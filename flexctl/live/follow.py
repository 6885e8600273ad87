"""`events` as they happen: a live table on a terminal, JSON lines in a pipe, plain lines where that is wished."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from flexctl.errors import Misuse
from flexctl.live.boxes import Box, Came, Failed, Open, boxes_of, followed
from flexctl.live.feed import Feed
from flexctl.live.model import Links, log_lines, with_event
from flexctl.live.since import Recent, Since, beginning, newest, time_of
from flexctl.out.human import local
from flexctl.out.style import Span, cells, paint
from flexctl.out.table import Look
from flexctl.views.event import EVENT, SEVERITIES, EventLook, Seen, data_of, severity
from flexctl.views.view import Column, T

if TYPE_CHECKING:
    from datetime import datetime

    from flexclient.models import Event
    from flexctl.state import State

REDRAW = 0.1
"""Seconds between two pictures of the screen: faster than that nobody reads."""
Times: TypeAlias = "dict[tuple[str, int | None], datetime | None]"
"""Box and id of an event that was replayed -> about when it happened. Taken out once it is shown."""


def in_place(state: State) -> bool:
    """Whether to draw: on a terminal that can, unless another form was asked for."""
    terminal = state.out.terminal
    return terminal.stdout and not terminal.dumb and state.out.form in {"table", "wide"}


def check_form(state: State, *forms: str) -> None:
    """Raises Misuse where a form was asked for that a stream cannot have here; `forms` are those it can have."""
    form = state.given.get("output")
    if form and not in_place(state) and form not in {"json", "ndjson", *forms}:
        where = "on this terminal" if state.out.terminal.stdout else "into a pipe"
        raise Misuse(f"-o {form}: what is followed is written {where} as JSON lines", "leave -o out, or say -o ndjson")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events, from when on, and how many."""

    types: tuple[str, ...] | None = None
    pipelines: tuple[str, ...] | None = None
    since: Since | None = None
    least: str = "info"
    """Only those that are so bad, or worse."""
    seconds: float | None = None
    count: int | None = None

    def about(self, event: Event[Any]) -> bool:
        """Whether an event is one that the box would choose."""
        told = {getattr(event.data, "id", None), getattr(event.data, "pipeline_id", None)}
        return (self.types is None or event.type in self.types) and (
            self.pipelines is None or not told.isdisjoint(self.pipelines)
        )

    @property
    def query(self) -> dict[str, Any]:
        """What the box is asked for."""
        given = {"types": self.types, "pipeline_id": self.pipelines}
        return {name: value for name, value in given.items() if value is not None}

    def passes(self, event: Event[Any]) -> bool:
        """Whether an event is bad enough."""
        return SEVERITIES.index(severity(event)) >= SEVERITIES.index(self.least)


def follow(
    state: State, wanted: Wanted, *, svg: str | None, scroll: bool, stream: Callable[..., Any] | None = None
) -> None:
    """Follow the events until they end, the time is up, or so many came. `stream`: else those of everything."""
    check_form(state, *(("table", "wide") if state.out.terminal.stdout else ()))
    boxes = boxes_of(state)
    times: Times = {}
    with followed(boxes, _opener(state, wanted, stream, times)) as feed:
        if in_place(state) and not scroll:
            _draw(state, feed, wanted, times, svg, Links.of(box.name for box in boxes))
        else:
            _print(state, feed, wanted, times, {box.name: Notices(state, box.url) for box in boxes})


def _seen(state: State, event: Event[Any], box: str, times: Times) -> Seen:
    """An event as it came; of one that is replayed the moment it came would be a false time."""
    key = (box, event.id)
    return Seen(times.pop(key), event, box, True) if key in times else Seen(state.out.clock(), event, box)


def _opener(state: State, wanted: Wanted, stream: Callable[..., Any] | None, times: Times) -> Open:
    """What opens the stream of one box, at the event or the time that was asked for."""
    when = time_of(wanted.since, state.out.clock())
    shown = state.out.terminal.stdout and state.out.form in {"table", "wide"}

    def open_(box: Box, on_state: Callable[[Any], None]) -> Any:
        opened = stream or box.client.events.stream

        def replayed(number: int, at: datetime | None) -> None:
            if shown:
                times[box.name, number] = at

        if when is None:
            begin: dict[str, Any] = {} if wanted.since is None else {"since": wanted.since}
            head = newest(box.client) if begin and shown else None
            events = opened(**wanted.query, **begin, on_state=on_state)
            return events if head is None else Recent(events, None, head, replayed=replayed)
        start = beginning(box.client, when)
        if start is None:
            state.once(f"{box.url} does not tell its newest event: what was before is not shown.")
            return opened(**wanted.query, on_state=on_state)
        if not start.remembered:
            state.once(f"{box.url} does not remember back to {local(when)}: these are all its events.")
        # Of everything: most of what one asks for does not say when it was, and only what is between does.
        events = opened(since=start.id, on_state=on_state)
        return Recent(events, when, start.head, passes=wanted.about, replayed=replayed)

    return open_


def _draw(state: State, feed: Feed[Came | Failed], wanted: Wanted, times: Times, svg: str | None, links: Links) -> None:
    from flexctl.live.screen import Screen

    log: tuple[Seen, ...] = ()
    drawn, left, out = 0.0, wanted.count, state.out
    with Screen(out.terminal, svg) as screen:

        def draw() -> None:
            width, height = screen.size
            look = EventLook(out.clock(), True, width, out.terminal.unicode, ages=True)
            screen.draw(log_lines(log, links, look, height))

        draw()
        for first in feed.items(wanted.seconds):
            for came in chain([first], feed.ready()):  # one picture for all of them: a slow line never lags behind
                now = out.clock()
                links = links.after(came, now)
                if isinstance(came, Came) and is_event(came.item) and wanted.passes(came.item) and left != 0:
                    log = with_event(log, _seen(state, came.item, came.box, times))
                    left = None if left is None else left - 1
            if time.monotonic() - drawn > REDRAW:
                draw()
                drawn = time.monotonic()
            if left == 0:
                break
        draw()


def _print(
    state: State, feed: Feed[Came | Failed], wanted: Wanted, times: Times, notices: Mapping[str, Notices]
) -> None:
    """One line an event, each on its way at once."""
    lines = state.out.form in {"table", "wide"} and state.out.terminal.stdout
    write = (_plain if lines else _json)(state, many=len(notices) > 1)
    left = wanted.count
    for came in feed.items(wanted.seconds):
        if isinstance(came, Failed):
            notices[came.box].lost(came.error)
        elif came is None:
            state.out.still_read()
        elif not is_event(came.item):
            notices[came.box].tell(came.item)
        elif wanted.passes(came.item):
            write(_seen(state, came.item, came.box, times))
            left = None if left is None else left - 1
        if left == 0:
            return


def _json(state: State, *, many: bool) -> Callable[[Seen], None]:
    return lambda seen: state.out.line({**({"context": seen.box} if many else {}), **data_of(seen.event)})


def _plain(state: State, *, many: bool) -> Callable[[Seen], None]:
    out = state.out

    def look() -> Look:
        return EventLook(out.clock(), out.terminal.stdout, out.terminal.width, out.terminal.unicode)

    return rows(state, [c for c in EVENT.columns if not c.wide and (many or not c.if_any)], look)


def rows(state: State, columns: Sequence[Column[T]], look: Callable[[], Look] | None = None) -> Callable[[T], None]:
    """Rows of a table that never ends: a column grows when it must, and stays that wide."""
    widths = [len(column.title) for column in columns]

    def write(item: T) -> None:
        now = look() if look else state.out.look
        spans = [now.cell(column, item) for column in columns]
        line = []
        for index, span in enumerate(spans):
            widths[index] = max(widths[index], cells(span.text))
            line += [span, Span(" " * (widths[index] - cells(span.text) + 2))]
        state.out.write(paint(line, state.out.terminal.color))
        state.out.flush()

    return write


def is_event(item: Any) -> TypeGuard[Event[Any]]:
    """Whether an item of a feed is an event, and no state of the connection."""
    return hasattr(item, "data")


class Notices:
    """What is said on stderr where no screen shows the connection: once when it is lost, once when it is back."""

    def __init__(self, state: State, url: str | None = None) -> None:
        self._state, self._url, self._lost = state, url or state.url, False

    def tell(self, item: Any) -> None:
        """Take note of an item that is no event."""
        kind = getattr(item, "kind", None)
        if kind == "stale":
            self.lost(item.error)
        elif kind in {"live", "sync"} and self._lost:
            self._lost = False
            self._state.out.say("connected again")
        elif item is None:
            self._state.out.still_read()

    def lost(self, error: object) -> None:
        """The connection is gone, for the reason that is given."""
        if not self._lost:
            reason = f": {error}" if error else ""
            self._state.out.warn(f"the connection to {self._url} is lost{reason}", "trying again by itself")
        self._lost = True
