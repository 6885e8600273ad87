"""flexctl on a terminal, as a person sees it: drawn by a terminal emulator and read from its screen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

from tests.cli.fakebox import FakeBox


class Window:
    """A terminal window with flexctl in it."""

    def __init__(self, box: FakeBox, *argv: str, size: tuple[int, int] = (80, 24), **env: str) -> None:
        columns, lines = size
        clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}}
        self.child: Any = pexpect.spawn(
            sys.executable,
            ["-m", "flexctl", *argv],
            dimensions=(lines, columns),
            env={**clean, "TERM": "xterm-256color", "FLEX_URL": box.url, "LC_ALL": "C.UTF-8", **env},
            encoding="utf-8",
            timeout=20,
        )
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.Stream(self.screen)
        self.raw = ""

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what came; False at the end."""
        try:
            text = self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += text
        self.stream.feed(text)
        return True

    def until(self, seen: Callable[[list[str]], bool], seconds: float = 20) -> list[str]:
        """Read until the screen looks so."""
        end = time.monotonic() + seconds
        while not seen(self.lines):
            assert time.monotonic() < end, "\n".join(self.lines)
            if not self.read():
                assert seen(self.lines), "it ended:\n" + "\n".join(self.lines)
        return self.lines

    def has(self, *texts: str) -> list[str]:
        return self.until(lambda lines: all(any(text in line for line in lines) for text in texts))

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)

    def end(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + 20
        while self.read(0.2):
            assert time.monotonic() < end, "it goes on:\n" + "\n".join(self.lines)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)


@contextmanager
def window(box: FakeBox, *argv: str, size: tuple[int, int] = (80, 24), **env: str) -> Iterator[Window]:
    found = Window(box, *argv, size=size, **env)
    try:
        yield found
    finally:
        found.child.close(force=True)


def test_a_live_list_follows_the_box_and_ends_with_ctrl_c(box: FakeBox) -> None:
    with window(box, "pipeline", "list", "--watch", size=(110, 20)) as win:
        win.has("ID", "● playing", "entrance-east-camera", "● live")
        box.wait_for(lambda: box.streams == 1)
        box.set_state("broken", "playing")
        win.until(
            lambda lines: any("broken" in line and "● playing" in line and "2.0 Mbit/s" in line for line in lines)
        )
        box.add("late")
        win.has("late")
        win.child.sendintr()
        assert win.end() == 130
        assert "Traceback" not in win.raw
        assert sum("entrance-east-camera" in line for line in win.lines) == 1, "the last picture stays, once"
        assert not win.screen.cursor.hidden


def test_a_live_list_says_when_it_is_stale_and_comes_back_by_itself(box: FakeBox) -> None:
    with window(box, "pipeline", "list", "--watch") as win:
        win.has("● live")
        box.wait_for(lambda: box.streams == 1)
        box.stop()
        win.has("stale since", "cam1")
        box.set_state("cam1", "reconnecting")
        box.start()
        win.has("● live", "◐ reconnecting")


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_live_list_fits_its_window(box: FakeBox, columns: int) -> None:
    for number in range(40):
        box.add(f"camera-{number:02}")
    with window(box, "pipeline", "list", "--watch", size=(columns, 12)) as win:
        lines = win.has(" more", "● live")
        assert lines[0].startswith("ID")


def test_a_live_list_is_drawn_anew_when_the_window_changes(box: FakeBox) -> None:
    with window(box, "pipeline", "list", "--watch", size=(120, 20)) as win:
        win.has("WATCH", "● live")
        win.resize(40, 10)
        lines = win.until(lambda lines: bool(lines[0]) and not any("WATCH" in line for line in lines))
        assert lines[0].startswith("ID")
        assert sum(line.startswith("ID") for line in lines) == 1
        win.resize(120, 20)
        lines = win.has("WATCH")
        assert sum(line.startswith("ID") for line in lines) == 1


def test_live_events_keep_their_heading_and_the_newest_lines(box: FakeBox) -> None:
    with window(box, "events", "--since", "0", size=(80, 10)) as win:
        win.has("TIME", "EVENT", "cam1", "● live")
        for number in range(30):
            box.add(f"camera-{number:02}")
        lines = win.has("camera-29")
        assert lines[0].startswith("TIME")
        box.emit("pipeline_error", {"id": "cam1", "message": "source is gone"})
        win.has("pipeline_error", "source is gone")
        win.child.sendintr()
        assert win.end() == 130


def test_events_scroll_where_that_is_wished(box: FakeBox) -> None:
    with window(box, "events", "--since", "0", "--scroll", "--count", "3", size=(80, 10)) as win:
        assert win.end() == 0
        assert sum("pipeline_created" in line for line in win.lines) == 3


def test_a_dumb_terminal_gets_lines_without_any_control(box: FakeBox) -> None:
    with window(box, "events", "--since", "0", "--count", "3", TERM="dumb") as win:
        assert win.end() == 0
        assert "\x1b" not in win.raw


def test_no_color_means_none(box: FakeBox) -> None:
    with window(box, "pipeline", "list", NO_COLOR="1") as win:
        assert win.end() == 0
        assert "● playing" in win.raw
        assert "\x1b" not in win.raw
    with window(box, "pipeline", "list") as win:
        assert win.end() == 0
        assert "\x1b[32m● playing" in win.raw


def test_a_termination_leaves_the_terminal_in_order(box: FakeBox) -> None:
    with window(box, "pipeline", "list", "--watch") as win:
        win.has("● live")
        win.child.kill(signal.SIGTERM)
        assert win.end() == 128 + signal.SIGTERM
        assert not win.screen.cursor.hidden


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_deleting_asks_first(box: FakeBox, answer: str, code: int) -> None:
    with window(box, "pipeline", "delete", "cam1") as win:
        win.has("Delete pipeline cam1? [y/N]")
        assert "cam1" in box.pipelines
        win.child.sendline(answer)
        assert win.end() == code
        assert ("cam1" in box.pipelines) == bool(code)


def test_a_password_is_asked_for_and_never_shown(box: FakeBox) -> None:
    argv = ("pipeline", "create", "new", "--source", "rtsp://cam/1", "--source-user", "me")
    with window(box, *argv) as win:
        win.has("Password of me")
        win.child.sendline("canary-7f3a9")
        assert win.end() == 0
        assert "canary-7f3a9" not in win.raw
    [body] = [body for method, _, _, body in box.requests if method == "POST"]
    assert b'"password":"canary-7f3a9"' in body


def test_ctrl_c_at_the_password_leaves_a_clean_line(box: FakeBox) -> None:
    argv = ("pipeline", "update", "cam1", "--source-user", "me")
    with window(box, *argv) as win:
        win.has("Password of me")
        win.child.sendintr()
        assert win.end() == 130
        assert win.raw.endswith("\n")
        assert not box.requests


def test_ctrl_c_at_the_question_deletes_nothing(box: FakeBox) -> None:
    with window(box, "pipeline", "delete", "cam1") as win:
        win.has("[y/N]")
        win.child.sendintr()
        assert win.end() == 130
        assert "cam1" in box.pipelines
        assert "Traceback" not in win.raw


def test_a_picture_is_not_poured_over_a_terminal(box: FakeBox, tmp_path: Path) -> None:
    with window(box, "pipeline", "snapshot", "cam1", "-") as win:
        assert win.end() == 2
        assert "nothing for a terminal" in win.raw
    file = tmp_path / "still.jpg"
    with window(box, "pipeline", "snapshot", "cam1", str(file)) as win:
        assert win.end() == 0
    assert file.read_bytes().startswith(b"\xff\xd8")


def test_the_last_screen_can_be_kept_as_a_picture(box: FakeBox, tmp_path: Path) -> None:
    file = tmp_path / "live.svg"
    with window(box, "pipeline", "list", "--watch", "--for", "3s", "--save-svg", str(file), size=(100, 20)) as win:
        assert win.end() == 0
    picture = file.read_text()
    assert picture.startswith("<svg")
    assert "cam1" in picture
