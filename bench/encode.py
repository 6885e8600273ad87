"""What an encode costs: worker and RTSP front with one reader, against gst-launch-1.0 with the same settings."""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import av
import psutil

from bench.box import Address, running
from bench.figure import Figure
from flexclient import FlexClient
from flexclient import models as m

SECONDS = 8.0
ROUNDS = 7
SETTLE = 3.0
SPEC = m.PipelineSpec(
    id="bench",
    on_demand=False,
    source=m.Source(uri="test://smpte"),
    encoding=m.Encoding(bitrate=2000, width=1280, height=720, fps=30, quality=1, gop_seconds=1),
)


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time that these processes have used so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def shares(*groups: Sequence[psutil.Process]) -> list[float]:
    """Percent of one core that each group uses, all over the same seconds: what drifts, drifts for all."""
    before, begin = [cpu_seconds(group) for group in groups], time.monotonic()
    time.sleep(SECONDS)
    passed = time.monotonic() - begin
    return [100 * (cpu_seconds(group) - used) / passed for group, used in zip(groups, before, strict=True)]


def media_processes(box: Address) -> list[psutil.Process]:
    """The box's workers and its RTSP front, without the API process."""
    return psutil.Process(box.pid).children(recursive=True)


def read_until(url: str, enough: threading.Event) -> None:
    """One reader, copying packets as a recorder would."""
    with av.open(url, options={"rtsp_transport": "tcp"}) as stream:
        for _ in stream.demux(video=0):
            if enough.is_set():
                return


def rival_line(launch: str) -> list[str]:
    """The shortest gst-launch-1.0 line of the same encode: pattern, our very encoder settings, and nothing else."""
    words = shlex.split(launch)
    encoder = words[words.index("x264enc") :]
    made = "video/x-raw,format=I420,width=1280,height=720,framerate=30/1"
    source = ["videotestsrc", "is-live=true", "pattern=smpte", "!", made, "!"]
    return ["gst-launch-1.0", "-q", *source, *encoder[: encoder.index("!")], "!", "fakesink", "sync=false"]


@contextmanager
def read(url: str) -> Iterator[None]:
    """A reader, for as long as the block lasts."""
    enough = threading.Event()
    reader = threading.Thread(target=read_until, args=(url, enough))
    reader.start()
    try:
        yield
    finally:
        enough.set()
        reader.join()


@contextmanager
def rival(launch: str) -> Iterator[psutil.Process]:
    """gst-launch-1.0 at work."""
    with subprocess.Popen(rival_line(launch), stdout=subprocess.DEVNULL) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def measure() -> Iterator[Figure]:
    """720p30 x264, one reader, beside gst-launch-1.0 at the same time."""
    with running() as box, FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        client.pipelines.create(SPEC)
        launch = client.pipelines.graph(SPEC.id, format="launch")
        with read(f"{box.rtsp_url}/{SPEC.id}"), rival(launch) as other:
            time.sleep(SETTLE)
            rounds = [shares(media_processes(box), [other]) for _ in range(ROUNDS)]
    ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    yield Figure("720p30 x264 with one reader", ours, "% core", "gst-launch-1.0, same encode", theirs, 1.15)
