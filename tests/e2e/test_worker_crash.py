"""A worker that dies costs its own stream a moment, and nobody else anything."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import psutil
import pytest
from av.error import FFmpegError

from flexclient import FlexClient
from flexclient import models as m
from tests.support.box import Box
from tests.support.fixtures import BoxFactory

IDS = ("victim", "neighbour")
LIMIT = 5.0
"""Seconds, on a machine that runs other tests too; `bench recovery` holds it to two."""


@dataclass
class Reader:
    """Reads one stream for as long as it lasts, and notes when each picture came and which time it bears."""

    url: str
    arrived: list[float] = field(default_factory=list)
    pts: list[float] = field(default_factory=list)
    ended: str = ""
    enough: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            with av.open(self.url, options={"rtsp_transport": "tcp"}, timeout=10) as stream:
                for packet in stream.demux(video=0):
                    if self.enough.is_set():
                        return
                    if packet.pts is not None and packet.time_base is not None:
                        self.arrived.append(time.monotonic())
                        self.pts.append(float(packet.pts * packet.time_base))
            self.ended = "end of stream"
        except FFmpegError as error:
            self.ended = str(error)


@pytest.fixture
def playing(box: Box, client: FlexClient) -> Iterator[None]:
    for name in IDS:
        source = m.Source(uri="test://ball")
        encoding = m.Encoding(width=320, height=180, fps=30, quality=1)
        client.pipelines.create(m.PipelineSpec(id=name, on_demand=False, source=source, encoding=encoding))
    yield
    for name in IDS:
        client.pipelines.delete(name)


@pytest.fixture
def readers(box: Box, playing: None) -> Iterator[dict[str, Reader]]:
    readers = {name: Reader(f"{box.rtsp_url}/{name}") for name in IDS}
    threads = [threading.Thread(target=reader.run) for reader in readers.values()]
    for thread in threads:
        thread.start()
    yield readers
    for reader in readers.values():
        reader.enough.set()
    for thread in threads:
        thread.join(15)


def until(what: str, condition: object, limit: float = 10.0) -> None:
    assert callable(condition)
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {limit} s"
        time.sleep(0.01)


def worker_of(box: Box, client: FlexClient, name: str) -> int:
    """The pid of a pipeline's worker: the process that goes away when it alone is stopped is found by its log name."""
    for child in psutil.Process(box.pid).children():
        if f"--name {name}" in " ".join(child.cmdline()):
            return child.pid
    raise AssertionError(f"no worker for {name}")


def test_sigsegv(box: Box, client: FlexClient, readers: dict[str, Reader]) -> None:
    victim, neighbour = readers["victim"], readers["neighbour"]
    until("both readers read", lambda: len(victim.arrived) > 30 and len(neighbour.arrived) > 30)
    seen: list[tuple[str, str | None]] = []
    last = int(client.pipelines.list.raw().headers["last-event-id"])
    with client.pipelines.events("victim", since=last) as events:
        before, killed = len(victim.arrived), time.monotonic()
        os.kill(worker_of(box, client, "victim"), signal.SIGSEGV)
        for event in events:
            seen.append((event.type, getattr(event.data, "state", None)))
            if event.type == "pipeline_status" and event.data.state == m.State.PLAYING and len(seen) > 1:
                break
    took = time.monotonic() - killed
    assert took < LIMIT, f"back after {took:.2f} s"
    assert ("pipeline_error", None) in seen
    assert ("pipeline_status", m.State.RECONNECTING) in seen
    until("pictures flow again", lambda: len(victim.arrived) > before + 60)
    assert victim.ended == "", "the reader was disconnected"
    assert max(b - a for a, b in zip(victim.arrived[before:], victim.arrived[before + 1 :], strict=False)) < LIMIT
    steps = {round(b - a, 4) for a, b in zip(neighbour.pts, neighbour.pts[1:], strict=False)}
    assert max(steps) < 0.05, f"the neighbour lost pictures: {steps}"


def test_nothing_is_left_when_the_box_ends(box_factory: BoxFactory) -> None:
    box = box_factory()
    with FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        client.pipelines.create(m.PipelineSpec(id="one", on_demand=False, source=m.Source(uri="test://ball")))
    children = psutil.Process(box.pid).children(recursive=True)
    assert len(children) >= 2, "a worker and the front"
    box.kill()
    until("the children are gone", lambda: not any(child.is_running() for child in children))
