"""Publishers that are not ours: ffmpeg pushes counted pictures to a box."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.api import Api, until


def ingest_port(api: Api, protocol: str) -> int:
    """Where the box takes publishers, once it does; it says so in its health."""

    def look() -> int:
        said = api.get("/flex/health").json()["parts"].get("ingress", {}).get("message", "")
        match = re.search(rf"{protocol.upper()} on port (\d+)", said)
        return int(match[1]) if match else 0

    found: int = until(look, what=f"{protocol} ingest")
    return found


def allow(api: Api, *, rtsp: bool, rtmp: bool) -> None:
    """Change the settings."""
    body = {"ingress_rtsp_enabled": rtsp, "ingress_rtmp_enabled": rtmp}
    api.call("PUT", "/flex/settings", json=body).raise_for_status()


@contextmanager
def ffmpeg(video: Path, url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Push the file as fast as it plays, again and again, until the block ends."""
    form = "rtsp" if url.startswith("rtsp") else "flv"
    words = ["ffmpeg", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(video), "-c", "copy", "-f", form]
    with subprocess.Popen([*words, *options, url], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as made:
        try:
            yield made
        finally:
            made.terminate()
            made.wait(10)
