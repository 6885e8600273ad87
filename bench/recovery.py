"""How soon a pipeline is back when its worker is killed by a signal, as its events tell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from statistics import median

import psutil

from bench.box import running
from bench.figure import Figure
from flexclient import FlexClient
from flexclient import models as m

ROUNDS = 7


def back_after(client: FlexClient, worker: psutil.Process) -> float:
    """Kill the worker; seconds until the events tell that the pipeline plays again."""
    since = int(client.pipelines.list.raw().headers["last-event-id"])
    begin = time.monotonic()
    os.kill(worker.pid, signal.SIGSEGV)
    states = []
    for event in client.pipelines.events("bench", since=since):
        states.append(getattr(event.data, "state", None))
        if states[-1] == m.State.PLAYING and m.State.RECONNECTING in states:
            return time.monotonic() - begin
    raise AssertionError("the stream of events ended")


def measure() -> Iterator[Figure]:
    """A crash each round, each on a pipeline that has been playing."""
    took = []
    with running() as box, FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        encoding = m.Encoding(bitrate=2000, width=1280, height=720, fps=30, quality=1)
        for _ in range(ROUNDS):
            source = m.Source(uri="test://ball")
            client.pipelines.create(m.PipelineSpec(id="bench", on_demand=False, source=source, encoding=encoding))
            children = psutil.Process(box.pid).children()
            took.append(back_after(client, next(c for c in children if "flexserver.media.worker" in c.cmdline())))
            client.pipelines.delete("bench")
    yield Figure("worker killed, pipeline plays again", median(took), "s", "limit", None, 2.0)
