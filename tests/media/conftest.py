"""Media that the tests watch: a file of counted frames, made once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.media.pictures import write_counter


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """450 counted frames, 320x180 at 30, MP4."""
    return write_counter(tmp_path_factory.mktemp("media") / "counter.mp4", 450)


@dataclass
class Camera:
    """A running RTSP server that is not ours."""

    process: subprocess.Popen[str]
    url: str


class CameraFactory(Protocol):
    """`camera("--login", "me:x")` as a context."""

    def __call__(self, *arguments: str) -> AbstractContextManager[Camera]: ...


@contextmanager
def running_camera(*arguments: str) -> Iterator[Camera]:
    """See `camera.py`."""
    script = Path(__file__).with_name("camera.py")
    with subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Camera(process, f"rtsp://127.0.0.1:{int(process.stdout.readline())}/live")
        finally:
            process.kill()


@pytest.fixture
def camera() -> CameraFactory:
    """Starts cameras."""
    return running_camera
