"""Devices that sound is captured from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import AudioDevice


def _card(device: AudioDevice) -> str | None:
    """Its card's name; none where it belongs to no card."""
    return device.card_name or None


def _details(device: AudioDevice) -> list[Part]:
    fields = (Field("Device", device.device), Field("Name", device.name), Field("Card", _card(device)))
    return [Part("", fields)]


AUDIO_DEVICE: View[AudioDevice] = View(
    columns=(
        Column("device", "DEVICE", lambda d: d.device),
        Column("name", "NAME", lambda d: d.name, priority=1, least=12),
        Column("card_name", "CARD", _card, priority=2, least=12),
        Column("card", "NUMBER", lambda d: d.card, "count", wide=True),
        Column("subdevice", "SUBDEVICE", lambda d: d.subdevice, "count", wide=True),
    ),
    details=_details,
    name=lambda d: d.device,
    data=json_of,
)
