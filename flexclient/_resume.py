"""What an event stream does next: open, read, wait, open again where it left off. Pure: it yields steps, sends nothing.

Where events have ids, nothing is lost or doubled: a new connection asks for what came after the last id. Where they
have none, a `gap` event follows a new connection: what happened in between is not known, and must be read again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from flexclient._call import Call, Flow, Open, Pause, Read
from flexclient._log import logger
from flexclient._models import models as m
from flexclient._retry import PASSING, Backoff
from flexclient._sse import RawEvent, event_number
from flexclient.errors import ApiError, CallTimeout, ConnectError, FlexError, TlsError

RETRY = 1.0
"""Seconds before a stream is opened again, where the box names no other time; doubled with each try that fails."""

LONGEST_RETRY = 5.0

READ = Read()


@dataclass(frozen=True, slots=True)
class StreamState:
    """How a stream's connection fares, for who shows it."""

    kind: Literal["live", "stale"]
    """`live`: connected. `stale`: not connected; what is known may be old."""
    retry_in: float | None = None
    """Seconds until the next try."""
    error: FlexError | None = None
    """What ended the connection; None where the box ended it in order."""


Item: TypeAlias = "m.Event[Any] | StreamState"


class Follower:
    """The course of one stream over all its connections."""

    def __init__(
        self,
        call: Call[Any],
        *,
        since: int | None = None,
        resume: bool = True,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._call = call
        self._resume = resume
        self._chance = chance
        self._last_id: str | None = None if since is None else str(since)
        self._floor: int | None = None
        self._open = False
        self._opened_before = False
        self._over = False
        self._failures = 0
        self._retry = RETRY
        self._delay = 0.0
        self._ready: deque[Item] = deque()

    @property
    def last_id(self) -> str | None:
        """The id of the last event that came, or where to begin."""
        return self._last_id

    def begin_after(self, event_id: str) -> None:
        """Begin after that event. Only before the first `next`."""
        self._last_id = event_id

    def next(self) -> Flow[Item | None]:
        """The next event or change of the connection; None at the end. Raises what another try will not mend."""
        while not self._ready:
            if self._over:
                return None
            if not self._open:
                yield from self._connect()
                continue
            try:
                raws: list[RawEvent] | None = yield READ
            except FlexError as error:
                if not passing(error):
                    raise
                self._lost(error)
            else:
                self._came(raws)
        return self._ready.popleft()

    def _connect(self) -> Flow[None]:
        if self._delay:
            yield Pause(self._delay)
        try:
            yield Open(self._opening(), first=not self._opened_before)
        except FlexError as error:
            if not self._opened_before or not passing(error):
                raise
            self._lost(error)
            return
        self._open = True
        self._floor = event_number(self._last_id)
        self._ready.append(StreamState("live"))
        if self._opened_before and self._last_id is None:
            self._ready.append(m.Event("gap", m.Gap(reason="reconnected, and this box's events have no ids")))
        self._opened_before = True

    def _opening(self) -> Call[Any]:
        if self._last_id is None:
            return self._call
        if not self._opened_before:
            return replace(self._call, query={**self._call.query, "since": self._last_id})
        return replace(self._call, headers={**self._call.headers, "Last-Event-ID": self._last_id})

    def _came(self, raws: list[RawEvent] | None) -> None:
        if raws is None:
            self._lost(None)
            return
        for raw in raws:
            if self._open:  # what follows `bye` comes again on the next connection
                self._take(raw)

    def _take(self, raw: RawEvent) -> None:
        if raw.retry_ms is not None and raw.retry_ms >= 0:
            self._retry = min(raw.retry_ms / 1000, LONGEST_RETRY)
        if raw.data is not None:
            self._happened(raw)
        elif raw.id is not None:
            self._last_id = raw.id or None

    def _happened(self, raw: RawEvent) -> None:
        event = typed(raw)
        if event.type == "gap":
            self._floor = None  # what follows is a snapshot: it is new, whatever its ids
        if event.type != "bye" and self._floor is not None and event.id is not None and event.id <= self._floor:
            logger.debug("event %s came again and is passed over", event.id)
            return
        self._failures, self._delay = 0, 0.0
        self._last_id = self._last_id if raw.id is None else raw.id or None
        self._ready.append(event)
        if event.type == "bye":
            self._lost(None)

    def _lost(self, error: FlexError | None) -> None:
        """The connection is gone: the next one comes after a pause, or never."""
        self._open = False
        if not self._resume:
            self._over = True
            if error is not None:
                raise error
            return
        self._failures += 1
        self._delay = Backoff(self._retry, LONGEST_RETRY).delay(self._failures, self._chance())
        told = error.retry_after if isinstance(error, ApiError) else None
        if told is not None:
            self._delay = max(told, self._delay)
        self._ready.append(StreamState("stale", self._delay, error))


def passing(error: FlexError) -> bool:
    """Whether a stream that was open before may come back after this."""
    if isinstance(error, ApiError):
        return error.status in PASSING or error.status == 429
    return isinstance(error, (ConnectError, CallTimeout)) and not isinstance(error, TlsError)


def typed(raw: RawEvent) -> m.Event[Any]:
    """The event that a block means. Data of a form that its type does not promise makes it an `UnknownEvent`."""
    try:
        return m.read_event(raw.type, raw.data or "", raw.id)
    except ValueError as error:
        from pydantic import ValidationError  # reading an event has imported it anyway

        if not isinstance(error, ValidationError):
            raise
        logger.warning(
            "event %s is not of the promised form: %s", raw.type, error.errors(include_input=False)[0]["msg"]
        )
    try:
        data = m.UnknownData.model_validate_json(raw.data or "{}")
    except ValidationError:
        data = m.UnknownData.model_validate({"text": raw.data})
    return m.UnknownEvent(raw.type, data, event_number(raw.id))
