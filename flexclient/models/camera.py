"""Cameras of a box (API.md, Endpoints: cameras)."""

from __future__ import annotations

from flexclient.models._base import Model


class Camera(Model):
    """A camera that is plugged in."""

    path: str
    """The device, `/dev/video0`. Another one may have it after a replug: `id` stays."""
    name: str
    """What the camera calls itself."""
    driver: str
    """The kernel driver."""
    format_count: int
    """How many pixel formats it offers."""
    id: str | None = None
    """A name that stays with the camera across replugs."""


class Cameras(Model):
    """Every camera of the box."""

    cameras: tuple[Camera, ...] = ()


class CameraCapability(Model):
    """One way to run a camera."""

    format: str
    """Pixel format as V4L2 names it: `YUYV`, `MJPG`, `NV12`, `H264`."""
    width: int
    height: int
    fps: float
    """Pictures a second."""
    gstreamer_caps: str
    """The same in GStreamer's words, for `source.caps`."""
    quality_score: float
    """The higher the better: resolution first, then the rate up to 60, then raw up to 1080p and MJPEG above."""


class CameraDetail(Model):
    """What one camera can do."""

    path: str | None = None
    name: str | None = None
    driver: str | None = None
    id: str | None = None
    capabilities: tuple[CameraCapability, ...] = ()
    """Every combination of format, size and rate, the best first."""
    formats: tuple[str, ...] = ()
    """The pixel formats."""
    best_capability: CameraCapability | None = None
    """What a pipeline takes where its source says no `caps`."""
