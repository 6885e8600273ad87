"""Audio devices through the API: what an ALSA configuration names, beside what `arecord` lists, and nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flexserver.devices import alsa
from flexserver.devices.process import Prober
from tests.server.conftest import FakeBoxes
from tests.support.api import Api

CONFIGURATION = """
pcm.mic {
  type file
  file "/dev/null"
  infile "/dev/zero"
  format "raw"
  slave.pcm { type null }
  hint { show on description "Test microphone
with a second line" }
}
pcm.line { type null hint { show on description "Line in" } }
pcm.hidden { type null }
pcm.gone { type hw card 31 hint { show on description "A card that is not there" } }
pcm.null { type null hint { show on description "No device" } }
"""


@pytest.fixture
def configured(fake_boxes: FakeBoxes, tmp_path: Path) -> Api:
    path = tmp_path / "asound.conf"
    path.write_text(CONFIGURATION)
    box, _ = fake_boxes(env={"ALSA_CONFIG_PATH": str(path)})
    return Api(box)


def test_what_the_configuration_names_is_listed(configured: Api, tmp_path: Path) -> None:
    with configured as api:
        answer = api.get("/flex/audio-devices")
        assert answer.status_code == 200
        devices = answer.json()["devices"]
        assert devices == [
            {"device": "line", "name": "Line in", "card_name": "", "card": -1, "subdevice": 0},
            {
                "device": "mic",
                "name": "Test microphone, with a second line",
                "card_name": "",
                "card": -1,
                "subdevice": 0,
            },
        ]
    env = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    listed = subprocess.run(["arecord", "-L"], env=env, capture_output=True, text=True, check=True).stdout
    names = {line for line in listed.splitlines() if line and not line.startswith(" ")}
    assert {one["device"] for one in devices} == names - {"null", "gone"}, "what does not open for capture is no device"


def test_what_is_listed_records(configured: Api, tmp_path: Path) -> None:
    with configured as api:
        names = [one["device"] for one in api.get("/flex/audio-devices").json()["devices"]]
    env = {**os.environ, "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf")}
    for name in names:
        command = ["arecord", "-q", "-D", name, "-f", "S16_LE", "-r", "8000", "-s", "800", "-t", "raw"]
        ran = subprocess.run(command, env=env, capture_output=True, timeout=20, check=False)
        assert (ran.returncode, len(ran.stdout)) == (0, 1600), ran.stderr


def test_without_cards_and_without_a_configuration_the_list_is_empty(api: Api) -> None:
    answer = api.get("/flex/audio-devices")
    assert (answer.status_code, answer.json()) == (200, {"devices": []})


def test_a_configuration_that_cannot_be_read_is_an_empty_list(fake_boxes: FakeBoxes, tmp_path: Path) -> None:
    path = tmp_path / "asound.conf"
    path.write_text("pcm.mic { type")
    box, _ = fake_boxes(env={"ALSA_CONFIG_PATH": str(path)})
    with Api(box) as api:
        assert api.get("/flex/audio-devices").json() == {"devices": []}


def test_a_plug_is_seen_without_a_restart(configured: Api, tmp_path: Path) -> None:
    with configured as api:
        before = len(api.get("/flex/audio-devices").json()["devices"])
        more = '\npcm.late { type null hint { show on description "Late" } }\n'
        (tmp_path / "asound.conf").write_text(CONFIGURATION + more)
        assert len(api.get("/flex/audio-devices").json()["devices"]) == before + 1


def test_it_takes_no_parameters(api: Api) -> None:
    assert api.get("/flex/audio-devices?x=1").status_code == 400


class Sound:
    """libasound's side of one card with two devices, of which one only plays."""

    def cards(self) -> list[int]:
        return [1]

    def hardware(self, card: int) -> list[dict[str, Any]]:
        return [alsa.device(card, 0, "USB Audio", "Webcam")]

    def software(self) -> list[dict[str, Any]]:
        return []


def test_a_cards_device_is_named_as_alsa_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(alsa, "Alsa", Sound)
    monkeypatch.setattr(alsa, "_PROC", tmp_path / "pcm")
    (tmp_path / "pcm").write_text("01-00: USB Audio : USB Audio : capture 1\n")
    device = {"device": "hw:1,0", "name": "USB Audio", "card_name": "Webcam", "card": 1, "subdevice": 0}
    assert alsa.listing() == {"devices": [device], "problem": None}
    (tmp_path / "pcm").write_text("01-00: A : A : capture 1\n00-02: B : B : capture 1\n00-03: C : C : playback 1\n")
    assert alsa.listing()["problem"] == "hw:0,2 cannot be used: the box's user has to be in the group 'audio'"


def test_without_libasound_the_list_is_empty_and_the_cause_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(_: object) -> None:
        raise OSError("libasound.so.2: cannot open shared object file")

    monkeypatch.setattr(alsa.Alsa, "__init__", missing)
    monkeypatch.setattr(alsa, "_PROC", tmp_path / "pcm")
    (tmp_path / "pcm").write_text("00-00: A : A : capture 1\n")
    assert alsa.listing() == {"devices": [], "problem": "hw:0,0 cannot be used: libasound2 is not installed"}


async def ask_twice(seconds: float) -> list[str]:
    prober, said = Prober(), []
    for _ in range(2):
        try:
            await prober.ask("audio", seconds=seconds)
        except Exception as error:
            said.append(str(error))
    return said


def test_a_probe_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from flexserver.devices import process

    monkeypatch.setattr(process, "_command", lambda _: (sys.executable, "-c", "import time; time.sleep(60)"))
    assert asyncio.run(ask_twice(0.3)) == ["its driver did not answer within 0.3 s"] * 2
    monkeypatch.setattr(process, "_command", lambda _: (sys.executable, "-c", "raise SystemExit('bad')"))
    assert asyncio.run(ask_twice(5)) == ["the process that asked it failed"] * 2
    monkeypatch.setattr(process, "_command", lambda _: ("/nonexistent",))
    assert "cannot start a process" in asyncio.run(ask_twice(5))[0]
