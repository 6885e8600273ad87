"""From raw pictures to access units: `encoding` as elements. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexserver.media.elements import ENCODER, UNITS, Element
from flexserver.media.formats import FORMATS

if TYPE_CHECKING:
    from flexclient.models import Encoding

PRESETS: dict[int, str] = {
    1: "ultrafast",
    2: "superfast",
    3: "superfast",
    4: "veryfast",
    5: "veryfast",
    6: "faster",
    7: "fast",
    8: "medium",
    9: "slow",
    10: "slower",
}
"""`encoding.quality` to x264's speed preset. Each new one costs about 1.3 times its forerunner, the last two twice."""


def encoder(encoding: Encoding) -> Element:
    """The encoder. No lookahead and no B frames: a picture leaves before the next one comes."""
    return Element(
        FORMATS[encoding.codec].encoder,
        ENCODER,
        (
            ("speed-preset", PRESETS[encoding.quality]),
            ("tune", "zerolatency"),
            ("bitrate", encoding.bitrate),
            ("bframes", 0),
            ("byte-stream", True),
        ),
    )


def units(codec: str) -> tuple[Element, ...]:
    """Parser and caps: parameter sets in band before every key unit, one access unit a buffer."""
    return (
        Element(FORMATS[codec].parser, "parse", (("config-interval", -1),)),
        Element("capsfilter", "form", (("caps", FORMATS[codec].caps),)),
    )


def sink() -> Element:
    """Where the worker takes access units. It never holds the encoder up."""
    return Element(
        "appsink",
        UNITS,
        (("sync", False), ("async", False), ("drop", True), ("max-buffers", 60), ("emit-signals", True)),
    )
