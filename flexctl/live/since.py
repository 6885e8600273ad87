"""Where to begin in the past: at an event's id, a time, or so long ago.

The wire knows ids alone: `?since=` replays what came after one, or tells with `gap` that the box does not remember back
to there. A time is looked for by asking for ever older ids until an event of that age comes. Most events say when they
happened; one that does not counts as being of the time of the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from flexctl.live.feed import Feed, Stream
from flexctl.options import duration
from flexctl.views.event import told_at

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient.models import Event

Since: TypeAlias = "int | float | datetime"
"""An event's id, an age in seconds, or a time."""
STEP = 1_000
"""Ids that the first look goes back; each one after it four times as far."""
NARROWED = 6
"""Looks to find where the box's memory begins."""
SILENCE = 1.0
"""A box replays at once: after so many seconds without an event there is none."""


def since_of(text: str) -> Since:
    """What `--since` says: `1234`, `10m`, `2026-11-01T12:00:00Z`. Raises ValueError."""
    if text.isdecimal():
        return int(text)
    with suppress(ValueError):
        return duration(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise ValueError(f"'{text}' is no id, no age such as 10m, no time such as 2026-11-01T12:00:00Z") from None


def time_of(since: Since | None, now: datetime) -> datetime | None:
    """The time that is meant; None for an id."""
    if isinstance(since, datetime):
        return since
    return now - timedelta(seconds=since) if isinstance(since, float) else None


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a stream begins that should go back to a time."""

    id: int
    head: int
    """The newest event when it was looked for: later ones are news."""
    remembered: bool = True
    """Whether the box remembers back to there."""


def newest(client: FlexClient) -> int | None:
    """The id of a box's newest event. None for a box that does not tell it."""
    told = client.pipelines.list.raw().headers.get("last-event-id", "")
    return int(told) if told.isdecimal() else None


def beginning(client: FlexClient, when: datetime) -> Beginning | None:
    """The id to begin after, for all events since a time. None for a box that does not tell its newest event."""
    head = newest(client)
    if head is None:
        return None
    good, back = head, STEP
    while good:
        first = max(head - back, 0)
        kind, at = _look(client, first)
        if kind == "gap":
            return Beginning(_narrowed(client, first, good), head, remembered=False)
        good, back = first, back * 4
        if at is not None and at <= when:
            break
    return Beginning(good, head)


def _narrowed(client: FlexClient, bad: int, good: int) -> int:
    """Between an id that the box does not remember and one that it does: nearer to the first."""
    for _ in range(NARROWED):
        middle = (bad + good) // 2
        if _look(client, middle)[0] == "gap":
            bad = middle
        else:
            good = middle
    return good


def _look(client: FlexClient, after: int) -> tuple[str, datetime | None]:
    """What the first events after an id are: `gap`, or how old."""
    with Feed[Any](lambda _put: client.events.stream(since=after, resume=False)) as feed:
        for event in feed.items(SILENCE):
            at = told_at(event) if event is not None else None
            if event is not None and (event.type == "gap" or at):
                return event.type, at
    return "", None


class Recent:
    """A stream without its events from before a time, if one is given, and without those that do not pass.

    What does not pass dates the others all the same. `replayed` takes note of about when each event that is no news
    happened: None where nothing before it tells.
    """

    def __init__(
        self,
        stream: Stream[Event[Any]],
        when: datetime | None,
        head: int,
        *,
        passes: Callable[[Event[Any]], bool] = lambda _: True,
        replayed: Callable[[int, datetime | None], None] = lambda _id, _at: None,
    ) -> None:
        self._stream, self._when, self._head = stream, when, head
        self._passes, self._replayed = passes, replayed

    def __iter__(self) -> Iterator[Event[Any]]:
        begun, last = self._when is None, None
        for event in self._stream:
            at = told_at(event)
            last = at or last
            news = event.id is None or event.id > self._head
            begun = begun or news or bool(at and self._when and at >= self._when)
            if event.type in {"gap", "bye"} or (begun and self._passes(event)):
                if event.id is not None and not news:
                    self._replayed(event.id, last)
                yield event

    def close(self) -> None:
        """End it, from any thread."""
        self._stream.close()
