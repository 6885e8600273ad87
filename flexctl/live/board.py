"""What `top` knows of the pipelines of one box or many, and how news change it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flexctl.live.boxes import Changed, Failed, Looked, News
from flexctl.live.model import Link
from flexctl.views.top import Entry

if TYPE_CHECKING:
    from flexclient import Change, Row
    from flexclient.errors import FlexError
    from flexclient.models import PipelineStatus

RATES = 32
"""Bitrates that are remembered of a pipeline: more than any column shows."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one pipeline beside its row."""

    rates: tuple[float, ...] = ()
    heard: datetime | None = None
    looked: PipelineStatus | None = None

    def with_status(self, status: PipelineStatus, at: datetime) -> Known:
        """After an event told it; the time is that of the event."""
        rate = status.stats.bitrate_kbps if status.stats else None
        rates = (*self.rates, rate or 0.0)[-RATES:] if rate is not None or any(self.rates) else ()
        return Known(rates, at, self.looked)


@dataclass(frozen=True, slots=True)
class Table:
    """One box."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    trouble: str = ""
    """Why it cannot be followed."""
    plight: str = ""
    """The same in a word or two, where it is not that its connection broke."""


@dataclass(frozen=True, slots=True)
class Board:
    """All boxes, by name."""

    boxes: Mapping[str, Table]

    @classmethod
    def of(cls, names: Sequence[str]) -> Board:
        """Nothing is known yet."""
        return cls({name: Table() for name in names})

    def after(self, news: News, at: datetime) -> Board:
        """What is known after it."""
        if not isinstance(news, (Changed, Looked, Failed)):
            return self
        table = self.boxes[news.box]
        if isinstance(news, Changed):
            table = _changed(table, news.change, at)
        elif isinstance(news, Looked):
            table = _looked(table, news.status, at)
        else:
            table = replace(
                table, link=table.link.lost(at), trouble=news.error.message, plight=_plight(news.error, table.link)
            )
        return Board({**self.boxes, news.box: table})

    def entries(self) -> list[Entry]:
        """Every pipeline, box after box."""
        return [_entry(name, table, row) for name, table in self.boxes.items() for row in table.rows.values()]


def _plight(error: FlexError, link: Link) -> str:
    """What keeps a box from being followed, as the footer has room for it."""
    from flexclient.errors import TlsError, Unauthorized

    if isinstance(error, Unauthorized):
        return "log in"
    if link.started:
        return ""
    if isinstance(error, TlsError):
        return "not trusted"
    return "refused" if "refused" in error.message.lower() else ""


def _changed(table: Table, change: Change, at: datetime) -> Table:
    link = table.link
    if change.kind == "event":
        link = link.got(at)
    elif change.kind == "stale":
        link = link.lost(at)
    else:
        link = link.back()
    trouble = change.error.message if change.kind == "stale" and change.error else table.trouble
    known = table.known
    if change.kind == "event" and change.event is not None:
        known = _heard(known, change.event.data, at)
    if len(known) > len(change.pipelines):
        known = {name: value for name, value in known.items() if name in change.pipelines}
    return Table(change.pipelines, known, link, trouble if link.stale_since else "")


def _heard(known: Mapping[str, Known], data: Any, at: datetime) -> Mapping[str, Known]:
    from flexclient.models import PipelineStatus

    name = getattr(data, "id", None)
    if not isinstance(name, str):
        return known
    before = known.get(name, Known())
    after = before.with_status(data, at) if isinstance(data, PipelineStatus) else replace(before, heard=at)
    return {**known, name: after}


def _looked(table: Table, status: PipelineStatus, at: datetime) -> Table:
    if status.id not in table.rows:
        return table
    known = table.known.get(status.id, Known())
    # It is no event: when the last one was stays unknown. Its rate is one more all the same.
    after = replace(known.with_status(status, at), heard=known.heard, looked=status)
    return replace(table, known={**table.known, status.id: after})


def _entry(box: str, table: Table, row: Row) -> Entry:
    known = table.known.get(row.id, Known())
    looked = known.looked if known.looked and known.looked.state == row.state else None
    return Entry(box, row.id, row.state, row.pipeline, row.status or looked, known.rates, known.heard)
