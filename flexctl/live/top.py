"""`flexctl top`: reads what comes and the keys that are typed, draws, and does what was asked for. The I/O of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flexctl.errors import Problem, Stop, addressed, problem_of
from flexctl.live.board import Board
from flexctl.live.boxes import Box, Changed, Failed, Logged, News, Said, watched
from flexctl.live.feed import Feed
from flexctl.live.follow import Notices
from flexctl.live.frame import Window, frame
from flexctl.live.panel import Deed, Panel, ordered, pressed, settled
from flexctl.out.human import moment
from flexctl.out.style import safe
from flexctl.out.table import Look
from flexctl.views.top import TOP, Entry, joined
from flexctl.views.view import View

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient.errors import FlexError
    from flexclient.models import Pipeline, PipelineStatus
    from flexctl.live.screen import FullScreen
    from flexctl.state import State

ASKED_AT_ONCE = 4
"""Status requests that are under way at one time to one box."""
BOXES_AT_ONCE = 8
LOG_LINES = 1000


class Top:
    """The live screen."""

    def __init__(self, state: State, boxes: Sequence[Box], panel: Panel, feed: Feed[News]) -> None:
        self._out, self._feed, self._panel = state.out, feed, panel
        self._boxes = {box.name: box for box in boxes}
        self._board = Board.of([box.name for box in boxes])
        self._title = (boxes[0].name or state.box.title).split("://")[-1] if len(boxes) == 1 else f"{len(boxes)} boxes"

    def run(self, screen: FullScreen, interval: float, seconds: float | None) -> None:
        """Until `q` or the time is up. A picture every `interval`, and at once after a key or another window."""
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            self._take(self._feed.ready())
            rows = self._draw(screen)
            left = interval if end is None else min(interval, end - time.monotonic())
            for key in screen.keys(left):
                if self._press(key, rows, self._window(screen)):
                    return

    def _take(self, news: Iterable[News]) -> None:
        now = self._out.clock()
        failed: list[Failed] = []
        for item in news:
            if isinstance(item, Said):
                self._panel = replace(self._panel, said=item, said_at=now)
            elif isinstance(item, Logged):
                self._logged(item)
            else:
                self._board = self._board.after(item, now)
            if isinstance(item, Failed) and item.final:
                failed.append(item)
        if self._feed.over and failed:  # the last box that could be followed
            raise failed[-1].error

    def _logged(self, item: Logged) -> None:
        if (item.box, item.id) == self._panel.selected:
            lines = tuple(map(safe, item.text.splitlines()))
            following = self._panel.following if self._panel.mode == "logs" else True
            self._panel = replace(self._panel, mode="logs", log=lines, said=None, following=following)

    def _window(self, screen: FullScreen) -> Window:
        width, height = screen.size
        return Window(Look(self._out.clock(), True, width, self._out.terminal.unicode), height)

    def _draw(self, screen: FullScreen) -> list[Entry]:
        window = self._window(screen)
        rows = ordered(self._board.entries(), self._panel, TOP.columns)
        self._panel = settled(self._panel, rows, window.rows(self._panel.mode))
        screen.draw(frame(self._board, self._panel, rows, window, self._title))
        return rows

    def _press(self, key: str, rows: Sequence[Entry], window: Window) -> bool:
        """Whether that was the end."""
        before = self._panel.said
        self._panel, deed = pressed(self._panel, key, rows, window.rows(self._panel.mode))
        if self._panel.said is not before:
            self._panel = replace(self._panel, said_at=window.look.now)
        if deed and deed.what != "quit":
            box = self._boxes[deed.place[0]]
            threading.Thread(target=_do, args=(deed, box.client, self._feed.put), name="deed", daemon=True).start()
        return deed is not None and deed.what == "quit"


def _do(deed: Deed, client: FlexClient, put: Callable[[News], None]) -> None:
    """What was asked for, in a thread of its own: a pipeline may take a while to play. Its outcome is news."""
    from flexclient.errors import FlexError

    box, name = deed.place
    try:
        if deed.what == "logs":
            put(Logged(box, name, client.pipelines.logs(name, tail=LOG_LINES)))
        else:
            made = client.pipelines.play(name) if deed.what == "play" else client.pipelines.stop(name)
            put(Said(f"{name} is {made.state}" if deed.what == "play" else f"{name} is stopped", "good"))
    except FlexError as error:
        hint = f" ({error.hint})" if error.hint else ""
        put(Said(f"{name}: {error.message}{hint}", "bad"))


def draw(
    state: State, boxes: Sequence[Box], panel: Panel, interval: float, seconds: float | None, svg: str | None
) -> None:
    """The live screen, until `q`, Ctrl-C or the time is up."""
    from flexctl.live.screen import FullScreen

    with watched(boxes) as feed, FullScreen(state.out.terminal, svg) as screen:
        Top(state, boxes, panel, feed).run(screen, interval, seconds)


def once(state: State, boxes: Sequence[Box], panel: Panel, empty: tuple[str, str]) -> None:
    """One look: the list, and the status of each. A box that fails stops no other; the first one's code is ours."""
    with ThreadPoolExecutor(BOXES_AT_ONCE) as pool:
        found = list(pool.map(_looked, boxes))
    rows = ordered([entry for entries in found if isinstance(entries, list) for entry in entries], panel, TOP.columns)
    out, many = state.out, len(boxes) > 1
    if many and out.form in {"json", "yaml"}:
        out.data({box.name: [TOP.data(row) for row in rows if row.box == box.name] for box in boxes})
    else:
        out.list(rows, _view(many=many), empty)
    failed = [(box, error) for box, error in zip(boxes, found, strict=True) if not isinstance(error, list)]
    if failed and not many:
        raise failed[0][1]
    problems = [(box, problem_of(error, box.url) or Problem(str(error))) for box, error in failed]
    for box, problem in problems:
        hint = addressed(problem.hint, f"--context {box.name}")
        out.problem(replace(problem, sentence=f"{box.name}: {problem.sentence}", hint=hint))
    if problems:
        raise Stop(f"{len(problems)} of {len(boxes)} boxes failed", code=problems[0][1].code)


def _view(*, many: bool) -> View[Entry]:
    """What one look fills. Of several boxes, each line for programs says whose it is."""
    columns = tuple(c for c in TOP.columns if c.key not in _LIVE and (many or c.key != "context"))
    if not many:
        return replace(TOP, columns=columns)
    return replace(
        TOP,
        columns=columns,
        name=lambda entry: f"{entry.box}/{entry.id}",
        data=lambda entry: {"context": entry.box, **TOP.data(entry)},
    )


_LIVE = frozenset({"trend", "last_event"})
"""Columns that one look cannot fill."""


def _looked(box: Box) -> list[Entry] | FlexError:
    from flexclient.errors import FlexError

    try:
        return _entries(box)
    except FlexError as error:
        return error


def _entries(box: Box) -> list[Entry]:
    from flexclient.errors import NotFound

    def status(pipeline: Pipeline) -> PipelineStatus | None:
        try:
            return box.client.pipelines.status(pipeline.id)
        except NotFound:  # it has gone since the list was read
            return None

    pipelines = box.client.pipelines.list()
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return [
            Entry(box.name, made.id, told.state if told else made.state, made, told)
            for made, told in zip(pipelines, pool.map(status, pipelines), strict=True)
        ]


def print_rows(
    state: State, boxes: Sequence[Box], text: str, interval: float, seconds: float | None, count: int | None
) -> None:
    """One JSON line a pipeline when it is first seen and whenever it has changed, at most one per `interval`."""
    printer = Printer(state, boxes, text)
    notices = {box.name: Notices(state, box.url) for box in boxes}
    with watched(boxes) as feed:
        due = 0.0
        for news in feed.items(seconds, min(interval, 0.25)):
            if isinstance(news, Changed):
                notices[news.box].tell(news.change)
            elif isinstance(news, Failed):
                notices[news.box].lost(news.error)
            elif news is None:
                state.out.still_read()
            if news is not None:
                printer.board = printer.board.after(news, state.out.clock())
            if time.monotonic() >= due:
                due = time.monotonic() + interval
                count = printer.print(count)
            if count == 0:
                return
        printer.print(count)


class Printer:
    """Tells what is new since it last did."""

    def __init__(self, state: State, boxes: Sequence[Box], text: str) -> None:
        self._out, self._panel = state.out, Panel(filter=text)
        self._tells_box = len(boxes) > 1
        self._told: dict[tuple[str, str], Any] = {}
        self.board = Board.of([box.name for box in boxes])

    def print(self, count: int | None) -> int | None:
        """Print the rows that have changed; how many lines may still follow."""
        rows = {(row.box, row.id): row for row in ordered(self.board.entries(), self._panel, TOP.columns)}
        for place in [place for place in self._told if place not in rows]:
            del self._told[place]
            count = self._line(place, {"id": place[1], "deleted": True}, count)
        for place, row in rows.items():
            mark = (row.pipeline, row.status)
            if self._told.get(place) != mark:
                self._told[place] = mark
                count = self._line(place, joined(*mark) or {"id": row.id, "state": str(row.state)}, count)
        return count

    def _line(self, place: tuple[str, str], data: dict[str, Any], count: int | None) -> int | None:
        if count == 0:
            return 0
        context = {"context": place[0]} if self._tells_box else {}
        self._out.line({**context, "at": moment(self._out.clock()), **data})
        return None if count is None else count - 1
