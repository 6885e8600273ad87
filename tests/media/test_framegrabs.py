"""Framegrabs of running workers, judged by Pillow, ffprobe and avifdec; and the stream, which must not feel it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from flexclient.models import PipelineSpec
from flexserver import protocol
from flexserver.grabfiles import Album
from flexserver.media import avif, gops
from flexserver.media.shots import Job, Shot
from tests.media.harness import Worker, spec, stream, until
from tests.media.pictures import BITS, color_at, decoded, draw, is_near, number_of, steps, write_counter

BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
"""The upper part of the SMPTE pattern, in RGB, from left to right."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "framegrabs" / "cam1"


def job(folder: Path, **wish: Any) -> Job:
    """Small and fast unless the test wishes otherwise."""
    plain = Job(
        folder=str(folder), python=sys.executable, interval=0.2, max_files=100, quality=80, speed=9, lossless=False,
        seconds=None, keys_apart=30,
    )  # fmt: skip
    return replace(plain, **wish)


@contextlib.contextmanager
def grabbing(wish: Job, pipeline: PipelineSpec | None = None) -> Iterator[Worker]:
    with Worker(pipeline or spec()) as worker:
        worker.send(protocol.Grab(asdict(wish)))
        worker.playing()
        yield worker


def grabbed(worker: Worker, count: int, limit: float = 30.0) -> list[protocol.Grabbed]:
    until(lambda: len(worker.all(protocol.Grabbed)) >= count, limit, f"{count} files")
    return worker.all(protocol.Grabbed)[:count]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def encoder_of(worker: Worker) -> psutil.Process:
    found: list[psutil.Process] = until(lambda: psutil.Process(worker.pid).children(), what="the encoder")
    return found[0]


def probed(path: Path, *entries: str) -> Any:
    words = ["ffprobe", "-v", "error", "-of", "json", *entries, str(path)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, timeout=30).stdout)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720)], ids=["BT.601", "BT.709"])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_still_has_the_colours_of_the_stream(folder: Path, size: tuple[int, int], lossless: bool) -> None:
    """GStreamer takes BT.601 for small pictures and BT.709 for large ones, both in video's narrow range."""
    pipeline = spec("test://smpte75", encoding={"width": size[0], "height": size[1]})
    with grabbing(job(folder, lossless=lossless, interval=5), pipeline) as worker:
        (made,) = grabbed(worker, 1)
    path = folder / "cam1-00001.avif"
    assert (made.file, made.kind, made.files, made.interval) == (path.name, "still", 1, None)
    assert (made.width, made.height, made.size_bytes) == (*size, path.stat().st_size)
    with Image.open(path) as image:
        assert (image.format, image.size) == ("AVIF", size)
        picture = image.convert("RGB")
    for index, wanted in enumerate(BARS):
        assert is_near(color_at(picture, (index + 0.5) / 7, 0.3), wanted, 4 if lossless else 8), index
    (found,) = probed(path, "-show_streams")["streams"]
    assert (found["codec_name"], found["width"], found["height"]) == ("av1", *size)
    assert (found["pix_fmt"], found["color_range"]) == ("yuv444p" if lossless else "yuv420p", "pc")


def test_the_tools_of_libavif_read_stills_and_clips(folder: Path) -> None:
    with grabbing(job(folder, interval=0.5), spec("test://smpte75")) as worker:
        grabbed(worker, 1)
        worker.send(protocol.Grab(asdict(job(folder, seconds=0.5))))
        until(lambda: worker.all(protocol.Grabbed)[-1].kind == "clip", what="a clip")
    for path in folder.iterdir():
        png = path.with_suffix(".png")
        subprocess.run(["avifdec", str(path), str(png)], check=True, capture_output=True, timeout=30)
        with Image.open(png) as image:
            assert is_near(color_at(image.convert("RGB"), 0.5 / 7, 0.3), BARS[0], 8)


@pytest.mark.parametrize(("keys_apart", "keys"), [(4, [0, 4, 8, 12]), (1, list(range(15))), (7, [0, 7, 14]), (30, [0])])
def test_a_clip_has_its_length_and_its_key_pictures(folder: Path, keys_apart: int, keys: list[int]) -> None:
    with grabbing(job(folder, seconds=1.0, keys_apart=keys_apart), spec("test://ball")) as worker:
        (made,) = grabbed(worker, 1)
    path = folder / "cam1-00001.avifs"
    assert (made.file, made.kind) == (path.name, "clip")
    count = len(probed(path, "-show_packets")["packets"])
    assert 12 <= count <= 15
    found = probed(path, "-show_streams", "-show_entries", "packet=flags")
    assert float(found["streams"][0]["duration"]) == pytest.approx(1.0, abs=0.15)
    flags = [packet["flags"] for packet in found["packets"]]
    assert [at for at, flag in enumerate(flags) if "K" in flag] == [key for key in keys if key < count]
    with Image.open(path) as image:
        assert image.n_frames == count  # type: ignore[attr-defined]
        shown = []
        for at in range(count):
            image.seek(at)
            shown.append(np.asarray(image.convert("L"), dtype=np.int16))
    assert all(np.abs(after - before).max() > 60 for before, after in pairwise(shown)), "it moves"


def test_clips_are_over_before_the_next_one_begins(folder: Path) -> None:
    with grabbing(job(folder, seconds=0.5, interval=0.1)) as worker:
        made = grabbed(worker, 3)
    assert all(0.5 <= (one.interval or 0) < 2.0 for one in made[1:])


def test_rotation_keeps_exactly_so_many_and_numbers_go_on(folder: Path) -> None:
    for first in (1, 6):
        with grabbing(job(folder, max_files=3, interval=0.1)) as worker:
            made = grabbed(worker, 5)
            worker.send(protocol.Grab(None))
            until(lambda: not psutil.Process(worker.pid).children(), what="the encoder's end")
        count = len(worker.all(protocol.Grabbed))
        last = first + count - 1
        assert [one.file for one in made] == [f"cam1-{first + n:05}.avif" for n in range(5)]
        kept = [name for name in names(folder) if name.endswith(".avif")]
        assert kept in (
            [f"cam1-{last + n:05}.avif" for n in (-2, -1, 0)],
            [f"cam1-{last + n:05}.avif" for n in (-1, 0, 1)],
        )
        assert {one.files for one in made[2:]} == {3}
        for name in names(folder):  # as if nothing had come since the fifth
            number = int(name.rpartition("-")[2][:5])
            if number > first + 4:
                (folder / name).unlink()
        for number in (first + 2, first + 3, first + 4):
            (folder / f"cam1-{number:05}.avif").touch()
        assert names(folder) == [f"cam1-{first + n:05}.avif" for n in (2, 3, 4)]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 counted pictures, wide enough that a still at speed 4 is work."""
    return write_counter(tmp_path_factory.mktemp("media") / "counter.mp4", 600, width=640, height=360)


def test_the_stream_does_not_feel_it(counted: Path, folder: Path) -> None:
    """At speed 4 the encoder works all the time; the reader misses no picture and the worker drops none."""
    pipeline = spec(counted.as_uri(), encoding={"width": 0, "height": 0, "fps": 0})
    with stream(pipeline) as found:
        found.worker.send(protocol.Grab(asdict(job(folder, interval=0.1, speed=4))))
        grabbed(found.worker, 1)
        numbers = [number_of(frame) for frame in decoded(found.url, 180)]
        made = found.worker.all(protocol.Grabbed)
        assert steps(numbers) == {1}
        assert found.worker.all(protocol.Beat)[-1].dropped == 0
    assert len(made) >= 3
    assert any((one.interval or 0) > 0.15 for one in made), "it was too easy to prove anything"
    shown = [_number(folder / one.file) for one in made]
    assert shown == sorted(set(shown)), "each is newer than the one before"


def _number(path: Path) -> int:
    with Image.open(path) as image:
        row = np.asarray(image.convert("L"))[image.height // 8]
    return sum(1 << bit for bit in range(BITS) if row[int((bit + 0.5) * len(row) / BITS)] > 128)


def test_rows_that_a_decoder_padded(tmp_path: Path, folder: Path) -> None:
    """334 pixels are no multiple of anything: the decoder's rows are longer than the picture is wide."""
    film = write_counter(tmp_path / "odd.mp4", 90, width=334, height=182)
    pipeline = spec(film.as_uri(), encoding={"width": 0, "height": 0, "fps": 0})
    with grabbing(job(folder, interval=0.3), pipeline) as worker:
        made = grabbed(worker, 2)
    first, second = (_number(folder / one.file) for one in made)
    assert 0 <= first < second < 90


def test_the_encoder_takes_what_is_left_over(folder: Path) -> None:
    with grabbing(job(folder)) as worker:
        grabbed(worker, 1)
        encoder = encoder_of(worker)
        assert encoder.nice() == 19
        assert encoder.rlimit(psutil.RLIMIT_DATA)[0] == avif.MEMORY
        assert Path(f"/proc/{encoder.pid}/oom_score_adj").read_text() == "1000\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_of_the_encoder_costs_nothing_else(folder: Path, number: int) -> None:
    with grabbing(job(folder)) as worker:
        grabbed(worker, 1)
        encoder_of(worker).send_signal(number)
        failed = worker.wait(protocol.GrabFailed)
        assert failed.message == f"the encoder of framegrabs was killed by signal {number}"
        count = len(worker.all(protocol.Grabbed))
        frames = worker.all(protocol.Beat)[-1].frames
        grabbed(worker, count + 1)
        until(lambda: worker.all(protocol.Beat)[-1].frames > frames)
        assert not worker.all(protocol.Failed)
    assert not [name for name in names(folder) if name.endswith(".part")]


def test_an_encoder_that_cannot_start(folder: Path) -> None:
    with grabbing(job(folder, python="/bin/false")) as worker:
        assert "ended with exit code 1" in worker.wait(protocol.GrabFailed).message
        worker.send(protocol.Grab(asdict(job(folder, python="/no/such/python"))))
        assert worker.wait(protocol.GrabFailed, lambda failed: "No such file" in failed.message)
        assert not worker.all(protocol.Failed)


def test_a_disk_that_takes_no_more(folder: Path) -> None:
    """The kernel's limit on file sizes stands in for a full disk: writes fail in the same place."""
    with grabbing(job(folder)) as worker:
        grabbed(worker, 1)
        encoder = encoder_of(worker)
        unlimited = resource.RLIM_INFINITY
        resource.prlimit(encoder.pid, resource.RLIMIT_FSIZE, (100, unlimited))
        assert worker.wait(protocol.GrabFailed).message == "the picture could not be written: File too large"
        kept = names(folder)
        resource.prlimit(encoder.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        grabbed(worker, len(worker.all(protocol.Grabbed)) + 1)
        assert not worker.all(protocol.Failed)
    assert all((folder / name).stat().st_size > 1000 for name in kept)
    assert not [name for name in kept if name.endswith(".part")]


def test_the_end_of_the_worker_is_the_end_of_the_encoder(folder: Path) -> None:
    """Also in the middle of a picture that takes minutes, and nothing half-written is left under a name."""
    with grabbing(job(folder, speed=0), spec(encoding={"width": 1920, "height": 1080})) as worker:
        encoder = encoder_of(worker)
        until(lambda: encoder.cpu_times().user > 0.5, what="the encoder at work")
        worker.send(protocol.Quit())
        assert worker.exit_code(5) == 0
        until(lambda: not psutil.pid_exists(encoder.pid) or encoder.status() == psutil.STATUS_ZOMBIE)
    assert not worker.all(protocol.Grabbed)


def test_left_overs_are_cleaned_and_strangers_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in (".cam1-00007.avif.part", "cam1-00004.avif", "cam2-00099.avif", "notes.txt"):
        (folder / name).write_bytes(b"x")
    album = Album(folder, max_files=2)
    assert album.add("avif", b"one") == ("cam1-00005.avif", 2)
    assert album.add("avifs", b"two") == ("cam1-00006.avifs", 2)
    assert names(folder) == ["cam1-00005.avif", "cam1-00006.avifs", "cam2-00099.avif", "notes.txt"]
    (folder / "cam1-99999.avif").touch()
    assert album.add("avif", b"three") == ("cam1-100000.avif", 2)
    assert names(folder)[0] == "cam1-100000.avif"
    assert (folder / "cam1-99999.avif").exists()


# Pure parts


@pytest.mark.parametrize("standard", ["ITU601", "ITU709"])
@pytest.mark.parametrize("full", [False, True])
def test_the_matrix_is_the_one_of_others(standard: str, full: bool) -> None:
    """FFmpeg's scaler is the judge, over the whole range of each plane."""
    low, high = (0, 255) if full else (16, 235)
    luma = np.tile(np.linspace(low, high, 64).astype(np.uint8), (32, 1))
    chroma = [np.full((16, 32), level, np.uint8) for level in (90, 160)]
    planes = [luma, *chroma]
    frame = av.VideoFrame(64, 32, "yuv420p")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((values.shape[0], plane.line_size), np.uint8)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    wanted = frame.reformat(
        format="rgb24", src_colorspace=standard, dst_colorspace=standard,
        src_color_range="JPEG" if full else "MPEG", dst_color_range="JPEG",
    ).to_ndarray()  # fmt: skip
    kr, kb = (0.299, 0.114) if standard == "ITU601" else (0.2126, 0.0722)
    data = b"".join(plane.tobytes() for plane in planes)
    shot = Shot(64, 32, [(0, 64), (2048, 32), (2560, 32)], kr, kb, full=full, size=len(data))
    difference = np.abs(np.asarray(avif.rgb(shot, data)).astype(int) - wanted.astype(int))
    assert difference.max() <= 3


def test_odd_sizes_and_long_rows() -> None:
    planes = draw(0xA5A5, 336, 184)
    data = planes.tobytes()
    shot = Shot(
        333, 181, [(0, 336), (336 * 184, 168), (336 * 184 * 5 // 4, 168)], 0.299, 0.114, full=False, size=len(data)
    )
    assert avif.rgb(shot, data).size == (333, 181)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x10ftypavif", b"\0\0\0\x05ftyp", b"\xff" * 40])
def test_what_is_no_sequence_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^no AVIF|cut off|another version|in several"):
        gops.join([data], [[100]])


def test_a_worker_that_ends_in_the_middle_of_a_picture(folder: Path, tmp_path: Path) -> None:
    """The encoder reads an end of file: it ends well, and writes nothing."""
    shot = Shot(16, 16, [(0, 16), (256, 8), (320, 8)], 0.299, 0.114, full=False, size=384)
    said = json.dumps(asdict(job(folder))).encode() + b"\n" + json.dumps(asdict(shot)).encode() + b"\n" + b"\0" * 100
    ran = subprocess.run(
        [sys.executable, "-m", "flexserver.media.avif"], input=said, capture_output=True, timeout=30, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(avif.__file__).parents[2])},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert not folder.exists()
