"""Videos whose every picture carries its number, made by ffmpeg, and the numbers read back from decoded pictures.

The number stands in 16 blocks along the top, black for 0 and white for 1, least significant first: large enough to
survive any encoder, any bitrate and any scaling.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

BITS = 16


def picture(number: int, width: int, height: int) -> bytes:
    """One grey picture with its number, as gray8."""
    pixels = np.full((height, width), 96, dtype=np.uint8)
    block = width // BITS
    for bit in range(BITS):
        pixels[: height // 4, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 16
    return pixels.tobytes()


def make_file(path: Path, *, frames: int, width: int = 640, height: int = 360, fps: int = 30) -> Path:
    """Have ffmpeg write an H.264 file of that many numbered pictures."""
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", str(fps), "-bf", "0", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(["ffmpeg", "-v", "error", "-y", *source, *coded], stdin=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin
        for number in range(frames):
            ffmpeg.stdin.write(picture(number, width, height))
    assert ffmpeg.returncode == 0
    return path


def number_in(luma: np.ndarray[Any, Any]) -> int:
    """The number that a decoded picture carries."""
    height, width = luma.shape
    row, block = height // 8, width / BITS
    return sum(1 << bit for bit in range(BITS) if luma[row, int((bit + 0.5) * block)] > 128)


def numbers(url: str, count: int, *, transport: str = "tcp") -> Iterator[int]:
    """Read that many pictures from an RTSP address, and their numbers."""
    options = {"rtsp_transport": transport, "timeout": "10000000"}
    with av.open(url, options=options, timeout=20) as stream:
        for index, frame in enumerate(stream.decode(video=0)):
            yield number_in(frame.to_ndarray(format="gray"))
            if index + 1 == count:
                return


def steps(seen: list[int], *, modulus: int = 1 << BITS) -> set[int]:
    """The differences between neighbours: {1} where no picture is missing or doubled."""
    return {(b - a) % modulus for a, b in pairwise(seen)}
