"""Statistics of a running worker, from one heartbeat to the next."""

from __future__ import annotations

from flexclient.models import Stats
from flexserver.pipelines.child import Usage
from flexserver.protocol import Beat

LATE_MS = 2000.0
"""Latency beyond what the source waits for by itself, from which on pictures are late."""
LATE_BEATS = 5
"""So many heartbeats in a row, and the machine is too slow: a hiccup passes."""


class Meter:
    """Turns counts since start into rates over the last second."""

    def __init__(self, patience_ms: float = 0.0) -> None:
        """`patience_ms`: what the source waits for late packets."""
        self._allowed = LATE_MS + patience_ms
        self._late = 0
        self.stats: Stats | None = None
        """The newest figures; None before the first heartbeat."""
        self._last: tuple[float, Beat, Usage | None] | None = None

    @property
    def complaint(self) -> str | None:
        """That the machine cannot keep up, if so."""
        if self._late < LATE_BEATS or not self.stats or not self.stats.latency_ms:
            return None
        seconds = self.stats.latency_ms / 1000
        return f"the machine is too slow for this pipeline: pictures are {seconds:.0f} s late"

    def beat(self, beat: Beat, usage: Usage | None, now: float) -> None:
        """Take in a heartbeat."""
        fps = rate = cpu = None
        if self._last:
            then, before, used = self._last
            seconds = max(now - then, 0.001)
            fps = round((beat.frames - before.frames) / seconds, 2)
            rate = round((beat.bytes - before.bytes) * 8 / 1000 / seconds, 1)
            if usage and used:
                cpu = round((usage.cpu_seconds - used.cpu_seconds) / seconds * 100, 1)
        self._last = (now, beat, usage)
        self._late = self._late + 1 if (beat.latency_ms or 0) > self._allowed else 0
        self.stats = Stats(
            fps=fps,
            bitrate_kbps=rate,
            frames=beat.frames,
            dropped=beat.dropped,
            latency_ms=beat.latency_ms,
            cpu_percent=cpu,
            rss_bytes=usage.rss_bytes if usage else None,
        )
