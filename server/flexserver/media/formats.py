"""What this engine encodes to, as a table that new codecs join as rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A codec between encoder and RTP."""

    encoder: str
    """Factory of the software encoder."""
    parser: str
    caps: str
    """The form of its access units on the link: parameter sets in band before every key unit."""
    payloader: str
    payloader_settings: str


FORMATS: dict[str, Format] = {
    "h264": Format(
        encoder="x264enc",
        parser="h264parse",
        caps="video/x-h264,stream-format=byte-stream,alignment=au",
        payloader="rtph264pay",
        payloader_settings="aggregate-mode=zero-latency config-interval=0",
    ),
}
