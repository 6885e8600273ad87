"""The front: who reads is counted, who comes is served at once, who stalls hurts nobody, who is told to go goes."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import av
import av.error
import psutil
import pytest
from aiortsp.rtsp.reader import RTSPReader

from flexserver import protocol
from tests.media.harness import Front, Worker, silence, spec, stream, until
from tests.media.pictures import decoded, ffprobe, number_of, steps

READ = (
    "import av, sys\n"
    "with av.open(sys.argv[1], options={'rtsp_transport': sys.argv[2]}, timeout=20) as found:\n"
    "    for packet in found.demux(video=0): pass\n"
)


@contextmanager
def reader(url: str, transport: str = "tcp") -> Iterator[subprocess.Popen[bytes]]:
    """A player in a process of its own; killed, never closed, when the block ends."""
    with subprocess.Popen([sys.executable, "-c", READ, url, transport], stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_mount_nobody_knows_is_404() -> None:
    with Front() as front:
        front.mount("a")
        with pytest.raises(av.error.HTTPNotFoundError):
            next(decoded(front.url("b"), 1))


def test_names_with_slashes_and_one_inside_another() -> None:
    with stream(spec(output={"uri": "rtsp://0.0.0.0:8731/live/a"})) as found:
        found.front.mount("live")
        assert ffprobe(found.url)["codec_name"] == "h264"
        assert found.front.readers("live/a")[0] == 0
        with reader(found.url):
            until(lambda: found.front.readers("live/a")[0] == 1)
            assert found.front.readers("live") == (0, False)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_readers_are_counted_and_missed_when_they_vanish(transport: str) -> None:
    with stream(spec()) as found:
        with reader(found.url, transport):
            until(lambda: found.front.readers("cam1") == (1, True))
            with reader(found.url, "tcp"):
                until(lambda: found.front.readers("cam1") == (2, True))
            until(lambda: found.front.readers("cam1") == (1, True), limit=3)
        until(lambda: found.front.readers("cam1") == (0, True), limit=3)


def test_a_reader_that_says_goodbye_is_missed_too() -> None:
    with stream(spec()) as found:
        list(decoded(found.url, 3))
        until(lambda: found.front.readers("cam1") == (0, True), limit=3)


def test_wanted_from_the_first_request_until_some_seconds_after_the_last_reader() -> None:
    with stream(spec()) as found:
        list(decoded(found.url, 3))
        until(lambda: found.front.readers("cam1") == (0, True))
        begin = time.monotonic()
        until(lambda: found.front.readers("cam1") == (0, False), limit=8)
        assert 4.0 < time.monotonic() - begin < 6.5
        told = [(message.count, message.wanted) for message in found.front.all(protocol.Readers)]
        assert told == [(0, True), (1, True), (0, True), (0, False)]


async def test_a_reader_sees_a_key_unit_within_300_ms() -> None:
    """Judged by aiortsp: from connecting to the first packet of a key picture, joining between two key frames."""
    with stream(spec(encoding={"gop_seconds": 60})) as found, reader(found.url):
        until(lambda: found.front.readers("cam1")[0] == 1)
        for _ in range(3):
            begin = time.monotonic()
            async with RTSPReader(found.url) as packets:
                async for packet in packets.iter_packets():
                    kind = packet.data[0] & 31
                    if kind == 5 or (kind in {24, 28} and packet.data[1] & 31 in {5, 7, 9}):
                        break
            assert time.monotonic() - begin < 0.6


def test_many_readers_come_and_go_and_none_is_refused() -> None:
    with stream(spec()) as found:
        for index in range(20):
            transport = "tcp" if index % 2 else "udp"
            assert list(decoded(found.url, 1, transport=transport, fflags="nobuffer", probesize="32"))


def test_a_stalled_reader_stalls_nobody_and_takes_no_memory() -> None:
    """It asks for everything and reads nothing, for ten seconds of 4 Mbit/s."""
    fast = spec("test://snow", encoding={"width": 640, "height": 360, "bitrate": 4000})
    with stream(fast) as found, socket.create_connection(("127.0.0.1", found.front.port)) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        play_and_stop_reading(stalled, found.url)
        until(lambda: found.front.readers("cam1")[0] == 1)
        process = psutil.Process(found.front.pid)
        list(decoded(found.url, 30))
        before = process.memory_full_info().uss
        arrived = [time.monotonic() for _ in decoded(found.url, 330)]
        assert max(after - was for was, after in itertools.pairwise(arrived)) < 0.5
        assert process.memory_full_info().uss - before < 12e6


class Rtsp:
    """RTSP by hand."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._count = sock, 0

    def say(self, method: str, target: str, *headers: str) -> str:
        """Head of the answer."""
        self._count += 1
        lines = [f"{method} {target} RTSP/1.0", f"CSeq: {self._count}", *headers, "", ""]
        self._sock.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._sock.recv(1)
        return answer.decode()


def play_and_stop_reading(sock: socket.socket, url: str) -> None:
    """SETUP interleaved, PLAY, and then nothing is read any more."""
    rtsp = Rtsp(sock)
    described = rtsp.say("DESCRIBE", url, "Accept: application/sdp")
    length = int(described.lower().partition("content-length:")[2].split()[0])
    while length:
        length -= len(sock.recv(length))
    setup = rtsp.say("SETUP", f"{url}/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
    session = setup.partition("Session:")[2].split(";")[0].strip()
    rtsp.say("PLAY", f"{url}/", f"Session: {session}")


def test_unmount_sends_readers_away_and_a_new_mount_takes_them_again() -> None:
    with stream(spec()) as found, reader(found.url) as first:
        until(lambda: found.front.readers("cam1")[0] == 1)
        found.front.send(protocol.Unmount("cam1"))
        assert first.wait(5) is not None
        with pytest.raises(av.error.HTTPNotFoundError):
            next(decoded(found.url, 1))
        found.front.mount("cam1")
        assert len(list(decoded(found.url, 10))) == 10


def test_mounting_twice_disturbs_nobody() -> None:
    with stream(spec()) as found:
        frames = decoded(found.url, 90)
        next(frames)
        found.front.mount("cam1")
        assert len(list(frames)) == 89


def test_a_mount_without_any_worker_shows_the_slate() -> None:
    with Front() as front:
        front.mount("lonely")
        with socket.create_connection(("127.0.0.1", front.port)) as sock:
            begin = time.monotonic()
            assert "200 OK" in Rtsp(sock).say("DESCRIBE", front.url("lonely"), "Accept: application/sdp")
            assert time.monotonic() - begin < 3
        assert front.readers("lonely")[1]
        frame = next(decoded(front.url("lonely"), 1))
        assert (frame.width, frame.height) == (1280, 720)


def test_the_slate_of_an_unreachable_source_has_the_configured_size() -> None:
    with stream(spec(silence(), encoding={"width": 400, "height": 300}), wait=False) as found:
        frame = next(decoded(found.url, 1))
        assert (frame.width, frame.height) == (400, 300)
        gray = frame.to_ndarray(format="gray")
        assert gray[:40].max() < 80
        assert gray[100:200].max() > 200


def test_a_taken_port_is_one_line_and_exit_3() -> None:
    with Front() as front, Front(port=front.port) as other:
        assert other.exit_code() == 3
        until(lambda: other.stderr)
        assert f"port {front.port} on 127.0.0.1 is taken" in other.stderr
        assert other.stderr.count("\n") == 1


def test_end_of_file_ends_the_front() -> None:
    with Front() as front:
        front.wait(protocol.Ready)
        front.hang_up()
        assert front.exit_code() == 0


def test_workers_come_back_to_a_front_that_was_restarted() -> None:
    with stream(spec()) as found:
        list(decoded(found.url, 5))
        port = found.front.port
        found.front.close()
        with Front(port=port, link=found.front.link) as again:
            again.mount("cam1")
            frames = list(decoded(again.url("cam1"), 60))
            assert all(frame.to_ndarray(format="rgb24").std() > 50 for frame in frames[30:])


def test_a_worker_may_come_before_its_mount() -> None:
    with Front() as front, Worker(spec(), front) as worker:
        worker.playing()
        assert len(list(decoded(front.mount("cam1"), 10))) == 10


def test_nonsense_on_the_link_hurts_nobody() -> None:
    with stream(spec()) as found:
        for nonsense in (b"\n", b"hello\n", b'{"say":"Hello","mount":"cam1","codec":"zip"}\n', b"x" * 100_000):
            with socket.socket(socket.AF_UNIX) as link:
                link.connect("\0" + found.front.link)
                link.sendall(nonsense)
        with socket.socket(socket.AF_UNIX) as link:
            link.connect("\0" + found.front.link)
            link.sendall(protocol.encode(protocol.Hello("cam1", "h264", [])) + b"\xff" * 1000)
        assert len(list(decoded(found.url, 30))) == 30


def test_eight_readers_of_both_kinds_all_get_every_picture(counter: object) -> None:
    with stream(spec(f"file://{counter}", encoding={"width": 0, "height": 0, "fps": 0, "bitrate": 3000})) as found:
        seen: list[set[int]] = []

        def read(transport: str) -> None:
            seen.append(steps([number_of(frame) for frame in decoded(found.url, 120, transport=transport)]))

        threads = [threading.Thread(target=read, args=("udp" if index % 2 else "tcp",)) for index in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [{1}] * 8


def test_a_burst_of_readers_may_wait_to_be_taken() -> None:
    """Linux shows a listener's backlog as its send queue."""
    with Front() as front:
        command = ["ss", "-ltnH", f"sport = :{front.port}"]
        listening = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert int(listening[2]) >= 512
