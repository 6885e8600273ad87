"""What the picture looks like: sizes, rates, turns, colours, crops, text; by its pixels."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flexserver import protocol
from tests.media.harness import Worker, spec, stream
from tests.media.pictures import color_at, decoded, ffprobe, is_near, pts_steps, snapshot, write_counter

WHITE, YELLOW, CYAN, BLUE = (255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 0, 255)


def still(**parts: Any) -> Image.Image:
    with Worker(spec(**parts)) as worker:
        worker.playing()
        return snapshot(worker)


@pytest.mark.parametrize(("width", "height", "fps"), [(320, 180, 30), (640, 360, 15), (128, 96, 25)])
def test_ffprobe_reads_size_rate_and_codec_as_configured(width: int, height: int, fps: int) -> None:
    with stream(spec(encoding={"width": width, "height": height, "fps": fps})) as found:
        seen = ffprobe(found.url)
        assert (seen["codec_name"], seen["width"], seen["height"]) == ("h264", width, height)
        assert seen["has_b_frames"] == 0
        frames = list(decoded(found.url, fps * 2))
        assert all(abs(step - 1 / fps) < 0.002 for step in pts_steps(frames))


def test_a_file_is_scaled_and_its_rate_changed(counter: Path) -> None:
    with stream(spec(f"file://{counter}", encoding={"width": 160, "height": 120, "fps": 10})) as found:
        frames = list(decoded(found.url, 20))
        assert (frames[0].width, frames[0].height) == (160, 120)
        assert all(abs(step - 0.1) < 0.002 for step in pts_steps(frames))


def test_zero_keeps_the_sources_size_and_rate(tmp_path: Path) -> None:
    file = write_counter(tmp_path / "a.mp4", 100, width=400, height=226, fps=24)
    with Worker(spec(f"file://{file}", encoding={"width": 0, "height": 0, "fps": 0})) as worker:
        assert worker.playing() == protocol.Playing(400, 226, 24.0, "x264enc")


def test_a_width_alone_keeps_the_shape(tmp_path: Path) -> None:
    file = write_counter(tmp_path / "a.mp4", 60, width=640, height=480)
    with Worker(spec(f"file://{file}", encoding={"width": 320, "height": 0})) as worker:
        playing = worker.playing()
        assert (playing.width, playing.height) == (320, 240)


def test_the_bitrate_is_held() -> None:
    """On a noisy picture, over the seconds after the first."""
    with Worker(spec("test://snow", encoding={"width": 640, "height": 360, "bitrate": 2000})) as worker:
        first = worker.wait(protocol.Beat, lambda beat: beat.frames > 30)
        last = worker.wait(protocol.Beat, lambda beat: beat.frames > 180)
        seconds = (last.frames - first.frames) / 30
        assert 0.85 < (last.bytes - first.bytes) * 8 / 1000 / seconds / 2000 < 1.15


def test_gop_seconds_sets_the_distance_of_key_frames() -> None:
    with stream(spec(encoding={"gop_seconds": 0.5})) as found:
        keys = [index for index, frame in enumerate(decoded(found.url, 90)) if frame.key_frame]
        assert max(after - before for before, after in pairwise(keys)) == 15


# The bars of smpte, from left: white, yellow, cyan, green, magenta, red, blue.


@pytest.mark.parametrize(
    ("transform", "place", "color"),
    [
        ({}, (0.05, 0.3), WHITE),
        ({"mirror": "horizontal"}, (0.95, 0.3), WHITE),
        ({"mirror": "vertical"}, (0.05, 0.7), WHITE),
        ({"rotate": 180}, (0.95, 0.7), WHITE),
        ({"rotate": 90}, (0.7, 0.05), WHITE),
        ({"rotate": 270}, (0.3, 0.95), WHITE),
        ({"rotate": 90, "mirror": "horizontal"}, (0.3, 0.05), WHITE),
        ({"rotate": 90, "mirror": "vertical"}, (0.7, 0.95), WHITE),
        ({"rotate": 180, "mirror": "horizontal"}, (0.05, 0.7), WHITE),
    ],
)
def test_turns_and_mirrors(transform: dict[str, Any], place: tuple[float, float], color: tuple[int, int, int]) -> None:
    picture = still(transform=transform)
    assert picture.size == (320, 180)
    assert is_near(color_at(picture, *place), color)
    opposite = (1 - place[0], place[1]) if place[0] < 0.1 or place[0] > 0.9 else (place[0], 1 - place[1])
    assert is_near(color_at(picture, *opposite), BLUE)


def test_grayscale_has_no_color() -> None:
    pixels = np.asarray(still(transform={"grayscale": True}), dtype=int)
    assert int(np.abs(pixels - pixels.mean(axis=2, keepdims=True)).max()) < 8
    assert pixels.std() > 40


def test_a_crop_cuts_the_sources_pixels() -> None:
    """The test picture is 1280 wide and its bars 183: cutting 183 from the left makes yellow the first."""
    picture = still(crop={"left": 184, "bottom": 260}, encoding={"width": 274, "height": 115})
    assert is_near(color_at(picture, 0.05, 0.5), YELLOW)
    assert is_near(color_at(picture, 0.97, 0.5), BLUE)
    assert is_near(color_at(picture, 0.25, 0.9), CYAN)


def test_the_crop_comes_before_the_turn() -> None:
    """The bottom third of the bars is dark; cut away, nothing dark is left on any side after the turn."""
    picture = still(crop={"bottom": 260}, transform={"rotate": 90}, encoding={"width": 0, "height": 0})
    assert picture.size == (460, 1280)
    assert is_near(color_at(picture, 0.05, 0.05), WHITE)


def lit(picture: Image.Image) -> tuple[float, float]:
    """Centre of what is bright, as shares of width and height."""
    rows, columns = np.nonzero(np.asarray(picture.convert("L")) > 128)
    assert len(rows) > 20
    return float(columns.mean() / picture.width), float(rows.mean() / picture.height)


@pytest.mark.parametrize(("down", "across"), list(product(("top", "center", "bottom"), ("left", "center", "right"))))
def test_nine_places(down: str, across: str) -> None:
    position = "-".join(word for word in (down, across) if word != "center") or "center"
    overlay = {"text": "MM", "position": position, "font_size": 60, "background": False}
    x, y = lit(still(uri="test://black", overlay=overlay))
    assert {"left": x < 0.25, "center": 0.45 < x < 0.55, "right": x > 0.75}[across]
    assert {"top": y < 0.25, "center": 0.4 < y < 0.6, "bottom": y > 0.75}[down]


def test_text_and_time_stand_below_each_other() -> None:
    both = {"text": "MMMM", "timestamp": "WWWW", "font_size": 60, "background": False}
    picture = np.asarray(still(uri="test://black", overlay=both).convert("L")) > 128
    rows = np.nonzero(picture.any(axis=1))[0]
    breaks = np.count_nonzero(np.diff(rows) > 1)
    assert breaks == 1


def test_text_has_its_color_and_its_box() -> None:
    overlay = {"text": "MMMM", "position": "center", "font_size": 300, "color": "#FF0000", "background": "#0000FF"}
    pixels = np.asarray(still(uri="test://white", overlay=overlay), dtype=int)
    assert np.count_nonzero((pixels[:, :, 0] > 150) & (pixels[:, :, 2] < 90)) > 200
    assert np.count_nonzero((pixels[:, :, 2] > 150) & (pixels[:, :, 0] < 90)) > 200


def test_text_is_drawn_literally() -> None:
    """`<b>M</b>` takes the room of its letters; markup would draw one bold letter."""
    plain = {"position": "top-left", "font_size": 60, "background": False}

    def width(text: str) -> int:
        picture = np.asarray(still(uri="test://black", overlay={**plain, "text": text}).convert("L")) > 128
        return int(np.nonzero(picture.any(axis=0))[0].max())

    assert width("<b>M</b>") > 2.5 * width("M")
    assert width('"! & 100%') > 2.5 * width("M")


def test_a_font_is_scaled_with_the_picture() -> None:
    def height(width: int, lines: int) -> float:
        overlay = {"text": "M", "position": "center", "font_size": 200, "background": False}
        picture = still(uri="test://black", overlay=overlay, encoding={"width": width, "height": lines})
        rows = np.nonzero((np.asarray(picture.convert("L")) > 128).any(axis=1))[0]
        return float(rows.max() - rows.min()) / lines

    assert abs(height(320, 180) - height(640, 360)) < 0.03


def test_the_font_is_right_where_the_source_decides_the_size(tmp_path: Path) -> None:
    file = write_counter(tmp_path / "a.mp4", 60, width=640, height=360)
    overlay = {"text": "M", "position": "center", "font_size": 200, "background": False}
    picture = still(uri=f"file://{file}", overlay=overlay, encoding={"width": 0, "height": 0})
    rows = np.nonzero((np.asarray(picture.convert("L"))[100:] > 160).any(axis=1))[0]
    assert 360 * 200 / 1080 * 0.7 < rows.max() - rows.min() < 360 * 200 / 1080 * 1.4
