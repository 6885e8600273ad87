"""Statistics of a running worker, from one heartbeat to the next."""

from __future__ import annotations

from flexclient.models import Stats
from flexserver.pipelines.child import Usage
from flexserver.protocol import Beat


class Meter:
    """Turns counts since start into rates over the last second."""

    def __init__(self) -> None:
        self.stats: Stats | None = None
        """The newest figures; None before the first heartbeat."""
        self._last: tuple[float, Beat, Usage | None] | None = None

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
        self.stats = Stats(
            fps=fps,
            bitrate_kbps=rate,
            frames=beat.frames,
            dropped=beat.dropped,
            latency_ms=beat.latency_ms,
            cpu_percent=cpu,
            rss_bytes=usage.rss_bytes if usage else None,
        )
