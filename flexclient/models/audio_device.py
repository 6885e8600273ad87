"""Sound sources of a box (API.md, Endpoints: audio-devices)."""

from __future__ import annotations

from flexclient.models._base import Model


class AudioDevice(Model):
    """A device that ALSA captures from."""

    device: str
    """For `audio.device`: `hw:1,0`."""
    name: str
    """What the device calls itself."""
    card_name: str
    card: int
    """Number of its card. It may change with a replug."""
    subdevice: int


class AudioDevices(Model):
    """Every capture device of the box."""

    devices: tuple[AudioDevice, ...] = ()
