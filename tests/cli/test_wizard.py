"""The questions of `flexctl pipeline create`: what is asked, what comes of it, going back, and a real terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any

import pytest

from flexclient.models import Camera, CameraCapability
from flexctl.manifest import flags
from flexctl.wizard.questions import command_words, given_by, next_question, suggested_id, suggested_rate
from tests.cli.desk import Desk
from tests.cli.fakebox import FakeBox
from tests.cli.harness import Ran, flexctl, golden, terminal, transcript
from tests.cli.test_pty import window

CREATE = ("pipeline", "create")


def talk(box: FakeBox, *lines: str, more: tuple[str, ...] = (), width: int = 80) -> Ran:
    """Type these lines at it; the last one ends with Enter, too."""
    return flexctl(*CREATE, *more, url=box.url, on=terminal(width), stdin="".join(f"{line}\n" for line in lines))


def sent(box: FakeBox) -> list[dict[str, Any]]:
    return [json.loads(body) for method, _, _, body in box.requests if method == "POST"]


class Knowing:
    """A box with one camera."""

    ids: Sequence[str] = ("cam1", "gate")

    def cameras(self) -> Sequence[Camera]:
        return (Camera(path="/dev/video2", name="HD Webcam", driver="uvcvideo", format_count=2),)

    def modes(self, path: str) -> Sequence[CameraCapability]:
        made = [("MJPG", 1280, 720, 30.0), ("YUYV", 640, 480, 15.0)]
        return [
            CameraCapability(
                format=name, width=width, height=height, fps=fps, gstreamer_caps=f"caps-{name}", quality_score=1
            )
            for name, width, height, fps in made
        ]


def answered(**wanted: str) -> tuple[dict[str, str], list[str]]:
    """The answers of somebody who presses Enter unless `wanted` says something else; and the words that they are."""
    answers: dict[str, str] = {}
    while question := next_question(answers, Knowing()):
        answers[question.key] = question.read(wanted.get(question.key, ""))
    return answers, command_words(answers, Knowing())


class TestQuestions:
    def test_a_camera_is_suggested_with_what_it_can_do(self) -> None:
        answers, words = answered()
        assert answers["camera"] == "/dev/video2"
        line = "cam2 --source v4l2:///dev/video2 --size 1280x720 --fps 30 --bitrate 2M"
        assert words == shlex.split(line)

    def test_a_mode_that_is_not_the_best_is_asked_for(self) -> None:
        answers, words = answered(mode="2")
        assert words[1:5] == ["--source", "v4l2:///dev/video2", "--caps", "caps-YUYV"]
        assert (answers["size"], answers["fps"]) == ("640x480", "15")

    @pytest.mark.parametrize(
        ("answers", "line"),
        [
            ({"kind": "rtsp", "address": "rtsp://a/1", "user": "me"}, "--source rtsp://a/1 --source-user me"),
            ({"kind": "test", "pattern": "ball"}, "--source test://ball"),
            ({"kind": "test", "pattern": "gradient"}, "--source test://gradient"),
            ({"kind": "file", "path": "/a/b c.mp4"}, "--source file:///a/b%20c.mp4 --loop"),
            ({"kind": "file", "path": "/a/b.mp4", "loop": "no"}, "--source file:///a/b.mp4"),
            ({"kind": "udp", "address": "udp://239.1.2.3:5000"}, "--source udp://239.1.2.3:5000"),
        ],
    )
    def test_each_kind(self, answers: dict[str, str], line: str) -> None:
        _, words = answered(**answers)
        assert shlex.join(words[1 : words.index("--size")]) == line

    def test_the_words_are_what_the_options_are(self) -> None:
        wanted = {"kind": "test", "size": "source", "fps": "source", "text": "Gate 2", "clock": "yes", "when": "always"}
        _, words = answered(**wanted)
        assert flags.document(given_by(words[1:])) == {
            "source": {"uri": "test://smpte"},
            "encoding": {"width": 0, "height": 0, "fps": 0, "bitrate": 4500},
            "overlay": {"text": "Gate 2", "timestamp": True},
            "on_demand": False,
        }

    @pytest.mark.parametrize(
        ("key", "bad"),
        [
            *(("id", "gate"), ("id", "a/b"), ("id", "x" * 65), ("size", "big"), ("fps", "0"), ("fps", "fast")),
            *(("bitrate", "0"), ("bitrate", "much"), ("kind", "9"), ("kind", "zzz"), ("camera", "/etc/passwd")),
            *(("when", "never"), ("clock", "perhaps"), ("mode", "8k")),
        ],
    )
    def test_what_cannot_be_is_asked_again(self, key: str, bad: str) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            answered(**{key: bad})

    @pytest.mark.parametrize("address", ["", "http://a", "rtsp://me:canary@a/1", "rtsp:///1", "udp://a:1"])
    def test_addresses_that_are_none(self, address: str) -> None:
        with pytest.raises(ValueError, match=r"^(?!.*canary)"):
            answered(kind="rtsp", address=address)

    def test_ids(self) -> None:
        assert suggested_id({"kind": "file", "path": "/a/my film.mp4"}, ()) == "my-film"
        assert suggested_id({"kind": "file", "path": "/a/gate.mp4"}, ("gate",)) == "gate1"
        assert suggested_id({"kind": "test"}, ("test1", "test2")) == "test3"

    def test_rates_are_round(self) -> None:
        rates = [suggested_rate(size, "30") for size in ("1920x1080", "1280x720", "640x480", "64x48", "0x0")]
        assert rates == ["4.5M", "2M", "650k", "100k", "100k"]


class TestConversation:
    def test_the_whole_of_it(self, box: FakeBox) -> None:
        lines = ("test", "ball", "", "1280x720", "", "", "Gate 2", "y", "", "yes")
        runs = [transcript(talk(box, *lines), *CREATE, note="80 columns")]
        box.pipelines.pop("test1")
        runs.append(transcript(talk(box, *lines, width=60), *CREATE, note="60 columns"))
        golden("wizard", "\n".join(runs))
        assert sent(box)[0]["overlay"] == {"text": "Gate 2", "timestamp": True}

    def test_the_line_that_it_shows_makes_the_same(self, box: FakeBox) -> None:
        ran = talk(box, "", "", "", "", "", "", "it's here", "", "", "")
        assert ran.code == 0, ran.err
        line = next(line for line in ran.err.splitlines() if line.startswith("  flexctl pipeline create"))
        box.pipelines.clear()
        assert flexctl(*shlex.split(line)[1:], url=box.url).code == 0
        first, second = sent(box)
        assert first == second

    def test_back_goes_back_and_forgets(self, box: FakeBox) -> None:
        ran = talk(box, "<", "rtsp", "<", "test", "ball", "one", "<", "two", "", "", "", "", "", "", "<", "always", "y")
        assert ran.code == 0, ran.err
        [body] = sent(box)
        assert (body["id"], body["source"]["uri"], body["on_demand"]) == ("two", "test://ball", False)
        assert "flexctl play two" in ran.err

    @pytest.mark.parametrize(("answer", "code"), [("no", 1), ("what", 130)])
    def test_nobody_agrees(self, box: FakeBox, answer: str, code: int) -> None:
        ran = talk(box, *[""] * 9, answer)
        assert (ran.code, sent(box)) == (code, [])

    def test_it_only_says_what_it_would_send(self, box: FakeBox) -> None:
        ran = talk(box, *[""] * 10, more=("--dry-run",))
        assert (ran.code, sent(box)) == (0, [])
        assert "POST http://box/flex/pipeline" in ran.out
        assert "flexctl play" not in ran.err

    def test_a_box_that_is_off_is_told_before_anything_is_asked(self) -> None:
        ran = flexctl(*CREATE, on=terminal(80))
        assert ran.code == 7
        assert "Where does" not in ran.err

    def test_scripts_are_never_asked(self, box: FakeBox) -> None:
        for ran in (flexctl(*CREATE, url=box.url), flexctl(*CREATE, "--quiet", url=box.url, on=terminal(80))):
            assert ran.code == 2
            assert "ID is missing" in ran.err
        assert flexctl(*CREATE, "--play", "--bitrate", "2M", url=box.url, on=terminal(80)).code == 2

    def test_a_camera_of_the_box(self, desk: Desk) -> None:
        from flexclient._fake.camera import webcam

        desk.box._box.password = None
        desk.box._box.cameras["/dev/video0"] = webcam("/dev/video0", "HD Webcam")
        ran = desk.run(*CREATE, stdin="\n" * 11, on=terminal(80))
        assert ran.code == 0, ran.err
        assert "one is plugged in" in ran.err
        assert "HD Webcam" in ran.err
        assert desk.box._box.kept["cam1"].spec.source.uri == "v4l2:///dev/video0"  # type: ignore[union-attr]


class TestTerminal:
    def test_a_person_answers(self, box: FakeBox) -> None:
        with window(box, *CREATE) as win:
            win.has("Where does the picture come from?", "Choose [test]:")
            win.child.sendline("rtsp")
            win.has("Its address")
            win.child.sendline("rtsp://cam/1")
            win.has("Its user")
            win.child.sendline("me")
            for asked in ("Its id", "Size of", "Pictures a second", "Bitrate", "Text to burn in", "Burn in the clock?"):
                win.has(asked)
                win.child.sendline("")
            win.has("When shall it encode?", "Choose [demand]:")
            win.child.sendline("")
            win.has("The same in one line:", "Make it? [yes]:")
            win.child.sendline("")
            win.has("Password of me")
            win.child.sendline("canary-7f3a9")
            assert win.end() == 0
            assert "canary" not in win.raw
        [body] = sent(box)
        assert body["source"] == {"uri": "rtsp://cam/1", "user": "me", "password": "canary-7f3a9"}

    def test_ctrl_c_makes_nothing(self, box: FakeBox) -> None:
        with window(box, *CREATE) as win:
            win.has("Choose [test]:")
            win.child.sendline("test")
            win.has("Choose [smpte]:")
            win.child.sendintr()
            assert win.end() == 130
            assert win.raw.endswith("\n")
            assert "Traceback" not in win.raw
        assert sent(box) == []

    def test_the_end_of_the_input_is_an_end(self, box: FakeBox) -> None:
        with window(box, *CREATE) as win:
            win.has("Choose [test]:")
            win.child.sendeof()
            assert win.end() == 130
        assert sent(box) == []
