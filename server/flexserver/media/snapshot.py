"""The newest picture as a JPEG, taken on its way into the encoder. Between two of them it costs nothing.

It goes by way of RGB: the JPEG encoder would take video's narrow range and matrix for its own.
"""

from __future__ import annotations

import threading
from typing import Any

from flexserver.media.elements import ENCODER, caps
from flexserver.media.gst import Gst, GstVideo, bytes_of, picture_of

_NEXT = 2.0
"""Seconds to wait for a picture to come by."""
_CONVERT = 2 * 10**9


def jpeg(pipeline: Any, width: int | None) -> bytes:
    """The picture that comes next, `width` pixels wide or as it is; the shape stays. Raises LookupError without one."""
    encoder = pipeline.get_by_name(ENCODER)
    if encoder is None:
        raise LookupError("an advanced pipeline shows no still pictures")
    sample = next_picture(encoder.get_static_pad("sink"))
    if sample is None:
        raise LookupError("there is no picture yet")
    wide, high, _ = picture_of(sample.get_caps())
    size = (width, max(1, round(width * high / wide))) if width else (wide, high)
    colors = converted(sample, caps("video/x-raw", format="RGB", width=size[0], height=size[1]))
    return bytes_of(converted(colors, "image/jpeg").get_buffer())


def next_picture(pad: Any) -> Any:
    """The next picture that passes this pad, or None."""
    found: list[Any] = []
    came = threading.Event()

    def passes(pad: Any, info: Any) -> Any:
        found.append(Gst.Sample.new(info.get_buffer(), pad.get_current_caps(), None, None))
        came.set()
        return Gst.PadProbeReturn.REMOVE

    probe = pad.add_probe(Gst.PadProbeType.BUFFER, passes)
    if not came.wait(_NEXT):
        pad.remove_probe(probe)
    return found[0] if found else None


def converted(sample: Any, wanted: str) -> Any:
    """The picture in other caps, or encoded. Raises GLib.Error."""
    return GstVideo.video_convert_sample(sample, Gst.Caps.from_string(wanted), _CONVERT)
