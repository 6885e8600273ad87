"""Numbers, times and states as people read them, and as programs do. Pure: the time of day comes in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flexctl.out.style import Span, safe
from flexctl.views.view import Kind

STATES: dict[str, tuple[str, str, str]] = {
    "playing": ("●", "*", "good"),
    "delivered": ("●", "*", "good"),
    "ok": ("●", "*", "good"),
    "ready": ("○", "-", "dim"),
    "pending": ("◐", "~", "warn"),
    "starting": ("◐", "~", "warn"),
    "stopping": ("◐", "~", "warn"),
    "reconnecting": ("◐", "~", "warn"),
    "degraded": ("◐", "~", "warn"),
    "error": ("✕", "!", "bad"),
    "failed": ("✕", "!", "bad"),
}
"""State -> its mark, the same in ASCII, and its style. The word is always beside it: colour alone says nothing."""

EVENTS: dict[str, str] = {
    "pipeline_error": "bad",
    "webhook_failed": "bad",
    "gap": "warn",
    "bye": "warn",
    "pipeline_deleted": "warn",
    "pipeline_created": "good",
    "pipeline_updated": "accent",
    "camera_added": "good",
    "camera_removed": "warn",
    "framegrab_created": "good",
    "pipeline.started": "good",
    "pipeline.stopped": "warn",
    "pipeline.error": "bad",
    "camera.added": "good",
    "camera.removed": "warn",
}
"""Event -> the style of its name."""


def exact(value: object) -> str:
    """A value for programs: nothing rounded, nothing shortened; empty where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return safe(str(value))


def moment(value: datetime) -> str:
    """RFC 3339, UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def human(value: object, kind: Kind, now: datetime, *, unicode: bool = True) -> Span:
    """A value for people."""
    if value is None or value == "":
        return Span("-", "dim")
    if kind == "state":
        mark, plain, style = STATES.get(str(value).partition(" ")[0], ("·", "?", "warn"))
        return Span(f"{mark if unicode else plain} {safe(str(value))}", style)
    if kind == "bool" or isinstance(value, bool):
        return Span("yes" if value else "no")
    if kind == "event":
        return Span(safe(str(value)), EVENTS.get(str(value), ""))
    if kind == "clock" and isinstance(value, datetime):
        return Span(value.astimezone().strftime("%H:%M:%S"), "dim")
    if isinstance(value, datetime):
        return Span(f"{seconds(max((now - value).total_seconds(), 0))} ago" if kind == "age" else local(value))
    if kind in _NUMBERS and isinstance(value, (int, float)):
        return Span(_NUMBERS[kind](value))
    return Span(exact(value))


def local(value: datetime) -> str:
    """Date and time where the terminal is."""
    return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def seconds(value: float) -> str:
    """`12s`, `3m 20s`, `2h 5m`, `3d 4h`: the two largest units."""
    whole = int(value)
    if whole < 60:
        return f"{whole}s"
    for size, small, names in ((3600, 60, "ms"), (86_400, 3600, "hm"), (None, 86_400, "dh")):
        if size is None or whole < size:
            large, rest = divmod(whole, small)
            rest //= {"ms": 1, "hm": 60, "dh": 3600}[names]
            return f"{large}{names[0]} {rest}{names[1]}" if rest else f"{large}{names[0]}"
    raise AssertionError  # the last line of the table catches everything


def scaled(value: float, units: tuple[str, ...], step: int) -> str:
    """Three digits and a unit."""
    index = 0
    while abs(value) >= step and index < len(units) - 1:
        value /= step
        index += 1
    digits = 0 if value >= 100 or index == 0 or float(value).is_integer() else 1
    return f"{value:.{digits}f} {units[index]}"


_NUMBERS: dict[Kind, Callable[[float], str]] = {
    "kbps": lambda value: scaled(value, ("kbit/s", "Mbit/s", "Gbit/s"), 1000),
    "bytes": lambda value: scaled(value, ("B", "KiB", "MiB", "GiB", "TiB"), 1024),
    "seconds": seconds,
    "age": lambda value: f"{seconds(value)} ago",
    "fps": lambda value: f"{value:.1f}",
    "percent": lambda value: f"{value:.1f} %",
    "ms": lambda value: f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms",
}
