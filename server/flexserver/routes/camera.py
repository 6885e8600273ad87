"""Cameras: which there are, what they can do, and when they come and go."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from flexclient.models import CameraDetail, Cameras, ErrorCode
from flexserver.routes.event import SINCE, open_stream
from flexserver.routing import EVENTS, Answer, Call, Endpoint, Query, reply

TYPES = frozenset({"camera_added", "camera_removed"})


async def list_all(call: Call) -> Response:
    """GET /flex/cameras."""
    return reply(await call.box.cameras.all())


async def read(call: Call) -> Response:
    """GET /flex/camera."""
    return reply(await call.box.cameras.detail(call.query["path"]))


async def events(call: Call) -> ASGIApp:
    """GET /flex/cameras/events."""
    return open_stream(call, TYPES, None)


_E = ErrorCode

ENDPOINTS = (
    Endpoint(
        "GET", "/flex/cameras", list_all, "cameras.list", "List cameras",
        Answer(Cameras, meaning="The cameras that are plugged in, by device number."),
        note="A camera that cannot be asked is there with its `problem` and a `format_count` of 0.",
    ),
    Endpoint(
        "GET", "/flex/camera", read, "cameras.get", "What a camera can do",
        Answer(CameraDetail, meaning="Its capabilities, the best first."),
        query=(Query("path", "The device, /dev/video0, or a link to it such as /dev/v4l/by-id/...", required=True),),
        errors=(_E.VALIDATION_ERROR, _E.NOT_FOUND, _E.CONFLICT, _E.GSTREAMER_ERROR),
        note="The driver is asked now. One that does not answer within 3 seconds is 500 `GSTREAMER_ERROR`; a camera "
        "that another program has for itself is 409 `CONFLICT`.",
    ),
    Endpoint(
        "GET", "/flex/cameras/events", events, "cameras.events", "Cameras that come and go",
        Answer(media_type=EVENTS, meaning="Server-sent events, until either side ends the stream."),
        query=(SINCE,), errors=(_E.OVERLOADED,),
        note="`camera_added` and `camera_removed` of GET /flex/events, with the same ids. After a `gap` read the list.",
    ),
)  # fmt: skip
