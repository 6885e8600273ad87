"""Streams that ffmpeg pushes to the box: transcoded while they last, gone with their publisher."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import psutil
import pytest

from tests.media.pictures import decoded, draw, ffprobe, number_of, pts_steps, write_counter
from tests.support.api import Api, Seen, until
from tests.support.box import Box
from tests.support.fixtures import BoxFactory
from tests.support.publish import allow, ffmpeg, ingest_port

PORTS = ("--ingest-rtsp-port", "0", "--ingest-rtmp-port", "0")
SLOW = 30.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_counter(tmp_path_factory.mktemp("video") / "counted.mp4", 1200, width=320, height=180, g="15")


@pytest.fixture(scope="module")
def ingest_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box") / "data", *PORTS) as made:
        yield made


@pytest.fixture
def open_box(ingest_box: Box) -> Iterator[Api]:
    """A box that takes both protocols and has no pipeline."""
    with Api(ingest_box) as api:
        allow(api, rtsp=True, rtmp=True)
        yield api
        for one in api.get("/flex/pipeline").json():
            api.call("DELETE", f"/flex/pipeline/{one['id']}")
        until(lambda: health(api).endswith("publishers: 0"), SLOW)


def health(api: Api) -> str:
    said: str = api.get("/flex/health").json()["parts"].get("ingress", {}).get("message", "")
    return said


def url(api: Api, protocol: str, path: str = "live/mystream") -> str:
    return f"{protocol}://127.0.0.1:{ingest_port(api, protocol)}/{path}"


def ids(api: Api) -> list[str]:
    return [one["id"] for one in api.get("/flex/pipeline").json()]


def wait_gone(api: Api, name: str = "livemystream", seconds: float = 10.0) -> None:
    until(lambda: api.get(f"/flex/pipeline/{name}").status_code == 404, seconds, f"{name} gone")


def wait_playing(api: Api, name: str = "livemystream") -> None:
    until(lambda: api.get(f"/flex/pipeline/{name}").json().get("state") == "playing", SLOW, f"{name} playing")


def mount_status(api: Api, name: str) -> str:
    """What the box's RTSP server says of a mount."""
    with socket.create_connection(("127.0.0.1", api.box.rtsp_port), 5) as asking:
        asking.sendall(f"DESCRIBE {api.box.rtsp_url}/{name} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        return asking.recv(4096).decode().split(" ")[1]


def assert_moves(address: str) -> None:
    """As the contract configures it, and the counter goes on. A busy machine may lose pictures, but moves none."""
    probed = ffprobe(address)
    assert (probed["codec_name"], probed["width"], probed["height"]) == ("h264", 1920, 1080)
    frames = list(decoded(address, 60))
    on_time = [abs(step * 30 - round(step * 30)) < 0.05 for step in pts_steps(frames)]
    assert sum(on_time) >= 0.9 * len(on_time), on_time
    seen = [number_of(frame) for frame in frames]
    assert all(before <= after for before, after in pairwise(seen)), seen
    assert len(set(seen)) >= 30, seen


@pytest.mark.parametrize(
    ("protocol", "options"),
    [("rtsp", ("-rtsp_transport", "tcp")), ("rtsp", ("-rtsp_transport", "udp")), ("rtmp", ())],
    ids=["rtsp-tcp", "rtsp-udp", "rtmp"],
)
def test_a_pushed_stream_lasts_as_long_as_its_publisher(
    open_box: Api, video: Path, protocol: str, options: tuple[str, ...]
) -> None:
    with open_box.listen() as told:
        with ffmpeg(video, url(open_box, protocol), *options):
            wait_playing(open_box)
            made = open_box.get("/flex/pipeline/livemystream").json()
            assert made["encoding"] == {"codec": "h264", "bitrate": 750, "width": 1920, "height": 1080, "fps": 30.0}
            assert made["klv_config"] == {"pass_klv": True, "auto_extract_geolocation": True}
            assert (made["on_demand"], made["klv"]) == (False, {"available": False})
            assert made["output"]["uri"] == "rtsp://0.0.0.0:8731/livemystream"
            assert_moves(f"{open_box.box.rtsp_url}/livemystream")
            status = until(lambda: (said := open_box.status("livemystream")).get("publisher") and said)
            assert (status["publisher"]["path"], status["publisher"]["protocol"]) == ("live/mystream", protocol)
            assert status["restarts"] == 0
        wait_gone(open_box)
        told.wait(lambda seen: seen.type == "pipeline_deleted")
    assert [seen.type for seen in told.events].count("pipeline_created") == 1
    assert "pipeline_error" not in [seen.type for seen in told.events]
    assert mount_status(open_box, "livemystream") == "404"


@pytest.fixture(scope="module")
def hevc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Counted pictures in H.265."""
    path = tmp_path_factory.mktemp("video") / "hevc.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("libx265", rate=30)
        track.width, track.height, track.pix_fmt = 320, 180, "yuv420p"
        track.options = {"preset": "ultrafast", "x265-params": "keyint=15:bframes=0:log-level=none"}
        for number in range(600):
            frame = av.VideoFrame.from_ndarray(draw(number, 320, 180), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return path


def test_h265_by_rtsp(open_box: Api, hevc: Path) -> None:
    with ffmpeg(hevc, url(open_box, "rtsp")):
        wait_playing(open_box)
        assert_moves(f"{open_box.box.rtsp_url}/livemystream")


def test_h265_by_enhanced_rtmp(open_box: Api, hevc: Path) -> None:
    """FFmpeg's libraries of PyAV know it; the distribution's ffmpeg does not."""
    over = threading.Event()
    pushing = threading.Thread(target=push, args=(hevc, url(open_box, "rtmp"), over))
    pushing.start()
    try:
        wait_playing(open_box)
        assert_moves(f"{open_box.box.rtsp_url}/livemystream")
    finally:
        over.set()
        pushing.join(20)
    wait_gone(open_box)


def push(video: Path, address: str, over: threading.Event) -> None:
    """Copy the file's packets to the address, each when it is due."""
    with av.open(str(video)) as source, av.open(address, "w", format="flv") as target:
        track = target.add_stream_from_template(source.streams.video[0])
        begun = time.monotonic()
        for packet in source.demux(video=0):
            if packet.dts is None or packet.time_base is None:
                continue
            if over.wait(max(0.0, begun + float(packet.dts * packet.time_base) - time.monotonic())):
                return
            packet.stream = track
            target.mux(packet)


def test_several_at_once_and_no_second_of_a_name(open_box: Api, video: Path) -> None:
    with ffmpeg(video, url(open_box, "rtmp", "live/a")), ffmpeg(video, url(open_box, "rtsp", "b")):
        wait_playing(open_box, "livea")
        wait_playing(open_box, "b")
        for protocol, path in (("rtmp", "live/a"), ("rtsp", "live/a"), ("rtsp", "livea")):
            with ffmpeg(video, url(open_box, protocol, path)) as second:
                assert second.wait(15) != 0
        assert ids(open_box) == ["b", "livea"]
        assert open_box.status("livea")["restarts"] == 0
    wait_gone(open_box, "livea")
    wait_gone(open_box, "b")


@pytest.mark.parametrize("protocol", ["rtsp", "rtmp"])
def test_a_publisher_that_is_killed_takes_its_pipeline_along(open_box: Api, video: Path, protocol: str) -> None:
    with ffmpeg(video, url(open_box, protocol)) as publisher:
        wait_playing(open_box)
        publisher.kill()
        wait_gone(open_box, seconds=5)
    with ffmpeg(video, url(open_box, protocol)):
        wait_playing(open_box)


def test_a_worker_that_dies_reads_on(open_box: Api, video: Path) -> None:
    with ffmpeg(video, url(open_box, "rtsp")):
        wait_playing(open_box)
        workers = psutil.Process(open_box.box.pid).children(recursive=True)
        (worker,) = [one for one in workers if "livemystream" in one.cmdline()]
        worker.kill()
        until(lambda: open_box.status("livemystream")["restarts"] == 1, SLOW)
        wait_playing(open_box)
        assert open_box.status("livemystream")["publisher"]["path"] == "live/mystream"


def test_a_stored_pipeline_is_not_touched_but_fed_where_it_asks_for_it(open_box: Api, video: Path) -> None:
    assert open_box.create("livemystream").status_code == 201
    with ffmpeg(video, url(open_box, "rtsp")) as publisher:
        assert publisher.wait(15) != 0
    assert open_box.get("/flex/pipeline/livemystream").json()["source"]["uri"] == "test://smpte"
    source = {"uri": url(open_box, "rtsp")}
    small = {"width": 320, "height": 180, "fps": 15, "quality": 1}
    body = {"id": "livemystream", "source": source, "on_demand": True, "encoding": small}
    open_box.call("PUT", "/flex/pipeline/livemystream", json=body).raise_for_status()
    with ffmpeg(video, url(open_box, "rtsp")):
        open_box.call("PUT", "/flex/pipeline/livemystream/play").raise_for_status()
        assert ffprobe(f"{open_box.box.rtsp_url}/livemystream")["width"] == 320
    until(lambda: "publishers: 0" in health(open_box))
    assert ids(open_box) == ["livemystream"]


def test_a_change_is_taken_and_a_deletion_sends_the_publisher_away(open_box: Api, video: Path) -> None:
    with ffmpeg(video, url(open_box, "rtmp")) as publisher:
        wait_playing(open_box)
        changes = {"encoding": {"bitrate": 2000}}
        headers = {"Content-Type": "application/merge-patch+json"}
        changed = open_box.call("PATCH", "/flex/pipeline/livemystream", json=changes, headers=headers)
        assert (changed.status_code, changed.headers["Flex-Applied"]) == (200, "live")
        assert open_box.call("DELETE", "/flex/pipeline/livemystream").status_code == 204
        assert publisher.wait(10) != 0
    assert ids(open_box) == []


def test_the_settings_take_effect_at_once(open_box: Api, video: Path) -> None:
    port = ingest_port(open_box, "rtsp")
    with ffmpeg(video, url(open_box, "rtsp")) as publisher, ffmpeg(video, url(open_box, "rtmp", "live/other")):
        wait_playing(open_box)
        allow(open_box, rtsp=False, rtmp=True)
        assert publisher.wait(10) != 0
        wait_gone(open_box)
        assert "RTSP" not in health(open_box)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        wait_playing(open_box, "liveother")
    allow(open_box, rtsp=False, rtmp=False)
    until(lambda: "ingress" not in open_box.get("/flex/health").json()["parts"])
    for _ in range(3):
        allow(open_box, rtsp=True, rtmp=True)
        allow(open_box, rtsp=False, rtmp=False)
        allow(open_box, rtsp=True, rtmp=True)
    ingest_port(open_box, "rtsp")
    assert "the ingest process died" not in open_box.box.log


def test_an_ingest_that_dies_comes_back(open_box: Api, video: Path) -> None:
    with ffmpeg(video, url(open_box, "rtsp")):
        wait_playing(open_box)
        children = psutil.Process(open_box.box.pid).children()
        (ingest,) = [one for one in children if "flexserver.ingest" in one.cmdline()]
        ingest.kill()
        wait_gone(open_box)
    until(lambda: "publishers: 0" in health(open_box))
    with ffmpeg(video, url(open_box, "rtsp")):
        wait_playing(open_box)


@pytest.mark.parametrize(
    "said", [b"", b"\0" * 5000, b"GET / HTTP/1.0\r\n\r\n", b"\x03" + b"x" * 9000, b"$\0\xff\xff" * 9]
)
def test_strangers_are_let_go(open_box: Api, said: bytes) -> None:
    for protocol in ("rtsp", "rtmp"):
        with socket.create_connection(("127.0.0.1", ingest_port(open_box, protocol)), 5) as stranger:
            stranger.sendall(said)
            stranger.shutdown(socket.SHUT_WR)
            stranger.settimeout(10)
            try:
                while stranger.recv(65536):
                    pass
            except ConnectionResetError:
                pass
    assert health(open_box).endswith("publishers: 0")


def test_it_is_never_stored(box_factory: BoxFactory, video: Path) -> None:
    box = box_factory(*PORTS)
    with Api(box) as api:
        allow(api, rtsp=True, rtmp=False)
        with ffmpeg(video, url(api, "rtsp")):
            wait_playing(api)
            newest = int(api.get("/flex/pipeline").headers["last-event-id"])
            box.kill()
        box.start()
        assert ids(api) == []

        def gone(seen: Seen) -> bool:
            return seen.type == "pipeline_deleted" and seen.data["id"] == "livemystream"

        with api.listen(params={"since": newest}) as told:
            told.wait(gone)
        assert health(api)


def test_a_port_that_is_in_use_is_said_and_taken_later(box_factory: BoxFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        box = box_factory("--ingest-rtsp-port", str(port), "--ingest-rtmp-port", "0")
        with Api(box) as api:
            allow(api, rtsp=True, rtmp=True)
            until(lambda: "RTSP" in health(api))
            assert health(api) == f"RTSP: port {port} is in use"
            assert api.get("/flex/health").json()["status"] == "degraded"
            assert api.get("/flex/settings").json()["ingress_rtsp_enabled"] is True
            assert f"port {port} is in use" in box.log
            other.close()
            until(lambda: health(api).startswith(f"RTSP on port {port}"), 10)


def test_with_a_key_every_publisher_shows_it(box_factory: BoxFactory, video: Path) -> None:
    key = "a-key-for-publishers"
    box = box_factory(*PORTS, env={"FLEX_PUBLISH_KEY": key})
    with Api(box) as api:
        allow(api, rtsp=True, rtmp=True)
        rtsp, rtmp = ingest_port(api, "rtsp"), ingest_port(api, "rtmp")
        wrong = (
            f"rtsp://127.0.0.1:{rtsp}/a", f"rtsp://me:wrong@127.0.0.1:{rtsp}/a", f"rtmp://127.0.0.1:{rtmp}/live/a",
            f"rtmp://127.0.0.1:{rtmp}/live/a?key=wrong",
        )  # fmt: skip
        for address in wrong:
            with ffmpeg(video, address) as refused:
                assert refused.wait(15) != 0, address
        assert ids(api) == []
        with (
            ffmpeg(video, f"rtsp://me:{key}@127.0.0.1:{rtsp}/cam"),
            ffmpeg(video, f"rtmp://127.0.0.1:{rtmp}/live/obs?key={key}"),
        ):
            wait_playing(api, "cam")
            wait_playing(api, "liveobs")
        assert key not in box.log
        for process in psutil.Process(box.pid).children(recursive=True):
            assert key not in Path(f"/proc/{process.pid}/environ").read_text()


def test_the_api_key_is_asked_for_once_a_password_is_set(box_factory: BoxFactory, video: Path) -> None:
    key = "a-key-for-machines"
    box = box_factory(*PORTS, env={"FLEX_API_KEY": key})
    with Api(box) as api:
        allow(api, rtsp=False, rtmp=True)
        address = f"rtmp://127.0.0.1:{ingest_port(api, 'rtmp')}/live"
        with ffmpeg(video, f"{address}/open"):
            wait_playing(api, "liveopen")
        api.call("PUT", "/flex/auth/password", json={"password": "correct horse"}).raise_for_status()
        with ffmpeg(video, f"{address}/shut") as refused:
            assert refused.wait(15) != 0
        api.http.headers["X-API-Key"] = key
        with ffmpeg(video, f"{address}/shown?key={key}"):
            wait_playing(api, "liveshown")


def test_a_password_without_a_key_lets_no_publisher_in(box_factory: BoxFactory, video: Path) -> None:
    box = box_factory(*PORTS)
    with Api(box) as api:
        allow(api, rtsp=True, rtmp=False)
        address = url(api, "rtsp")
        api.call("PUT", "/flex/auth/password", json={"password": "correct horse"}).raise_for_status()
        with ffmpeg(video, address) as refused:
            assert refused.wait(15) != 0
        assert "publish key" in box.log


def test_a_box_that_ends_takes_the_ingest_along(box_factory: BoxFactory) -> None:
    box = box_factory(*PORTS)
    with Api(box) as api:
        allow(api, rtsp=True, rtmp=True)
        ingest_port(api, "rtmp")
        children = psutil.Process(box.pid).children()
        (ingest,) = [one for one in children if "flexserver.ingest" in one.cmdline()]
        os.kill(box.pid, signal.SIGKILL)
        box.wait()
        psutil.wait_procs([ingest], timeout=5)
        assert not ingest.is_running()
