"""From raw pictures to access units: `encoding` as elements. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexserver.media.elements import ENCODER, FORM, UNITS, Element
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


def encoder(encoding: Encoding, *, delimited: bool) -> Element:
    """The encoder. No lookahead and no B frames: a picture leaves before the next one comes.

    `delimited`: a delimiter before each access unit. MPEG-TS wants it; in RTP it is a packet more for each picture.
    """
    return Element(
        FORMATS[encoding.codec].encoder,
        ENCODER,
        (
            ("speed-preset", PRESETS[encoding.quality]),
            ("tune", "zerolatency"),
            ("bitrate", encoding.bitrate),
            ("bframes", 0),
            ("byte-stream", True),
            ("aud", delimited),
        ),
    )


def form(codec: str) -> Element:
    """One access unit a buffer, parameter sets in band: what our own encoders give without being told."""
    return Element("capsfilter", FORM, (("caps", FORMATS[codec].caps),))


def parser(codec: str) -> Element:
    """Brings access units of unknown make into `form`. Neither is free."""
    return Element(FORMATS[codec].parser, "parse", (("config-interval", -1),))


def sink() -> Element:
    """The end that the worker watches: units are taken where they come in."""
    return Element("fakesink", UNITS, (("sync", False), ("async", False)))
