"""Which pipeline has which camera: a camera is for one pipeline, and for one input of it."""

# ruff: noqa: A002 - what the API calls id is called so here

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flexclient.models import ErrorCode, PipelineSpec
from flexserver.devices.nodes import device_of
from flexserver.errors import Refusal
from flexserver.media.sources import camera_of


def cameras_of(spec: PipelineSpec) -> list[tuple[str, str]]:
    """Field and path, as it was written, of every camera that a pipeline reads."""
    written = [
        ("source", spec.source),
        *((f"inputs.{at}.source", one.source) for at, one in enumerate(spec.inputs or ())),
    ]
    found = ((f"{field}.uri", source and camera_of(source.uri)) for field, source in written)
    return [(field, path) for field, path in found if path]


class Holders:
    """Who holds which camera. Links are followed when somebody asks: after a replug they may lead elsewhere."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, ...]] = {}

    def restore(self, id: str, spec: PipelineSpec) -> None:
        """What was stored holds what it holds."""
        self._put(id, tuple(path for _, path in cameras_of(spec)))

    def release(self, id: str) -> None:
        """The pipeline is gone."""
        self._held.pop(id, None)

    @contextmanager
    def claimed(self, id: str, spec: PipelineSpec) -> Iterator[None]:
        """The pipeline's cameras, taken before the disk knows; what it had before goes when the disk does.

        Raises `Refusal` (409) that names the holder.
        """
        wanted, before = cameras_of(spec), self._held.get(id, ())
        self._check(id, wanted)
        paths = tuple(path for _, path in wanted)
        self._put(id, (*before, *paths))
        try:
            yield
        except BaseException:
            self._put(id, before)
            raise
        self._put(id, paths)

    def _check(self, id: str, wanted: list[tuple[str, str]]) -> None:
        taken = {device_of(path): other for other, paths in self._held.items() if other != id for path in paths}
        mine: dict[str | None, str] = {}
        for field, path in wanted:
            device = device_of(path)
            if other := taken.get(device):
                message = f"the camera {path} is used by the pipeline '{other}'"
                raise _conflict(message, f"Read rtsp://.../{other} instead, or free the camera there first.")
            if first := mine.get(device):
                raise _conflict(f"the camera {path} is used twice: by {first} and {field}", "Use each camera once.")
            mine[device] = field

    def _put(self, id: str, paths: tuple[str, ...]) -> None:
        if paths:
            self._held[id] = paths
        else:
            self._held.pop(id, None)


def _conflict(message: str, hint: str) -> Refusal:
    return Refusal(ErrorCode.PIPELINE_CONFLICT, message, hint)
