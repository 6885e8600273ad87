"""What a box is licensed for (API.md, Licence)."""

from __future__ import annotations

from datetime import datetime

from flexclient.models._base import Model


class LicensedCodecs(Model):
    """The codecs that may be encoded."""

    h264: bool = True
    h265: bool = False
    av1: bool = False


class License(Model):
    """The licence that holds: of a box without a vendor's key everything is allowed."""

    licensed: bool
    """False: the free tier, h264 and one playing stream."""
    serial_number: str | None = None
    expiration_date: datetime | None = None
    """When it ends; absent where it never does."""
    max_video_streams: int | None = None
    """How many pipelines may play at once; absent where there is no limit."""
    codecs: LicensedCodecs = LicensedCodecs()
    reason: str | None = None
    """Why it is not licensed: there is no licence, or it has expired."""
