"""`pipeline list --watch`: the table of pipelines, kept as the box is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flexctl.live.feed import Feed
from flexctl.live.follow import REDRAW, Notices, check_form, in_place, linked
from flexctl.live.model import Link, board_lines
from flexctl.out.table import Look, arrange, choose, orders
from flexctl.views.event import data_of
from flexctl.views.pipeline import ROW, json_of

if TYPE_CHECKING:
    from flexclient import Change, Row
    from flexctl.state import State

Keep = Callable[["Row"], bool]


def watch_pipelines(state: State, keep: Keep, *, seconds: float | None, count: int | None, svg: str | None) -> None:
    """Watch until the time is up or so many events came."""
    check_form(state)
    choose(ROW, wide=True, names=[*state.out.columns, *(name for name, _ in orders(state.out.sort_by))])
    with Feed[Any](lambda _put: state.client.watch_pipelines()) as feed:
        items = feed.items(seconds)
        if in_place(state):
            _draw(state, items, keep, count, svg)
        else:
            _print(state, items, keep, count)


def _draw(state: State, items: Iterator[Change | None], keep: Keep, count: int | None, svg: str | None) -> None:
    from flexctl.live.screen import Screen

    rows: list[Row] = []
    link, drawn, left, out = Link(), 0.0, count, state.out
    with Screen(out.terminal, svg) as screen:

        def draw() -> None:
            width, height = screen.size
            look = Look(out.clock(), True, width, out.terminal.unicode)
            screen.draw(board_lines(ROW, rows, link, look, height, out.columns, out.form == "wide"))

        draw()
        for change in items:
            now = out.clock()
            if change:
                rows = arrange(ROW, [row for row in change.pipelines.values() if keep(row)], out.sort_by or "id")
                link = link.got(now) if change.kind == "event" else linked(link, change, now)
                left = left - 1 if left is not None and change.kind == "event" else left
            if change is None or time.monotonic() - drawn > REDRAW:
                draw()
                drawn = time.monotonic()
            if left == 0:
                break
        draw()


def _print(state: State, items: Iterator[Change | None], keep: Keep, count: int | None) -> None:
    """First a `sync` line with all pipelines, then a line an event; another `sync` where events were lost."""
    notices = Notices(state)
    for change in items:
        notices.tell(change)
        if change is None:
            continue
        if change.kind == "sync":
            found = [json_of(row.pipeline) for row in change.pipelines.values() if row.pipeline and keep(row)]
            state.out.line({"id": None, "event": "sync", "data": found})
        elif change.event and _kept(change, keep):
            state.out.line(data_of(change.event))
            count = None if count is None else count - 1
        if count == 0:
            return


def _kept(change: Change, keep: Keep) -> bool:
    """Whether an event is about a pipeline that the filters let through; one that was deleted always is."""
    row = change.pipelines.get(getattr(change.event and change.event.data, "id", ""))
    return row is None or keep(row)
