"""From what a user wrote to a media graph: `PipelineSpec` -> `Graph`. Pure; the API process's only door to the engine.

Order of a simple pipeline: source, crop, turn, grayscale, size, rate, overlay, encoder, outputs. Every name that the
API process needs is here; the parts are in `sources`, `picture`, `overlay`, `encode`, `outputs` and `checks`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flexclient.models import DEFAULT_ENCODING, Mode
from flexserver.media import encode, fit, outputs, picture, sources
from flexserver.media.checks import check_output, check_shape, check_source, unsupported
from flexserver.media.elements import (
    ENTRY,
    OVERLAY,
    Element,
    Fit,
    Graph,
    Link,
    Setting,
    chain,
    with_settings,
)
from flexserver.media.outputs import mount_of

if TYPE_CHECKING:
    from flexclient.models import Encoding, PipelineSpec

__all__ = [
    "ADVANCED_ELEMENTS",
    "Element",
    "Graph",
    "Link",
    "Where",
    "build",
    "changes",
    "check_output",
    "check_shape",
    "check_source",
    "mount_of",
    "unsupported",
]

ADVANCED_ELEMENTS: tuple[str, ...] = (
    "videotestsrc", "rtspsrc", "udpsrc", "v4l2src", "srtsrc",
    "tsdemux", "tsparse", "rtpjitterbuffer", "rtph264depay", "rtph265depay", "rtpjpegdepay", "rtpmp2tdepay",
    "h264parse", "h265parse", "jpegparse", "decodebin", "avdec_h264", "avdec_h265", "avdec_mjpeg", "jpegdec",
    "capsfilter", "queue", "queue2", "tee", "funnel", "identity", "watchdog", "clocksync", "fakesink", "valve",
    "videoconvert", "videoscale", "videoconvertscale", "videorate", "videocrop", "videoflip", "videobalance",
    "videobox", "videomixer", "compositor", "alpha", "gamma", "deinterlace", "imagefreeze",
    "textoverlay", "clockoverlay", "timeoverlay", "x264enc", "rtph264pay",
)  # fmt: skip
"""What an advanced line may use unless the box's settings say otherwise: nothing that touches files or programs."""

_LIVE = {
    "x264enc": frozenset({"bitrate"}),
    "videocrop": frozenset({"top", "right", "bottom", "left"}),
    "textoverlay": frozenset({"text", "color", "halignment", "valignment", "line-alignment", "font-desc",
                              "draw-shadow", "draw-outline"}),
    "clockoverlay": frozenset({"text", "time-format", "color", "halignment", "valignment", "line-alignment",
                               "font-desc", "draw-shadow", "draw-outline"}),
}  # fmt: skip
"""What may be set while it runs, by factory. Setting it changes neither caps nor links."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the box decides, not the user."""

    rtsp_host: str = "0.0.0.0"  # noqa: S104  every interface is the documented default
    rtsp_port: int = outputs.DEFAULT_RTSP_PORT
    media_roots: tuple[str, ...] = ()
    advanced_elements: tuple[str, ...] = ADVANCED_ELEMENTS
    camera_caps: str | None = None
    """How the pipeline's camera runs where its source does not say."""


def build(spec: PipelineSpec, where: Where) -> Graph:
    """The graph of a pipeline. The spec has passed `unsupported` and the checks; ValueError where it has not."""
    if spec.mode == Mode.ADVANCED:
        return _advanced(spec, where)
    if spec.source is None:
        raise ValueError("a simple pipeline needs a source")
    encoding = spec.encoding or DEFAULT_ENCODING
    size, fps = _made(spec, encoding)
    is_test = sources.kind_of(spec.source) == "test"
    found = sources.pictures(spec.source, size=size, fps=fps, camera_caps=where.camera_caps)
    middle = picture.chain(spec, encoding, found.kind)
    tail = (*middle, *picture.waiting(found.kind), encode.encoder(encoding, delimited=mount_of(spec) is None))
    ends, end_links = _ends(spec, tail[-1])
    newest = (picture.newest(),) if spec.source.loop else ()
    graph = Graph(
        elements=(*found.elements, *tail, *ends, *newest),
        links=(
            *(replace(link, target=tail[0].name) if link.target == ENTRY else link for link in found.links),
            *(Link(middle[-1].name, element.name) for element in newest),
            *chain(*tail),
            *end_links,
        ),
        codec=encoding.codec,
        source=found.kind,
        loop=spec.source.loop,
        size=_encoded_size(spec, encoding, is_test=is_test),
        fit=Fit(
            preset=encode.PRESETS[encoding.quality],
            gop_seconds=encoding.gop_seconds,
            font_size=spec.overlay.font_size if spec.overlay else None,
        ),
    )
    width, height = graph.size or fit.NOMINAL_SIZE
    return with_settings(graph, fit.settings(graph, width, height, encoding.fps or (fps if is_test else 0)))


def changes(old: Graph, new: Graph) -> list[Setting] | None:
    """Property settings that turn the running `old` into `new`. Empty: they are the same. None: it needs a restart."""
    if replace(old, elements=(), fit=new.fit) != replace(new, elements=()):
        return None
    if (old.fit.preset, old.fit.gop_seconds) != (new.fit.preset, new.fit.gop_seconds):
        return None
    if [(e.factory, e.name) for e in old.elements] != [(e.factory, e.name) for e in new.elements]:
        return None
    settings: list[Setting] = []
    for before, after in zip(old.elements, new.elements, strict=True):
        was, is_now = dict(before.properties), dict(after.properties)
        different = {name for name in was.keys() | is_now.keys() if was.get(name) != is_now.get(name)}
        if not different <= _live(new, after) or not different <= is_now.keys():
            return None
        settings += [(after.name, name, is_now[name]) for name in sorted(different)]
    return settings


def _live(graph: Graph, element: Element) -> frozenset[str]:
    """What of this element may be set while it runs. A font's size hangs on a picture whose size must be known."""
    found = _LIVE.get(element.factory, frozenset())
    if element.name == OVERLAY and graph.size is None:
        return found - {"font-desc"}
    return found if element.factory != "videocrop" or graph.size else frozenset()


def _made(spec: PipelineSpec, encoding: Encoding) -> tuple[tuple[int, int], float]:
    """What the test source is to make: the encoded size at once, unless the crop counts in its own pixels."""
    width, height = sources.TEST_SIZE
    if spec.crop is not None:
        return (width, height), sources.TEST_FPS
    if picture.is_sideways(spec.transform):
        width, height = encoding.height or width, encoding.width or height
    else:
        width, height = encoding.width or width, encoding.height or height
    return (max(16, width - width % 2), max(16, height - height % 2)), encoding.fps or sources.TEST_FPS


def _encoded_size(spec: PipelineSpec, encoding: Encoding, *, is_test: bool) -> tuple[int, int] | None:
    """The encoded picture's size, where it is known beforehand."""
    if is_test and spec.crop is None:
        (width, height), _ = _made(spec, encoding)
        return (height, width) if picture.is_sideways(spec.transform) else (width, height)
    if encoding.width and encoding.height:
        return picture.even(encoding.width), picture.even(encoding.height)
    return None


def _ends(spec: PipelineSpec, last: Element) -> tuple[tuple[Element, ...], tuple[Link, ...]]:
    """Everything after the last encoded element: the worker's own sink, and what sends by itself."""
    sink, sender = encode.sink(), outputs.sender(spec)
    if not sender:
        return (sink,), chain(last, sink)
    split = Element("tee", "copies")
    return (split, sink, *sender), (*chain(last, split, sink), Link(split.name, sender[0].name), *chain(*sender))


def _advanced(spec: PipelineSpec, where: Where) -> Graph:
    """The user's line, then our parser and outputs. The line stays text: only a worker reads it."""
    encoding = spec.encoding or DEFAULT_ENCODING
    parsed = (encode.parser(encoding.codec), encode.form(encoding.codec), Element("clocksync", "pace"))
    ends, end_links = _ends(spec, parsed[-1])
    return Graph(
        elements=(*parsed, *ends),
        links=(*chain(*parsed), *end_links),
        codec=encoding.codec,
        source="line",
        line=spec.raw_pipeline,
        allowed=where.advanced_elements,
        fit=Fit(preset=encode.PRESETS[encoding.quality], gop_seconds=encoding.gop_seconds),
    )
