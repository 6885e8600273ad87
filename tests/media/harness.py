"""Worker and front as the server runs them, driven through the protocol alone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from flexclient import models as m
from flexserver import protocol
from flexserver.media import graph as media

M = TypeVar("M")
LIMIT = 15.0
SERVER = str(Path(__file__).parents[2] / "server")


def until(condition: Callable[[], M], limit: float = LIMIT, what: str = "the condition") -> M:
    """Poll until the condition is true; its value."""
    end = time.monotonic() + limit
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come true within {limit} s"
        time.sleep(0.005)
    return found


def free_port() -> int:
    """A UDP port of loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def silence() -> str:
    """A source where nothing ever arrives."""
    return f"udp://127.0.0.1:{free_port()}"


class Child:
    """A media process and everything it said."""

    def __init__(self, module: str, *arguments: str) -> None:
        ours, theirs = socket.socketpair()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"flexserver.media.{module}", "--fd", str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": SERVER},
        )
        theirs.close()
        self.pid = self.process.pid
        self.said: list[tuple[float, protocol.Message]] = []
        self.stderr = ""
        self._socket = ours
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                self.said.append((time.monotonic(), protocol.decode(line)))

    def _read_stderr(self) -> None:
        assert self.process.stderr
        with self.process.stderr as lines:
            for line in lines:
                self.stderr += line.decode()

    def send(self, message: protocol.Message) -> None:
        self._socket.sendall(protocol.encode(message))

    def all(self, kind: type[M]) -> list[M]:
        return [message for _, message in self.said if isinstance(message, kind)]

    def wait(self, kind: type[M], where: Callable[[M], bool] = lambda _: True, limit: float = LIMIT) -> M:
        def look() -> M | None:
            return next((message for message in self.all(kind) if where(message)), None)

        try:
            found = until(look, limit, f"{kind.__name__}")
        except AssertionError as error:
            raise AssertionError(f"{error}; said {self.said[-5:]}; stderr {self.stderr[-2000:]}") from None
        assert found is not None
        return found

    def ask(self, what: str, width: int | None = None) -> protocol.Answer:
        seq = len(self.all(protocol.Answer)) + 1
        self.send(protocol.Ask(seq, what, width))
        return self.wait(protocol.Answer, lambda answer: answer.seq == seq)

    def change(self, *settings: tuple[str, str, Any]) -> protocol.Answer:
        seq = len(self.all(protocol.Answer)) + 1
        self.send(protocol.Change(seq, list(settings)))
        return self.wait(protocol.Answer, lambda answer: answer.seq == seq)

    def exit_code(self, limit: float = LIMIT) -> int:
        return self.process.wait(limit)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


class Front(Child):
    """The RTSP front on a free port of loopback."""

    _count = 0

    def __init__(self, port: int = 0, link: str | None = None) -> None:
        Front._count += 1
        self.link = link or f"flex-test-{os.getpid()}-{Front._count}"
        super().__init__("front", "--host", "127.0.0.1", "--port", str(port), "--link", self.link)

    @property
    def port(self) -> int:
        return self.wait(protocol.Ready).port

    def url(self, name: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def mount(self, name: str) -> str:
        self.send(protocol.Mount(name, "h264"))
        return self.url(name)

    def readers(self, name: str) -> tuple[int, bool]:
        found = [message for message in self.all(protocol.Readers) if message.name == name]
        return (found[-1].count, found[-1].wanted) if found else (0, False)


def spec(uri: str = "test://smpte", *, name: str = "cam1", **parts: Any) -> m.PipelineSpec:
    """A small fast pipeline of that source; parts as in the contract."""
    source = {"uri": uri, **parts.pop("source", {})}
    encoding = {"width": 320, "height": 180, "fps": 30, "quality": 1, "bitrate": 1000, **parts.pop("encoding", {})}
    return m.PipelineSpec.model_validate({"id": name, "source": source, "encoding": encoding, **parts})


def graph_of(pipeline: m.PipelineSpec, **where: Any) -> media.Graph:
    return media.build(pipeline, media.Where(**where))


class Worker(Child):
    """A worker that was told to play a pipeline."""

    def __init__(self, pipeline: m.PipelineSpec, front: Front | None = None, graph: media.Graph | None = None) -> None:
        super().__init__("worker")
        link = front.link if front else None
        self.graph = graph or graph_of(pipeline)
        self.send(protocol.Start(pipeline.id, self.graph.to_json(), link, media.mount_of(pipeline)))

    def playing(self, limit: float = LIMIT) -> protocol.Playing:
        return self.wait(protocol.Playing, limit=limit)


@dataclass
class Stream:
    """A mounted, playing pipeline."""

    front: Front
    worker: Worker
    url: str
    extra: list[Worker] = field(default_factory=list)


@contextlib.contextmanager
def stream(pipeline: m.PipelineSpec, *, wait: bool = True) -> Iterator[Stream]:
    """Front, mount and worker; everything ends with the block."""
    with Front() as front:
        url = front.mount(media.mount_of(pipeline) or "")
        with Worker(pipeline, front) as worker:
            if wait:
                worker.playing()
            found = Stream(front, worker, url)
            try:
                yield found
            finally:
                for other in found.extra:
                    other.close()
