"""The `gst-launch-1.0` line of a pipeline is no drawing: it runs, and does the same."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from flexclient import models as m
from tests.media.harness import free_port, graph_of, spec
from tests.media.pictures import write_counter

HOSTILE = ['"quoted"', "a!b", "<b>", "two\nlines", "50% \\ $HOME `x`", "'", '" ! filesink location={} "']


def runs(line: str, seconds: float = 2.0) -> bool:
    """Whether it still runs after that time, or ended well before."""
    with subprocess.Popen(shlex.split(line), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return True
        finally:
            process.kill()


def limited(graph_line: str) -> str:
    return graph_line.replace("is-live=true", "is-live=true num-buffers=10")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_the_line(tmp_path: Path, text: str) -> None:
    evil = tmp_path / "evil"
    graph = graph_of(spec(overlay={"text": text.format(evil), "timestamp": "%H '\"!", "position": "center"}))
    assert runs(limited(graph.to_launch()), 20)
    assert not evil.exists()


@pytest.mark.parametrize(
    "parts",
    [
        {"crop": {"left": 10}, "transform": {"rotate": 90, "mirror": "horizontal", "grayscale": True}},
        {"output": {"uri": f"udp://127.0.0.1:{free_port()}"}},
        {"overlay": {"timestamp": True, "background": "#00FF0080", "color": "yellow"}},
    ],
)
def test_every_part(parts: dict[str, Any]) -> None:
    begin = time.monotonic()
    assert runs(limited(graph_of(spec(**parts)).to_launch()), 20)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize(
    "uri", ["udp://127.0.0.1:0", "udp://127.0.0.1:0?format=rtp", "udp://127.0.0.1:0?format=rtp-ts"]
)
def test_network_sources_run_until_stopped(uri: str) -> None:
    assert runs(graph_of(spec(uri)).to_launch())


def test_a_file_is_played_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "it's a file.mp4"
    write_counter(file, 30)
    uri = "file://" + str(file).replace(" ", "%20")
    begin = time.monotonic()
    assert runs(graph_of(spec(uri)).to_launch(), 20)
    assert 0.9 < time.monotonic() - begin < 15


def test_an_advanced_line() -> None:
    text = "videotestsrc num-buffers=10 ! x264enc tune=zerolatency"
    assert runs(graph_of(m.PipelineSpec(id="a", mode=m.Mode.ADVANCED, raw_pipeline=text)).to_launch(), 20)
