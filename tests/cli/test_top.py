"""`flexctl top`: its pictures, its keys, its lines in a pipe, and a terminal that is always given back in order."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flexclient import Change, Row
from flexclient.errors import Unauthorized, Unreachable
from flexclient.models import ErrorCode, Event, Pipeline, PipelineStatus
from flexctl.live.board import Board
from flexctl.live.boxes import Changed, Failed, Logged, Looked, Said, untold
from flexctl.live.frame import Window as Frame
from flexctl.live.frame import frame
from flexctl.live.keys import Keys
from flexctl.live.panel import ORDERS, Deed, Panel, ordered, pressed, settled
from flexctl.live.screen import drawn, redrawn
from flexctl.out.style import Span, cells, paint
from flexctl.out.table import Look
from flexctl.views.top import TOP, Entry, sparkline
from tests.cli.fakebox import FakeBox, fake_box
from tests.cli.harness import NOW, flexctl, golden, terminal
from tests.cli.test_live import Lines, started
from tests.cli.test_pty import Window, window

PLAIN = Panel()
SIZES = ((120, 30), (80, 24), (40, 10))
RATES = (200, 900, 1500, 1900, 2000, 2013.4, 1990, 400, 1200, 2010)


def pipeline(name: str, state: str) -> Pipeline:
    order = "play" if state == "playing" else "armed"
    return Pipeline.model_validate({"id": name, "state": state, "order": order, "source": {"uri": "test://smpte"}})


def status(name: str, state: str, rate: float | None = None, **more: Any) -> PipelineStatus:
    stats = {"fps": 29.97, "bitrate_kbps": rate, "cpu_percent": 14.2, "rss_bytes": 42_991_616} if rate else None
    known = {"id": name, "state": state, "since": NOW - timedelta(seconds=200), "readers": 2 if rate else 0}
    return PipelineStatus.model_validate({**known, "stats": stats, **more})


def told(board: Board, found: PipelineStatus, ago: float = 0, box: str = "") -> Board:
    """The board after the box told a status."""
    rows = dict(board.boxes[box].rows)
    rows[found.id] = Row(found.id, found.state, rows[found.id].pipeline if found.id in rows else None, found)
    change = Change("event", rows, Event("pipeline_status", found, 1))
    return board.after(Changed(box, change), NOW - timedelta(seconds=ago))


def listed(board: Board, *pipelines: Pipeline, box: str = "") -> Board:
    rows = {made.id: Row(made.id, made.state, made) for made in pipelines}
    return board.after(Changed(box, Change("sync", rows)), NOW - timedelta(seconds=60))


def busy() -> Board:
    """A box with some of everything."""
    names = [pipeline(f"gate-{number:02}", "playing") for number in range(12)]
    rest = [pipeline("entrance-east-camera", "ready"), pipeline("broken", "error"), pipeline("yard", "playing")]
    board = listed(Board.of([""]), *names, *rest)
    board = board.after(Changed("", Change("live", board.boxes[""].rows)), NOW)
    for number, made in enumerate(names):
        for step in range(len(RATES)):
            rate = RATES[(step + number) % len(RATES)]
            board = told(board, status(made.id, "playing", rate), ago=len(RATES) - step)
    board = told(board, status("yard", "reconnecting", reason="no pictures from rtsp://10.0.0.7/main for 5 s"), 3)
    return board.after(Looked("", status("broken", "error", reason="udp://239.1.2.3:5000 sends nothing")), NOW)


def text(
    board: Board, panel: Panel = PLAIN, size: tuple[int, int] = (80, 24), *, unicode: bool = True, now: Any = NOW
) -> list[str]:
    """The picture as a person sees it."""
    window = Frame(Look(now, True, size[0], unicode), size[1])
    rows = ordered(board.entries(), panel, TOP.columns)
    panel = settled(panel, rows, window.rows(panel.mode))
    return [paint(line, color=False) for line in frame(board, panel, rows, window, "box:3539")]


class TestPicture:
    def test_at_three_sizes(self) -> None:
        parts = []
        for size in SIZES:
            for name, panel in (
                ("table", Panel(selected=("", "broken"))),
                ("question", Panel(mode="ask", selected=("", "gate-03"), order="state")),
                ("filter", Panel(mode="filter", filter="gate-1")),
                ("log", Panel(mode="logs", selected=("", "yard"), log=tuple(f"line {n}" for n in range(1, 41)))),
                ("help", Panel(mode="help")),
            ):
                lines = text(busy(), panel, size)
                assert len(lines) == size[1]
                assert all(cells(line) <= size[0] for line in lines), "it would be wrapped"
                parts.append(f"== {size[0]}x{size[1]} {name}\n" + "\n".join(lines))
        parts.append("== ASCII\n" + "\n".join(text(busy(), size=(120, 12), unicode=False)))
        golden("top-screens", "\n".join(parts) + "\n")

    def test_ascii_means_ascii(self) -> None:
        assert all(line.isascii() for line in text(busy(), size=(120, 30), unicode=False))

    @pytest.mark.parametrize("width", [20, 33, 60, 200])
    @pytest.mark.parametrize("height", [4, 11, 12])
    def test_it_never_outgrows_its_window(self, width: int, height: int) -> None:
        board = listed(busy(), *(pipeline(f"a-camera-with-an-endless-name-{n}" * 2, "playing") for n in range(60)))
        for mode in ("table", "help", "ask", "filter", "logs"):
            panel = Panel(mode=mode, selected=("", "yard"), filter="camera" * 10, log=("x" * 300,) * 50)
            lines = text(board, panel, (width, height))
            assert len(lines) <= height
            assert all(cells(line) <= width for line in lines)

    def test_nothing_yet_nothing_at_all_and_nothing_that_fits(self) -> None:
        assert any("Connecting" in line for line in text(Board.of([""])))
        assert any("There are no pipelines" in line for line in text(listed(Board.of([""]))))
        assert any("Nothing has “zzz”" in line for line in text(busy(), Panel(filter="zzz")))

    def test_a_lost_connection_says_since_when_and_why(self) -> None:
        rows = busy().boxes[""].rows
        lost = Change("stale", rows, error=Unreachable("cannot reach the box: no route"), retry_in=1.0)
        board = busy().after(Changed("", lost), NOW).after(Changed("", lost), NOW + timedelta(seconds=9))
        lines = text(board, now=NOW + timedelta(seconds=12))
        assert lines[-1].startswith(f"○ stale since {NOW.astimezone():%H:%M:%S} (12s) cannot reach the box: no route")
        assert any("gate-03" in line for line in lines), "what was known stays"
        back = board.after(Changed("", Change("live", rows)), NOW)
        assert text(back)[-1].startswith("● live")

    def test_many_boxes_stand_in_one_table_and_the_lost_one_is_named(self) -> None:
        board = listed(Board.of(["lab", "roof"]), pipeline("cam1", "playing"), box="lab")
        assert text(board)[-1].startswith("● live 1 of 2")
        board = board.after(Failed("roof", Unreachable("cannot reach the roof"), False), NOW)
        lines = text(board)
        assert lines[1].split()[0] == "CONTEXT"
        assert lines[-1].startswith("○ roof: not reached  ? help  q quit"), "nothing of it is shown that could be old"
        gone = board.after(Failed("lab", Unreachable("cannot reach the lab"), False), NOW)
        assert text(gone)[-1].startswith("○ lab stale since")

    def test_boxes_without_anything_to_show_say_why_and_leave_room_for_the_keys(self) -> None:
        board = listed(Board.of(["lab", "off", "yard"]), pipeline("cam1", "playing"), box="lab")
        board = board.after(
            Failed("yard", Unauthorized("log in first", status=401, code=ErrorCode.UNAUTHORIZED), True), NOW
        )
        board = board.after(Failed("off", Unreachable("cannot reach it: Connection refused"), False), NOW)
        assert text(board, size=(80, 12))[-1].startswith("○ off: refused, yard: log in  ? help  q quit  p play")

    @pytest.mark.parametrize(
        ("rates", "bars"),
        [((), ""), ((0, 0), "▁▁"), ((5, 5), "██"), ((0, 50, 100), "▁▅█"), (tuple(range(100)), "████")],
    )
    def test_a_sparkline_goes_from_nothing_to_the_highest(self, rates: tuple[float, ...], bars: str) -> None:
        assert sparkline(rates, 4) == bars

    def test_rates_are_bounded(self) -> None:
        board = busy()
        for _ in range(100):
            board = told(board, status("gate-00", "playing", 1000))
        [entry] = [entry for entry in board.entries() if entry.id == "gate-00"]
        assert len(entry.rates) == 32

    def test_what_was_deleted_is_forgotten(self) -> None:
        board = listed(busy(), pipeline("yard", "playing"))
        assert set(board.boxes[""].known) <= {"yard"}

    def test_an_old_look_does_not_hide_a_new_state(self) -> None:
        board = busy().after(Looked("", status("entrance-east-camera", "error", reason="old")), NOW)
        [entry] = [entry for entry in board.entries() if entry.id == "entrance-east-camera"]
        assert (str(entry.state), entry.status) == ("ready", None)

    def test_only_what_does_not_tell_is_asked_for(self) -> None:
        rows = [
            Row("a", pipeline("a", "ready").state),
            Row("b", pipeline("b", "playing").state, None, status("b", "playing")),
        ]
        assert untold(rows, {}, live=True) == [("a", "ready")]
        assert untold(rows, {"a": "ready"}, live=True) == []
        assert untold(rows, {"a": "ready"}, live=False) == [("a", "ready")]


class TestKeys:
    def rows(self, panel: Panel = PLAIN) -> list[Entry]:
        return ordered(busy().entries(), panel, TOP.columns)

    def after(self, *keys: str, panel: Panel = PLAIN, room: int = 5) -> tuple[Panel, Deed | None]:
        deed: Deed | None = None
        panel = settled(panel, self.rows(panel), room)
        for key in keys:
            panel, deed = pressed(panel, key, self.rows(panel), room)
            panel = settled(panel, self.rows(panel), room)
        return panel, deed

    @pytest.mark.parametrize(
        ("keys", "chosen", "first"),
        [
            ((), "broken", 0),
            (("down",), "entrance-east-camera", 0),
            (("j", "j", "k"), "entrance-east-camera", 0),
            (("up",), "broken", 0),
            (("end",), "yard", 10),
            (("G", "g"), "broken", 0),
            (("page down",), "gate-03", 1),
            (("page down", "page down", "page up", "page up", "page up"), "broken", 0),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
    )
    def test_moving(self, keys: tuple[str, ...], chosen: str, first: int) -> None:
        panel, _ = self.after(*keys)
        assert (panel.selected, panel.first) == (("", chosen), first)

    def test_the_selection_stays_with_its_pipeline(self) -> None:
        panel, _ = self.after("j", "j", "o")
        assert panel.selected == ("", "gate-00")
        panel = settled(Panel(selected=("", "gone"), index=3), self.rows(), 5)
        assert panel.selected == ("", "gate-01"), "what is gone leaves its place to the next one"
        assert settled(panel, [], 5).selected is None

    def test_deeds(self) -> None:
        assert self.after("p")[1] == Deed("play", ("", "broken"))
        assert self.after("l")[1] == Deed("logs", ("", "broken"))
        assert self.after("q")[1] == Deed("quit")
        assert pressed(Panel(), "p", [], 5)[1] is None

    @pytest.mark.parametrize(
        ("answer", "deed"), [("y", Deed("stop", ("", "broken"))), ("n", None), ("enter", None), ("esc", None)]
    )
    def test_stopping_asks_first(self, answer: str, deed: Deed | None) -> None:
        panel, nothing = self.after("s")
        assert (panel.mode, nothing) == ("ask", None)
        panel, found = self.after("s", answer)
        assert (panel.mode, found) == ("table", deed)

    def test_the_filter(self) -> None:
        panel, _ = self.after("/", *"gate-1", "x", "backspace", "enter")
        assert [row.id for row in self.rows(panel)] == ["gate-10", "gate-11"]
        assert self.after("/", "q")[0].filter == "q", "letters are letters while one types"
        assert self.after("esc", panel=panel)[0].filter == ""
        assert self.after("/", *"ab", "clear", "c")[0].filter == "c"
        assert [row.id for row in self.rows(Panel(filter="NO PICTURES"))] == ["yard"], "reasons count too"

    def test_orders(self) -> None:
        panel, seen = Panel(), []
        for _ in ORDERS:
            panel, _ = self.after("o", panel=panel)
            seen.append(panel.order)
        assert sorted(seen) == sorted(ORDERS)
        by_state = [str(row.state) for row in self.rows(Panel(order="state"))]
        assert by_state[:3] == ["error", "reconnecting", "playing"]
        rates = [
            row.status.stats.bitrate_kbps
            for row in self.rows(Panel(order="bitrate_kbps"))[:3]
            if row.status and row.status.stats
        ]
        assert rates == sorted(rates, reverse=True)  # type: ignore[type-var]
        last = self.rows(Panel(order="bitrate_kbps", turned=True))[-1]
        assert not (last.status and last.status.stats), "what has no value comes last"

    def test_the_log_stays_at_its_end_until_one_scrolls(self) -> None:
        log = tuple(f"line {number}" for number in range(20))
        panel, _ = self.after(panel=Panel(mode="logs", selected=("", "yard"), log=log))
        assert panel.first == 15
        panel, _ = self.after("k", panel=panel)
        assert (panel.first, panel.following) == (14, False)
        assert self.after("r", panel=panel)[1] == Deed("logs", ("", "yard"))
        assert self.after("q", panel=panel)[0].mode == "table"

    @pytest.mark.parametrize(
        ("data", "keys"),
        [
            (b"jk", ["j", "k"]),
            (b"\x1b[A\x1bOB", ["up", "down"]),
            (b"\x1b[5~\x1b[1;5H\x1b[F", ["page up", "end"]),
            (b"\r\x7f\x15", ["enter", "backspace", "clear"]),
            ("ü€".encode(), ["ü", "€"]),
            (b"\x1b[200~x", ["x"]),
            (b"\x01\x1bx", []),
        ],
    )
    def test_what_a_terminal_sends(self, data: bytes, keys: list[str]) -> None:
        assert Keys().read(data) == keys
        bit_by_bit = Keys()
        assert [key for byte in data for key in bit_by_bit.read(bytes([byte]))] == keys

    def test_a_lone_escape_is_the_key(self) -> None:
        keys = Keys()
        assert keys.read(b"\x1b") == []
        assert keys.pending
        assert keys.settled() == ["esc"]
        assert keys.read(b"\x1b[") == []
        assert keys.read(b"A") == ["up"]


class TestRedrawing:
    @pytest.mark.parametrize("seed", range(30))
    def test_a_terminal_shows_the_new_picture(self, seed: int) -> None:
        import random

        import pyte

        chance = random.Random(seed)
        screen = pyte.Screen(20, 8)
        stream = pyte.Stream(screen)
        old: list[tuple[str, int]] = []
        stream.feed("before\r\n" * chance.randrange(12))
        lines: list[str] = []
        for _ in range(8):
            lines = [
                "".join(chance.choices("ab é●", k=chance.choice([0, 3, 20]))).rstrip()
                for _ in range(chance.randrange(8))
            ]
            new = [drawn([Span(line)], 20, color=False) for line in lines]
            stream.feed(redrawn(old, new, 20).replace("\n", "\r\n"))
            old = new
        shown = [line.rstrip() for line in screen.display]
        last = screen.cursor.y + 1
        assert shown[last - max(len(lines), 1) : last] == (lines or [""])
        assert not any(shown[last:]), "below it nothing is left over"

    def test_what_did_not_change_is_not_sent(self) -> None:
        old = [drawn([Span(line)], 20, color=False) for line in ("one", "two", "three")]
        assert redrawn(old, old, 20) == ""
        new = [*old[:1], drawn([Span("TWO")], 20, color=False), *old[2:]]
        assert "one" not in redrawn(old, new, 20)
        assert "TWO" in redrawn(old, new, 20)


def modes(win: Window) -> tuple[bool, bool]:
    """Whether the terminal echoes, and takes whole lines."""
    flags = termios.tcgetattr(win.child.child_fd)[3]
    return bool(flags & termios.ECHO), bool(flags & termios.ICANON)


@contextmanager
def watching(box: FakeBox, *argv: str, **more: Any) -> Iterator[Window]:
    """`top` once it is live; afterwards the terminal is as it was."""
    with window(box, "top", *argv, **more) as win:
        win.has("● live")
        box.wait_for(lambda: box.streams > 0)
        yield win


def ended(win: Window) -> int:
    """The exit code, of a terminal that was given back in order."""
    code = win.end()
    assert "Traceback" not in win.raw
    assert not win.screen.cursor.hidden
    assert win.raw.rstrip().rfind("\x1b[?1049l") > win.raw.rfind("\x1b[?1049h")
    return code


class TestTerminal:
    @pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
    def test_it_follows_the_box_and_quits(self, box: FakeBox, size: tuple[int, int]) -> None:
        with watching(box, size=size) as win:
            assert modes(win) == (False, False)
            box.set_state("broken", "playing", stats={"fps": 25.0, "bitrate_kbps": 2400.0})
            win.until(lambda lines: any("broken" in line and "2.4 Mbit/s" in line for line in lines))
            box.add("late")
            lines = win.has("late")
            assert len(lines) == size[1]
            win.child.send("q")
            assert ended(win) == 0

    def test_keys_play_stop_and_show_logs(self, box: FakeBox) -> None:
        with watching(box) as win:
            win.has("▌ broken")
            win.child.send("p")
            win.has("broken is playing")
            assert box.pipelines["broken"]["state"] == "playing"
            win.child.send("\x1b[B")
            win.has("▌ cam1")
            win.child.send("s")
            win.has("Stop cam1? y/N")
            win.child.send("n")
            win.has("nothing was stopped")
            assert box.pipelines["cam1"]["state"] == "playing"
            win.child.send("sy")
            win.has("cam1 is stopped")
            assert box.pipelines["cam1"]["state"] == "ready"
            win.child.send("l")
            win.has("Log of cam1", "worker: playing")
            assert "\x1b[31mevil" not in win.raw, "a log steers no terminal"
            win.child.send("q?")
            win.has("Keys", "Any key goes back")
            win.child.send("x/yyy\x1b")
            win.until(lambda lines: lines[1].split()[:1] == ["ID▴"] and not lines[-1].startswith("/"))
            win.child.send("o")
            win.has("STATE▴")
            win.child.send("q")
            assert ended(win) == 0

    def test_what_the_box_refuses_is_said(self, box: FakeBox) -> None:
        from tests.cli.fakebox import Fault

        with watching(box) as win:
            box.fail = Fault(402, "LICENSE_LIMIT_EXCEEDED", "one stream is licensed, and it plays")
            win.child.send("p")
            win.has("broken: one stream is licensed, and it plays")
            win.child.send("q")
            assert ended(win) == 0

    def test_a_lost_box_is_stale_and_comes_back(self, box: FakeBox) -> None:
        with watching(box) as win:
            box.stop()
            win.has("○ stale since", "cam1")
            box.set_state("cam1", "reconnecting")
            box.start()
            win.has("● live", "◐ reconnecting")

    def test_another_window(self, box: FakeBox) -> None:
        with watching(box, size=(120, 30)) as win:
            win.has("MEMORY")
            win.resize(40, 10)
            lines = win.until(lambda lines: bool(lines[0]) and not any("MEMORY" in line for line in lines))
            assert sum("ID▴" in line for line in lines) == 1
            win.resize(120, 30)
            win.has("MEMORY", "● live")
            win.child.send("q")
            assert ended(win) == 0

    @pytest.mark.parametrize(
        ("end", "code"),
        [
            (lambda win: win.child.sendintr(), 130),
            (lambda win: win.child.kill(signal.SIGTERM), 128 + signal.SIGTERM),
            (lambda win: win.child.kill(signal.SIGHUP), 128 + signal.SIGHUP),
        ],
        ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
    )
    def test_however_it_ends_the_terminal_is_in_order(
        self, box: FakeBox, end: Callable[[Window], object], code: int
    ) -> None:
        with watching(box) as win:
            end(win)
            win.until(lambda _: "\x1b[?1049l" in win.raw and modes(win) == (True, True))
            assert ended(win) == code

    def test_a_fault_of_its_own_is_told_on_a_terminal_in_order(self, box: FakeBox, tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(
            "import flexctl.live.frame as frame\n"
            "def broken(*_):\n    raise ZeroDivisionError('on purpose')\n"
            "frame._headline = broken\n"
        )
        with window(box, "top", PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path])) as win:
            code = win.end()
            assert code == 1
            assert not win.screen.cursor.hidden
            assert win.raw.index("\x1b[?1049l") < win.raw.index("on purpose"), "it is told where it stays"

    def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(self, box: FakeBox) -> None:
        with watching(box) as win:
            win.child.send("\x1a")
            win.until(lambda _: win.raw.endswith("\x1b[?1049l"))
            win.child.kill(signal.SIGCONT)
            win.until(lambda _: win.raw.rfind("\x1b[?1049h") > win.raw.rfind("\x1b[?1049l"))
            box.add("after")
            win.has("after", "● live")
            win.child.send("q")
            assert ended(win) == 0

    def test_a_box_that_is_off_is_exit_7(self, box: FakeBox) -> None:
        with window(box, "top", FLEX_URL="http://127.0.0.1:9") as win:
            assert ended(win) == 7
            assert "cannot reach" in win.raw.rpartition("\x1b[?1049l")[2]

    def test_without_colour(self, box: FakeBox) -> None:
        with watching(box, NO_COLOR="1") as win:
            win.child.send("q")
            assert ended(win) == 0
            assert "\x1b[3" not in win.raw

    def test_a_time_limit(self, box: FakeBox) -> None:
        with window(box, "top", "--for", "1s") as win:
            assert ended(win) == 0


class TestOnce:
    @pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "ndjson", "csv", "name"])
    def test_every_form(self, box: FakeBox, form: str) -> None:
        ran = flexctl("top", "--once", "-o", form, url=box.url)
        assert ran.code == 0
        golden(f"top-once-{form}", ran.out)

    def test_on_terminals(self, box: FakeBox) -> None:
        runs = [flexctl("top", "--once", url=box.url, on=terminal(width)).out for width in (120, 80, 60, 40)]
        golden("top-once-terminal", "\n".join(runs))

    def test_filter_order_and_columns(self, box: FakeBox) -> None:
        assert flexctl("top", "--once", "--filter", "err", "-o", "name", url=box.url).out == "broken\n"
        ran = flexctl("top", "--once", "--sort-by", "-id", "--columns", "id,fps", "-o", "csv", url=box.url)
        rows = list(csv.reader(io.StringIO(ran.out)))
        assert rows == [["id", "fps"], ["entrance-east-camera", ""], ["cam1", "29.97"], ["broken", ""]]
        assert flexctl("top", "--once", "--sort-by", "colour", url=box.url).code == 2

    def test_an_empty_box(self, box: FakeBox) -> None:
        box.pipelines.clear()
        ran = flexctl("top", "--once", url=box.url)
        assert (ran.code, ran.out) == (0, "")
        assert "There are no pipelines." in ran.err
        assert flexctl("top", "--once", "-o", "json", url=box.url).out == "[]\n"

    def test_a_box_with_the_documented_api_alone(self, old_box: FakeBox) -> None:
        [first, *_] = json.loads(flexctl("top", "--once", "-o", "json", url=old_box.url).out)
        assert first["id"] == "broken"

    def test_errors(self) -> None:
        assert flexctl("top", "--once", url="http://127.0.0.1:9").code == 7
        assert flexctl("top", "--interval", "0").code == 2

    def test_many_boxes_of_which_one_is_off(self, box: FakeBox, tmp_path: Path) -> None:
        with fake_box() as other:
            other.add("yard", state="playing")
            env = contexts(tmp_path, lab=box.url, roof=other.url, off="http://127.0.0.1:9")
            ran = flexctl("top", "--once", "--context", "lab,off,roof", **env)
            assert ran.code == 7
            assert ran.out.splitlines()[0].startswith("CONTEXT")
            assert [line.split()[:2] for line in ran.out.splitlines()[1:]] == [
                ["lab", "broken"],
                ["lab", "cam1"],
                ["lab", "entrance-east-camera"],
                ["roof", "yard"],
            ]
            assert "off: cannot reach" in ran.err
            data = json.loads(flexctl("top", "--once", "--context", "lab,roof", "-o", "json", **env).out)
            assert {name: len(rows) for name, rows in data.items()} == {"lab": 3, "roof": 1}
            lines = flexctl("top", "--once", "--context", "lab,roof", "-o", "ndjson", **env).out.splitlines()
            assert [json.loads(line)["context"] for line in lines] == ["lab", "lab", "lab", "roof"]


def contexts(folder: Path, **boxes: str) -> dict[str, Any]:
    """The environment of a person who has saved these boxes."""
    file = folder / "contexts.toml"
    file.write_text("".join(f'[contexts.{name}]\nurl = "{url}"\n' for name, url in boxes.items()))
    file.chmod(0o600)
    return {"FLEX_CONFIG_DIR": str(folder), "FLEX_URL": ""}


class TestPipe:
    def test_a_line_for_each_pipeline_and_one_for_each_change(self, box: FakeBox) -> None:
        with started(box, "top", "--interval", "50ms") as process:
            lines = Lines(process)
            assert [lines.next()["id"] for _ in range(3)] == ["broken", "cam1", "entrance-east-camera"]
            box.wait_for(lambda: box.streams == 1)
            box.set_state("broken", "playing", stats={"fps": 12.5})
            line = lines.next()
            while line["id"] != "broken" or "stats" not in line:
                line = lines.next()  # statuses that were asked for come first
            assert (line["state"], line["stats"]["fps"]) == ("playing", 12.5)
            assert line["at"].endswith("Z")
            del box.pipelines["cam1"]
            box.emit("pipeline_deleted", {"id": "cam1"})
            while "deleted" not in line:
                line = lines.next()
            assert (line["id"], line["deleted"]) == ("cam1", True)
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.wait(15) == 0
            assert process.stderr.read() == ""

    def test_it_counts_lines(self, box: FakeBox) -> None:
        ran = flexctl("top", "--count", "2", url=box.url)
        assert (ran.code, len(ran.out.splitlines())) == (0, 2)

    def test_a_form_that_it_has_not(self, box: FakeBox) -> None:
        ran = flexctl("top", "-o", "csv", url=box.url)
        assert (ran.code, ran.out) == (2, "")

    def test_without_a_keyboard_it_says_what_to_do(self, box: FakeBox) -> None:
        from dataclasses import replace

        ran = flexctl("top", url=box.url, on=replace(terminal(80), stdin=False))
        assert ran.code == 2
        assert "--once" in ran.err


def test_answers_and_logs_change_no_board() -> None:
    board = busy()
    assert board.after(Said("done"), NOW) is board
    assert board.after(Logged("", "yard", "text"), NOW) is board


def test_ten_seconds_of_two_hundred_pipelines_cost_less_than_a_tenth_of_a_core() -> None:
    """Twenty events a second are taken in and two pictures a second are drawn: the work of it, without the network."""
    import time

    names = [f"camera-{number:03}" for number in range(200)]
    board = listed(Board.of([""]), *(pipeline(name, "playing") for name in names))
    events = [status(names[number % 200], "playing", 1000.0 + number) for number in range(200)]
    began = time.process_time()
    shown: list[tuple[str, int]] = []
    for number, found in enumerate(events):
        board = told(board, found)
        if number % 10 == 0:
            lines = [drawn([Span(line)], 120, color=True) for line in text(board, size=(120, 40))]
            assert redrawn(shown, lines, 120)
            shown = lines
    assert time.process_time() - began < 1.0
