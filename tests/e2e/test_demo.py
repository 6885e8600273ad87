"""`./dev demo` in a pipe: the main job in ten seconds, a still that shows it, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

ANY_PORT = {"FLEX_PORT": "0", "FLEX_RTSP_PORT": "0"}
DEMO = [sys.executable, "-m", "examples.demo"]

# The upper bars of the SMPTE pattern, at full strength: white, yellow, cyan, green, magenta, red, blue.
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255)]


def servers_of(data_dir: str) -> list[psutil.Process]:
    """Processes whose command line names this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if data_dir in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_in_a_pipe(tmp_path: Path) -> None:
    env = {**os.environ, **ANY_PORT, "TMPDIR": str(tmp_path)}
    done = subprocess.run(DEMO, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=90)
    talk = done.stderr.decode()
    assert done.returncode == 0, talk
    assert re.search(r"rtsp://127\.0\.0\.1:\d+/quickstart", talk)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    assert events, "the table's lines are on stdout, as NDJSON"
    assert "playing" in done.stdout.decode()
    assert not servers_of(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["demo.jpg"], "the data folder is gone"
    assert_pattern_and_clock(tmp_path / "demo.jpg")


def assert_pattern_and_clock(path: Path) -> None:
    """Bars where SMPTE has them; bright letters on a dark box at the bottom left."""
    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=int)
    height, width, _ = pixels.shape
    assert (width, height) == (1280, 720)
    for index, colour in enumerate(BARS):
        seen = pixels[height // 4, int((index + 0.5) * width / len(BARS))]
        assert np.abs(seen - colour).max() < 40, f"bar {index} is {seen}, not {colour}"
    corner = pixels[int(height * 0.85) :, : int(width * 0.3)].min(axis=2)
    assert (corner > 200).sum() > 300, "the clock's letters are bright"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_ended_early_it_leaves_nothing_running(tmp_path: Path, ending: signal.Signals) -> None:
    env = {**os.environ, **ANY_PORT, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(DEMO, cwd=tmp_path, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as demo:
        assert demo.stdout
        demo.stdout.readline()
        assert servers_of(str(tmp_path)), "it runs"
        demo.send_signal(ending)
    limit = time.monotonic() + 10
    while servers_of(str(tmp_path)):
        assert time.monotonic() < limit, servers_of(str(tmp_path))
        time.sleep(0.05)
