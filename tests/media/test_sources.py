"""Files, cameras and packets: read whole, and with a sentence where they cannot be."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from flexserver import protocol
from tests.media.conftest import CameraFactory
from tests.media.harness import Worker, free_port, spec, stream
from tests.media.pictures import decoded, number_of, pts_steps, steps, write_counter

CLONE_NEWNET = 0x40000000
KEEP = {"width": 0, "height": 0, "fps": 0, "bitrate": 3000}


def ffmpeg(pattern: str, *words: str | Path) -> None:
    """A second of FFmpeg's own test media."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", pattern, "-t", "1", *words], check=True)


def failure(uri: str, **source: str) -> str:
    """The sentence that a worker ends with."""
    with Worker(spec(uri, source=source)) as worker:
        failed = worker.wait(protocol.Failed, limit=8)
        assert failed.part == "source"
        assert worker.exit_code() == 1
        return failed.message


# Files


def test_a_file_is_read_without_a_gap_in_real_time(counter: Path) -> None:
    with stream(spec(f"file://{counter}", encoding=KEEP), wait=False) as found:
        begin = time.monotonic()
        frames = list(decoded(found.url, 300))
        assert 9.0 < time.monotonic() - begin < 14.0
        assert steps([number_of(frame) for frame in frames]) == {1}
        assert all(abs(step - 1 / 30) < 0.002 for step in pts_steps(frames))


@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
def test_a_file_ends(tmp_path: Path, kind: str) -> None:
    file = write_counter(tmp_path / f"a.{kind}", 40)
    with Worker(spec(f"file://{file}", encoding=KEEP)) as worker:
        worker.wait(protocol.Ended)
        assert worker.all(protocol.Beat)[-1].frames == 40
        assert worker.exit_code() == 0


@pytest.mark.parametrize("kind", ["mp4", "ts", "mkv"])
def test_a_file_begins_again_without_a_break(tmp_path: Path, kind: str) -> None:
    file = write_counter(tmp_path / f"a.{kind}", 40)
    with stream(spec(f"file://{file}", source={"loop": True}, encoding=KEEP)) as found:
        frames = list(decoded(found.url, 130))
        assert steps([number_of(frame) for frame in frames]) == {1, -39}
        assert all(abs(step - 1 / 30) < 0.003 for step in pts_steps(frames))


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        ("-pix_fmt yuv444p10le -c:v libx264", "odd.mp4", "321x181"),
        ("-c:v mpeg2video -flags +ilme+ildct", "interlaced.ts", "360x288"),
        ("-c:v libvpx", "a.webm", "320x240"),
        ("-c:v mjpeg -pix_fmt yuvj422p", "a.avi", "320x240"),
        ("-c:v libx265 -x265-params log-level=none", "a.mkv", "320x240"),
    ],
)
def test_files_of_many_kinds(tmp_path: Path, words: str, name: str, size: str) -> None:
    file = tmp_path / name
    ffmpeg(f"testsrc=size={size}:rate=25", *words.split(), file)
    pipeline = spec(f"file://{file}", encoding=KEEP, crop={"left": 3}, transform={"rotate": 90})
    with Worker(pipeline) as worker:
        playing = worker.playing()
        width, height = map(int, size.split("x"))
        assert abs(playing.width - height) <= 1
        assert abs(playing.height - (width - 3)) <= 1
        worker.wait(protocol.Ended)


def test_a_missing_file() -> None:
    assert "there is nothing at this address" in failure("file:///no/such/file.mp4")


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("only words " * 100)
    assert "it is not a video of a known kind" in failure(f"file://{tmp_path}/a.txt")
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 40)
    assert str(tmp_path / "a.bin") in failure(f"file://{tmp_path}/a.bin")
    (tmp_path / "empty.mp4").touch()
    assert "no video could be recognised" in failure(f"file://{tmp_path}/empty.mp4")


def test_a_file_without_a_video_track(tmp_path: Path) -> None:
    ffmpeg("sine", tmp_path / "a.m4a")
    assert "there is no video track in it" in failure(f"file://{tmp_path}/a.m4a")


def test_a_crop_that_leaves_nothing(counter: Path) -> None:
    with Worker(spec(f"file://{counter}", crop={"left": 300, "right": 100})) as worker:
        failed = worker.wait(protocol.Failed)
        assert failed == protocol.Failed(
            "graph", "crop: it leaves nothing of the source's picture, 320x180 (videocrop)"
        )


def test_a_crop_that_would_leave_nothing_is_not_set_live(counter: Path) -> None:
    with Worker(spec(f"file://{counter}", crop={"left": 20}, encoding={"width": 160, "height": 90})) as worker:
        worker.playing()
        answer = worker.change(("crop", "left", 400))
        assert (answer.ok, answer.data) == (
            False, "crop: it leaves nothing of the source's picture, 320x180 (videocrop)"
        )  # fmt: skip
        assert worker.change(("crop", "left", 40)).ok
        assert not worker.all(protocol.Failed)


# Cameras


@pytest.mark.parametrize("transport", [(), ("--tcp-only",)])
def test_a_camera_is_read_without_a_gap(camera: CameraFactory, counter: Path, transport: tuple[str, ...]) -> None:
    with (
        camera("--file", str(counter), *transport) as found,
        stream(spec(found.url, encoding=KEEP), wait=False) as mounted,
    ):
        frames = list(decoded(mounted.url, 300))
        assert steps([number_of(frame) for frame in frames]) == {1}


def test_a_camera_with_a_password(camera: CameraFactory) -> None:
    with camera("--login", 'me:pa ss"!') as found:
        with Worker(spec(found.url, source={"user": "me", "password": 'pa ss"!'})) as worker:
            worker.playing()
        for login in ({}, {"user": "me", "password": "wrong"}):
            message = failure(found.url, **login)
            assert "it refused the user name or password" in message
            assert "401" in message
            assert "rtspsrc" in message


def test_a_camera_that_has_no_such_stream(camera: CameraFactory) -> None:
    with camera() as found:
        message = failure(found.url + "x")
        assert "there is nothing at this address" in message
        assert "404" in message


def test_an_unreachable_camera() -> None:
    begin = time.monotonic()
    message = failure("rtsp://127.0.0.1:9/live")
    assert "rtsp://127.0.0.1:9/live: no connection can be made to it" in message
    assert time.monotonic() - begin < 6


def test_a_host_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        begin = time.monotonic()
        message = failure(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live")
        assert "Timeout while waiting for server response" in message
        assert time.monotonic() - begin < 8


def test_a_camera_that_freezes_is_noticed_within_three_seconds(camera: CameraFactory) -> None:
    with camera() as found, Worker(spec(found.url)) as worker:
        worker.playing()
        found.process.send_signal(signal.SIGSTOP)
        begin = time.monotonic()
        failed = worker.wait(protocol.Failed)
        assert 2.0 < time.monotonic() - begin < 3.5
        assert failed.part == "source"
        assert "no picture for" in failed.message


def test_a_camera_that_goes_is_noticed_at_once(camera: CameraFactory) -> None:
    with camera() as found, Worker(spec(found.url)) as worker:
        worker.playing()
        found.process.kill()
        assert worker.wait(protocol.Failed, limit=3).part == "source"


# Packets


@contextmanager
def sender(file: Path, url: str, *words: str) -> Iterator[None]:
    """FFmpeg sends the file in real time, again and again."""
    made = ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", str(file), "-an", "-c:v", "copy", *words, url]
    with subprocess.Popen(made, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (("-f", "mpegts"), ""),
        (("-bsf:v", "h264_mp4toannexb", "-f", "rtp"), "?format=rtp"),
        (("-f", "rtp_mpegts"), "?format=rtp-ts"),
    ],
)
def test_packets(counter: Path, words: tuple[str, ...], query: str) -> None:
    port = free_port()
    scheme = "rtp" if query else "udp"
    size = "" if query else "?pkt_size=1316"
    with (
        sender(counter, f"{scheme}://127.0.0.1:{port}{size}", *words),
        stream(spec(f"udp://127.0.0.1:{port}{query}", encoding=KEEP)) as found,
    ):
        numbers = [number_of(frame) for frame in decoded(found.url, 150)]
        assert steps(numbers) <= {1, -449}


def test_multicast(counter: Path) -> None:
    """In a network namespace of its own, which the processes that this thread starts inherit."""
    with ThreadPoolExecutor(1, initializer=enter_a_network_of_ones_own) as apart:
        apart.submit(multicast_is_read, counter).result(60)


def enter_a_network_of_ones_own() -> None:
    """Root may; for others the loopback interface and a time to live of 0 keep the packets in the machine."""
    if os.geteuid() == 0:
        assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0
        subprocess.run(["ip", "link", "set", "lo", "up", "multicast", "on"], check=True)
        subprocess.run(["ip", "route", "add", "239.0.0.0/8", "dev", "lo"], check=True)


def multicast_is_read(counter: Path) -> None:
    port = free_port()
    group = f"239.255.77.1:{port}"
    with (
        sender(counter, f"udp://{group}?pkt_size=1316&localaddr=127.0.0.1&ttl=0", "-f", "mpegts"),
        Worker(spec(f"udp://{group}", source={"network_interface": "lo"}, encoding=KEEP)) as worker,
    ):
        assert worker.playing().width == 320


def test_a_port_where_nothing_comes() -> None:
    port = free_port()
    assert failure(f"udp://127.0.0.1:{port}") == f"source udp://127.0.0.1:{port}: nothing arrived within 5 s (udpsrc)"


def test_packets_that_stop(counter: Path) -> None:
    port = free_port()
    with Worker(spec(f"udp://127.0.0.1:{port}", encoding=KEEP)) as worker:
        with sender(counter, f"udp://127.0.0.1:{port}?pkt_size=1316", "-f", "mpegts"):
            worker.playing()
        begin = time.monotonic()
        assert "no picture for" in worker.wait(protocol.Failed).message
        assert time.monotonic() - begin < 3.5


# Out again


def test_mpeg_ts_goes_out_over_udp(counter: Path) -> None:
    port = free_port()
    output = {"uri": f"udp://127.0.0.1:{port}"}
    with Worker(spec(f"file://{counter}", encoding={**KEEP, "gop_seconds": 0.5}, output=output)) as worker:
        worker.playing()
        with av.open(f"udp://127.0.0.1:{port}?timeout=8000000&fifo_size=100000", format="mpegts") as container:
            track = container.streams.video[0]
            assert (track.codec_context.name, track.width, track.height) == ("h264", 320, 180)
            numbers = []
            for frame in container.decode(track):
                numbers.append(number_of(frame))
                if len(numbers) == 100:
                    break
        assert steps(numbers) == {1}


def test_an_output_that_does_not_exist() -> None:
    with Worker(spec(output={"uri": "udp://no.such.host.invalid:5000"})) as worker:
        failed = worker.wait(protocol.Failed)
        assert failed.part == "output"
        assert "no.such.host.invalid" in failed.message
