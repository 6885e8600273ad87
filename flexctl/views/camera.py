"""Cameras, and what they can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flexclient.models import Camera, CameraCapability, CameraDetail


def mode_of(mode: CameraCapability | None) -> str | None:
    """`1920x1080 MJPG 30 fps`."""
    if mode is None:
        return None
    return f"{_size(mode)} {mode.format}{f' {mode.fps:g} fps' if mode.fps else ''}"


def formats_of(detail: CameraDetail) -> list[Field]:
    """A line for each format and its sizes that have the same rates, the largest first."""
    fields = []
    for name in detail.formats:
        label, modes = name, [mode for mode in detail.capabilities if mode.format == name]
        for rates, sizes in _by_rates(modes).items():
            fields.append(Field(label, f"{', '.join(sizes)}{f' at {rates} fps' if rates else ''}"))
            label = ""
        if not modes:
            fields.append(Field(label, "not usable by this box"))
    return fields


def _by_rates(modes: Iterable[CameraCapability]) -> dict[str, list[str]]:
    """Rates, in words -> the sizes that have them."""
    rates: dict[str, list[str]] = {}
    for mode in modes:
        rates.setdefault(_size(mode), []).append(f"{mode.fps:g}" if mode.fps else "")
    found: dict[str, list[str]] = {}
    for size, one in rates.items():
        found.setdefault(", ".join(filter(None, one)), []).append(size)
    return found


def _size(mode: CameraCapability) -> str:
    return f"{mode.width}x{mode.height}"


def _camera(camera: Camera) -> list[Part]:
    fields = [
        Field("Path", camera.path),
        Field("Name", camera.name),
        Field("Driver", camera.driver),
        Field("Formats", camera.format_count, "count"),
        Field("Id", camera.id),
        Field("Problem", camera.problem),
    ]
    return [Part("", tuple(field for field in fields if field.value is not None))]


def _detail(detail: CameraDetail) -> list[Part]:
    best = detail.best_capability
    fields = [
        Field("Path", detail.path),
        Field("Name", detail.name),
        Field("Driver", detail.driver),
        Field("Id", detail.id),
        Field("Best", mode_of(best)),
        Field("Caps", best and best.gstreamer_caps),
    ]
    known = tuple(field for field in fields if field.value is not None)
    return [Part("", known), Part("Formats", tuple(formats_of(detail)))]


CAMERA: View[Camera] = View(
    columns=(
        Column("path", "PATH", lambda c: c.path),
        Column("name", "NAME", lambda c: c.name, priority=1, least=12),
        Column("driver", "DRIVER", lambda c: c.driver, priority=3),
        Column("formats", "FORMATS", lambda c: c.format_count, "count", priority=2),
        Column("id", "ID", lambda c: c.id, priority=4, if_any=True),
        Column("problem", "PROBLEM", lambda c: c.problem, priority=1, least=20, if_any=True),
    ),
    details=_camera,
    name=lambda c: c.path,
    data=json_of,
)

CAMERA_DETAIL: View[CameraDetail] = View(
    columns=(
        Column("path", "PATH", lambda d: d.path),
        Column("name", "NAME", lambda d: d.name, priority=1, least=12),
        Column("driver", "DRIVER", lambda d: d.driver, priority=3),
        Column("formats", "FORMATS", lambda d: " ".join(d.formats), priority=2),
        Column("best", "BEST", lambda d: mode_of(d.best_capability), priority=1),
        Column("id", "ID", lambda d: d.id, priority=4, if_any=True),
        Column("caps", "CAPS", lambda d: d.best_capability and d.best_capability.gstreamer_caps, wide=True),
    ),
    details=_detail,
    name=lambda d: d.path or "",
    data=json_of,
)
