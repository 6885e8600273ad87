"""The picture of `top`: board x panel -> lines, clamped to the window. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flexctl.live.board import Board, Table
from flexctl.live.panel import Mode, Panel, downward
from flexctl.out.human import STATES, human, seconds
from flexctl.out.style import Span, cells, clip, fold, safe
from flexctl.out.table import GAP, Line, Look, fit
from flexctl.views.top import NARROW, SMALL, TOP, TROUBLE, WIDTHS, Entry, reason_of, sparkline
from flexctl.views.view import Column

SAID_SECONDS = 8.0
"""How long an answer stays."""
_RIGHT = frozenset({"fps", "kbps", "count", "percent", "bytes", "age"})
KEYS = (
    ("↑ ↓ j k", "select (PgUp, PgDn too)"),
    ("p", "play it"),
    ("s", "stop it (asks first)"),
    ("l  Enter", "its log; r reads it again"),
    ("/", "filter; Esc shows all"),
    ("o  O", "next order; turn it round"),
    ("q", "quit"),
)


@dataclass(frozen=True, slots=True)
class Window:
    """The window: how things are drawn in it, and how high it is."""

    look: Look
    height: int

    @property
    def room(self) -> int:
        """Rows of the table that it shows, or lines of a log: all but headings, detail and footer."""
        return max(self.height - (4 if self.roomy else 3), 1)

    @property
    def roomy(self) -> bool:
        """Whether a line is kept for what there is to say of the selected pipeline."""
        return self.height >= 12

    @property
    def width(self) -> int:
        """Its columns."""
        return self.look.width or 200

    def rows(self, mode: Mode) -> int:
        """Lines of what can be scrolled."""
        return self.height - 2 if mode == "logs" else self.room


def frame(board: Board, panel: Panel, rows: Sequence[Entry], window: Window, title: str) -> list[Line]:
    """The whole picture, with these rows in order."""
    if panel.mode == "help":
        return _help(window)
    footer = _footer(board, panel, rows, window)
    if panel.mode == "logs":
        return [*_log(panel, window), footer]
    lines = [_headline(board, title, window), *_table(board, panel, rows, window)]
    if window.roomy:
        lines += [[] for _ in range(window.height - 2 - len(lines))]
        lines.append(_detail(panel, rows, window))
    else:
        lines += [[] for _ in range(window.height - 1 - len(lines))]
    return [*lines, footer]


# The top


def _headline(board: Board, title: str, window: Window) -> Line:
    """Whose pipelines, how many in which state, and what they make together."""
    entries = board.entries()
    states = Counter(str(entry.state) for entry in entries)
    line = [Span(safe(title), "title"), Span("  ")]
    for state in (*TROUBLE, *sorted(set(states) - set(TROUBLE))):
        if states[state]:
            mark, plain, style = STATES.get(state, ("·", "?", "warn"))
            line += [Span(f"{mark if window.look.unicode else plain} {states[state]} {safe(state)}", style), Span("  ")]
    rate = sum(entry.status.stats.bitrate_kbps or 0 for entry in entries if entry.status and entry.status.stats)
    readers = sum(entry.status.readers or 0 for entry in entries if entry.status)
    if rate:
        line.append(Span(human(rate, "kbps", window.look.now).text + "  ", "dim"))
    if readers:
        line.append(Span(f"{readers} reader{'s' if readers > 1 else ''}", "dim"))
    return _whole(line, window.width)


def _whole(line: Line, room: int) -> Line:
    """Of a line the spans that fit whole; the first is cut rather than missing."""
    kept: Line = []
    used = 0
    for span in line:
        text = clip(span.text, room - used) if not kept else span.text
        if used + cells(text.rstrip()) > room:
            break
        kept.append(Span(text, span.style))
        used += cells(text)
    return kept


def _table(board: Board, panel: Panel, rows: Sequence[Entry], window: Window) -> list[Line]:
    if not rows:
        return [[], [Span(clip(f"  {_nothing(board, panel)}", window.width), "dim")]]
    shown = rows[panel.first : panel.first + window.room]
    columns = _columns(rows, window.width)
    cut = [[_cell(column, row, window.look) for column in columns] for row in shown]
    least = {} if window.width < NARROW else {**WIDTHS, "trend": _bars(window.look)}
    wanted = [
        max(cells(column.title), least.get(column.key, 0), *(cells(line[index].text) for line in cut))
        for index, column in enumerate(columns)
    ]
    names = columns.index(next(column for column in columns if column.key == "id"))
    wanted[names] = max(cells(row.id) for row in rows)  # of all: it stands still while one scrolls
    widths = fit(columns, wanted, window.width - 2)
    heads = [Span(_title(column, panel, window.look), "heading") for column in columns]
    lines = [_row(columns, heads, widths, "  ", window.look)]
    for row, line in zip(shown, cut, strict=True):
        chosen = (row.box, row.id) == panel.selected
        mark = ("▌ " if window.look.unicode else "> ") if chosen else "  "
        line[names] = Span(line[names].text, "title" if chosen else "")
        lines.append(_row(columns, line, widths, mark, window.look))
    return lines


def _columns(rows: Sequence[Entry], width: int) -> list[Column[Entry]]:
    """The columns for these rows. Ids of a usual length are whole, unless the window is narrow."""
    found = [c for c in TOP.columns if not c.wide and (not c.if_any or any(c.value(row) for row in rows))]
    longest = 9 if width < NARROW else min(max(cells(row.id) for row in rows), 24)
    return [replace(c, least=longest) if c.key == "id" else c for c in found]


def _bars(look: Look) -> int:
    """Columns of a sparkline."""
    return 8 if (look.width or 200) < SMALL else 12


def _nothing(board: Board, panel: Panel) -> str:
    if panel.filter and board.entries():
        return f"Nothing has “{panel.filter}”. Esc shows all."
    return "There are no pipelines." if any(table.link.started for table in board.boxes.values()) else "Connecting …"


def _cell(column: Column[Entry], row: Entry, look: Look) -> Span:
    if column.key == "trend":
        return Span(sparkline(row.rates, _bars(look), unicode=look.unicode), "accent")
    if column.key == "state" and (look.width or 200) < NARROW:
        return human(row.state, "state", look.now, unicode=look.unicode)
    if column.key == "last_event":
        return Span(_age(row.heard, look) if row.heard else "-", "dim")
    return look.cell(column, row)


def _title(column: Column[Entry], panel: Panel, look: Look) -> str:
    """The heading; the one that orders has an arrow."""
    if column.key != panel.order:
        return column.title
    down, up = ("▾", "▴") if look.unicode else ("v", "^")
    return f"{column.title}{down if downward(panel) else up}"


def _row(columns: Sequence[Column[Entry]], line: Sequence[Span], widths: Sequence[int], mark: str, look: Look) -> Line:
    parts: Line = [Span(mark, "accent")]
    for column, span, width in zip(columns, line, widths, strict=True):
        if not width:
            continue
        text = clip(span.text, width, "…" if look.unicode else "~")
        pad = " " * (width - cells(text))
        right = column.kind in _RIGHT
        parts += [Span(pad if right else ""), Span(text, span.style), Span(("" if right else pad) + " " * GAP)]
    return parts


# The bottom


def _detail(panel: Panel, rows: Sequence[Entry], window: Window) -> Line:
    """What there is to say of the selected pipeline: why it is as it is, or where to watch it."""
    entry = next((row for row in rows if (row.box, row.id) == panel.selected), None)
    if entry is None:
        return []
    room, age = window.width - 2, _ages(entry, window.look)
    reason = reason_of(entry)
    what = f"{entry.id}: {reason}" if reason else (entry.status.output_uri if entry.status else None) or entry.id
    text = clip(safe(what), max(room - cells(age), room // 2))
    return _whole([Span("  "), Span(text, "" if reason else "dim"), Span(age, "dim")], window.width)


def _ages(entry: Entry, look: Look) -> str:
    """How long it has been so, and when its last event came."""
    since = entry.status.since if entry.status else None
    told = [f"{entry.state} for {_age(since, look)}" if since else ""]
    told += [f"heard {_age(entry.heard, look)} ago" if entry.heard else ""]
    return "".join(f"  {words}" for words in told if words)


def _age(then: datetime, look: Look) -> str:
    return seconds(max((look.now - then).total_seconds(), 0))


def _footer(board: Board, panel: Panel, rows: Sequence[Entry], window: Window) -> Line:
    """A question, the filter while it is typed, an answer, or the connection and the keys."""
    width, look = window.width, window.look
    if panel.mode == "ask" and panel.selected:
        name = clip(panel.selected[1], max(width - 20, 8))
        return [Span(f"Stop {name}? ", "warn"), Span("y"), Span("/N", "dim")]
    if panel.mode == "filter":
        return [Span("/", "accent"), Span(clip(panel.filter, width - 2)), Span("▏" if look.unicode else "_", "accent")]
    if panel.said and panel.said_at and (look.now - panel.said_at).total_seconds() < SAID_SECONDS:
        return [Span(clip(safe(panel.said.text), width), panel.said.style)]
    link = _links(board, look)
    if panel.mode == "logs":
        return _whole([*link, Span("  r again  q back", "dim")], width)
    where = f"  {panel.index + 1}/{len(rows)}" if len(rows) > window.room else ""
    kept = [Span(f"  /{panel.filter}", "accent")] if panel.filter else []
    hints = ["? help", "q quit", "p play", "s stop", "l logs", "/ filter", "o sort"]
    return _whole([*link, Span(where, "dim"), *kept, *(Span(f"  {hint}", "dim") for hint in hints)], width)


def _links(board: Board, look: Look) -> Line:
    """The connection of one box, or of many in one word."""
    tables = list(board.boxes.items())
    if len(tables) == 1:
        return _link(tables[0][1].link.stale_since is not None, board, tables[0][0], look)
    lost = [name for name, table in tables if table.link.stale_since]
    told = {name: _plight(board.boxes[name]) for name in lost}
    if lost and all(told.values()):  # nothing of them is shown that could be old
        words = ", ".join(f"{safe(name)}: {plight}" for name, plight in told.items())
        return [Span(f"{'○' if look.unicode else '!'} {clip(words, max((look.width or 200) // 2, 20))}", "warn")]
    if stale := [name for name in lost if not told[name]]:
        return _link(True, board, stale[0], look, others=len(lost) - 1)
    live = sum(table.link.started for _, table in tables)
    return [Span(f"{'●' if look.unicode else '*'} live {live} of {len(tables)}", "good")]


def _plight(table: Table) -> str:
    """Why there is nothing of a box: it wants a login, or was never reached. Empty for one that was."""
    return table.plight or ("" if table.link.started else "not reached")


def _link(lost: bool, board: Board, name: str, look: Look, others: int = 0) -> Line:
    table = board.boxes[name]
    since = table.link.stale_since
    if not lost or since is None:
        started = table.link.started
        mark = ("●" if started else "○") if look.unicode else ("*" if started else "-")
        return [Span(f"{mark} live" if started else f"{mark} connecting", "good" if started else "dim")]
    whose = f"{name} " if name else ""
    more = f" and {others} more" if others else ""
    spans = [
        Span(f"{'○' if look.unicode else '!'} {safe(whose)}stale since {since.astimezone():%H:%M:%S}{more}", "warn"),
        Span(f" ({_age(since, look)})", "warn"),
    ]
    return [*spans, Span(f" {safe(table.trouble)}", "dim")] if table.trouble and not name else spans


# Other pages


def _log(panel: Panel, window: Window) -> list[Line]:
    name = panel.selected[1] if panel.selected else ""
    room = window.height - 2
    last = min(panel.first + room, len(panel.log))
    head = _whole([Span(f"Log of {name}", "title"), Span(f"  {last} of {len(panel.log)} lines", "dim")], window.width)
    text = panel.log or ("It is empty.",)
    mark = "…" if window.look.unicode else "~"
    body: list[Line] = [[Span(clip(line, window.width, mark))] for line in text[panel.first : panel.first + room]]
    return [head, *body, *([] for _ in range(room - len(body)))]


def _help(window: Window) -> list[Line]:
    plain = {"↑ ↓ j k": "j k"}
    lines: list[Line] = [[Span("Keys", "title")]]
    for keys, what in KEYS:
        shown = keys if window.look.unicode else plain.get(keys, keys)
        first, *rest = fold(what, max(window.width - 12, 8))
        lines.append([Span(f"  {shown:<9} ", "accent"), Span(first)])
        lines += [[Span(" " * 12), Span(text)] for text in rest]
    body = lines[: window.height - 1]
    return [*body, *([] for _ in range(window.height - 1 - len(body))), [Span("Any key goes back", "dim")]]
