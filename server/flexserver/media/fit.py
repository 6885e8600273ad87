"""What can only be set once the picture's size and rate are known: key frame distance, threads, font and margins. Pure.

The API process applies it where it knows both beforehand, the worker when the first picture's caps reach the encoder.
"""

from __future__ import annotations

from flexserver.media.elements import ENCODER, OVERLAY, Graph, Setting

NOMINAL_FPS = 30.0
"""Taken where the source does not say its rate."""
NOMINAL_SIZE = (1280, 720)
"""Taken where the source's size is not known yet."""

_PIXELS_A_SECOND = {
    "ultrafast": 150e6, "superfast": 130e6, "veryfast": 100e6, "faster": 60e6, "fast": 50e6, "medium": 38e6,
    "slow": 22e6, "slower": 10e6,
}  # fmt: skip
"""What one core encodes, by preset, roughly (measured, noisy picture)."""
_ONE_THREAD_UP_TO = 0.4
"""Share of a core above which an encode is split: each slice costs a little, so small pictures stay whole."""
_MARGIN = 24 / 1080


def settings(graph: Graph, width: int, height: int, fps: float) -> list[Setting]:
    """The settings for pictures of this size and rate; `fps` 0 where the source does not say."""
    fps = fps or NOMINAL_FPS
    found: list[Setting] = []
    if ENCODER in graph:
        found.append((ENCODER, "key-int-max", max(1, round(graph.fit.gop_seconds * fps))))
        load = width * height * fps / _PIXELS_A_SECOND[graph.fit.preset]
        found.append((ENCODER, "threads", 1 if load <= _ONE_THREAD_UP_TO else 0))
    if OVERLAY in graph and graph.fit.font_size is not None:
        found += _font(graph.fit.font_size, height)
    return found


def _font(points: int, height: int) -> list[Setting]:
    """`points` are meant on a picture of 1080 lines."""
    margin = round(height * _MARGIN)
    return [
        (OVERLAY, "font-desc", f"Sans {max(1.0, points * height / 1080):.2f}"),
        (OVERLAY, "xpad", margin),
        (OVERLAY, "ypad", margin),
    ]
