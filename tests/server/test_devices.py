"""What a driver's lists become, in what order, and what is heard of a plug. No device and no process."""

from __future__ import annotations

import errno
import socket
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexserver.devices import alsa, modes, nodes, probe, watch
from flexserver.devices.modes import Mode
from flexserver.devices.nodes import device_of
from flexserver.devices.v4l2 import Interval, Size, code, fourcc

RAW, JPEG, H264 = "YUYV", "MJPG", "H264"


def mode(size: tuple[int, int], rate: int | Fraction, kind: str = RAW) -> Mode:
    return Mode(kind, *size, Fraction(rate))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (mode((1920, 1080), 5), mode((1280, 720), 60)),  # resolution first
        (mode((1280, 720), 60, H264), mode((1280, 720), 30, RAW)),  # then the rate
        (mode((1280, 720), Fraction(30)), mode((1280, 720), Fraction(30000, 1001) - 1)),
        (mode((1920, 1080), 30, RAW), mode((1920, 1080), 30, JPEG)),  # then raw, up to 1080p
        (mode((1920, 1080), 30, JPEG), mode((1920, 1080), 30, H264)),
        (mode((3840, 2160), 30, JPEG), mode((3840, 2160), 30, RAW)),  # above it JPEG
        (mode((3840, 2160), 30, RAW), mode((3840, 2160), 30, H264)),
        (mode((1280, 720), 60), mode((1280, 720), 120)),  # more than 60 is no better, and costs
        (mode((1280, 720), 120), mode((1280, 720), 30)),
        (mode((1280, 720), 5), Mode(RAW, 1280, 720, modes.UNKNOWN_RATE)),
    ],
)
def test_the_better_mode_is_first(better: Mode, worse: Mode) -> None:
    assert modes.ordered([worse, better]) == modes.ordered([better, worse]) == [better, worse]
    assert better.score >= worse.score


ANY_MODE = st.builds(
    Mode,
    st.sampled_from([RAW, "NV12", JPEG, H264]),
    st.integers(16, 8192),
    st.integers(16, 8192),
    st.integers(0, 240).map(Fraction),
)


def rule(one: Mode) -> tuple[float, ...]:
    """The order in the contract's words, written again."""
    raw, jpeg = one.format in {RAW, "NV12"}, one.format == JPEG
    large = one.width * one.height > 1920 * 1080
    form = 0 if not (raw or jpeg) else 2 if jpeg == large else 1
    return one.width * one.height, float(min(one.rate, Fraction(60))), form


@given(st.lists(ANY_MODE, min_size=1, max_size=20))
def test_the_order_is_the_contracts_and_the_score_agrees(found: list[Mode]) -> None:
    ordered = modes.ordered(found)
    assert [rule(one) for one in ordered] == sorted((rule(one) for one in set(found)), reverse=True)
    assert [one.score for one in ordered] == sorted((one.score for one in ordered), reverse=True)
    for one, other in product(ordered, repeat=2):
        assert (one.score > other.score) == (rule(one) > rule(other))


def test_a_range_of_sizes_is_its_ends_and_the_usual_ones_that_its_step_reaches() -> None:
    stepped = Size(160, 120, (1920, 1080), (160, 120))
    assert modes.sizes([stepped]) == [
        (160, 120), (320, 240), (640, 360), (640, 480), (800, 600), (1280, 720), (1280, 960), (1920, 1080),
    ]  # fmt: skip
    assert modes.sizes([Size(100, 100, (200, 200), (7, 7))]) == [(100, 100), (200, 200)]
    free = modes.sizes([Size(1, 1, (1000, 1000))])
    assert (640, 480) in free
    assert (1280, 720) not in free
    assert modes.sizes([Size(640, 480), Size(640, 480), Size(0, 0)]) == [(640, 480)]


def test_a_range_of_rates_is_its_ends_and_the_usual_ones_that_its_step_reaches() -> None:
    free = Interval(Fraction(1, 90), Fraction(1, 12))
    assert modes.rates([free]) == [90, 60, 50, 30, 25, 20, 15, 12]
    stepped = Interval(Fraction(1, 60), Fraction(1, 10), Fraction(1, 60))
    assert modes.rates([stepped]) == [60, 30, 20, 15, 10]
    assert modes.rates([Interval(Fraction(1001, 30000))]) == [Fraction(30000, 1001)]


@pytest.mark.parametrize(
    ("one", "caps"),
    [
        (mode((640, 480), 30), "video/x-raw,format=YUY2,width=640,height=480,framerate=30/1"),
        (mode((640, 480), Fraction(30000, 1001), JPEG), "image/jpeg,width=640,height=480,framerate=30000/1001"),
        (Mode("Y16", 64, 48, modes.UNKNOWN_RATE), "video/x-raw,format=GRAY16_LE,width=64,height=48"),
        (mode((64, 48), 5, H264), "video/x-h264,stream-format=byte-stream,width=64,height=48,framerate=5/1"),
    ],
)
def test_caps_say_the_mode(one: Mode, caps: str) -> None:
    assert one.caps == caps


def test_a_code_is_its_four_letters_and_back() -> None:
    assert fourcc(0x56595559) == "YUYV"
    assert code("YUYV") == 0x56595559
    assert fourcc(code("Y16")).strip() == "Y16"
    assert fourcc(code("Y16") | 1 << 31) == "Y16 ", "the big-endian mark is no letter"


@pytest.mark.parametrize(
    ("message", "about"),
    [
        (b"add@/devices/x\0ACTION=add\0SUBSYSTEM=video4linux\0DEVNAME=video0\0SEQNUM=7\0", True),
        (b"remove@/devices/x\0ACTION=remove\0SUBSYSTEM=video4linux", True),
        (b"libudev\0\xfe\xed\xca\xfe\x00\x00\0SUBSYSTEM=video4linux\0", True),
        (b"add@/devices/x\0ACTION=add\0SUBSYSTEM=usb\0PRODUCT=SUBSYSTEM=video4linux\0", False),
        (b"", False),
        (b"\xff" * 100, False),
    ],
)
def test_only_what_is_about_video_is_a_cue(message: bytes, about: bool) -> None:
    assert watch.Cues().add(message) is about


def test_every_announcement_that_waits_is_read_at_once() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.setblocking(False)
        cues = watch.Cues()
        assert cues.hear(ours) is False
        for message in (b"a\0SUBSYSTEM=usb\0", b"a\0SUBSYSTEM=video4linux\0", b"a\0SUBSYSTEM=net\0"):
            theirs.send(message)
        assert cues.hear(ours) is True
        assert cues.hear(ours) is False, "nothing is left"


def test_a_device_that_went_and_came_between_two_looks_is_another_plug() -> None:
    here = {path: nodes.Node(f"{path} 7", "", "Cam", "uvc") for path in ("/dev/video0", "/dev/video1", "/dev/video2")}
    cues = watch.Cues()
    for action, name in (("remove", "video0"), ("add", "video0"), ("add", "video1"), ("remove", "video2")):
        place = f"/devices/usb/video4linux/{name}"
        said = [f"{action}@{place}", f"ACTION={action}", f"DEVPATH={place}", "SUBSYSTEM=video4linux"]
        assert cues.add("\0".join(said).encode())
    assert watch.replugged(here, here, cues.again) == ["/dev/video0"]
    other = {**here, "/dev/video0": nodes.Node("/dev/video0 8", "", "Cam", "uvc")}
    assert watch.replugged(here, other, cues.again) == [], "it is seen as it is"
    assert watch.replugged({}, here, cues.again) == [], "it was seen to be gone"


@pytest.mark.parametrize(
    ("path", "device"),
    [
        ("/dev/video0", "/dev/video0"),
        ("//dev//./video0", "/dev/video0"),
        ("/dev/../etc/passwd", None),
        ("/etc/passwd", None),
        ("/dev", None),
        ("video0", None),
        ("/dev/video\0", None),
        ("", None),
    ],
)
def test_a_device_lies_below_dev(path: str, device: str | None) -> None:
    assert device_of(path) == device


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "may not open"), (errno.EBUSY, "for itself"), (errno.EIO, "answers with an error"), (2, "no node")],
)
def test_a_device_that_cannot_be_opened_says_why(number: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> Any:
        raise OSError(number, "Input/output error")

    monkeypatch.setattr(probe, "Device", refuse)
    answer = probe.camera("/dev/video0")
    assert words in answer["fault"]
    assert answer["hint"]
    assert answer["errno"] == number


def test_what_is_no_video_device_is_no_camera() -> None:
    assert probe.camera("/dev/null") == {"camera": None}


def test_the_kernels_list_of_capture_devices() -> None:
    text = (
        "00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1\n"
        "00-03: HDMI 0 : HDMI 0 : playback 1\n"
        "01-00: USB Audio : USB Audio : capture 1\nnonsense\n"
    )
    assert alsa.kernel(text) == ["hw:0,0", "hw:1,0"]
    assert alsa.kernel("") == []
