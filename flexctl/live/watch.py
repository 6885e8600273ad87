"""`pipeline list --watch`: the table of pipelines, kept as the box is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from flexctl.live.boxes import Box, Changed, Failed, News, boxes_of, watched
from flexctl.live.feed import Feed
from flexctl.live.follow import REDRAW, Notices, check_form, in_place
from flexctl.live.model import Links, board_lines
from flexctl.out.table import Look, arrange, choose
from flexctl.views.event import data_of
from flexctl.views.pipeline import ROW, json_of
from flexctl.views.view import View

if TYPE_CHECKING:
    from flexclient import Change, Row
    from flexctl.state import State

Keep = Callable[["Row"], bool]


def watch_pipelines(state: State, keep: Keep, *, seconds: float | None, count: int | None, svg: str | None) -> None:
    """Watch until the time is up or so many events came."""
    check_form(state)
    boxes = boxes_of(state)
    view = _view(many=len(boxes) > 1)
    choose(view, wide=True, names=[*state.out.columns, (state.out.sort_by or "id").removeprefix("-")])
    with watched(boxes, curious=False) as feed:
        if in_place(state):
            _draw(state, feed, Table(boxes, keep, view, state.out.sort_by or "id"), seconds, count, svg)
        else:
            _print(state, feed, {box.name: Notices(state, box.url) for box in boxes}, keep, seconds, count)


def _view(*, many: bool) -> View[Any]:
    from flexctl.fanout import together

    return together(ROW) if many else ROW


class Table:
    """The rows of all boxes, filtered and in order."""

    def __init__(self, boxes: list[Box], keep: Keep, view: View[Any], order: str) -> None:
        self._keep, self.view, self._order = keep, view, order
        self._found: dict[str, list[Row]] = {}
        self._many = len(boxes) > 1
        self.links = Links.of(box.name for box in boxes)

    def take(self, news: News | None, now: Any) -> bool:
        """Take in what came; whether it was an event."""
        if not isinstance(news, (Changed, Failed)):
            return False
        self.links = self.links.after(news, now)
        if isinstance(news, Failed):
            return False
        self._found[news.box] = [row for row in news.change.pipelines.values() if self._keep(row)]
        return news.change.kind == "event"

    @property
    def rows(self) -> list[Any]:
        """What is shown."""
        found: list[Any] = [(name, row) if self._many else row for name, rows in self._found.items() for row in rows]
        return arrange(self.view, found, self._order)


def _draw(
    state: State, feed: Feed[News], table: Table, seconds: float | None, count: int | None, svg: str | None
) -> None:
    from flexctl.live.screen import Screen

    drawn, left, out = 0.0, count, state.out
    with Screen(out.terminal, svg) as screen:

        def draw() -> None:
            width, height = screen.size
            look = Look(out.clock(), True, width, out.terminal.unicode)
            wide = out.form == "wide"
            screen.draw(board_lines(table.view, table.rows, table.links, look, height, out.columns, wide))

        draw()
        for first in feed.items(seconds):
            for news in chain([first], feed.ready()):  # one picture for all of them: a slow line never lags behind
                if left != 0 and table.take(news, out.clock()) and left is not None:
                    left -= 1
            if time.monotonic() - drawn > REDRAW:
                draw()
                drawn = time.monotonic()
            if left == 0:
                break
        draw()


def _print(
    state: State,
    feed: Feed[News],
    notices: Mapping[str, Notices],
    keep: Keep,
    seconds: float | None,
    count: int | None,
) -> None:
    """First a `sync` line with all pipelines, then a line an event; another `sync` where events were lost."""
    for news in feed.items(seconds):
        if isinstance(news, Failed):
            notices[news.box].lost(news.error)
        elif news is None:
            state.out.still_read()
        elif isinstance(news, Changed):
            notices[news.box].tell(news.change)
            context = {"context": news.box} if len(notices) > 1 else {}
            count = _line(state, news.change, keep, context, count)
        if count == 0:
            return


def _line(state: State, change: Change, keep: Keep, context: dict[str, str], count: int | None) -> int | None:
    """Write what a change has to say, if anything; how many events may still follow."""
    if change.kind == "sync":
        found = [json_of(row.pipeline) for row in change.pipelines.values() if row.pipeline and keep(row)]
        state.out.line({**context, "id": None, "event": "sync", "data": found})
    elif change.event and _kept(change, keep):
        state.out.line({**context, **data_of(change.event)})
        return None if count is None else count - 1
    return count


def _kept(change: Change, keep: Keep) -> bool:
    """Whether an event is about a pipeline that the filters let through; one that was deleted always is."""
    row = change.pipelines.get(getattr(change.event and change.event.data, "id", ""))
    return row is None or keep(row)
