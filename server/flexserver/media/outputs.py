"""Where access units go: `output` as elements. Pure.

A mount on the box's RTSP front needs no element of its own: the worker hands the front what arrives in `units`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flexserver.media.elements import OUTPUT, Element

if TYPE_CHECKING:
    from flexclient.models import PipelineSpec

DEFAULT_RTSP_PORT = 8731
"""In an output's address it means the box's RTSP port, whichever that is."""
SCHEMES = ("rtsp", "udp")


def mount_of(spec: PipelineSpec) -> str | None:
    """Name of the pipeline's RTSP mount; None for an output that is no mount."""
    if spec.output is None:
        return spec.id
    parts = urlsplit(spec.output.uri)
    return parts.path.strip("/") if parts.scheme == "rtsp" else None


def sender(spec: PipelineSpec) -> tuple[Element, ...]:
    """The elements that send by themselves: MPEG-TS over UDP. Empty for a mount."""
    parts = urlsplit(spec.output.uri) if spec.output else None
    if parts is None or parts.scheme != "udp":
        return ()
    return (
        Element("queue", "leaving", (("max-size-time", 1_000_000_000), ("leaky", "downstream")), "output"),
        Element("mpegtsmux", "multiplex", (("alignment", 7),), "output"),
        Element(
            "udpsink",
            OUTPUT,
            (("host", parts.hostname or ""), ("port", parts.port or 0), ("sync", False), ("async", False)),
            "output",
        ),
    )
