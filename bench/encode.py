"""What an encode costs: worker and RTSP front with one reader, against gst-launch-1.0 with the same settings."""

from __future__ import annotations

import shlex
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from statistics import median

import av
import psutil

from bench.box import Address, running
from bench.figure import Figure
from flexclient import FlexClient
from flexclient import models as m

SECONDS = 8.0
ROUNDS = 5
SPEC = m.PipelineSpec(
    id="bench",
    on_demand=False,
    source=m.Source(uri="test://smpte"),
    encoding=m.Encoding(bitrate=2000, width=1280, height=720, fps=30, quality=1, gop_seconds=1),
)


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    """User and system time that these processes have used so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def share(processes: Sequence[psutil.Process]) -> float:
    """Percent of one core, over the measuring time."""
    before, begin = cpu_seconds(processes), time.monotonic()
    time.sleep(SECONDS)
    return 100 * (cpu_seconds(processes) - before) / (time.monotonic() - begin)


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


def ours_and_theirs() -> tuple[float, float]:
    """One round: the box's share of a core, then gst-launch's."""
    with running() as box, FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        client.pipelines.create(SPEC)
        launch = client.pipelines.graph("bench", format="launch")
        enough = threading.Event()
        reader = threading.Thread(target=read_until, args=(f"{box.rtsp_url}/bench", enough))
        reader.start()
        client.pipelines.wait("bench", states={"playing"})
        time.sleep(2)
        ours = share(media_processes(box))
        enough.set()
        reader.join()
    rival = subprocess.Popen(rival_line(launch), stdout=subprocess.DEVNULL)
    try:
        time.sleep(2)
        return ours, share([psutil.Process(rival.pid)])
    finally:
        rival.terminate()
        rival.wait()


def measure() -> Iterator[Figure]:
    """720p30 x264, one reader."""
    rounds = [ours_and_theirs() for _ in range(ROUNDS)]
    ratio = median(a / b for a, b in rounds)
    theirs = median(b for _, b in rounds)
    yield Figure("720p30 x264 with one reader", ratio * theirs, "% core", "gst-launch-1.0, same encode", theirs, 1.15)
