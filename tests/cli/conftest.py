from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.desk import desk
from tests.cli.fakebox import FakeBox, fake_box

__all__ = ["desk"]


@pytest.fixture
def box() -> Iterator[FakeBox]:
    """A box with three pipelines: one that plays, one far away with a long name, one in trouble."""
    with fake_box() as found:
        fill(found)
        yield found


@pytest.fixture
def old_box() -> Iterator[FakeBox]:
    """A box that has the documented API alone: no PATCH, no ETag, no event stream."""
    with fake_box(documented=True) as found:
        fill(found)
        yield found


def fill(box: FakeBox) -> None:
    encoding = {"codec": "h264", "bitrate": 2000, "width": 1280, "height": 720, "fps": 30}
    overlay = {"text": "Gate <b>", "timestamp": True}
    box.add("cam1", state="playing", encoding=encoding, overlay=overlay, metadata={"site": "north"})
    box.add(
        "entrance-east-camera",
        on_demand=False,
        source={"uri": "rtsp://camera.example.com:554/a/rather/long/path/to/stream1", "user": "viewer"},
        crop={"top": 10, "left": 20},
        transform={"rotate": 180, "grayscale": True},
    )
    box.add("broken", state="error", source={"uri": "udp://239.1.2.3:5000"})
