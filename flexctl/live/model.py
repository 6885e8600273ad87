"""What a live screen knows, and how an event changes it. Pure: no clock, no terminal, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flexctl.out.human import seconds
from flexctl.out.style import Span, cells, safe
from flexctl.out.table import Line, Look, choose, table
from flexctl.views.event import EVENT, Seen
from flexctl.views.view import Column, T, View

KEEP = 500
"""Events that a screen remembers: more than any window has lines."""


@dataclass(frozen=True, slots=True)
class Link:
    """The connection: since when it is gone, and what came over it."""

    stale_since: datetime | None = None
    started: bool = False
    events: int = 0
    last: datetime | None = None

    def lost(self, at: datetime) -> Link:
        """It broke: what is shown is as old as that moment."""
        return replace(self, stale_since=self.stale_since or at)

    def back(self) -> Link:
        """It is there (again)."""
        return replace(self, stale_since=None, started=True)

    def got(self, at: datetime) -> Link:
        """An event came."""
        return replace(self, stale_since=None, started=True, events=self.events + 1, last=at)

    def line(self, look: Look, hint: str = "") -> Line:
        """The state in one line. Some columns stay free: the terminal itself writes `^C` there."""
        room = (look.width or 200) - 4
        line, used = [], 0
        for span in self._spans(look, hint):
            if used + cells(span.text) <= room:
                line.append(span)
                used += cells(span.text)
        return line

    def _spans(self, look: Look, hint: str) -> Line:
        mark = "●" if look.unicode else "*"
        if self.stale_since:
            age = seconds(max((look.now - self.stale_since).total_seconds(), 0))
            since = self.stale_since.astimezone().strftime("%H:%M:%S")
            return [
                Span(f"{'○' if look.unicode else '!'} stale since {since}", "warn"),
                Span(f" ({age}), reconnecting"),
            ]
        if not self.started:
            return [Span("○ " if look.unicode else "- ", "dim"), Span("connecting", "dim")]
        ago = f", last {seconds(max((look.now - self.last).total_seconds(), 0))} ago" if self.last else ""
        count = f"{self.events} event{'' if self.events == 1 else 's'}"
        return [Span(f"{mark} live", "good"), Span(f"  {count}{ago}", "dim"), Span(hint, "dim")]


@dataclass(frozen=True, slots=True)
class Links:
    """The connections to one box or many, by its name."""

    boxes: Mapping[str, Link]

    @classmethod
    def of(cls, names: Iterable[str]) -> Links:
        """Nothing is connected yet."""
        return cls({name: Link() for name in names})

    @property
    def started(self) -> bool:
        """Whether any box has told anything."""
        return any(link.started for link in self.boxes.values())

    def after(self, item: Any, at: datetime) -> Links:
        """What a box has told, or how its connection fares: an item of a feed. None is nothing new."""
        if item is None:
            return self
        link = self.boxes[item.box]
        told = getattr(item, "item", None) or getattr(item, "change", None)
        kind = getattr(told, "kind", "event" if told else "stale")
        changed = link.got(at) if kind == "event" else link.lost(at) if kind == "stale" else link.back()
        return Links({**self.boxes, item.box: changed})

    def line(self, look: Look, hint: str = "") -> Line:
        """The state in one line: of the one that is lost first, if any is."""
        lost = [(name, link) for name, link in self.boxes.items() if link.stale_since]
        if len(self.boxes) == 1 or not self.started:
            return next(iter(self.boxes.values())).line(look, hint)
        if lost:
            name, link = lost[0]
            more = f" and {len(lost) - 1} more: " if len(lost) > 1 else ": "
            room = replace(look, width=max((look.width or 200) - cells(name + more), 20))
            return [Span(safe(name) + more, "warn"), *link.line(room, hint)]
        links = self.boxes.values()
        last = max((link.last for link in links if link.last), default=None)
        return Link(None, True, sum(link.events for link in links), last).line(look, hint)


def same_news(one: Seen, other: Seen) -> bool:
    """Whether two events are ticks of one state: the later one then stands in the earlier one's place."""
    a, b = one.event, other.event
    if a.type != "pipeline_status" or b.type != "pipeline_status" or one.subject != other.subject:
        return False
    return all(getattr(a.data, name) == getattr(b.data, name) for name in ("state", "order", "reason", "restarts"))


def with_event(log: Sequence[Seen], seen: Seen) -> tuple[Seen, ...]:
    """The log with one event more. A pipeline's ticks of the same state share a line."""
    for index in range(len(log) - 1, -1, -1):
        if log[index].subject == seen.subject and log[index].box == seen.box:
            if same_news(log[index], seen):
                return (*log[:index], seen, *log[index + 1 :])
            break
    return (*log[-KEEP + 1 :], seen)


def log_lines(log: Sequence[Seen], link: Link | Links, look: Look, height: int) -> list[Line]:
    """The newest events that fit a window, below their headings and above the state of the connection."""
    footer = link.line(look, "  Ctrl-C ends")
    if not log:
        return [[Span("No events yet.", "dim")], footer]
    body = _newest(choose(EVENT, wide=False, names=None), log, look, height - 2)
    return [*body, footer]


def _newest(columns: Sequence[Column[T]], rows: Sequence[T], look: Look, height: int) -> list[Line]:
    """A table of as many of the last rows as fit; a row may be folded over several lines."""
    for first in range(max(len(rows) - height, 0), len(rows)):
        lines = table(columns, rows[first:], look)
        if len(lines) <= height:
            return lines
    return table(columns, rows[-1:], look)[:height]


def board_lines(
    view: View[Any],
    rows: Sequence[Any],
    link: Link | Links,
    look: Look,
    height: int,
    names: Sequence[str] = (),
    wide: bool = False,
) -> list[Line]:
    """The table of everything, clamped to the window, above the state of the connection."""
    footer = link.line(look, "  Ctrl-C ends")
    if not rows:
        text = "There are no pipelines." if link.started else ""
        return [*([[Span(text, "dim")]] if text else []), footer]
    body = table(choose(view, wide=wide, names=names), rows, look)
    room = height - 2
    if len(body) > room:
        hidden = len(body) - room + 1
        body = [*body[: room - 1], [Span(f"{'…' if look.unicode else '...'} {hidden} more", "dim")]]
    return [*body, footer]
