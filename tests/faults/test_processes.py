"""No process is left behind, whoever dies, and however."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import av
import httpx
import psutil
import pytest
from av.error import FFmpegError

from tests.server.conftest import FakeBoxes
from tests.server.test_http import raw
from tests.support.api import Api, until
from tests.support.box import Box


def family(box: Box) -> list[psutil.Process]:
    return psutil.Process(box.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_kill_9_of_the_server_takes_the_fake_children_along(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    for number in range(3):
        Api(box).create(f"cam{number}", on_demand=False)
    children = family(box)
    assert len(children) == 5, "the front, the watcher of cameras and three workers"
    box.kill()
    until(lambda: gone(children))
    box.start()
    for number in range(3):
        Api(box).wait(f"cam{number}", "playing")


def test_kill_9_of_the_server_takes_the_real_children_along(tmp_path: Path) -> None:
    with Box(tmp_path / "data") as box:
        api = Api(box)
        small = {"width": 320, "height": 180, "fps": 10}
        for number in range(2):
            assert api.create(f"cam{number}", on_demand=False, encoding=small).status_code == 201
        children = family(box)
        assert len(children) == 4, "the front, the watcher of cameras and two workers"
        box.kill()
        until(lambda: gone(children))
        box.start()
        for number in range(2):
            Api(box).wait(f"cam{number}", "playing", 10)


@pytest.mark.parametrize("after", [0.0, 0.03, 0.06, 0.09, 0.15])
def test_a_worker_that_is_still_being_born_ends_with_the_server(tmp_path: Path, after: float) -> None:
    """Killed at several moments of a worker's first tenths of a second: none of them may make it immortal."""
    with Box(tmp_path / "data") as box:
        front = family(box)
        posting = threading.Thread(target=create_and_be_cut_off, args=(Api(box),))
        posting.start()
        workers: list[psutil.Process] = until(lambda: [child for child in family(box) if child not in front])
        threading.Event().wait(after)
        box.kill()
        until(lambda: gone([*front, *workers]))
        posting.join()


def create_and_be_cut_off(api: Api) -> None:
    with contextlib.suppress(httpx.HTTPError):
        api.create("cam1", on_demand=False)


def test_sigterm_ends_it_in_good_order_whoever_is_connected(tmp_path: Path) -> None:
    """Readers of pictures and of events, a request whose body never comes, and one that is idle."""
    half = b"POST /flex/pipeline HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with Box(tmp_path / "data") as box:
        api = Api(box)
        assert api.create(on_demand=False, encoding={"width": 320, "height": 180, "fps": 10}).status_code == 201
        with (
            av.open(f"{box.rtsp_url}/cam1", options={"rtsp_transport": "tcp"}, timeout=10) as pictures,
            api.listen() as listener,
            raw(box) as sending,
            raw(box),
        ):
            next(pictures.decode(video=0))
            sending.sendall(half)
            until(lambda: api.status()["readers"] == 1)
            children = family(box)
            box.signal(signal.SIGTERM)
            assert box.wait(6) == 0
            assert gone(children)
            assert listener.ended.wait(2)
        assert listener.events[-1].type == "bye"
        assert "Traceback" not in box.log


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_real_worker_that_dies_is_back_within_two_seconds(tmp_path: Path, number: int) -> None:
    with Box(tmp_path / "data") as box:
        api = Api(box)
        small = {"width": 320, "height": 180, "fps": 10}
        for id in ("dies", "lives"):  # noqa: A001
            assert api.create(id, on_demand=False, encoding=small).status_code == 201
        victim = next(process for process in family(box) if "dies" in process.cmdline())
        with api.listen() as listener:
            os.kill(victim.pid, number)
            listener.wait_state("dies", "reconnecting", 1)
            listener.wait_state("dies", "playing", 2)
            told = [seen.type for seen in listener.events if seen.data.get("id") == "dies"]
            assert told[0] == "pipeline_error"
        assert api.status("lives")["restarts"] == 0
        assert api.status("dies")["restarts"] == 1


def first_picture(address: str) -> int:
    """Width of the first picture that a reader gets; 0 where there is none."""
    try:
        with av.open(address, options={"rtsp_transport": "tcp"}, timeout=5) as stream:
            return next(stream.decode(video=0)).width
    except (FFmpegError, StopIteration):
        return 0


def test_a_real_front_that_dies_is_back_on_its_port_and_workers_find_it(tmp_path: Path) -> None:
    with Box(tmp_path / "data") as box:
        api = Api(box)
        small = {"width": 320, "height": 180, "fps": 10}
        assert api.create("cam1", on_demand=False, encoding=small).status_code == 201
        assert api.create("armed", encoding=small).status_code == 201
        assert first_picture(f"{box.rtsp_url}/cam1") == 320
        worker = next(process for process in family(box) if "cam1" in process.cmdline())
        front = next(process for process in family(box) if "flexserver.media.front" in process.cmdline())
        front.kill()
        for name in ("cam1", "armed"):
            address = f"{box.rtsp_url}/{name}"
            assert until(lambda: first_picture(address), 10) == 320  # noqa: B023  done before the next one
        assert worker.is_running(), "the worker had no part in it"
        assert api.status("cam1")["restarts"] == 0
        assert api.call("PUT", "/flex/pipeline/armed/stop").status_code == 200
        assert first_picture(f"{box.rtsp_url}/armed") == 0, "stop refuses readers"


def test_nothing_is_leaked_over_many_runs(fake_boxes: FakeBoxes) -> None:
    """Descriptors, children and threads of the server are as many after fifty plays as before."""
    box, _ = fake_boxes()
    api = Api(box)
    api.create("cam1")

    def play_and_stop(times: int) -> tuple[int, int, int]:
        for _ in range(times):
            assert api.call("PUT", "/flex/pipeline/cam1/play").status_code == 200
            assert api.call("PUT", "/flex/pipeline/cam1/stop").status_code == 200
        server = psutil.Process(box.pid)
        until(lambda: not [p for p in server.children() if p.status() == psutil.STATUS_ZOMBIE])
        return server.num_fds(), len(server.children()), server.num_threads()

    before = play_and_stop(5)
    after = play_and_stop(30)
    assert after[1] == before[1]
    assert after[0] <= before[0] + 2
    assert after[2] <= before[2] + 2
