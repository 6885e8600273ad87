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
    problem: str | None = None
    """Why it cannot be used now: its driver hangs, or the box may not open it."""


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
    """Pictures a second; 0 where the driver does not say."""
    gstreamer_caps: str
    """The same in GStreamer's words, for `source.caps`."""
    quality_score: int | float
    """The higher the better: `pixels * 10000 + tenths * 10 + form`.

    So resolution counts first, then the rate (`tenths` of pictures a second, up to 60 of them), then `form`: up to
    1920x1080 raw (2), MJPEG (1), others (0); above it MJPEG (2), raw (1), others (0).
    """


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
