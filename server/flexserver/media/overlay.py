"""Text burnt into the picture, as properties of one overlay element. Pure.

The element reads Pango markup, so text is escaped and the box behind it is a span. The clock element joins its text and
the time with a space: that space is hidden in a span of the smallest size, at the start of the time's line.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from flexclient.models.pipeline import COLOR_NAMES
from flexserver.media.elements import OVERLAY, Element, Value

if TYPE_CHECKING:
    from flexclient.models import Overlay

DEFAULT_TIME = "%Y-%m-%d %H:%M:%S"
DARK = "#000000A0"
"""The background that `true` means."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_WIDE = re.compile(r"%[-_0^#]*[0-9]+[A-Za-z]")
_BUFFER = 256
"""Bytes that the clock element has for the time and the markup around it."""
_LONG_DAYS = (1_000_000_000, 1_726_000_000)
"""A Sunday and a Wednesday in September: the longest names."""


def element(overlay: Overlay) -> Element | None:
    """The overlay's element, or None where there is nothing to draw. Font and margins are `fit`'s."""
    text, clock = _escaped(overlay.text), _time_format(overlay.timestamp)
    if not text and clock is None:
        return None
    opened, closed = _box(overlay.background)
    properties: dict[str, Value] = {"auto-resize": False, "color": argb(overlay.color), **_place(str(overlay.position))}
    properties["draw-shadow"] = properties["draw-outline"] = not opened
    if clock is None:
        properties["text"] = opened + text + closed
    elif text:
        properties["text"] = f'{opened}{text}\n<span size="1">'
        properties["time-format"] = f"</span>{clock}{closed}"
    else:
        properties["time-format"] = opened + clock + closed
    return Element("textoverlay" if clock is None else "clockoverlay", OVERLAY, tuple(sorted(properties.items())))


def time_fault(overlay: Overlay) -> str | None:
    """What keeps the clock element from drawing the time; None where it draws it."""
    if isinstance(overlay.timestamp, str) and (found := _WIDE.search(overlay.timestamp)):
        return f"'{found[0]}' sets a width, and the clock knows none"
    made = element(overlay)
    form = str(dict(made.properties).get("time-format", "")) if made else ""
    longest = max(len(time.strftime(form, time.localtime(day)).encode()) for day in _LONG_DAYS)
    return None if longest < _BUFFER else "the time that it makes is longer than the clock can draw"


def argb(color: str) -> int:
    """`#RRGGBB`, `#RRGGBBAA` or a name, as the number that the overlay wants."""
    digits = COLOR_NAMES.get(color, color).lstrip("#")
    return int((digits[6:] or "FF") + digits[:6], 16)


def _place(position: str) -> dict[str, Value]:
    """Where it stands: `top-left` and its eight relatives. Lines of one text line up on the same side."""
    words = position.split("-")
    across = next((word for word in words if word in {"left", "right"}), "center")
    down = next((word for word in words if word in {"top", "bottom"}), "center")
    return {"halignment": across, "valignment": down, "line-alignment": across}


def _time_format(timestamp: bool | str) -> str | None:
    if isinstance(timestamp, str):
        return _escaped(timestamp)
    return DEFAULT_TIME if timestamp else None


def _escaped(text: str) -> str:
    """The text as markup that draws every character as it is; control characters show as U+FFFD."""
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _box(background: bool | str) -> tuple[str, str]:
    """The span around the text. Its strength is a number, not a percentage: the clock reads `%` as its own."""
    if background is False:
        return "", ""
    value = argb(DARK if background is True else background)
    return f'<span background="#{value & 0xFFFFFF:06x}" bgalpha="{max(1, (value >> 24) * 257)}">', "</span>"
