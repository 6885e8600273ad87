"""How a pipeline's framegrabs fare: what to tell its worker, and what the worker tells. No I/O."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from flexclient.models import FramegrabFile, FramegrabKind, FramegrabStatus, PipelineSpec
from flexserver import protocol
from flexserver.grabfiles import FOLDER
from flexserver.media.shots import Job

LATE = 1.5
"""Times the wished interval, from which on it is said why pictures are fewer,"""
LATE_SECONDS = 0.5
"""and seconds beyond it: a busy moment of the machine is no reason to say anything."""
STARTING = 2.0
"""Seconds that the encoder may take to be there."""


def order(spec: PipelineSpec, data_dir: Path) -> protocol.Grab:
    """What a worker of this pipeline is told."""
    if (wish := spec.framegrab) is None:
        return protocol.Grab(None)
    job = Job(
        folder=str(data_dir.absolute() / FOLDER / spec.id),
        python=sys.executable,
        interval=wish.interval_seconds,
        max_files=wish.max_files,
        quality=wish.quality,
        speed=wish.speed,
        lossless=wish.lossless,
        seconds=wish.motion_duration_seconds if wish.motion else None,
        keys_apart=wish.motion_keyframe_interval,
    )
    return protocol.Grab(asdict(job))


def file_of(pipeline: str, made: protocol.Grabbed) -> FramegrabFile:
    """The document of a file that was just written."""
    return FramegrabFile(
        file=made.file,
        pipeline_id=pipeline,
        size_bytes=made.size_bytes,
        created_at=moment(made.created_at),
        kind=FramegrabKind(made.kind),
        width=made.width,
        height=made.height,
    )


def moment(seconds: float) -> datetime:
    """A file's time, to the millisecond."""
    return datetime.fromtimestamp(int(seconds * 1000) / 1000, UTC)


class Grabs:
    """What is known of one pipeline's framegrabs."""

    def __init__(self) -> None:
        self.fault: str | None = None
        """Why the last one was not written, None where it was."""
        self._files: int | None = None
        self._last: str | None = None
        self._interval: float | None = None
        self._at: float | None = None

    def restarted(self) -> None:
        """A new worker begins: how fast it is has to show anew."""
        self._interval = self._at = None

    def made(self, told: protocol.Grabbed, now: float) -> None:
        """A file was written."""
        self.fault = None
        self._files, self._last, self._interval, self._at = told.files, told.file, told.interval, now

    def status(self, spec: PipelineSpec, playing_since: float | None, now: float) -> FramegrabStatus | None:
        """The part of the pipeline's status; None where it takes no pictures."""
        wish = spec.framegrab
        if wish is None:
            return None
        pace = max(wish.interval_seconds, wish.motion_duration_seconds if wish.motion else 0)
        late = max(pace * LATE, pace + LATE_SECONDS)
        interval = self._interval
        begun = self._at or (None if playing_since is None else playing_since + STARTING)
        if playing_since is not None and begun is not None and now - begun > late:
            interval = round(max(interval or 0, now - begun), 3)  # the one under way takes longer than all before
        reason = self.fault if playing_since is not None else None
        if reason is None and interval is not None and interval > late:
            reason = (
                f"encoding takes longer than the {pace:g} s from one file to the next: "
                "a higher framegrab.speed is faster"
            )
        return FramegrabStatus(interval_seconds=interval, files=self._files, last_file=self._last, reason=reason)
