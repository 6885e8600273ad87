"""What this engine encodes to, as a table that new codecs join as rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A codec between encoder and RTP."""

    encoder: str
    """Factory of the software encoder."""
    parser: str
    caps: str
    """The form of its access units on the link: parameter sets in band before every key unit."""
    is_key: Callable[[bytes], bool]
    """Whether a unit of that form is a key unit. Cheaper than asking the buffer."""
    payloader: str
    payloader_settings: str


def _is_h264_key(unit: bytes) -> bool:
    """An SPS (7) comes first, or right after the delimiter (9)."""
    first = unit[4] & 31
    return first == 7 or (first == 9 and unit[10] & 31 == 7)


FORMATS: dict[str, Format] = {
    "h264": Format(
        encoder="x264enc",
        parser="h264parse",
        caps="video/x-h264,stream-format=byte-stream,alignment=au",
        is_key=_is_h264_key,
        payloader="rtph264pay",
        payloader_settings="aggregate-mode=zero-latency config-interval=0",
    ),
}
