"""The configurations for other media servers, run for real: nginx with its RTMP module, and MediaMTX's hook."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.media.pictures import decoded, ffprobe, number_of, write_counter
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.fixtures import BoxFactory
from tests.support.media_double import FakeMedia, fake_media
from tests.support.publish import allow, ffmpeg, ingest_port

DEPLOY = Path(__file__).parents[2] / "server" / "deploy"
KEY = "0123456789abcdef"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def write(path: Path, template: Path, changes: dict[str, str]) -> None:
    """The file as an administrator would change it; each change must be there to be made."""
    text = template.read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    path.chmod(0o600)


@contextmanager
def nginx(folder: Path, box: Box, rtmp_port: int, ingest: int, key: str = KEY) -> Iterator[None]:
    """nginx with our configuration on ports of its own."""
    ours = DEPLOY / "nginx-rtmp"
    folder.mkdir()
    (bridge,) = free_ports(1)
    ports = {"listen 1935": f"listen 127.0.0.1:{rtmp_port}", ":8088": f":{bridge}", ":3539": f":{box.port}"}
    write(folder / "nginx.conf", ours / "nginx.conf", {**ports, "/opt/flex/certs/flex.crt": box.ca_file})
    write(folder / "flex-key.conf", ours / "flex-key.conf.example", {"PUT-THE-API-KEY-HERE": key})
    push = {"PUT-THE-PUBLISH-KEY-HERE": KEY, ":1936": f":{ingest}"}
    write(folder / "flex-push.conf", ours / "flex-push.conf.example", push)
    words = [NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr", "-g", f"daemon off; pid {folder}/pid;"]
    with (folder / "log").open("w") as log, subprocess.Popen(words, stderr=log) as server:
        try:
            until(lambda: accepts(rtmp_port), 10, f"nginx: {(folder / 'log').read_text()}")
            yield
        finally:
            server.terminate()
            server.wait(10)


def accepts(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_rtmp_hands_a_stream_on_for_as_long_as_it_lasts(box_factory: BoxFactory, tmp_path: Path) -> None:
    video = write_counter(tmp_path / "counted.mp4", 900, g="15")
    box = box_factory("--ingest-rtsp-port", "0", "--ingest-rtmp-port", "0", env={"FLEX_API_KEY": KEY})
    (port,) = free_ports(1)
    with Api(box) as api:
        allow(api, rtsp=True, rtmp=True)
        with nginx(tmp_path / "nginx", box, port, ingest_port(api, "rtmp")):
            with api.listen() as told, ffmpeg(video, f"rtmp://127.0.0.1:{port}/live/mystream"):
                told.wait_state("livemystream", "playing", 30)
                address = f"{box.rtsp_url}/livemystream"
                probed = ffprobe(address)
                assert (probed["width"], probed["height"]) == (1920, 1080)
                assert len({number_of(frame) for frame in decoded(address, 45)}) >= 20
            until(lambda: api.get("/flex/pipeline").json() == [], 10)
            assert box.log.count("method=PUT path=/flex/triggers/mediaMtx/publish status=200") == 1
            until(lambda: "method=DELETE path=/flex/triggers/mediaMtx/publish status=200" in box.log)


def test_nginx_rtmp_refuses_whom_the_box_refuses(box_factory: BoxFactory, tmp_path: Path) -> None:
    video = write_counter(tmp_path / "counted.mp4", 60)
    box = box_factory(env={"FLEX_API_KEY": KEY})
    (port,) = free_ports(1)
    with Api(box) as api, nginx(tmp_path / "nginx", box, port, 9, key="wrong-wrong-wrong"):
        with ffmpeg(video, f"rtmp://127.0.0.1:{port}/live/mystream") as refused:
            assert refused.wait(15) != 0
        assert api.get("/flex/pipeline").json() == []
        assert "method=PUT path=/flex/triggers/mediaMtx/publish status=401" in box.log


@pytest.fixture
def hooked(box_factory: BoxFactory, tmp_path: Path) -> tuple[Api, FakeMedia, dict[str, str]]:
    media = fake_media(tmp_path / "fake")
    box = box_factory(env={**media.env, "FLEX_API_KEY": KEY})
    env = {"FLEX_API_KEY": KEY, "FLEX_URL": box.url, "FLEX_CA_FILE": box.ca_file, "MTX_PATH": "live/my stream"}
    return Api(box), media, {"PATH": os.environ["PATH"], **env}


@pytest.mark.parametrize("name", ["mediamtx.yml", "mediamtx-available.yml"])
def test_mediamtx_configuration_calls_the_hook(name: str, hooked: tuple[Api, FakeMedia, dict[str, str]]) -> None:
    """The file is valid YAML, and the commands in it do what they are there for."""
    api, _, env = hooked
    config: dict[str, Any] = YAML(typ="safe").load((DEPLOY / "mediamtx" / name).read_text())
    hooks = {event: line for event, line in config["pathDefaults"].items() if event.startswith("runOn")}
    ready, gone = ("runOnReady", "runOnNotReady") if name == "mediamtx.yml" else ("runOnAvailable", "runOnUnavailable")
    assert set(hooks) == {ready, gone}
    assert (config["rtspAddress"], config["rtmpAddress"]) == (":8554", ":1935")
    with subprocess.Popen(command(hooks[ready]), env=env) as staying:
        assert until(lambda: ids(api), 10) == ["livemystream"]
        assert KEY not in Path(f"/proc/{staying.pid}/cmdline").read_text()
        staying.terminate()
        assert staying.wait(5) == 0
    made = api.get("/flex/pipeline/livemystream").json()
    assert made["source"]["uri"] == "rtsp://127.0.0.1:8554/live/my%20stream"
    subprocess.run(command(hooks[gone]), env=env, check=True, timeout=15)
    assert ids(api) == []


def ids(api: Api) -> list[str]:
    return [one["id"] for one in api.get("/flex/pipeline").json()]


def command(line: str) -> list[str]:
    """A hook's command with the script where it lies here."""
    installed, *words = line.split(" ")
    assert installed == "/usr/local/bin/flex-hook"
    return [str(DEPLOY / "mediamtx" / "flex-hook"), *words]


def test_the_hook_says_what_is_missing_and_fails_with_the_box(hooked: tuple[Api, FakeMedia, dict[str, str]]) -> None:
    _, _, env = hooked
    script = DEPLOY / "mediamtx" / "flex-hook"
    assert script.stat().st_mode & stat.S_IXUSR

    def run(word: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([script, word], env={**env, **changes}, capture_output=True, text=True, timeout=15)

    assert run("publish").returncode == 0
    assert "FLEX_API_KEY" in run("publish", FLEX_API_KEY="").stderr
    assert "MTX_PATH" in run("publish", MTX_PATH="").stderr
    assert run("dance").returncode == 2
    wrong = run("publish", FLEX_API_KEY="wrong-wrong-wrong")
    assert wrong.returncode != 0
    assert re.search("401", wrong.stderr)
    assert KEY not in wrong.stderr
