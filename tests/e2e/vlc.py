"""VLC as an RTSP server that is none of ours and none of GStreamer's: it publishes a file, over UDP."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LIMIT = 15.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def publishing(video: Path, home: Path) -> Iterator[str]:
    """VLC publishes the file again and again; yields its address. VLC refuses to run as root, so it does not."""
    port = free_port()
    url = f"rtsp://127.0.0.1:{port}/counted"
    vlc = [
        "cvlc",
        "-q",
        "-I",
        "dummy",
        "--no-audio",
        "--loop",
        str(video),
        "--sout",
        f"#rtp{{sdp={url}}}",
        "--sout-keep",
    ]
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    if os.geteuid() == 0:
        home.chmod(0o700)
        shutil.chown(home, 65534, 65534)
        vlc = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *vlc]
    with subprocess.Popen(vlc, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until_it_listens(port, process)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server takes connections."""
    limit = time.monotonic() + LIMIT
    while process.poll() is None and time.monotonic() < limit:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"VLC does not listen on {port}; it ended with {process.poll()}")
