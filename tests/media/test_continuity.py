"""A reader stays through everything that happens to workers, and its decoder never complains."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import groupby, pairwise
from typing import Any

import pytest

from flexserver import protocol
from tests.media.harness import Stream, Worker, spec, stream, until

WATCH = """
import av, av.logging, json, sys, time
av.logging.set_level(av.logging.WARNING)
rows, end = [], None
with av.logging.Capture(False) as log:
    try:
        with av.open(sys.argv[1], options={"rtsp_transport": sys.argv[2]}, timeout=10) as found:
            for frame in found.decode(video=0):
                light = float(frame.to_ndarray(format="gray").mean())
                stamp = None if frame.pts is None else float(frame.pts * frame.time_base)
                rows.append([time.monotonic(), stamp, light > 120, frame.width, frame.height])
                if len(rows) == 1:
                    print("watching", flush=True)
                if time.monotonic() > rows[0][0] + float(sys.argv[3]):
                    break
            else:
                end = "end of stream"
    except av.error.FFmpegError as error:
        end = str(error)
print(json.dumps({"rows": rows, "log": [entry[2].strip() for entry in log], "end": end}))
"""


def watched(found: Stream, seconds: float, transport: str, happens: Callable[[], None]) -> list[list[Any]]:
    """What a reader sees while something happens: (arrival, pts, is live, width, height) of each picture."""
    words = [sys.executable, "-c", WATCH, found.url, transport, str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "watching\n"
        happens()
        result = json.loads(process.stdout.read())
    assert result["end"] is None
    assert result["log"] == []
    stamps = [row[1] for row in result["rows"] if row[1] is not None]
    assert all(after > before for before, after in pairwise(stamps))
    rows: list[list[Any]] = result["rows"]
    return rows


def runs(rows: list[list[Any]]) -> list[str]:
    return ["live" if is_live else "slate" for is_live, _ in groupby(row[2] for row in rows)]


def largest_gap(rows: list[list[Any]]) -> float:
    return max(float(after[0] - before[0]) for before, after in pairwise(rows))


WHITE = spec("test://white")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_worker_dies_and_another_comes(transport: str, number: int) -> None:
    with stream(WHITE) as found:

        def die() -> None:
            found.worker.kill(number)
            found.worker.exit_code()
            time.sleep(0.8)  # the time that a supervisor may take; the slate must fill it
            found.extra.append(Worker(WHITE, found.front))
            found.extra[0].playing()

        rows = watched(found, 4, transport, die)
        assert runs(rows) == ["live", "slate", "live"]
        assert largest_gap(rows) < 0.8
        assert found.front.readers("cam1")[0] in {0, 1}
        assert {message.count for message in found.front.all(protocol.Readers)[2:-1]} <= {1}


def test_a_worker_hangs_and_goes_on() -> None:
    with stream(WHITE) as found:

        def hang() -> None:
            found.worker.kill(signal.SIGSTOP)
            time.sleep(2)  # how long it hangs
            found.worker.kill(signal.SIGCONT)

        rows = watched(found, 5, "tcp", hang)
        assert runs(rows) == ["live", "slate", "live"]
        assert largest_gap(rows) < 1.5


def test_a_worker_is_replaced_before_it_goes() -> None:
    """The new one takes over at its first key unit; the old one is sent away. No slate is seen."""
    with stream(WHITE) as found:

        def replace() -> None:
            found.extra.append(Worker(WHITE, found.front))
            found.extra[0].playing()
            found.worker.send(protocol.Quit())

        rows = watched(found, 3, "tcp", replace)
        assert runs(rows) == ["live"]
        assert largest_gap(rows) < 0.4


def test_the_size_changes_under_a_reader() -> None:
    with stream(WHITE) as found:

        def grow() -> None:
            found.worker.send(protocol.Quit())
            found.worker.exit_code()
            found.extra.append(Worker(spec("test://white", encoding={"width": 640, "height": 360}), found.front))

        rows = watched(found, 3, "tcp", grow)
        assert (rows[0][3], rows[-1][3]) == (320, 640)


def test_the_other_pipelines_lose_nothing() -> None:
    with stream(WHITE) as found:
        found.front.mount("other")
        found.extra.append(Worker(spec("test://white", name="other"), found.front))
        found.extra[0].playing()
        found.url = found.front.url("other")

        def die() -> None:
            found.worker.kill(signal.SIGSEGV)

        rows = watched(found, 2.5, "tcp", die)
        stamps = [row[1] for row in rows if row[1] is not None]
        assert max(after - before for before, after in pairwise(stamps)) < 0.05
        assert runs(rows) == ["live"]


def test_twenty_deaths() -> None:
    with stream(WHITE) as found:
        workers = [found.worker]

        def die_often() -> None:
            for index in range(20):
                workers[-1].kill(signal.SIGSEGV if index % 2 else signal.SIGKILL)
                workers[-1].exit_code()
                workers.append(Worker(WHITE, found.front))
                found.extra.append(workers[-1])
                workers[-1].playing()

        rows = watched(found, 16, "tcp", die_often)
        until(lambda: len(workers) == 21)
        assert runs(rows)[-1] == "live"
        assert largest_gap(rows) < 1.0
