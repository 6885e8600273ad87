"""Audio devices: what sound can be captured from."""

from __future__ import annotations

from starlette.responses import Response

from flexclient.models import AudioDevices, ErrorCode
from flexserver.routing import Answer, Call, Endpoint, reply


async def list_all(call: Call) -> Response:
    """GET /flex/audio-devices."""
    return reply(await call.box.audio_devices.all())


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/audio-devices", list_all, "audio_devices.list", "List audio devices",
        Answer(AudioDevices, meaning="The devices that ALSA captures from; an empty list where there is none."),
        errors=(ErrorCode.GSTREAMER_ERROR,),
        note="ALSA is asked now. A driver that does not answer within 3 seconds is 500 `GSTREAMER_ERROR`.",
    ),
)  # fmt: skip
