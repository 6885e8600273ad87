"""`events` as they happen: a live table on a terminal, JSON lines in a pipe, plain lines where that is wished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flexctl.errors import Misuse
from flexctl.live.feed import Feed
from flexctl.live.model import Link, log_lines, with_event
from flexctl.out.style import Span, cells, paint
from flexctl.out.table import Look
from flexctl.views.event import EVENT, Seen, data_of
from flexctl.views.view import Column, T

if TYPE_CHECKING:
    from flexctl.state import State

REDRAW = 0.1
"""Seconds between two pictures of the screen: faster than that nobody reads."""


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


def follow(
    state: State,
    given: Mapping[str, Any],
    *,
    seconds: float | None,
    count: int | None,
    svg: str | None,
    scroll: bool,
    stream: Callable[..., Any] | None = None,
) -> None:
    """Follow the stream until it ends, the time is up, or so many events came. `stream`: else everything."""
    check_form(state, *(("table", "wide") if state.out.terminal.stdout else ()))

    def make(put: Any) -> Any:
        return (stream or state.client.events.stream)(**given, on_state=put)

    with Feed[Any](make) as feed:
        items = feed.items(seconds)
        if in_place(state) and not scroll:
            _draw(state, items, count, svg)
        else:
            _print(state, items, count)


def _draw(state: State, items: Iterator[Any], count: int | None, svg: str | None) -> None:
    from flexctl.live.screen import Screen

    log: tuple[Seen, ...] = ()
    link, drawn, left = Link(), 0.0, count
    with Screen(state.out.terminal, svg) as screen:

        def draw() -> None:
            width, height = screen.size
            look = Look(state.out.clock(), True, width, state.out.terminal.unicode)
            screen.draw(log_lines(log, link, look, height))

        draw()
        for item in items:
            now = state.out.clock()
            if is_event(item):
                log, link = with_event(log, Seen(now, item)), link.got(now)
                left = None if left is None else left - 1
            else:
                link = linked(link, item, now)
            if item is None or time.monotonic() - drawn > REDRAW:
                draw()
                drawn = time.monotonic()
            if left == 0:
                break
        draw()


def _print(state: State, items: Iterator[Any], count: int | None) -> None:
    """One line an event, each on its way at once."""
    write = _plain(state) if state.out.form in {"table", "wide"} and state.out.terminal.stdout else _json(state)
    notices = Notices(state)
    for item in items:
        if is_event(item):
            write(item)
            count = None if count is None else count - 1
        else:
            notices.tell(item)
        if count == 0:
            return


def _json(state: State) -> Any:
    return lambda event: state.out.line(data_of(event))


def _plain(state: State) -> Any:
    write = rows(state, [column for column in EVENT.columns if not column.wide])
    return lambda event: write(Seen(state.out.clock(), event))


def rows(state: State, columns: Sequence[Column[T]]) -> Callable[[T], None]:
    """Rows of a table that never ends: a column grows when it must, and stays that wide."""
    widths = [len(column.title) for column in columns]

    def write(item: T) -> None:
        spans = [state.out.look.cell(column, item) for column in columns]
        line = []
        for index, span in enumerate(spans):
            widths[index] = max(widths[index], cells(span.text))
            line += [span, Span(" " * (widths[index] - cells(span.text) + 2))]
        state.out.write(paint(line, state.out.terminal.color))
        state.out.flush()

    return write


def is_event(item: Any) -> bool:
    """Whether an item of a feed is an event, and no state of the connection."""
    return hasattr(item, "data")


def linked(link: Link, item: Any, now: Any) -> Link:
    """The connection after an item that is no event."""
    kind = getattr(item, "kind", None)
    return link.lost(now) if kind == "stale" else link.back() if kind in {"live", "sync"} else link


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
