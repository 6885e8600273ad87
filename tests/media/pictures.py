"""Judges: a machine-readable frame counter drawn into pictures, and readers that are not ours (PyAV, ffprobe)."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.media.harness import Worker

BITS = 16
Picture = NDArray[np.uint8]


def draw(number: int, width: int, height: int) -> Picture:
    """A gray I420 picture whose top quarter holds the number as 16 black and white blocks."""
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 64
    block = width // BITS
    for bit in range(BITS):
        planes[: height // 4, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 16
    return planes


def number_of(frame: av.VideoFrame) -> int:
    """The number that a decoded picture shows."""
    gray = frame.to_ndarray(format="gray")
    height, width = gray.shape[:2]
    row = gray[height // 8]
    return sum(1 << bit for bit in range(BITS) if int(row[int((bit + 0.5) * width / BITS)]) > 128)


def write_counter(
    path: Path, frames: int, *, width: int = 320, height: int = 180, fps: int = 30, **options: str
) -> Path:
    """A file of counted frames, made by FFmpeg's libraries."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx264", rate=fps)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.options = {"preset": "ultrafast", "g": "30", **options}
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(number, width, height), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def decoded(url: str, count: int, *, transport: str = "tcp", **options: str) -> Iterator[av.VideoFrame]:
    """The first pictures that PyAV decodes at the address."""
    rtsp = {"rtsp_transport": transport, "timeout": "10000000"} if url.startswith("rtsp") else {}
    with av.open(url, options={**rtsp, **options}, timeout=20) as container:
        for index, frame in enumerate(container.decode(video=0), 1):
            yield frame
            if index == count:
                return


def steps(numbers: list[int]) -> set[int]:
    """The differences between followers: {1} where nothing is missing or doubled."""
    return {after - before for before, after in pairwise(numbers)}


def pts_steps(frames: list[av.VideoFrame]) -> list[float]:
    """Seconds between followers; a reader does not know the time of its very first pictures."""
    known = list(dropwhile(lambda frame: frame.pts is None, frames))
    assert len(known) > len(frames) - 10
    times = [float((frame.pts or 0) * (frame.time_base or 0)) for frame in known]
    return [after - before for before, after in pairwise(times)]


def ffprobe(url: str) -> dict[str, Any]:
    """What ffprobe says of the video track."""
    transport = ["-rtsp_transport", "tcp"] if url.startswith("rtsp") else []
    words = ["ffprobe", "-v", "error", *transport, "-select_streams", "v", "-show_streams", "-of", "json", url]
    found = subprocess.run(words, check=True, capture_output=True, timeout=30)
    stream: dict[str, Any] = json.loads(found.stdout)["streams"][0]
    return stream


def snapshot(worker: Worker, width: int | None = None) -> Image.Image:
    """The worker's newest picture."""
    answer = worker.ask("snapshot", width)
    assert answer.ok, answer
    return Image.open(io.BytesIO(base64.b64decode(answer.data))).convert("RGB")


def brightness(image: Image.Image) -> float:
    """Mean of all its pixels, 0 to 255."""
    return float(np.asarray(image.convert("L")).mean())


def color_at(image: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    """The colour at a place given as shares of width and height."""
    found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return found[0], found[1], found[2]


def is_near(a: tuple[int, int, int], b: tuple[int, int, int], most: int = 40) -> bool:
    return all(abs(left - right) <= most for left, right in zip(a, b, strict=True))
