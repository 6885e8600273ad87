"""What flexctl costs as a whole process: a listing against its rivals, help, a completion, and `top` on a busy box."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.box import BIN, running
from bench.figure import Figure, paired

FLEXCTL = str(BIN / "flexctl")
TYPER = [sys.executable, "-c", "import typer"]
PIPELINES, EVENTS_A_SECOND, SECONDS = 200, 20, 10

BARE = """
import http.client, json, os, ssl, urllib.parse
url = urllib.parse.urlsplit(os.environ["FLEX_URL"])
context = ssl.create_default_context(cafile=os.environ["BENCH_CA"])
box = http.client.HTTPSConnection(url.hostname, url.port, context=context)
box.request("GET", "/flex/pipeline")
print(json.dumps(json.load(box.getresponse()), indent=2))
"""

BUSY = f"""
import itertools, json, os, sys, time
from tests.cli.fakebox import FakeBox
box = FakeBox()
for number in range({PIPELINES}):
    box.add(f"camera-{{number:03}}", state="playing")
os.write(int(sys.argv[1]), f"{{box.url}}\\n".encode())
for number in itertools.count():
    name = f"camera-{{number % {PIPELINES}:03}}"
    box.emit("pipeline_status", box.status(name))
    time.sleep(1 / {EVENTS_A_SECOND})
"""


@contextmanager
def busy() -> Iterator[str]:
    """The address of a box in a process of its own that tells of one of its pipelines after the other."""
    reading, writing = os.pipe()
    root = str(Path(__file__).parents[1])
    server = subprocess.Popen([sys.executable, "-c", BUSY, str(writing)], pass_fds=[writing], cwd=root)
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield told.readline().strip()
    finally:
        server.kill()
        server.wait()


def processor_seconds(pid: int) -> float:
    """What a process has used so far, its children apart."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def top_percent(url: str) -> float:
    """`top` on a terminal of 120 by 40: percent of a core, once it has started."""
    import pexpect

    child = pexpect.spawn(FLEXCTL, ["top"], dimensions=(40, 120), env={**os.environ, "FLEX_URL": url, "TERM": "xterm"})
    pid = child.pid or 0
    try:
        child.expect("camera-000", timeout=30)
        _read(child, 2)
        before, began = processor_seconds(pid), time.perf_counter()
        drawn = _read(child, SECONDS)
        used = processor_seconds(pid) - before
        if not drawn:
            raise RuntimeError("top drew nothing: that is no measurement")
        return used / (time.perf_counter() - began) * 100
    finally:
        child.close(force=True)


def _read(child: object, seconds: float) -> int:
    """Take in what it draws, as a terminal does; how much that was."""
    import pexpect

    end, drawn = time.perf_counter() + seconds, 0
    while (left := end - time.perf_counter()) > 0:
        try:
            drawn += len(child.read_nonblocking(65536, left))  # type: ignore[attr-defined]
        except pexpect.TIMEOUT:
            break
    return drawn


def measure() -> Iterator[Figure]:
    """The budgets of the command line."""
    ours, theirs = paired([FLEXCTL, "--help"], TYPER)
    yield Figure("flexctl --help", ours, "s", "import typer", theirs, 1.5)
    with running() as box:
        env = {**box.env, "BENCH_CA": box.ca_file}
        complete = ["env", "_FLEXCTL_COMPLETE=zsh", FLEXCTL, "pipeline", "get", ""]
        ours, theirs = paired(complete, TYPER, env=env)
        yield Figure("completion of a pipeline's name", ours, "s", "import typer", theirs, 1.5)
        listing = [FLEXCTL, "pipeline", "list", "-o", "json"]
        httpie = [str(BIN / "http"), "--ignore-stdin", "--verify", box.ca_file, f"{box.url}/flex/pipeline"]
        ours, theirs = paired(listing, httpie, runs=15, env=env)
        yield Figure("flexctl pipeline list -o json", ours, "s", "HTTPie GET of the same", theirs, 0.5)
        ours, theirs = paired(listing, [sys.executable, "-c", BARE], runs=15, env=env)
        yield Figure("flexctl pipeline list -o json", ours, "s", "http.client over TLS, json", theirs, 2.5)
    with busy() as url:
        yield Figure("top, 200 pipelines, 20 events a second", top_percent(url), "% core", "limit", None, 10.0)
