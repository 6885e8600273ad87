"""Framegrabs: the files on the box, and what was saved here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import FramegrabFile


def size_of(file: FramegrabFile) -> str | None:
    """`1280x720`, where the box says it."""
    return f"{file.width}x{file.height}" if file.width and file.height else None


def _details(file: FramegrabFile) -> list[Part]:
    fields = (
        Field("File", file.file),
        Field("Pipeline", file.pipeline_id),
        Field("Kind", file.kind),
        Field("Picture", size_of(file)),
        Field("Size", file.size_bytes, "bytes"),
        Field("Created", file.created_at),
    )
    return [Part("", tuple(field for field in fields if field.value is not None))]


FRAMEGRAB: View[FramegrabFile] = View(
    columns=(
        Column("file", "FILE", lambda f: f.file),
        Column("pipeline_id", "PIPELINE", lambda f: f.pipeline_id, priority=4),
        Column("kind", "KIND", lambda f: f.kind, priority=2, if_any=True),
        Column("picture", "PICTURE", size_of, priority=3, if_any=True),
        Column("size_bytes", "SIZE", lambda f: f.size_bytes, "bytes", priority=1),
        Column("created_at", "CREATED", lambda f: f.created_at, "age", priority=5),
    ),
    details=_details,
    name=lambda f: f.file,
    data=json_of,
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that is here now."""

    file: str
    path: str
    size_bytes: int


SAVED: View[Saved] = View(
    columns=(
        Column("file", "FILE", lambda s: s.file),
        Column("path", "PATH", lambda s: s.path, priority=1, least=14),
        Column("size_bytes", "SIZE", lambda s: s.size_bytes, "bytes", priority=2),
    ),
    details=lambda s: [Part("", (Field("File", s.file), Field("Path", s.path), Field("Size", s.size_bytes, "bytes")))],
    name=lambda s: s.path,
    data=asdict,
)
