"""The list of pipelines joined with the stream of events: a table that is always as the box is. Pure.

A list that carries `Last-Event-Id` says up to which event it is good, and the stream begins there. Without the header
the list is read once more when the stream is open. After a gap the list is read again. A box without events is asked
again and again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from flexclient._call import Call, Flow, Pause, Reply
from flexclient._models import models as m
from flexclient._resume import LONGEST_RETRY, RETRY, Follower, StreamState, passing
from flexclient._retry import Backoff
from flexclient.errors import FlexError, MethodNotAllowed, NotFound

POLL = 2.0
"""Seconds between two looks at a box that has no events."""


@dataclass(frozen=True, slots=True)
class Row:
    """One pipeline, as it is now."""

    id: str
    state: m.State
    pipeline: m.Pipeline | None = None
    """Its document; None for a moment where only its status was told."""
    status: m.PipelineStatus | None = None
    """How it fares; None until the box tells."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the table."""

    kind: Literal["sync", "event", "stale", "live"]
    """`sync`: read anew, whole. `event`: `event` happened, and is in `pipelines` already. `stale`: the connection is
    gone, the table may be old. `live`: connected."""
    pipelines: Mapping[str, Row]
    """The table after it, by id. It is not changed later: every change has its own."""
    event: m.Event[Any] | None = None
    error: FlexError | None = None
    """Of `stale`: what ended the connection, where something failed."""
    retry_in: float | None = None
    """Of `stale`: seconds until the next try."""


def synced(rows: Mapping[str, Row], pipelines: list[m.Pipeline]) -> dict[str, Row]:
    """The table after the list was read: its pipelines and no others; a known status is kept while its state holds."""
    table = {}
    for pipeline in pipelines:
        known = rows.get(pipeline.id)
        status = known.status if known and known.status and known.status.state == pipeline.state else None
        table[pipeline.id] = Row(pipeline.id, pipeline.state, pipeline, status)
    return table


def applied(rows: Mapping[str, Row], event: m.Event[Any]) -> dict[str, Row]:
    """The table after an event."""
    data, table = event.data, dict(rows)
    if isinstance(data, m.PipelineDeleted):
        table.pop(data.id, None)
    elif isinstance(data, m.PipelineStatus):
        row = table.get(data.id)
        table[data.id] = Row(data.id, data.state, row.pipeline if row else None, data)
    elif isinstance(data, m.Pipeline):
        row = table.get(data.id, Row(data.id, data.state))
        table[data.id] = replace(row, state=data.state, pipeline=data)
    return table


class Watcher:
    """The course of one watch."""

    def __init__(
        self, listing: Call[list[m.Pipeline]], follower: Follower, only: Collection[str] | None = None
    ) -> None:
        self._listing = listing
        self._only = only
        self._follower = follower
        self._rows: dict[str, Row] = {}
        self._good_to: int | None = None
        self._listed = False
        self._must_list = True
        self._connected = False
        self._polling = False
        self._failures = 0
        self._ready: deque[Change] = deque()

    def next(self) -> Flow[Change | None]:
        """The next change. Raises what another try will not mend."""
        while not self._ready:
            if self._polling:
                yield from self._poll()
            elif self._must_list:
                yield from self._list()
            elif (yield from self._follow()):
                return None
        return self._ready.popleft()

    def _follow(self) -> Flow[bool]:
        """Take what the stream brings; whether it is over."""
        try:
            item = yield from self._follower.next()
        except (NotFound, MethodNotAllowed):
            if self._connected:
                raise
            self._polling = True
            return False
        if isinstance(item, StreamState):
            self._turned(item)
        elif item is not None:
            self._happened(item)
        return item is None

    def _turned(self, state: StreamState) -> None:
        if state.kind == "live" and not self._connected:
            self._connected = True
            # A list that does not say which event it is good to was read too early: before the stream was open.
            self._must_list = self._good_to is None
        self._ready.append(Change(state.kind, self._rows, error=state.error, retry_in=state.retry_in))

    def _happened(self, event: m.Event[Any]) -> None:
        if event.type == "gap":
            self._must_list = True
            return
        if event.id is not None and self._good_to is not None and event.id <= self._good_to:
            return
        if self._only is not None and getattr(event.data, "id", None) not in self._only:
            return
        if isinstance(event.data, m.PipelineStatus) and event.data.id not in self._rows:
            self._must_list = True  # this box tells of no births
        self._rows = applied(self._rows, event)
        self._ready.append(Change("event", self._rows, event=event))

    def _list(self) -> Flow[None]:
        if self._failures:
            yield Pause(Backoff(RETRY, LONGEST_RETRY).delay(self._failures, 0.5))
        try:
            reply: Reply[list[m.Pipeline]] = yield self._listing
        except FlexError as error:
            if not self._listed or not passing(error):
                raise
            self._failures += 1
            if self._failures == 1:
                self._ready.append(Change("stale", self._rows, error=error))
            return
        if self._failures:
            self._ready.append(Change("live", self._rows))
        self._listed_as(reply)

    def _listed_as(self, reply: Reply[list[m.Pipeline]]) -> None:
        told = reply.headers.get("last-event-id", "")
        self._good_to = int(told) if told.isdecimal() else None
        if not self._listed and self._good_to is not None:
            self._follower.begin_after(told)
        found = reply.data if self._only is None else [one for one in reply.data if one.id in self._only]
        rows = synced(self._rows, found)
        if not self._polling or rows != self._rows:
            self._ready.append(Change("sync", rows))
        self._rows = rows
        self._listed, self._must_list, self._failures = True, False, 0

    def _poll(self) -> Flow[None]:
        yield Pause(POLL)
        yield from self._list()
