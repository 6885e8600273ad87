"""A worker's life: what it says, what it answers, how it ends."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from flexclient import models as m
from flexserver import protocol
from flexserver.media import graph as media
from tests.media.harness import Child, Worker, graph_of, silence, spec, until
from tests.media.pictures import brightness, color_at, is_near, snapshot


def test_it_says_what_it_plays() -> None:
    with Worker(spec(encoding={"width": 640, "height": 360, "fps": 25})) as worker:
        assert worker.playing() == protocol.Playing(640, 360, 25.0, "x264enc")


def test_it_beats_every_second_from_the_start_and_counts() -> None:
    with Worker(spec()) as worker:
        worker.wait(protocol.Beat, lambda beat: beat.frames > 45)
        times = [at for at, message in worker.said if isinstance(message, protocol.Beat)]
        assert isinstance(worker.said[0][1], protocol.Beat)
        assert all(0.8 < after - before < 1.5 for before, after in itertools.pairwise(times))
        last = worker.all(protocol.Beat)[-1]
        assert last.bytes > 10_000
        assert last.dropped == 0
        assert last.latency_ms is not None
        assert 0 < last.latency_ms < 100


def test_an_encoder_that_cannot_keep_up_drops_pictures_and_stays_on_time() -> None:
    with Worker(spec("test://smpte", encoding={"width": 1920, "height": 1080, "fps": 60, "quality": 10})) as worker:
        until(lambda: len(beats := worker.all(protocol.Beat)) > 4 and beats[-1].dropped > beats[-2].dropped > 0)
        beats = worker.all(protocol.Beat)
        assert beats[-1].latency_ms is not None
        assert beats[-1].latency_ms < 1500
        assert beats[-1].frames + beats[-1].dropped > 60 * 2


def test_it_beats_while_its_source_is_silent() -> None:
    with Worker(spec(silence())) as worker:
        until(lambda: len(worker.all(protocol.Beat)) >= 3)
        assert worker.all(protocol.Playing) == []


def test_quit_ends_in_good_order() -> None:
    with Worker(spec()) as worker:
        worker.playing()
        worker.send(protocol.Quit())
        assert worker.exit_code() == 0


def test_end_of_file_ends_it() -> None:
    with Worker(spec()) as worker:
        worker.playing()
        worker.hang_up()
        assert worker.exit_code() == 0


def test_it_dies_with_its_parent() -> None:
    """Even when somebody else holds the parent's end of the connection open."""
    code = (
        "import os, socket, subprocess, sys, time\n"
        "ours, theirs = socket.socketpair()\n"
        "os.set_inheritable(ours.fileno(), True)\n"
        "child = subprocess.Popen([sys.executable, '-m', 'flexserver.media.worker', '--fd', str(theirs.fileno())],"
        " pass_fds=[theirs.fileno(), ours.fileno()])\n"
        "print(child.pid, flush=True)\n"
        "ours.sendall(sys.argv[1].encode())\n"
        "ours.recv(100)\n"
        "print('beats', flush=True)\n"
        "time.sleep(60)\n"
    )
    pipeline = spec()
    start = protocol.encode(protocol.Start("a", graph_of(pipeline).to_json())).decode()
    server = str(Path(media.__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", code, start],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": server},
    ) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "beats\n"
        parent.kill()
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_is_the_parents_business() -> None:
    with Worker(spec()) as worker:
        worker.playing()
        worker.kill(signal.SIGINT)
        frames = worker.all(protocol.Beat)[-1].frames
        worker.wait(protocol.Beat, lambda beat: beat.frames > frames + 30)


def test_a_snapshot_keeps_the_shape() -> None:
    with Worker(spec(encoding={"width": 640, "height": 360})) as worker:
        worker.playing()
        assert snapshot(worker).size == (640, 360)
        assert snapshot(worker, 200).size == (200, 112)


def test_a_snapshot_has_true_colors() -> None:
    with Worker(spec("test://smpte")) as worker:
        worker.playing()
        picture = snapshot(worker)
        for place, color in ((0.07, (255, 255, 255)), (0.21, (255, 255, 0)), (0.93, (0, 0, 255))):
            assert is_near(color_at(picture, place, 0.3), color), (place, color)


def next_beat(worker: Worker) -> protocol.Beat:
    count = len(worker.all(protocol.Beat))
    until(lambda: len(worker.all(protocol.Beat)) > count)
    return worker.all(protocol.Beat)[-1]


def test_a_snapshot_is_the_newest_picture(counter: Path) -> None:
    """What was encoded before the question is not newer than the answer."""
    with Worker(spec(f"file://{counter}")) as worker:
        worker.playing()
        for _ in range(3):
            encoded = next_beat(worker).frames
            shown = np.asarray(snapshot(worker).convert("L"))[20]
            blocks = [shown[int((bit + 0.5) * len(shown) / 16)] > 128 for bit in range(16)]
            assert sum(1 << bit for bit, light in enumerate(blocks) if light) >= encoded - 1


def test_no_snapshot_before_the_first_picture() -> None:
    with Worker(spec(silence())) as worker:
        answer = worker.ask("snapshot")
        assert (answer.ok, answer.data) == (False, "there is no picture yet")


def test_before_start_there_is_nothing_to_ask() -> None:
    with Child("worker") as worker:
        assert not worker.ask("dot").ok


def test_the_dot_graph_names_elements_and_hides_the_password() -> None:
    login = {"user": "me", "password": "hunter2"}
    with Worker(spec("rtsp://127.0.0.1:9/x", source=login)) as worker:
        answer = worker.ask("dot")
        if answer.ok:
            assert answer.data.startswith("digraph")
            assert "hunter2" not in answer.data
    with Worker(spec()) as worker:
        worker.playing()
        assert "GstX264Enc" in worker.ask("dot").data


def test_the_overlay_changes_while_it_runs() -> None:
    def playing(text: str) -> m.PipelineSpec:
        return spec("test://black", overlay={"text": text, "position": "center", "font_size": 200, "background": False})

    with Worker(playing(".")) as worker:
        worker.playing()
        dark = brightness(snapshot(worker))
        settings = media.changes(graph_of(playing(".")), graph_of(playing("MMMM")))
        assert settings
        assert worker.change(*settings).ok
        until(lambda: brightness(snapshot(worker)) > dark + 5)


def test_a_change_of_something_that_is_not_there_is_answered() -> None:
    with Worker(spec()) as worker:
        worker.playing()
        assert worker.change(("nothing", "x", 1)).data == "there is no element 'nothing'"
        assert worker.change(("encoder", "x", 1)).data == "encoder has no property 'x'"


def test_a_missing_element_fails_the_graph() -> None:
    made = graph_of(spec()).to_json()
    made["elements"][0]["factory"] = "nosuchelement"
    with Worker(spec(), graph=media.Graph.from_json(made)) as worker:
        failed = worker.wait(protocol.Failed)
        assert failed == protocol.Failed("graph", "GStreamer on this box has no element 'nosuchelement'")
        assert worker.exit_code() == 1


def test_spawn_to_playing_is_quick_and_memory_small() -> None:
    """The worker imports neither pydantic nor the client: that is most of it."""
    with Worker(spec()) as worker:
        worker.playing()
        assert worker.said[-1][0] - worker.began < 2.0
        names = {Path(found.path).name for found in psutil.Process(worker.pid).memory_maps()}
        assert not any(name.startswith("_pydantic") for name in names)
        assert psutil.Process(worker.pid).memory_full_info().pss < 60e6


@pytest.mark.parametrize("name", ["worker", "front"])
def test_a_bad_command_line_is_told(name: str) -> None:
    server = str(Path(media.__file__).parents[2])
    words = [sys.executable, "-m", f"flexserver.media.{name}"]
    found = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": server}, check=False)
    assert found.returncode == 2
    assert "--fd" in found.stderr
