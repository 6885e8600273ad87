"""Talking to a box in tests with plain httpx: an independent client, and a listener to its events."""

# ruff: noqa: A002 - what the API calls id and type is called so here

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.support.box import Box

TEST_SOURCE = {"uri": "test://smpte"}


def until(done: Callable[[], Any], seconds: float = 5.0, what: str = "it") -> Any:
    """Poll until `done()` is true; what it gave."""
    end = time.monotonic() + seconds
    while not (found := done()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come about within {seconds} seconds")
        time.sleep(0.01)
    return found


def spec(id: str = "cam1", **fields: Any) -> dict[str, Any]:
    """A small pipeline."""
    return {"id": id, "source": TEST_SOURCE, **fields}


class Api:
    """Requests to one box."""

    def __init__(self, box: Box, timeout: float = 20.0, *, keep: bool = False) -> None:
        """`keep` keeps its connection between requests."""
        self.box = box
        self.http = httpx.Client(
            base_url=box.url,
            verify=ssl.create_default_context(cafile=box.ca_file),
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=1 if keep else 0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def create(self, id: str = "cam1", **fields: Any) -> httpx.Response:
        return self.call("POST", "/flex/pipeline", json=spec(id, **fields))

    def status(self, id: str = "cam1") -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/flex/pipeline/{id}/status").raise_for_status().json()
        return found

    def wait(self, id: str, state: str, seconds: float = 5.0) -> dict[str, Any]:
        """Poll until the pipeline is in the state; its status."""
        found: dict[str, Any] = until(
            lambda: (said := self.status(id))["state"] == state and said, seconds, f"{id} {state}"
        )
        return found

    def listen(self, path: str = "/flex/events", **options: Any) -> Listener:
        return Listener(self, path, options)


@dataclass
class Seen:
    """One event."""

    type: str
    data: dict[str, Any]
    id: int


@dataclass
class Listener:
    """Reads a stream in a thread; `with` opens it, and it is open when the block begins."""

    api: Api
    path: str
    options: dict[str, Any]
    events: list[Seen] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    status: int = 0

    def __enter__(self) -> Self:
        self._open = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._open.wait(5), "the stream did not open"
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket:
            # The reading thread closes it: a descriptor that another thread closes may be somebody else's by then.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _read(self) -> None:
        box = self.api.box
        verify = ssl.create_default_context(cafile=box.ca_file)
        try:
            with (
                httpx.Client(base_url=box.url, verify=verify, timeout=30) as client,
                client.stream("GET", self.path, **self.options) as response,
            ):
                self._socket = response.extensions["network_stream"].get_extra_info("socket")
                self.status = response.status_code
                lines = response.iter_lines()
                assert next(lines).startswith("retry:")
                self._open.set()
                for seen in parse(lines):
                    self.events.append(seen)
        except (httpx.HTTPError, RuntimeError, ssl.SSLError, OSError):
            pass
        finally:
            self.ended.set()

    def wait(self, wanted: Callable[[Seen], bool], seconds: float = 5.0) -> Seen:
        found: Seen = until(lambda: next(filter(wanted, list(self.events)), None), seconds, "the event")
        return found

    def wait_state(self, id: str, state: str, seconds: float = 5.0) -> Seen:
        return self.wait(lambda seen: seen.data.get("id") == id and seen.data.get("state") == state, seconds)

    def states(self, id: str) -> list[str]:
        """The states that were told, each change once."""
        told = [seen.data["state"] for seen in self.events if seen.type == "pipeline_status" and seen.data["id"] == id]
        return [state for index, state in enumerate(told) if index == 0 or told[index - 1] != state]


def parse(lines: Iterator[str]) -> Iterator[Seen]:
    """Server-sent events out of lines."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line and "event" in fields:
            yield Seen(fields["event"], json.loads(fields["data"]), int(fields["id"]))
        if not line:
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
