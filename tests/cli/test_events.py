"""`flexctl events`: where they begin, which of them, how bad they are, and how they look on narrow and slow lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flexclient.models import Event, read_event
from flexctl.live.model import Link, Links, log_lines, with_event
from flexctl.live.since import Recent, beginning, since_of, time_of
from flexctl.out.style import cells, paint
from flexctl.views.event import EventLook, Seen, severity
from tests.cli.fakebox import FakeBox, fake_box
from tests.cli.harness import NOW, flexctl, golden, terminal
from tests.cli.test_live import Lines, started
from tests.cli.test_pty import window
from tests.cli.test_top import contexts

OLD = datetime(2026, 11, 1, 11, 0, tzinfo=UTC)


def event(kind: str, number: int = 1, **data: Any) -> Event[Any]:
    return read_event(kind, json.dumps(data), str(number))


class TestSeverity:
    @pytest.mark.parametrize(
        ("kind", "data", "level"),
        [
            ("pipeline_error", {"message": "no"}, "error"),
            ("pipeline_status", {"id": "a", "state": "error"}, "error"),
            ("pipeline_status", {"id": "a", "state": "reconnecting"}, "warning"),
            ("pipeline_status", {"id": "a", "state": "playing"}, "info"),
            ("pipeline_created", {"id": "a", "state": "error"}, "error"),
            ("pipeline_deleted", {"id": "a"}, "warning"),
            ("gap", {}, "warning"),
            ("something_new", {"state": "odd"}, "info"),
        ],
    )
    def test_of_events(self, kind: str, data: dict[str, Any], level: str) -> None:
        assert severity(event(kind, **data)) == level

    def test_only_what_is_bad_enough(self, box: FakeBox) -> None:
        box.set_state("cam1", "reconnecting")
        box.emit("pipeline_error", {"id": "cam1", "message": "gone"})
        for level, count in (("error", 2), ("warning", 3), ("info", 5)):
            ran = flexctl("events", "--since", "0", "--severity", level, "--count", str(count), url=box.url)
            assert len(ran.out.splitlines()) == count
        assert flexctl("events", "--severity", "fatal", url=box.url).code == 2


class TestSince:
    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("0", 0),
            ("1234", 1234),
            ("10m", 600.0),
            ("1h30m", 5400.0),
            ("2026-11-01T11:00:00Z", OLD),
            ("2026-11-01T12:00:00+01:00", OLD),
        ],
    )
    def test_what_it_says(self, text: str, meant: object) -> None:
        assert since_of(text) == meant

    @pytest.mark.parametrize("text", ["soon", "-1", "yesterday", "10x", ""])
    def test_what_it_cannot_say(self, text: str) -> None:
        with pytest.raises(ValueError, match="no age such as 10m"):
            since_of(text)
        assert flexctl("events", "--since", text).code == 2

    def test_a_time_without_a_zone_is_of_this_machine(self) -> None:
        assert since_of("2026-11-01 11:00") == datetime(2026, 11, 1, 11, 0).astimezone()

    def test_an_age_is_before_now(self) -> None:
        assert time_of(90.0, NOW) == NOW - timedelta(seconds=90)
        assert time_of(17, NOW) is None

    def test_the_stream_begins_at_the_time(self, box: FakeBox) -> None:
        box.emit("pipeline_error", {"id": "cam1", "message": "undated, before"})
        now = box.status("cam1", since="2026-11-01T12:04:00Z", uptime_seconds=0)
        later = box.emit("pipeline_status", now)
        undated = box.emit("pipeline_error", {"id": "cam1", "message": "undated, after"})
        ran = flexctl("events", "--since", "2m", "--count", "2", "--for", "10s", url=box.url)
        assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [later, undated]

    def test_what_does_not_say_its_time_is_dated_by_what_was_not_asked_for(self, box: FakeBox) -> None:
        box.emit("pipeline_deleted", {"id": "cam1"})
        now = box.status("cam1", since="2026-11-01T12:04:00Z", uptime_seconds=0)
        box.emit("pipeline_status", now)
        after = box.emit("pipeline_deleted", {"id": "cam1"})
        box.emit("pipeline_deleted", {"id": "broken"})
        argv = ("events", "--since", "2m", "--types", "pipeline_deleted", "--pipeline", "cam1", "--count", "1")
        ran = flexctl(*argv, "--for", "10s", url=box.url)
        assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [after]
        ran = flexctl(*argv, "--for", "10s", "--scroll", url=box.url, on=terminal(100))
        local = datetime(2026, 11, 1, 12, 4, tzinfo=UTC).astimezone()
        assert f"~{local:%H:%M:%S}" in ran.out

    def test_a_time_that_nobody_knows_is_not_made_up(self, box: FakeBox) -> None:
        box.emit("pipeline_deleted", {"id": "cam1"})
        events = [event("pipeline_error", 1, message="old"), event("pipeline_error", 9, message="news")]
        told: dict[int, datetime | None] = {}
        assert len(list(Recent(Listed(events), None, 5, replayed=told.__setitem__))) == 2
        assert told == {1: None}
        row = Seen(None, events[0], replayed=True)
        look = EventLook(NOW, True, 80, ages=True)
        assert "-  " in paint(log_lines([row], Link(), look, 5)[1], color=False)
        row = Seen(NOW - timedelta(minutes=5), events[0], replayed=True)
        assert "~5m ago" in paint(log_lines([row], Link(), look, 5)[1], color=False)

    def test_it_goes_back_far_over_ids_without_events(self, ring: Ring) -> None:
        found = beginning(ring, OLD + timedelta(seconds=10))  # type: ignore[arg-type]
        assert found is not None
        assert (found.head, found.remembered) == (100_000, True)
        assert found.id <= 100_000 - 4_000
        assert ring.asked < 10

    def test_a_box_that_does_not_remember_so_far(self, ring: Ring) -> None:
        ring.floor = 90_000
        found = beginning(ring, OLD - timedelta(days=1))  # type: ignore[arg-type]
        assert found is not None
        assert not found.remembered
        assert 90_000 <= found.id < 92_000

    def test_events_from_before_it_are_left_out(self) -> None:
        events = [
            event("pipeline_error", 1, message="before"),
            event("pipeline_status", 2, id="a", state="playing", since=OLD.isoformat()),
            event("gap", 3),
            event("pipeline_status", 4, id="a", state="error", since=NOW.isoformat()),
            event("pipeline_error", 5, message="after"),
        ]
        assert [found.id for found in Recent(Listed(events), NOW, 5)] == [3, 4, 5]
        assert [found.id for found in Recent(Listed(events), NOW + timedelta(1), 4)] == [3, 5], "news come whatever is"

    def test_curl_knows_ids_only(self, box: FakeBox) -> None:
        ran = flexctl("events", "--since", "10m", "--curl", url=box.url)
        assert (ran.code, ran.out) == (2, "")
        assert "since=17" in flexctl("events", "--since", "17", "--curl", url=box.url).out


class Listed(list[Any]):
    def close(self) -> None:
        """There is nothing to close."""


class Ring:
    """A client of a box that has one event every hundred ids, one a second, and forgets those up to its floor."""

    def __init__(self) -> None:
        self.head, self.floor, self.asked = 100_000, 0, 0
        self.pipelines = self.list = self.events = self

    def raw(self) -> Any:
        return SimpleNamespace(headers={"last-event-id": str(self.head)})

    def stream(self, *, since: int, resume: bool) -> Listed:
        assert not resume
        self.asked += 1
        if since < self.floor:
            return Listed([event("gap", self.head)])
        number = (since // 100 + 1) * 100
        at = OLD + timedelta(seconds=(number - 96_000) / 100 + 10)
        return Listed([event("pipeline_status", number, id="a", state="ready", since=at.isoformat())])


@pytest.fixture
def ring() -> Ring:
    return Ring()


def log() -> tuple[Seen, ...]:
    """A bad minute."""
    told: list[tuple[int, str, dict[str, Any]]] = [
        (58, "pipeline_created", {"id": "entrance-east-camera", "state": "ready", "order": "armed"}),
        (
            44,
            "pipeline_status",
            {"id": "cam1", "state": "playing", "readers": 2, "stats": {"fps": 30, "bitrate_kbps": 2013}},
        ),
        (31, "camera_removed", {"device_path": "/dev/video0"}),
        (12, "pipeline_error", {"id": "cam1", "message": "no pictures from rtsp://10.0.0.5/main for 5 s"}),
        (12, "pipeline_status", {"id": "cam1", "state": "reconnecting", "reason": "no pictures"}),
        (3, "gap", {"reason": "the reader was too slow"}),
        (1, "pipeline_status", {"id": "cam1", "state": "error", "reason": "gave up"}),
    ]
    found: tuple[Seen, ...] = ()
    for number, (ago, kind, data) in enumerate(told, 1):
        found = with_event(found, Seen(NOW - timedelta(seconds=ago), event(kind, number, **data)))
    return found


class TestPicture:
    def test_at_three_widths_and_in_colour(self) -> None:
        parts = []
        for width, color in ((120, False), (80, False), (60, False), (40, False), (80, True)):
            look = EventLook(NOW, True, width, ages=True)
            lines = log_lines(log(), Link().got(NOW), look, 12)
            assert all(cells(paint(line, color=False)) <= width for line in lines)
            parts += [f"== {width} columns{', in colour' if color else ''}", *(paint(line, color) for line in lines)]
        golden("events-screens", "\n".join(parts) + "\n")

    def test_errors_are_red_and_warnings_yellow(self) -> None:
        lines = log_lines(log(), Link(), EventLook(NOW, True, 120, ages=True), 12)
        styles = {span.text.strip(): span.style for line in lines for span in line}
        assert styles["pipeline_error"] == styles["error, gave up"] == "bad"
        assert styles["gap"] == styles["reconnecting, no pictures"] == "warn"
        assert styles["camera_removed"] == "warn"

    def test_ages_grow(self) -> None:
        for later, age in ((0, "1s ago"), (120, "2m 1s ago")):
            look = EventLook(NOW + timedelta(seconds=later), True, 120, ages=True)
            assert age in paint(log_lines(log(), Link(), look, 12)[-2], color=False)

    def test_links_of_many(self) -> None:
        from flexclient.errors import Unreachable
        from flexctl.live.boxes import Came, Failed

        look = EventLook(NOW, True, 100)
        links = Links.of(["lab", "roof"]).after(Came("lab", event("gap")), NOW)
        assert "1 event" in paint(links.line(look), color=False)
        links = links.after(Failed("roof", Unreachable("no"), False), NOW)
        assert paint(links.line(look), color=False).startswith("roof: ○ stale since")
        assert links.after(None, NOW) is links


class TestTerminal:
    @pytest.mark.parametrize("columns", [60, 80])
    def test_narrow_windows(self, box: FakeBox, columns: int) -> None:
        with window(box, "events", "--since", "0", size=(columns, 10)) as win:
            box.emit("pipeline_error", {"id": "cam1", "message": "source gone"})
            lines = win.has("source gone", "● live")
            assert lines[0].startswith("TIME")
            assert any("ago" in line for line in lines)

    def test_a_slow_line_shows_the_newest_and_not_all_that_was(self, box: FakeBox) -> None:
        """Nobody reads the terminal while hundreds of events come: afterwards a few pictures are enough."""
        with window(box, "events", size=(80, 10)) as win:
            win.has("● live")
            box.wait_for(lambda: box.streams == 1)
            for number in range(500):
                box.emit("camera_added", {"device_path": f"/dev/video{number}", "device_name": "x"})
            before = len(win.raw)
            win.has("/dev/video499", "500 events")
            assert len(win.raw) - before < 500 * 80 / 4, "not every event was drawn"

    def test_ctrl_c_leaves_the_last_picture(self, box: FakeBox) -> None:
        with window(box, "events", "--since", "0") as win:
            win.has("cam1", "● live")
            win.child.sendintr()
            assert win.end() == 130
            assert any("cam1" in line for line in win.lines)
            assert not win.screen.cursor.hidden


class TestPipe:
    def test_each_event_is_flushed(self, box: FakeBox) -> None:
        with started(box, "events") as process:
            lines = Lines(process)
            box.wait_for(lambda: box.streams == 1)
            for number in range(3):
                identity = box.emit("camera_added", {"device_path": f"/dev/video{number}"})
                assert lines.next()["id"] == identity

    def test_a_reader_that_sleeps_loses_nothing(self, box: FakeBox) -> None:
        with started(box, "events", "--since", "0", "--count", "3003") as process:
            box.wait_for(lambda: box.streams == 1)
            for number in range(3000):
                box.emit("camera_added", {"device_path": f"/dev/video{number}", "device_name": "n" * 100})
            lines = Lines(process)
            assert [lines.next()["id"] for _ in range(3003)] == list(range(1, 3004))
            assert process.wait(15) == 0

    def test_many_boxes(self, box: FakeBox, tmp_path: Path) -> None:
        with fake_box() as other:
            other.add("yard")
            env = contexts(tmp_path, lab=box.url, roof=other.url)
            ran = flexctl("events", "--context", "lab,roof", "--since", "0", "--count", "4", **env)
            assert ran.code == 0
            lines = [json.loads(line) for line in ran.out.splitlines()]
            assert sorted((line["context"], line["data"]["id"]) for line in lines) == [
                ("lab", "broken"),
                ("lab", "cam1"),
                ("lab", "entrance-east-camera"),
                ("roof", "yard"),
            ]
            ran = flexctl("pipeline", "list", "--watch", "--context", "lab,roof", "--for", "1s", **env)
            synced = [json.loads(line) for line in ran.out.splitlines()]
            assert {line["context"]: len(line["data"]) for line in synced} == {"lab": 3, "roof": 1}

    def test_one_of_many_that_is_off_stops_no_other(self, box: FakeBox, tmp_path: Path) -> None:
        env = contexts(tmp_path, lab=box.url, off="http://127.0.0.1:9")
        ran = flexctl("events", "--context", "lab,off", "--since", "0", "--count", "3", **env)
        assert (ran.code, len(ran.out.splitlines())) == (0, 3)
