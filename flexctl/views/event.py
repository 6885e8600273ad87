"""Events: as one line for people, and as one JSON object for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeGuard

from flexctl.out.human import human
from flexctl.out.style import Span
from flexctl.out.table import Look
from flexctl.views.pipeline import json_of, state_words
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import Event, PipelineStatus


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, and when it was seen here."""

    at: datetime | None
    """Of one that is replayed: about when it happened, None where nobody knows."""
    event: Event[Any]
    box: str = ""
    """Of several boxes: its name."""
    replayed: bool = False

    @property
    def time(self) -> datetime | None:
        """When it happened, as far as its data says so: one that is replayed is older than the moment it came."""
        return told_at(self.event) or self.at

    @property
    def about(self) -> bool:
        """Whether that time is worked out from the events before it."""
        return self.replayed and self.time is not None and told_at(self.event) is None

    @property
    def subject(self) -> str | None:
        """The pipeline or device it is about."""
        data = self.event.data
        found = (getattr(data, name, None) for name in ("id", "device_path", "pipeline_id", "webhook_id"))
        return next(filter(None, found), None)


def told_at(event: Event[Any]) -> datetime | None:
    """When an event happened, where its data says so."""
    data = event.data
    since = getattr(data, "since", None)
    if _is_time(since):
        return since + timedelta(seconds=getattr(data, "uptime_seconds", None) or 0)
    told = getattr(data, "updated_at", None) or getattr(data, "created_at", None)
    return told if _is_time(told) else None


SEVERITIES = ("info", "warning", "error")
"""How bad an event is: each includes those after it."""
_SEVERITY = {
    "pipeline_error": "error",
    "webhook_failed": "error",
    "gap": "warning",
    "bye": "warning",
    "camera_removed": "warning",
    "pipeline_deleted": "warning",
}
_STATES = {"error": "error", "reconnecting": "warning"}
_STYLES = {"error": "bad", "warning": "warn"}


def severity(event: Event[Any]) -> str:
    """How bad it is: an error of its own, or a pipeline that came into a bad state."""
    return _SEVERITY.get(event.type) or _STATES.get(str(getattr(event.data, "state", "")), "info")


@dataclass(frozen=True, slots=True)
class EventLook(Look):
    """Draws events: coloured by how bad they are, and on a live screen with their age instead of the time of day."""

    ages: bool = False

    def cell(self, column: Column[Any], row: Any) -> Span:
        """One value."""
        span = Look.cell(self, column, row)
        if column.key == "time":
            span = human(row.time, "age", self.now) if self.ages else span
            return Span(f"~{span.text}", span.style) if row.about else span
        if column.key not in {"event", "what"}:
            return span
        return Span(span.text, _STYLES.get(severity(row.event), span.style))


def _is_time(value: object) -> TypeGuard[datetime]:
    """A gap's `since` is a number, and a newer box may send what it likes."""
    return isinstance(value, datetime) and value.tzinfo is not None


def data_of(event: Event[Any]) -> dict[str, Any]:
    """The event as JSON values: `{"id", "event", "data"}`."""
    return {"id": event.id, "event": event.type, "data": json_of(event.data)}


def what(event: Event[Any]) -> str:
    """What happened, in a few words."""
    data = event.data
    if event.type == "pipeline_status":
        return ", ".join([state_words(data.state, data.order), *_figures(data)])
    if event.type == "pipeline_error":
        again = f", next try at {data.next_retry_at.astimezone():%H:%M:%S}" if data.next_retry_at else ""
        return f"{data.message}{again}"
    if event.type == "webhook_failed":
        return f"{data.message}{'; it is switched off' if data.disabled else ''}"
    if event.type == "gap":
        return data.reason or "events were lost here; the box tells its state anew"
    if event.type == "bye":
        return data.reason or "the box shuts down"
    if event.type in {"pipeline_created", "pipeline_updated"}:
        return state_words(data.state, data.order)
    return str(getattr(data, "device_name", None) or getattr(data, "file", None) or "")


_NEVER = datetime.min.replace(tzinfo=UTC)


def _figures(status: PipelineStatus) -> list[str]:
    now, stats = status.since or _NEVER, status.stats
    words = [status.reason] if status.reason else []
    if stats and stats.fps is not None:
        words.append(f"{stats.fps:.1f} fps")
    if stats and stats.bitrate_kbps is not None:
        words.append(human(stats.bitrate_kbps, "kbps", now).text)
    if status.readers:
        words.append(f"{status.readers} reader{'s' if status.readers > 1 else ''}")
    if status.restarts:
        words.append(f"{status.restarts} restart{'s' if status.restarts > 1 else ''}")
    return words


EVENT: View[Seen] = View(
    columns=(
        Column("context", "CONTEXT", lambda s: s.box, if_any=True),
        Column("time", "TIME", lambda s: s.time, "clock"),
        Column("id", "ID", lambda s: s.event.id, "count", priority=3, wide=True),
        Column("event", "EVENT", lambda s: s.event.type, "event", priority=2),
        Column("subject", "SUBJECT", lambda s: s.subject, priority=1, least=12),
        Column("what", "WHAT", lambda s: what(s.event), least=16),
    ),
    details=lambda s: [Part("", (Field("Event", s.event.type), Field("What", what(s.event))))],
    name=lambda s: str(s.event.id or ""),
    data=lambda s: data_of(s.event),
)
