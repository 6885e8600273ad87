"""Rows and columns as lines of styled text: pure, so that a pipe, a terminal and a live screen draw the same table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf

from flexctl.errors import Misuse
from flexctl.meant import meant
from flexctl.out.human import exact, human
from flexctl.out.style import Span, cells, clip, fold, safe
from flexctl.views.view import Column, Part, T, View

Line = list[Span]
GAP = 2
WIDEST = 200
"""Columns that a pipe's table is aligned to; what is longer stands out, so that one cell makes no other row long."""
_RIGHT = {"count", "kbps", "fps", "percent", "bytes", "seconds", "ms"}


@dataclass(frozen=True, slots=True)
class Look:
    """How much room there is, and for whom it is."""

    now: datetime
    people: bool = True
    """On a terminal: numbers people read, cut to the width. Otherwise exact and never cut."""
    width: int | None = None
    unicode: bool = True

    def cell(self, column: Column[T], row: T) -> Span:
        """One value."""
        value = (column.shown or column.value)(row)
        return human(value, column.kind, self.now, unicode=self.unicode) if self.people else Span(exact(value) or "-")


def choose(view: View[T], *, wide: bool, names: Sequence[str] | None) -> list[Column[T]]:
    """The columns that were asked for. Raises Misuse that names the ones there are."""
    if not names:
        return [column for column in view.columns if wide or not column.wide]
    known = {_plain(column.title): column for column in view.columns}
    known |= {column.key: column for column in view.columns}
    for name in names:
        if _plain(name) not in known:
            there = ", ".join(column.key for column in view.columns)
            guess = meant(_plain(name), known)
            raise Misuse(f"there is no column '{safe(name)}'{guess}", f"the columns are {safe(there)}" if there else "")
    return [known[_plain(name)] for name in names]


def _plain(name: str) -> str:
    """A column's name however it is written: as in the heading, with a blank or a hyphen."""
    return name.lower().replace(" ", "_").replace("-", "_")


def orders(by: str | None) -> list[tuple[str, bool]]:
    """What `state,-size_bytes` or `state,size_bytes:desc` says: columns, and whether the largest comes first."""
    found = []
    for word in (by or "").split(","):
        name, _, way = word.strip().removeprefix("-").partition(":")
        if way.lower() not in {"", "asc", "desc"}:
            raise Misuse(f"--sort-by: '{way}' is no direction", "say -COLUMN or COLUMN:desc for the largest first")
        if name:
            found.append((name, word.strip().startswith("-") != (way.lower() == "desc")))
    return found


def arrange(view: View[T], rows: Sequence[T], by: str | None) -> list[T]:
    """The rows in the order that was asked for, by the first column, then the next; rows without a value come last."""
    wanted = orders(by)
    columns = choose(view, wide=True, names=[name for name, _ in wanted]) if wanted else []
    ordered = list(rows)
    for column, (_, down) in reversed(list(zip(columns, wanted, strict=True))):
        empty = [row for row in ordered if column.value(row) is None]
        full = [row for row in ordered if column.value(row) is not None]
        ordered = [*sorted(full, key=lambda row: _rank(column.value(row)), reverse=down), *empty]
    return ordered


def _rank(value: object) -> tuple[float, str]:
    """Numbers by their size and before words; words as they are written."""
    return (float(value), "") if isinstance(value, (int, float)) else (inf, exact(value))


def table(columns: Sequence[Column[T]], rows: Sequence[T], look: Look) -> list[Line]:
    """The heading and the rows, fitted to the room."""
    columns = [c for c in columns if not c.if_any or any(c.value(row) not in {None, ""} for row in rows)]
    body = [[look.cell(column, row) for column in columns] for row in rows]
    most = look.width or WIDEST
    wanted = [
        min(max(cells(column.title), *(cells(line[index].text) for line in body), 0), most)
        for index, column in enumerate(columns)
    ]
    widths = fit(columns, wanted, look.width)
    shown = [index for index, width in enumerate(widths) if width]
    heading = [Span(columns[index].title, "heading") for index in range(len(columns))]
    lines: list[Line] = []
    for line in [heading, *body]:
        parts = [(columns[i], line[i], widths[i]) for i in shown]
        lines += _row(parts, ("…" if look.unicode else "...") if look.width else None)
    return lines


def fit(columns: Sequence[Column[T]], wanted: Sequence[int], room: int | None) -> list[int]:
    """The width of each column, 0 for one that is left out."""
    if room is None:
        return list(wanted)
    least = [min(w, c.least) if c.least else w for c, w in zip(columns, wanted, strict=True)]
    kept = set(range(len(columns)))

    def need(sizes: Sequence[int]) -> int:
        return sum(sizes[i] for i in kept) + GAP * (len(kept) - 1)

    while need(least) > room and (spare := [i for i in kept if columns[i].priority]):
        kept.discard(max(spare, key=lambda i: (columns[i].priority, i)))
    widths = [w if i in kept else 0 for i, w in enumerate(wanted)]
    while need(widths) > room and (soft := [i for i in kept if widths[i] > least[i]]):
        widths[max(soft, key=lambda i: (columns[i].priority, widths[i]))] -= 1
    if need(widths) > room and kept:  # what never goes is still too wide: its widest column folds
        widest = max(kept, key=lambda i: widths[i])
        widths[widest] = max(widths[widest] - (need(widths) - room), 4)
    return widths


def _row(parts: list[tuple[Column[T], Span, int]], mark: str | None) -> list[Line]:
    """One row: its cells beside each other, folded over more lines where a cell may not be cut. Without a mark nothing
    is cut or folded.
    """

    def fitted(column: Column[T], span: Span, width: int) -> list[str]:
        if mark is None:
            return [span.text]
        return [clip(span.text, width, mark)] if column.least and span.style != "heading" else fold(span.text, width)

    columns = [fitted(column, span, width) for column, span, width in parts]
    lines: list[Line] = []
    for number in range(max(map(len, columns), default=0)):
        line: Line = []
        for index, (column, span, width) in enumerate(parts):
            text = columns[index][number] if number < len(columns[index]) else ""
            pad = " " * (width - cells(text))
            right = column.kind in _RIGHT
            last = index == len(parts) - 1
            line += [Span(pad if right else ""), Span(text, span.style), Span("" if right or last else pad)]
            line.append(Span("" if last else " " * GAP))
        lines.append(line)
    return lines


def details(parts: Sequence[Part], look: Look) -> list[Line]:
    """A page about one thing: labels left, values right, groups under their titles."""
    most = max(look.width // 3, 12) if look.width else WIDEST
    labels = [cells(safe(field.label)) + (2 if part.title else 0) for part in parts for field in part.fields]
    column = min(max(labels, default=0), most) + GAP
    lines: list[Line] = []
    for part in parts:
        if not part.fields:
            continue
        if part.title:
            lines.append([Span(part.title, "title")])
        indent = 2 if part.title else 0
        for field in part.fields:
            value = human(field.value, field.kind, look.now, unicode=look.unicode)
            value = value if look.people else Span(exact(field.value))
            folded = fold(value.text, max(look.width - column, 8)) if look.width else [value.text]
            label = " " * indent + safe(field.label)
            label = clip(label, column - GAP, "…" if look.unicode else "...") if look.width else label
            for text in folded:
                lines.append([Span(label + " " * (column - cells(label)), "dim"), Span(text, value.style)])
                label = ""
    return lines
