"""Raw pictures on their way from a worker to the process that encodes them, as values. No GStreamer, no Pillow.

On the pipe: `Job` as a JSON line once, then for each picture `Shot` as a JSON line and `size` bytes. The last picture
of a file has `last`; the answer to it is one JSON line, `Made` or `Fault`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """What to make of pictures: the pipeline's `framegrab`, and where files go."""

    folder: str
    """The pipeline's own folder; its name is the pipeline's id."""
    python: str
    """The interpreter that has Pillow."""
    interval: float
    max_files: int
    quality: int
    speed: int
    lossless: bool
    seconds: float | None
    """How long a clip lasts; None makes stills."""
    keys_apart: int
    """Pictures from one key picture of a clip to the next, at most."""

    @property
    def pace(self) -> float:
        """Seconds from one file to the next: a clip is over before the next one begins."""
        return max(self.interval, self.seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: three planes of 8 bits, the colours at half the resolution both ways."""

    width: int
    height: int
    planes: list[tuple[int, int]]
    """Offset and stride of Y, U and V."""
    kr: float
    kb: float
    """Share of red and of blue in the brightness: which matrix made the planes."""
    full: bool
    """Whether the values are 0 to 255 instead of 16 to 235."""
    size: int
    """Bytes that follow."""
    milliseconds: int = 0
    """How long it is shown, in a clip."""
    last: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """A file was written."""

    file: str
    size_bytes: int
    created_at: float
    width: int
    height: int
    kind: str
    files: int
    """How many the pipeline has now."""


@dataclass(frozen=True, slots=True)
class Fault:
    """No file was written, for this reason."""

    fault: str


def line(value: Job | Shot | Made | Fault) -> bytes:
    """As it goes over the pipe."""
    return json.dumps(asdict(value)).encode() + b"\n"


def read(text: bytes) -> dict[str, Any]:
    """The fields of a line. Raises ValueError."""
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("not a line of ours")
    return fields
