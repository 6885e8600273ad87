"""Raw pictures between source and encoder: crop, turn, colour, size, rate, text, in that order. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexserver.media import overlay
from flexserver.media.elements import CROP, PICTURES, PROGRESSIVE, WAITING, Element, caps
from flexserver.media.sources import fraction

if TYPE_CHECKING:
    from flexclient.models import Crop, Encoding, PipelineSpec, Transform

_PROGRESSIVE = Element("deinterlace", PROGRESSIVE, (("mode", "auto"), ("fields", "top")))
"""Does nothing to pictures that are no fields; those it makes whole at the same rate."""
_EVEN = "(int)[16,8192,2]"
_TURNS = {
    (0, "none"): "identity",
    (0, "horizontal"): "horiz",
    (0, "vertical"): "vert",
    (90, "none"): "90r",
    (90, "horizontal"): "ul-lr",
    (90, "vertical"): "ur-ll",
    (180, "none"): "180",
    (180, "horizontal"): "vert",
    (180, "vertical"): "horiz",
    (270, "none"): "90l",
    (270, "horizontal"): "ur-ll",
    (270, "vertical"): "ul-lr",
}
"""(rotate, mirror) to one flip: turned first, then mirrored as it is seen."""


def turn(transform: Transform | None) -> str:
    """The one flip that does what `transform` says."""
    return _TURNS[transform.rotate, str(transform.mirror)] if transform else "identity"


def is_sideways(transform: Transform | None) -> bool:
    """Whether width and height change places."""
    return transform is not None and transform.rotate in {90, 270}


def chain(spec: PipelineSpec, encoding: Encoding, source: str) -> tuple[Element, ...]:
    """Elements from the first that takes the source's pictures to the last before the encoder's queue.

    The test source makes the encoded size and rate itself, unless a crop counts in its own pixels; files are held back
    to real time.
    """
    made_to_size = source == "test" and spec.crop is None
    shaped = [] if made_to_size else _size(encoding)
    changed = [*_cropped(spec.crop), *_turned(spec.transform)]
    text = overlay.element(spec.overlay) if spec.overlay else None
    return (
        *([] if source == "test" else [_PROGRESSIVE]),
        *([] if source == "test" or not changed else _to_planes()),
        *changed,
        *shaped,
        *([] if made_to_size or not encoding.fps else _rate(encoding.fps)),
        *([text] if text else []),
        *([Element("clocksync", "pace")] if source == "file" else []),
        *([Element("tee", "both")] if spec.source and spec.source.loop else []),
    )


def newest() -> Element:
    """A sink that keeps the newest picture: where a file that begins again must know what came last."""
    return Element("fakesink", PICTURES, (("sync", False), ("async", False), ("enable-last-sample", True)))


def waiting(source: str) -> tuple[Element, ...]:
    """The queue before the encoder: decoding goes on beside encoding.

    A network source drops the oldest picture when the encoder falls half a second behind; a file waits instead. The
    test source has none: its pictures are cheaper to make than to carry to another core.
    """
    if source == "test":
        return ()
    live = source != "file"
    depth = (("max-size-buffers", 15 if live else 3), ("max-size-bytes", 0), ("max-size-time", 0))
    return (Element("queue", WAITING, (*depth, *((("leaky", "downstream"),) if live else ()))),)


def _to_planes() -> list[Element]:
    """Crop and flip know few pixel formats: any picture becomes one of them first."""
    return [
        Element("videoconvert", "planes"),
        Element("capsfilter", "planar", (("caps", caps("video/x-raw", format="I420")),)),
    ]


def _cropped(crop: Crop | None) -> list[Element]:
    if crop is None or not any((crop.top, crop.right, crop.bottom, crop.left)):
        return []
    edges = (("top", crop.top), ("right", crop.right), ("bottom", crop.bottom), ("left", crop.left))
    return [Element("videocrop", CROP, edges, "graph")]


def _turned(transform: Transform | None) -> list[Element]:
    found = []
    if (direction := turn(transform)) != "identity":
        found.append(Element("videoflip", "turn", (("video-direction", direction),)))
    if transform and transform.grayscale:
        found.append(Element("videobalance", "gray", (("saturation", 0.0),)))
    return found


def _size(encoding: Encoding) -> list[Element]:
    """Even sizes only: the encoder takes no others. A given size has square pixels, and bars where shapes differ."""
    fixed = {"pixel_aspect_ratio": "1/1"} if encoding.width or encoding.height else {}
    shape = caps(
        "video/x-raw",
        format="I420",
        width=even(encoding.width) if encoding.width else _EVEN,
        height=even(encoding.height) if encoding.height else _EVEN,
        **fixed,
    )
    return [Element("videoconvertscale", "scale"), Element("capsfilter", "shape", (("caps", shape),))]


def even(pixels: int) -> int:
    """The size that an encoder takes: even, and not too small."""
    return max(16, pixels - pixels % 2)


def _rate(fps: float) -> list[Element]:
    rate = caps("video/x-raw", framerate=fraction(fps))
    return [Element("videorate", "rate"), Element("capsfilter", "paced", (("caps", rate),))]
