"""The main job: what another program made or published comes out as configured, no picture missing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flexclient import FlexClient
from flexclient import models as m
from tests.e2e import vlc
from tests.media.pictures import decoded, ffprobe, number_of, steps, write_counter
from tests.support.box import Box

FRAMES = 300


@pytest.fixture(scope="module")
def readable() -> Iterator[Path]:
    """A folder that another user can read too: VLC will not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="flex-e2e-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def video(readable: Path) -> Path:
    return write_counter(readable / "counted.mp4", 30 * 40, width=640, height=360)


def spec(source: m.Source) -> m.PipelineSpec:
    """Half the size, the same rate, another codec setting: a real transcode."""
    encoding = m.Encoding(bitrate=800, width=320, height=180, fps=30, quality=3, gop_seconds=1)
    return m.PipelineSpec(id="counted", on_demand=False, source=source, encoding=encoding)


def assert_transcoded(client: FlexClient, box: Box) -> None:
    """ffprobe and PyAV read it as configured, and the counter has no gap over 300 pictures."""
    client.pipelines.wait("counted", states={"playing"}, timeout=20)
    url = f"{box.rtsp_url}/counted"
    probed = ffprobe(url)
    assert (probed["codec_name"], probed["width"], probed["height"]) == ("h264", 320, 180)
    assert probed["r_frame_rate"] == "30/1"
    assert probed["has_b_frames"] == 0
    seen = [number_of(frame) for frame in decoded(url, FRAMES)]
    assert len(seen) == FRAMES
    assert steps(seen) == {1}, seen


def test_a_file_made_by_ffmpeg(box: Box, client: FlexClient, video: Path) -> None:
    inside = Path(box.data_dir) / "media" / "counted.mp4"
    inside.parent.mkdir(exist_ok=True)
    shutil.copy(video, inside)
    client.pipelines.create(spec(m.Source(uri=f"file://{inside}")))
    try:
        assert_transcoded(client, box)
    finally:
        client.pipelines.delete("counted")


def test_a_stream_published_by_vlc(box: Box, client: FlexClient, video: Path, readable: Path) -> None:
    home = readable / "vlc"
    home.mkdir()
    with vlc.publishing(video, home) as url:
        client.pipelines.create(spec(m.Source(uri=url)))
        try:
            assert_transcoded(client, box)
        finally:
            client.pipelines.delete("counted")
