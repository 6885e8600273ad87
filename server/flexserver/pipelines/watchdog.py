"""Whether a worker still does its work, judged by what it puts out. Pure: the caller reads the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flexserver.pipelines.lifecycle import Fault
from flexserver.protocol import Beat

SILENCE = 5.0
"""Seconds without a heartbeat, or without a picture while playing, that condemn a worker."""
FRAMES = 5
"""Slow streams may take as long as so many pictures last."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What was last heard and seen of one worker."""

    heard_at: float
    frames: int = 0
    advanced_at: float | None = None
    """When the count of pictures last grew; None before it plays."""
    patience: float = SILENCE


def playing(watch: Watch, now: float, fps: float) -> Watch:
    """It plays: from now on pictures must come."""
    return replace(watch, heard_at=now, advanced_at=now, patience=max(SILENCE, FRAMES / fps if fps > 0 else 0))


def heard(watch: Watch, beat: Beat, now: float) -> Watch:
    """A heartbeat came."""
    advanced = now if watch.advanced_at is not None and beat.frames > watch.frames else watch.advanced_at
    return replace(watch, heard_at=now, frames=beat.frames, advanced_at=advanced)


def verdict(watch: Watch, now: float) -> Fault | None:
    """What is wrong with the worker, if anything."""
    if now - watch.heard_at > SILENCE:
        return Fault("stall", f"the worker has not answered for {SILENCE:g} seconds")
    if watch.advanced_at is not None and now - watch.advanced_at > watch.patience:
        return Fault("stall", f"no encoded picture came for {watch.patience:g} seconds")
    return None
