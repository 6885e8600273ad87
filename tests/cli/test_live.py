"""What changes while one looks: the pure model, and streams in a pipe, through a restart of the box."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from flexclient.models import Event, PipelineError, PipelineStatus, State
from flexctl.live.feed import Feed
from flexctl.live.model import Link, board_lines, log_lines, with_event
from flexctl.out.style import cells, paint
from flexctl.out.table import Look
from flexctl.views.event import Seen
from flexctl.views.pipeline import PIPELINE
from tests.cli.fakebox import FakeBox
from tests.cli.harness import NOW, flexctl


def status(name: str, state: str, number: int, **more: Any) -> Seen:
    data = PipelineStatus.model_validate({"id": name, "state": state, **more})
    return Seen(NOW + timedelta(seconds=number), Event("pipeline_status", data, number))


def text(lines: list[Any]) -> list[str]:
    return [paint(line, color=False) for line in lines]


class TestModel:
    def test_ticks_of_one_state_share_a_line_and_changes_get_their_own(self) -> None:
        log: tuple[Seen, ...] = ()
        for seen in (
            status("a", "playing", 1, stats={"fps": 30.0}),
            status("b", "playing", 2),
            status("a", "playing", 3, stats={"fps": 29.0}),
            status("a", "reconnecting", 4, reason="no pictures"),
            status("a", "playing", 5, restarts=1),
        ):
            log = with_event(log, seen)
        assert [seen.event.id for seen in log] == [3, 2, 4, 5]

    def test_an_error_between_two_ticks_keeps_both(self) -> None:
        error = Seen(NOW, Event("pipeline_error", PipelineError(message="gone", id="a"), 2))
        log = with_event(with_event(with_event((), status("a", "playing", 1)), error), status("a", "playing", 3))
        assert [seen.event.id for seen in log] == [1, 2, 3]

    def test_a_log_is_bounded(self) -> None:
        log: tuple[Seen, ...] = ()
        for number in range(1200):
            log = with_event(log, status(f"p{number}", "playing", number))
        assert len(log) == 500

    @pytest.mark.parametrize("width", [20, 40, 80, 120])
    @pytest.mark.parametrize("height", [4, 10, 24])
    def test_a_screen_never_outgrows_its_window(self, width: int, height: int) -> None:
        log: tuple[Seen, ...] = ()
        for number in range(60):
            log = with_event(log, status(f"camera-with-a-long-name-{number}", "playing", number, reason="x" * 200))
        lines = text(log_lines(log, Link().got(NOW), Look(NOW, True, width), height))
        assert len(lines) <= height
        assert all(cells(line) <= width for line in lines)
        assert "live" in lines[-1]

    def test_a_narrow_window_keeps_what_happened(self) -> None:
        error = Seen(NOW, Event("pipeline_error", PipelineError(message="the camera is gone", id="cam1"), 2))
        lines = text(log_lines((error,), Link(), Look(NOW, True, 40), 10))
        assert lines[0].split() == ["TIME", "SUBJECT", "WHAT"]
        assert lines[1].split(maxsplit=2)[1:] == ["cam1", "the camera is gone"]

    def test_a_table_says_what_it_leaves_out(self) -> None:
        from flexclient.models import Pipeline

        rows = [Pipeline(id=f"cam{number}", state=State.READY) for number in range(50)]
        lines = text(board_lines(PIPELINE, rows, Link().back(), Look(NOW, True, 80), 10))
        assert len(lines) <= 10
        assert lines[-2] == "… 44 more"

    def test_a_lost_connection_says_since_when(self) -> None:
        link = Link().got(NOW).lost(NOW)
        [line] = text([link.lost(NOW + timedelta(seconds=5)).line(Look(NOW + timedelta(seconds=12), True, 80))])
        assert line == f"○ stale since {NOW.astimezone():%H:%M:%S} (12s), reconnecting"
        assert "live" in text([link.back().line(Look(NOW, True, 80))])[0]


class _Numbers:
    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error, self.closed = count, error, False

    def __iter__(self) -> Iterator[int]:
        yield from range(self.count)
        if self.error:
            raise self.error

    def close(self) -> None:
        self.closed = True


class TestFeed:
    def test_items_come_in_order_and_the_end_ends_it(self) -> None:
        source = _Numbers(5000)
        with Feed[int](lambda _put: source, limit=10) as feed:
            assert [item for item in feed.items() if item is not None] == list(range(5000))
        assert source.closed

    def test_an_error_of_the_stream_is_raised_to_the_reader(self) -> None:
        with Feed[int](lambda _put: _Numbers(1, ValueError("broken"))) as feed:
            items = feed.items()
            assert next(items) == 0
            with pytest.raises(ValueError, match="broken"):
                list(items)

    def test_the_time_limit_holds_while_items_flood(self) -> None:
        with Feed[int](lambda _put: _Numbers(10**9), limit=10) as feed:
            assert sum(1 for _ in feed.items(seconds=0.05)) > 0


@contextmanager
def started(box: FakeBox, *argv: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "FLEX_URL": box.url}
    command = [sys.executable, "-m", "flexctl", *argv]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, env=env, **more
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Lines:
    """The lines of a process as they come: read below Python's buffers, so that "none yet" is the truth."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.number, self.rest = process.stdout.fileno(), b""

    def next(self, seconds: float = 15) -> Any:
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.number], [], [], seconds)
            assert ready, "no line came"
            data = os.read(self.number, 65536)
            assert data, "the process ended"
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)


class TestPipe:
    def test_events_go_on_through_a_restart_and_none_is_lost_or_doubled(self, box: FakeBox) -> None:
        newest = box.ring[-1][0]
        with started(box, "events", "--count", "6") as process:
            lines = Lines(process)
            box.wait_for(lambda: box.streams == 1)
            box.set_state("cam1", "playing")
            assert lines.next()["id"] == newest + 1
            box.set_state("cam1", "error")
            assert lines.next()["id"] == newest + 2
            box.stop()
            box.set_state("cam1", "starting")
            box.set_state("cam1", "playing")
            box.start()
            assert lines.next()["event"] == "bye"
            assert [lines.next()["id"], lines.next()["id"]] == [newest + 3, newest + 4]
            box.set_state("cam1", "ready")
            assert lines.next()["id"] == newest + 5
            out, err = process.communicate(timeout=15)
            assert (process.returncode, out) == (0, "")
            assert "is lost" in err
            assert "connected again" in err

    def test_a_watched_list_begins_whole_and_follows(self, box: FakeBox) -> None:
        with started(box, "pipeline", "list", "--watch", "--count", "3") as process:
            lines = Lines(process)
            first = lines.next()
            assert first["event"] == "sync"
            assert [pipeline["id"] for pipeline in first["data"]] == list(box.pipelines)
            box.wait_for(lambda: box.streams == 1)
            box.set_state("cam1", "ready")
            change = lines.next()
            assert (change["event"], change["data"]["state"]) == ("pipeline_status", "ready")
            box.stop()
            box.add("new")
            box.start()
            assert lines.next()["event"] == "bye"
            made = lines.next()
            assert (made["event"], made["data"]["id"]) == ("pipeline_created", "new")
            assert process.wait(15) == 0

    @pytest.mark.parametrize("form", ["table", "csv", "yaml"])
    @pytest.mark.parametrize("argv", [("pipeline", "list", "--watch"), ("events",)], ids=" ".join)
    def test_a_form_that_a_stream_has_not_is_refused(self, box: FakeBox, argv: tuple[str, ...], form: str) -> None:
        ran = flexctl(*argv, "--for", "200ms", "-o", form, url=box.url)
        assert (ran.code, ran.out) == (2, "")
        assert "as JSON lines" in ran.err

    def test_a_watched_list_can_be_filtered(self, box: FakeBox) -> None:
        with started(box, "pipeline", "list", "--watch", "--state", "error", "--count", "1") as process:
            lines = Lines(process)
            assert [pipeline["id"] for pipeline in lines.next()["data"]] == ["broken"]
            box.wait_for(lambda: box.streams == 1)
            box.set_state("cam1", "playing")
            box.set_state("broken", "error")
            assert lines.next()["data"]["id"] == "broken"

    def test_a_closed_pipe_ends_it_without_a_word(self, box: FakeBox) -> None:
        with started(box, "events") as process:
            box.wait_for(lambda: box.streams == 1)
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.wait(15) == 0  # though no event came: it looks
            assert process.stderr.read() == ""

    def test_a_pipe_that_closes_between_two_events(self, box: FakeBox) -> None:
        with started(box, "events", "--since", "0") as process:
            Lines(process).next()
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            for _ in range(50):
                box.set_state("cam1", "playing")
            assert process.wait(15) == 0
            assert process.stderr.read() == ""

    def test_a_pipe_that_closes_in_the_middle_of_data(self, box: FakeBox) -> None:
        for number in range(400):
            box.add(f"camera-{number}")
        with started(box, "pipeline", "list", "-o", "json") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(15) == 0
            assert process.stderr.read() == ""

    def test_ctrl_c_is_130_and_quiet(self, box: FakeBox) -> None:
        with started(box, "events") as process:
            box.wait_for(lambda: box.streams == 1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=15)
            assert (process.returncode, out, err) == (130, "", "")

    def test_the_time_limit_ends_it(self, box: FakeBox) -> None:
        ran = flexctl("events", "--for", "300ms", url=box.url)
        assert (ran.code, ran.out) == (0, "")

    def test_events_from_the_past_and_of_one_pipeline(self, box: FakeBox) -> None:
        ran = flexctl("events", "--since", "0", "--pipeline", "broken", "--count", "1", url=box.url)
        assert json.loads(ran.out)["data"]["id"] == "broken"
        ran = flexctl("pipeline", "events", "cam1", "--since", "0", "--count", "1", url=box.url)
        assert json.loads(ran.out)["data"]["id"] == "cam1"
        assert flexctl("pipeline", "events", "nope", url=box.url).code == 3

    def test_a_query_picks_from_each_event(self, box: FakeBox) -> None:
        ran = flexctl("events", "--since", "0", "--count", "3", "--query", "data.id", url=box.url)
        assert ran.out.splitlines() == ['"cam1"', '"entrance-east-camera"', '"broken"']

    def test_a_box_without_events_is_watched_by_looking_again(self, old_box: FakeBox) -> None:
        with started(old_box, "pipeline", "list", "--watch") as process:
            lines = Lines(process)
            assert lines.next()["event"] == "sync"
            old_box.pipelines["cam1"]["state"] = "stopping"
            second = lines.next()
            assert second["event"] == "sync"
            assert second["data"][0]["state"] == "stopping"
