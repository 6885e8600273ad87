"""A flexserver process for tests: `with Box(tmp_path) as box: ... box.url`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

READY_SECONDS = 20.0
STOP_SECONDS = 10.0


class BoxError(Exception):
    """The server did not start or end as it should; the message holds what it said."""


class Box:
    """One server on 127.0.0.1, any free ports, its data in `data_dir`. Started at once unless `start=False`."""

    def __init__(
        self,
        data_dir: Path,
        *args: str,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
        start: bool = True,
    ) -> None:
        self.data_dir = data_dir
        self.args = args
        self.env = env or {}
        self.python = python
        self.port = self.rtsp_port = 0
        self.url = self.rtsp_url = self.fingerprint = self.ca_file = ""
        self.log_file = data_dir.with_name(data_dir.name + ".log")
        self._process: subprocess.Popen[bytes] | None = None
        if start:
            self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def command(self, ready_fd: int) -> list[str]:
        return [
            *(self.python, "-m", "flexserver", "--host", "127.0.0.1", "--data-dir", str(self.data_dir)),
            *("--port", str(self.port), "--rtsp-port", str(self.rtsp_port), "--ready-fd", str(ready_fd), *self.args),
        ]

    def start(self) -> Self:
        """Start it, on the same ports as before if it ran before, and wait until it is ready."""
        assert self._process is None, "it runs already"
        reading, writing = os.pipe()
        try:
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    self.command(writing),
                    pass_fds=[writing],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **self.env},
                )
            os.close(writing)
            said = self._read_ready(reading)
        finally:
            os.close(reading)
        self.port, self.rtsp_port = said["port"], said["rtsp_port"]
        self.url, self.rtsp_url = said["url"], said["rtsp_url"]
        self.fingerprint, self.ca_file = said["fingerprint"], said["ca_file"]
        return self

    def _read_ready(self, reading: int) -> dict[str, Any]:
        end, said = time.monotonic() + READY_SECONDS, b""
        while not said.endswith(b"\n"):
            if not select.select([reading], [], [], max(0, end - time.monotonic()))[0]:
                self.kill()
                raise BoxError(f"not ready within {READY_SECONDS} seconds:\n{self.log}")
            chunk = os.read(reading, 65536)
            if not chunk:
                code = self.wait()
                raise BoxError(f"ended with {code} before it was ready:\n{self.log}")
            said += chunk
        found: dict[str, Any] = json.loads(said)
        return found

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait until it has ended; its exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def stop(self) -> int | None:
        """SIGTERM, and its exit code; None where it does not run. Killed where it does not end in time."""
        if self._process is None:
            return None
        self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise BoxError(f"did not end within {STOP_SECONDS} seconds:\n{self.log}") from None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self.wait()

    def restart(self) -> Self:
        """Stop and start again: same ports, same data."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
