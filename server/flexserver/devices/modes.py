"""What a camera can do, as modes in GStreamer's words, best first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from flexserver.devices.v4l2 import Interval, Size

_RAW = {
    "YUYV": "YUY2", "UYVY": "UYVY", "YVYU": "YVYU",
    "NV12": "NV12", "NM12": "NV12", "NV21": "NV21", "NM21": "NV21", "NV16": "NV16", "NV24": "NV24",
    "YU12": "I420", "YM12": "I420", "YV12": "YV12", "422P": "Y42B", "411P": "Y41B",
    "RGB3": "RGB", "BGR3": "BGR", "BGR4": "BGRx", "XR24": "BGRx", "AR24": "BGRA", "RGB4": "xRGB", "BX24": "xRGB",
    "GREY": "GRAY8", "Y16": "GRAY16_LE", "RGBP": "RGB16",
}  # fmt: skip
"""V4L2's code -> GStreamer's name of raw pictures that `v4l2src` gives out."""
_CODED = {
    "MJPG": "image/jpeg",
    "JPEG": "image/jpeg",
    "H264": "video/x-h264,stream-format=byte-stream",
    "HEVC": "video/x-h265,stream-format=byte-stream",
    "VP80": "video/x-vp8",
    "VP90": "video/x-vp9",
}

FULL_HD = 1920 * 1080
"""Pixels up to which raw pictures are preferred; above, a camera's raw rates and the bus both give out."""
FULL_RATE = 60
"""More pictures a second count as no better."""

UNKNOWN_RATE = Fraction(0)
"""The driver does not say."""

USUAL_SIZES = (
    (320, 240), (640, 360), (640, 480), (800, 600), (1024, 768), (1280, 720), (1280, 960), (1920, 1080),
    (2560, 1440), (3840, 2160),
)  # fmt: skip
USUAL_RATES = (60, 50, 30, 25, 20, 15, 10, 5)
"""What is named of a range of sizes or rates, beside its ends."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run a camera."""

    format: str
    """V4L2's code."""
    width: int
    height: int
    rate: Fraction
    """Pictures a second; 0 where the driver does not say."""

    @property
    def caps(self) -> str:
        """GStreamer caps that ask `v4l2src` for exactly this."""
        media = f"video/x-raw,format={_RAW[self.format]}" if self.format in _RAW else _CODED[self.format]
        size = f"{media},width={self.width},height={self.height}"
        return f"{size},framerate={self.rate.numerator}/{self.rate.denominator}" if self.rate else size

    @property
    def score(self) -> int:
        """Larger is better: pixels, then the rate up to 60 a second, then how the pictures come.

        `pixels * 10000 + tenths * 10 + form`: tenths is the rate in tenths, 0 to 600, and form is 2, 1 or 0: up to
        1920x1080 for raw, JPEG, others; above it for JPEG, raw, others.
        """
        return self.width * self.height * 10_000 + round(min(float(self.rate), FULL_RATE) * 10) * 10 + self._form

    @property
    def _form(self) -> int:
        raw, jpeg = self.format in _RAW, _CODED.get(self.format) == "image/jpeg"
        small = self.width * self.height <= FULL_HD
        return (2 if small else 1) * raw + (1 if small else 2) * jpeg


def is_known(fourcc: str) -> bool:
    """Whether pictures of this format can be used here."""
    return fourcc in _RAW or fourcc in _CODED


def ordered(modes: Iterable[Mode]) -> list[Mode]:
    """Best first; of equals the slower one: what is above 60 a second costs and shows nothing."""
    return sorted(dict.fromkeys(modes), key=lambda mode: (-mode.score, mode.rate, mode.format))


def sizes(entries: Iterable[Size]) -> list[tuple[int, int]]:
    """The sizes of a list, of a range its ends and the usual ones between them that its step allows."""
    return list(dict.fromkeys(size for entry in entries for size in _sizes(entry) if min(size) > 0))


def _sizes(entry: Size) -> Iterator[tuple[int, int]]:
    yield entry.width, entry.height
    if entry.largest is None:
        return
    for width, height in USUAL_SIZES:
        if _reaches(entry.width, entry.largest[0], entry.step[0], width) and _reaches(
            entry.height, entry.largest[1], entry.step[1], height
        ):
            yield width, height
    yield entry.largest


def _reaches(low: int, high: int, step: int, value: int) -> bool:
    return low <= value <= high and (value - low) % step == 0


def rates(entries: Iterable[Interval]) -> list[Fraction]:
    """Pictures a second: of a list each, of a range its ends and the usual ones that its step allows."""
    return list(dict.fromkeys(rate for entry in entries for rate in _rates(entry)))


def _rates(entry: Interval) -> Iterator[Fraction]:
    yield 1 / entry.seconds
    if entry.longest is None:
        return
    for rate in USUAL_RATES:
        seconds = Fraction(1, rate)
        stepped = entry.step is None or entry.step == 0 or (seconds - entry.seconds) % entry.step == 0
        if entry.seconds <= seconds <= entry.longest and stepped:
            yield Fraction(rate)
    yield 1 / entry.longest
