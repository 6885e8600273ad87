"""Sound sources of the box (API.md, Endpoints: audio-devices)."""

from __future__ import annotations

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient._models import models as m


class AudioDeviceList(Resource[M]):
    """`client.audio_devices`."""

    @endpoint
    def list(self) -> Call[m.AudioDevices]:
        """Every device that ALSA captures from."""
        return Call("GET", "/flex/audio-devices", lambda: m.AudioDevices)
