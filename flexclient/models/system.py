"""Health and version of a box (API.md, Endpoints)."""

from __future__ import annotations

from pydantic import Field

from flexclient.models._base import Model, OpenEnum


class Condition(OpenEnum):
    """How a part of the box fares."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


class PartHealth(Model):
    """One part of the box."""

    status: Condition
    message: str | None = None
    """What is wrong, and what it means."""


class Health(Model):
    """State of the box and of each of its parts: api, rtsp, workers, store, disk."""

    status: Condition
    """The worst of its parts."""
    parts: dict[str, PartHealth] = Field(default_factory=dict)
    uptime_seconds: float | None = None


class Probe(Model):
    """Answer of the Kubernetes probes."""

    status: Condition
    message: str | None = None
    """Why it is not so."""


class Version(Model):
    """What runs on the box."""

    version: str
    """The software's version."""
    api_version: str | None = None
    gstreamer_version: str | None = None
    """None where the box has no GStreamer."""
    build: str | None = None
