"""A box of its own for a measurement: flexserver on loopback, free ports, a data folder that goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Address:
    """Where the box is, and how to trust it."""

    url: str
    rtsp_url: str
    fingerprint: str
    ca_file: str
    pid: int

    @property
    def env(self) -> dict[str, str]:
        """What flexctl and flexclient read."""
        return {"FLEX_URL": self.url, "FLEX_FINGERPRINT": self.fingerprint}


@contextmanager
def running() -> Iterator[Address]:
    """A box that runs for as long as the block does."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory(prefix="flex-bench-") as data_dir:
        server = subprocess.Popen(
            [
                *(BIN / "flexserver", "--host", "127.0.0.1", "--port", "0", "--rtsp-port", "0"),
                *("--log-level", "error", "--data-dir", data_dir, "--ready-fd", str(writing)),
            ],
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            with os.fdopen(reading) as pipe:
                ready = json.loads(pipe.readline())
            yield Address(ready["url"], ready["rtsp_url"], ready["fingerprint"], ready["ca_file"], server.pid)
        finally:
            server.terminate()
            server.wait(timeout=15)
