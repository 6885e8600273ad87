"""Sound sources of a box (API.md, Endpoints: audio-devices)."""

from __future__ import annotations

from flexclient.models._base import Model


class AudioDevice(Model):
    """A device that ALSA captures from."""

    device: str
    """For `audio.device`: `hw:1,0`; one of an ALSA configuration has a name of its own."""
    name: str
    """What the device calls itself."""
    card_name: str
    """What its card calls itself; empty where it belongs to no card."""
    card: int
    """Number of its card, which may change with a replug; -1 where it belongs to none."""
    subdevice: int
    """Which of the card's devices it is: the number behind the comma."""


class AudioDevices(Model):
    """Every capture device of the box."""

    devices: tuple[AudioDevice, ...] = ()
