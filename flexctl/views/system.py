"""Health and versions of a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import Health, Version


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One line of a health table."""

    name: str
    status: str
    message: str | None


def parts_of(health: Health) -> list[HealthPart]:
    """The parts of the box, in the order it names them."""
    return [HealthPart(name, part.status, part.message) for name, part in health.parts.items()]


HEALTH_PARTS: View[HealthPart] = View(
    columns=(
        Column("part", "PART", lambda p: p.name),
        Column("status", "STATUS", lambda p: p.status, "state"),
        Column("message", "MESSAGE", lambda p: p.message, if_any=True),
    ),
    details=lambda p: [Part("", (Field("Part", p.name), Field("Status", p.status, "state")))],
    name=lambda p: p.name,
    data=lambda p: {"part": p.name, "status": p.status, "message": p.message},
)


@dataclass(frozen=True, slots=True)
class Probed:
    """The answer to one question of Kubernetes."""

    probe: str
    status: str
    message: str | None = None
    """Why it is not so."""


def _probed(answer: Probed) -> list[Part]:
    why = (Field("why", answer.message),) if answer.message else ()
    return [Part("", (Field(answer.probe, answer.status, "state"), *why))]


def _probed_data(answer: Probed) -> dict[str, Any]:
    said = {"probe": answer.probe, "status": answer.status, "message": answer.message}
    return {name: value for name, value in said.items() if value is not None}


PROBED: View[Probed] = View(
    columns=(
        Column("probe", "PROBE", lambda p: p.probe),
        Column("status", "STATUS", lambda p: p.status, "state"),
        Column("message", "MESSAGE", lambda p: p.message, if_any=True),
    ),
    details=_probed,
    name=lambda p: p.status,
    data=_probed_data,
)


@dataclass(frozen=True, slots=True)
class Versions:
    """The two ends."""

    client: str
    server: Version | None


def _versions(both: Versions) -> list[Part]:
    box = both.server
    fields = [Field("flexctl", both.client)]
    if box:
        fields += [
            Field("Box", box.version),
            Field("API", box.api_version),
            Field("GStreamer", box.gstreamer_version or "not there"),
            Field("Build", box.build),
        ]
    return [Part("", tuple(field for field in fields if field.value is not None))]


def _versions_data(both: Versions) -> dict[str, Any]:
    return {"client": {"version": both.client}, "server": json_of(both.server) if both.server else None}


VERSIONS: View[Versions] = View(
    columns=(
        Column("client", "FLEXCTL", lambda v: v.client),
        Column("server", "BOX", lambda v: v.server and v.server.version),
        Column("api", "API", lambda v: v.server and v.server.api_version),
        Column("gstreamer", "GSTREAMER", lambda v: v.server and v.server.gstreamer_version),
    ),
    details=_versions,
    name=lambda v: v.server.version if v.server else v.client,
    data=_versions_data,
)
