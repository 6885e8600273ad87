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
