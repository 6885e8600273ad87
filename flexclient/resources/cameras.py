"""Cameras of the box (API.md, Endpoints: cameras)."""

from __future__ import annotations

from typing import Any

from flexclient._bind import M, Resource, Streaming, endpoint, streaming
from flexclient._call import Call, params
from flexclient._models import models as m
from flexclient._stream import OnState
from flexclient._values import UNSET, Unset
from flexclient.resources.events import followed


class CameraList(Resource[M]):
    """`client.cameras`."""

    @endpoint
    def list(self) -> Call[m.Cameras]:
        """Every camera that is plugged in."""
        return Call("GET", "/flex/cameras", lambda: m.Cameras)

    @endpoint
    def get(self, path: str) -> Call[m.CameraDetail]:
        """What the camera at that device (`/dev/video0`) can do. Raises `NotFound`, `ValidationError_`."""
        return Call("GET", "/flex/camera", lambda: m.CameraDetail, query=params(path=path))

    @streaming
    def events(
        self, *, since: int | Unset = UNSET, resume: bool = True, on_state: OnState | None = None
    ) -> Streaming[m.Event[Any]]:
        """Cameras that come and go: `camera_added`, `camera_removed`. See `client.events.stream`."""
        return followed("/flex/cameras/events", {}, since=since, resume=resume, on_state=on_state)
