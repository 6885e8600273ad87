"""Cameras for tests: `with Cameras() as cameras: cameras.plug(...)`; programs started with `cameras.env` see them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

PROGRAM = Path(__file__).with_name("fake_cameras.py")
PRELOAD = "libumockdev-preload.so.0"

WEBCAM: dict[str, Any] = {
    "card": "Mock Cam 9000",
    "formats": [
        {"fourcc": "YUYV", "text": "YUYV 4:2:2", "sizes": [[640, 480], [1280, 720]]},
        {"fourcc": "MJPG", "text": "Motion-JPEG", "sizes": [[640, 480], [1920, 1080]]},
    ],
}
"""A usual USB camera: raw up to 720p, JPEG up to 1080p, at 30 and 15 pictures a second."""


class Cameras:
    """A testbed in a process of its own."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["umockdev-wrapper", sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.folder = self._process.stdout.readline().strip()
        assert self.folder, "umockdev did not start"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def env(self) -> dict[str, str]:
        """What a program needs to see these cameras, and nothing of this machine's."""
        return {"LD_PRELOAD": PRELOAD, "UMOCKDEV_DIR": self.folder}

    def plug(self, number: int = 0, camera: dict[str, Any] = WEBCAM, *, port: str = "1-1", **more: Any) -> str:
        """Plug one in; its path. `more`: serial, link, meta, index, intervals, ... as the program says."""
        self._say({"plug": {**camera, "number": number, "port": port, **more}})
        return f"/dev/video{number}"

    def unplug(self, number: int = 0) -> None:
        self._say({"unplug": number})

    def unplug_all(self) -> None:
        self._say({"unplug_all": None})

    def hang(self, number: int = 0) -> None:
        """From now on its driver answers nothing."""
        self._say({"hang": number})

    def wake(self, number: int = 0) -> None:
        self._say({"wake": number})

    def asked(self, number: int = 0) -> int:
        """How many ioctls its driver got."""
        count: int = self._say({"count": number})
        return count

    def run(self, *command: str, seconds: float = 20) -> str:
        """The output of a program that sees these cameras."""
        env = {**os.environ, **self.env}
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds, check=False)
        return ran.stdout + ran.stderr

    def _say(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())
