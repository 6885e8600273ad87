"""`flexctl audio-device list`."""

import typer

from flexctl.cmds.reading import show_all
from flexctl.options import Curl
from flexctl.state import state_of
from flexctl.views.audio_device import AUDIO_DEVICE

NONE = ("ALSA finds no device to capture from.", "Plug a microphone or sound card into the box, then look again.")


def list_(ctx: typer.Context, curl: Curl = False) -> None:
    """Show the devices that sound comes from: microphones, line inputs, sound cards.

    flexctl audio-device list
    flexctl audio-device list -o name
    """
    run = state_of(ctx)
    show_all(run, run.client.audio_devices.list.plan(), AUDIO_DEVICE, NONE, under="devices", curl=curl)
