"""The newest picture as a JPEG. Between two of them it costs nothing: the sink keeps its last picture anyway.

It goes by way of RGB: the JPEG encoder would take video's narrow range and matrix for its own.
"""

from __future__ import annotations

from typing import Any

from flexserver.media.elements import PICTURES, caps
from flexserver.media.gst import Gst, GstVideo, bytes_of, picture_of

_LIMIT = 2 * 10**9


def jpeg(pipeline: Any, width: int | None) -> bytes:
    """The newest picture, `width` pixels wide or as it is; the shape stays. Raises LookupError where there is none."""
    sink = pipeline.get_by_name(PICTURES)
    if sink is None:
        raise LookupError("an advanced pipeline keeps no picture")
    sample = sink.get_property("last-sample")
    if sample is None:
        raise LookupError("there is no picture yet")
    wide, high, _ = picture_of(sample.get_caps())
    size = (width, max(1, round(width * high / wide))) if width else (wide, high)
    colors = _converted(sample, caps("video/x-raw", format="RGB", width=size[0], height=size[1]))
    return bytes_of(_converted(colors, "image/jpeg").get_buffer())


def _converted(sample: Any, wanted: str) -> Any:
    return GstVideo.video_convert_sample(sample, Gst.Caps.from_string(wanted), _LIMIT)
