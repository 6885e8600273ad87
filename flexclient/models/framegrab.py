"""Pictures that were taken from streams, as files (API.md, Endpoints: files/framegrabs)."""

from __future__ import annotations

from datetime import datetime

from flexclient.models._base import Model, OpenEnum


class FramegrabKind(OpenEnum):
    """What a file holds."""

    STILL = "still"
    CLIP = "clip"


class FramegrabFile(Model):
    """One file."""

    file: str
    """Its name: `<pipeline id>-00001.avif`, or `.avifs` for a clip."""
    pipeline_id: str
    """The pipeline that it was taken from."""
    size_bytes: int
    created_at: datetime
    kind: FramegrabKind | None = None
    width: int | None = None
    height: int | None = None


class FramegrabsDeleted(Model):
    """Answer to the deletion of a pipeline's files."""

    deleted: int
    """How many went."""


class FramegrabStatus(Model):
    """How a pipeline's framegrabs fare."""

    interval_seconds: float | None = None
    """What was really reached: from the last picture but one to the last, or longer where the next is late."""
    files: int | None = None
    """How many files the pipeline had after the last one was written."""
    last_file: str | None = None
    """The newest file's name."""
    reason: str | None = None
    """Why there are fewer pictures than were asked for, for people."""
