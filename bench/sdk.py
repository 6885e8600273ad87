"""What the SDK costs on top of the libraries below it: a call against httpx, typed events against httpx-sse.

Both sides talk to the same small server in a process of its own, over plain HTTP on loopback: TLS and a real box would
cost both the same and hide the difference. Each event comes in a chunk of its own, as a box sends them. Times are of
the processor, not of the wall: the wait for the server is the same for both, and hides the difference, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import httpx
from httpx_sse import EventSource

from bench.figure import Figure
from flexclient import FlexClient

CALLS, EVENTS, ROUNDS = 400, 10_000, 15

STATUS = {
    "id": "cam1", "state": "playing", "order": "play", "since": "2026-11-23T20:00:00.000Z", "uptime_seconds": 12.3,
    "restarts": 0, "output_uri": "rtsp://127.0.0.1:8731/cam1", "readers": 1, "klv": {"available": False},
    "stats": {"fps": 30.0, "bitrate_kbps": 750.1, "frames": 3000, "dropped": 0, "cpu_percent": 12.5},
}  # fmt: skip

SERVER = r"""
import json, os, socket, sys, threading
status, events, port = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
body = json.dumps(status).encode()
answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
texts = [f"id: {n}\nevent: pipeline_status\ndata: {body.decode()}\n\n".encode() for n in range(1, events + 1)]
head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
stream = head + b"".join(b"%x\r\n%s\r\n" % (len(text), text) for text in texts) + b"0\r\n\r\n"

def serve(conn):
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    asked = b""
    while chunk := conn.recv(65536):
        asked += chunk
        if asked.endswith(b"\r\n\r\n"):
            conn.sendall(stream if asked.startswith(b"GET /flex/events") else answer)
            asked = b""

listener = socket.create_server(("127.0.0.1", 0))
os.write(port, b"%d\n" % listener.getsockname()[1])
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@contextmanager
def serving() -> Iterator[str]:
    """The small server's address."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", SERVER, json.dumps(STATUS), str(EVENTS), str(writing)]
    server = subprocess.Popen(command, pass_fds=[writing])
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield f"http://127.0.0.1:{int(told.readline())}"
    finally:
        server.kill()
        server.wait()


def microseconds(work: Callable[[], int]) -> float:
    """What one piece of the work costs; the work says how many it did."""
    begin = time.process_time()
    done = work()
    return (time.process_time() - begin) / done * 1e6


def alternating(ours: Callable[[], int], theirs: Callable[[], int]) -> tuple[float, float]:
    """Medians of both, run in turn after a warm-up, so that a machine that drifts drifts for both."""
    pairs = [(microseconds(ours), microseconds(theirs)) for _ in range(ROUNDS + 1)][1:]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def measure() -> Iterator[Figure]:
    """The SDK's two budgets. 0.7 times the rate of httpx-sse is 1 / 0.7 times its time.

    The event's rival is the bare library, which leaves the data a text; the row below it lets it read the JSON, too.
    """
    with serving() as url, FlexClient(url=url) as client, httpx.Client() as bare:

        def calls() -> int:
            for _ in range(CALLS):
                client.pipelines.status("cam1")
            return CALLS

        def bare_calls() -> int:
            for _ in range(CALLS):
                bare.get(f"{url}/flex/pipeline/cam1/status").raise_for_status().json()
            return CALLS

        def events() -> int:
            with client.events.stream(resume=False) as stream:
                return sum(1 for event in stream if event.data.state)

        def bare_events() -> int:
            with bare.stream("GET", f"{url}/flex/events") as response:
                return sum(1 for event in EventSource(response).iter_sse() if event.data)

        def read_events() -> int:
            with bare.stream("GET", f"{url}/flex/events") as response:
                return sum(1 for event in EventSource(response).iter_sse() if event.json()["state"])

        ours, theirs = alternating(calls, bare_calls)
        yield Figure("SDK call, typed answer", ours, "us", "httpx GET and .json()", theirs, 1.2)
        ours, theirs = alternating(events, bare_events)
        yield Figure("typed event (0.7 of the rate is 1.43)", ours, "us", "httpx-sse", theirs, 1 / 0.7)
        ours, theirs = alternating(events, read_events)
        yield Figure("typed event (0.7 of the rate is 1.43)", ours, "us", "httpx-sse and .json()", theirs, 1 / 0.7)
