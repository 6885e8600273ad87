"""Text burnt into the picture, as properties of one overlay element. Pure.

The element reads Pango markup, so text is escaped and the box behind it is a span. The clock element joins its text and
the time with a space: that space is hidden in a span of the smallest size, at the start of the time's line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flexclient.models.pipeline import COLOR_NAMES
from flexserver.media.elements import OVERLAY, Element, Value

if TYPE_CHECKING:
    from flexclient.models import Overlay

DEFAULT_TIME = "%Y-%m-%d %H:%M:%S"
DARK = "#000000A0"
"""The background that `true` means."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_HORIZONTAL = ("left", "center", "right")


def element(overlay: Overlay) -> Element | None:
    """The overlay's element, or None where there is nothing to draw. Font and margins are `fit`'s."""
    text, time = _escaped(overlay.text), _time_format(overlay.timestamp)
    if not text and time is None:
        return None
    opened, closed = _box(overlay.background)
    properties: dict[str, Value] = {"auto-resize": False, "color": argb(overlay.color), **_place(str(overlay.position))}
    properties["draw-shadow"] = properties["draw-outline"] = not opened
    if time is None:
        properties["text"] = opened + text + closed
    elif text:
        properties["text"] = f'{opened}{text}\n<span size="1">'
        properties["time-format"] = f"</span>{time}{closed}"
    else:
        properties["time-format"] = opened + time + closed
    return Element("textoverlay" if time is None else "clockoverlay", OVERLAY, tuple(sorted(properties.items())))


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
