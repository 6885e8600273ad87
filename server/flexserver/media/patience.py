"""How long a source may be silent. Pure: what was seen and when in, a sentence out when it has been too long."""

from __future__ import annotations

from dataclasses import dataclass

CONNECT = 5.0
"""Seconds until anything must arrive."""
FIRST_PICTURE = 20.0
"""Seconds from there to the first picture: a stream may be joined between two distant key frames."""
SILENCE = 2.5
"""Seconds between two pictures of a network source or a camera; looked at often enough to be noticed within three."""

_LIVE = frozenset({"rtsp", "udp", "camera"})


@dataclass(slots=True)
class Patience:
    """Watches one source from `started` on, in seconds of any clock that only grows."""

    kind: str
    started: float
    arrived: float | None = None
    pictures: int = 0
    moved: float = 0.0

    def look(self, now: float, *, arrived: bool, pictures: int) -> str | None:
        """What is wrong, or None: `arrived` says whether data came at all, `pictures` counts them."""
        if self.arrived is None and (arrived or pictures):
            self.arrived = now
        if pictures != self.pictures:
            self.pictures, self.moved = pictures, now
        if self.arrived is None:
            return f"nothing arrived within {CONNECT:.0f} s" if now - self.started > CONNECT else None
        if not pictures:
            late = now - self.arrived > FIRST_PICTURE
            return f"data arrives, but no picture could be decoded within {FIRST_PICTURE:.0f} s" if late else None
        silent = self.kind in _LIVE and now - self.moved > SILENCE
        return f"no picture for {now - self.moved:.1f} s" if silent else None
