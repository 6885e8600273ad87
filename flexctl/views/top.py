"""One line of `top`: a pipeline, how it fares, and how its rate went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flexctl.views.pipeline import json_of, source_of, state_words
from flexctl.views.view import Column, View

if TYPE_CHECKING:
    from flexclient.models import Pipeline, PipelineStatus, State

BARS = "▁▂▃▄▅▆▇█"
BARS_ASCII = "_.-=+*#%"
NARROW, SMALL = 60, 100
"""Columns of a window below which only the numbers themselves have room, and below which words are short."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One pipeline as `top` knows it."""

    box: str
    id: str
    state: State
    pipeline: Pipeline | None = None
    status: PipelineStatus | None = None
    rates: tuple[float, ...] = ()
    """Its last bitrates, kbit/s, the newest last."""
    heard: datetime | None = None
    """When its last event came."""


def joined(pipeline: Pipeline | None, status: PipelineStatus | None) -> dict[str, Any]:
    """Document and status as one object: the status is the newer word."""
    document = json_of(pipeline) if pipeline else {}
    return document | (json_of(status) if status else {})


def sparkline(rates: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """The last rates as bars, from nothing to the highest that is shown. A rate that hardly changes is a calm line."""
    shown = rates[-width:]
    bars, top = BARS if unicode else BARS_ASCII, max(shown, default=0.0)
    if not top:
        return bars[0] * len(shown)
    return "".join(bars[min(int(rate / top * (len(bars) - 1) + 0.5), len(bars) - 1)] for rate in shown)


def _status(name: str) -> Callable[[Entry], Any]:
    return lambda entry: getattr(entry.status, name, None)


def _stat(name: str) -> Callable[[Entry], Any]:
    return lambda entry: getattr(getattr(entry.status, "stats", None), name, None)


def _order(entry: Entry) -> object:
    return (entry.status or entry.pipeline) and getattr(entry.status or entry.pipeline, "order", None)


def _state(entry: Entry) -> str:
    return state_words(entry.state, _order(entry))


def reason_of(entry: Entry) -> str | None:
    """Why it is as it is, where the box says so."""
    return (entry.status.reason if entry.status else None) or None


TOP: View[Entry] = View(
    columns=(
        Column("context", "CONTEXT", lambda e: e.box, priority=2, if_any=True),
        Column("id", "ID", lambda e: e.id, least=12),
        Column("state", "STATE", lambda e: e.state, "state", shown=_state),
        Column("fps", "FPS", _stat("fps"), "fps", priority=4),
        Column("bitrate_kbps", "BITRATE", _stat("bitrate_kbps"), "kbps", priority=1),
        Column("trend", "", lambda _: None, priority=3),
        Column("readers", "READERS", _status("readers"), "count", priority=5),
        Column("cpu_percent", "CPU", _stat("cpu_percent"), "percent", priority=6),
        Column("rss_bytes", "MEMORY", _stat("rss_bytes"), "bytes", priority=8),
        Column("last_event", "EVENT", lambda e: e.heard, "age", priority=7),
        Column("reason", "REASON", reason_of, priority=9, least=24, if_any=True),
        Column("source", "SOURCE", lambda e: source_of(e.pipeline) if e.pipeline else None, wide=True, priority=10),
    ),
    details=lambda _: [],
    name=lambda e: e.id,
    data=lambda e: joined(e.pipeline, e.status) or {"id": e.id, "state": str(e.state)},
)
"""The table of `top --once`, and what its JSON is made of."""

WIDTHS: Mapping[str, int] = {
    "state": 9,
    "fps": 5,
    "bitrate_kbps": 10,
    "readers": 7,
    "cpu_percent": 6,
    "rss_bytes": 8,
    "last_event": 7,
}
"""What columns take at the least on the screen, so that they stand still while their numbers change."""

TROUBLE = ("error", "reconnecting", "stopping", "starting", "playing", "ready")
"""States in the order of who needs a look first."""
