"""What a box is licensed for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import License


def codecs_of(license: License) -> str:  # noqa: A002
    """The codecs that may be encoded."""
    return ", ".join(name for name, allowed in license.codecs if allowed) or "none"


def streams_of(license: License) -> str:  # noqa: A002
    """How many may play at once."""
    most = license.max_video_streams
    return "any number" if most is None else f"{most} at once"


def _details(license: License) -> list[Part]:  # noqa: A002
    fields = (
        Field("Licensed", license.licensed, "bool"),
        Field("Why", license.reason),
        Field("Serial number", license.serial_number),
        Field("Ends", license.expiration_date),
        Field("Streams", streams_of(license)),
        Field("Codecs", codecs_of(license)),
    )
    return [Part("", tuple(field for field in fields if field.value is not None))]


LICENSE: View[License] = View(
    columns=(
        Column("licensed", "LICENSED", lambda held: held.licensed, "bool"),
        Column("serial_number", "SERIAL NUMBER", lambda held: held.serial_number, priority=1),
        Column("expiration_date", "ENDS", lambda held: held.expiration_date, priority=2),
        Column("max_video_streams", "STREAMS", lambda held: held.max_video_streams, "count", priority=3),
        Column("codecs", "CODECS", codecs_of, priority=4),
        Column("reason", "WHY", lambda held: held.reason, priority=5, if_any=True),
    ),
    details=_details,
    name=lambda held: held.serial_number or "",
    data=json_of,
)
