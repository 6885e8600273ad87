"""The newest picture as a JPEG. Between two of them it costs nothing: the sink keeps its last picture anyway."""

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
    size: dict[str, int] = {} if not width else {"width": width, "height": max(1, round(width * high / wide))}
    wanted = Gst.Caps.from_string(caps("image/jpeg", **size))
    return bytes_of(GstVideo.video_convert_sample(sample, wanted, _LIMIT).get_buffer())
