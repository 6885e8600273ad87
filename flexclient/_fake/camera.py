"""The fake box's cameras. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

from typing import Any

from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen
from flexclient._fake.event import followed
from flexclient._fake.events import Wanted
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, FieldError

LISTED = ("path", "name", "driver", "id")
MODES = (
    ("YUYV", "video/x-raw,format=YUY2", 2, ((640, 480), (1280, 720))),
    ("MJPG", "image/jpeg", 1, ((640, 480), (1280, 720), (1920, 1080))),
)
TYPES = ("camera_added", "camera_removed")


def webcam(path: str, name: str) -> dict[str, Any]:
    """What such a camera answers: raw up to 1280x720, JPEG up to 1920x1080."""
    modes = [
        {
            "format": format_,
            "width": width,
            "height": height,
            "fps": fps,
            "gstreamer_caps": f"{media},width={width},height={height},framerate={fps}/1",
            "quality_score": width * height * 10_000 + fps * 100 + form,
        }
        for format_, media, form, sizes in MODES
        for width, height in sizes
        for fps in (30, 15)
    ]
    modes.sort(key=lambda mode: -int(mode["quality_score"]))
    slug = name.lower().replace(" ", "-")
    kind = {"path": path, "name": name, "driver": "uvcvideo", "id": f"{slug}-{path[-1:] * 8}"}
    return {**kind, "formats": ["YUYV", "MJPG"], "capabilities": modes, "best_capability": modes[0]}


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    cameras = [
        {**{name: one[name] for name in LISTED if name in one}, "format_count": len(one["formats"])}
        for _, one in sorted(box.cameras.items())
    ]
    return json_answer({"cameras": cameras})


def _get(box: FakeBox, seen: Seen) -> FakeAnswer:
    path = seen.query.get("path", "")
    if not path.startswith("/dev/"):
        detail = FieldError(field="path", message="a camera's path is /dev/videoN")
        hint = "GET /flex/cameras lists the cameras that are plugged in." if path else None
        raise Refusal(ErrorCode.VALIDATION_ERROR, "path: a camera's path is /dev/videoN", hint=hint, details=(detail,))
    if path not in box.cameras:
        hint = "GET /flex/cameras lists the cameras that are plugged in."
        raise Refusal(ErrorCode.NOT_FOUND, f"the camera '{path}' does not exist", hint=hint)
    return json_answer(box.cameras[path])


def _events(box: FakeBox, seen: Seen) -> FakeAnswer:
    return followed(box, seen, Wanted(TYPES))


ROUTES = (
    Route("GET", "/flex/cameras", _list),
    Route("GET", "/flex/camera", _get, query=("path",)),
    Route("GET", "/flex/cameras/events", _events, query=("since",)),
)
