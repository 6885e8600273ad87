"""Forms, order, queries, templates; colours, pager, progress; what others wrote and how wide it is."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from flexctl.errors import Misuse
from flexctl.out.formats import to_json, to_line, to_yaml
from flexctl.out.out import Out
from flexctl.out.picking import checked, query
from flexctl.out.style import cells, clip, clusters, fold, paint, safe
from flexctl.out.table import WIDEST, Look, orders, table
from flexctl.out.template import read
from flexctl.out.terminal import Terminal
from flexctl.views.view import Column
from tests.cli.fakebox import FakeBox
from tests.cli.harness import NOW, PIPE, flexctl, golden, terminal, transcript
from tests.cli.test_pty import window

FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")
PICKED = {
    "objects": "[].{id: id, state: state, encoding: encoding}",
    "lists": "[].[id, on_demand]",
    "words": "[].id",
    "one": "[?id=='cam1'] | [0].encoding",
    "number": "length(@)",
    "none": "[?id=='nobody']",
}


@pytest.mark.parametrize("name", PICKED)
def test_what_a_query_picks_in_every_form(name: str, box: FakeBox) -> None:
    argv = ("pipeline", "list", "--query", PICKED[name])
    runs = [transcript(flexctl(*argv, url=box.url), *argv)]
    runs += [transcript(flexctl(*argv, "-o", form, url=box.url), *argv, "-o", form) for form in FORMS]
    on = terminal(60, color=True)
    runs.append(transcript(flexctl(*argv, "-o", "table", url=box.url, on=on), *argv, "-o", "table", note="60 columns"))
    golden(f"query-{name}", "\n".join(runs))


def test_templates(box: FakeBox) -> None:
    lines = (
        ("pipeline", "list", "--template", "{id}"),
        ("pipeline", "list", "--template", r"{id:<22}|{encoding.fps:6.1f}|{on_demand}\t{metadata[site]}"),
        ("pipeline", "list", "--template", "{{{id}}} {source}", "--sort-by", "-id"),
        ("pipeline", "list", "--template", "{} is there", "--query", "[].id"),
        ("pipeline", "list", "--template", r"{id}\n-\n"),
        ("pipeline", "get", "cam1", "--template", "{source.uri} {encoding[width]}x{encoding[height]}"),
        ("pipeline", "status", "cam1", "--template", "{stats.fps:.1f} fps, {stats.bitrate_kbps:,.0f} kbit/s"),
        ("pipeline", "list", "--template", "{encodng.fps}"),
        ("pipeline", "list", "--template", "{id:.1f}"),
        ("pipeline", "list", "--template", "{id"),
        ("pipeline", "list", "--template", "{id!r}"),
        ("pipeline", "list", "--template", "{id:99999}"),
        ("health", "--template", "{status}: {parts.disk.message}"),
        ("pipeline", "stop", "cam1", "--template", "{id} {order}"),
    )
    golden("template", "\n".join(transcript(flexctl(*argv, url=box.url), *argv) for argv in lines))


def test_faults_of_queries(box: FakeBox) -> None:
    long = "[?state=='playing'].{id: id, source: source.uri, bitrate: encoding.bitrate} | [?bitrate > 2000 ]"
    runs = []
    for expression in ("[?", "[].foo(id)", "#", "", "a..b", "sum([].id)", "keys(", "[?id=='日本'].#", long):
        argv = ("pipeline", "list", "--query", expression)
        ran = flexctl(*argv, url=box.url, on=terminal(60))
        assert ran.code == 2
        runs.append(transcript(ran, *argv))
    golden("query-faults", "\n".join(runs))


class TestBeforeAnythingIsSent:
    @pytest.mark.parametrize("wrong", [("--query", "[?"), ("--template", "{id"), ("--sort-by", "id:up")])
    def test_what_cannot_be_read_changes_nothing(self, box: FakeBox, wrong: tuple[str, str]) -> None:
        assert flexctl("pipeline", "delete", "cam1", "--yes", *wrong, url=box.url).code == 2
        assert box.requests == []


class TestOrder:
    def test_several_columns(self, box: FakeBox) -> None:
        box.add("a", state="playing")
        box.add("z", state="playing")

        def order(by: str) -> list[str]:
            return flexctl("pipeline", "list", "-o", "name", "--sort-by", by, url=box.url).out.split()

        assert order("state,-id") == ["broken", "z", "cam1", "a", "entrance-east-camera"]
        assert order("state:desc,id") == ["entrance-east-camera", "a", "cam1", "z", "broken"]
        assert order("-state,id:desc") == ["entrance-east-camera", "z", "cam1", "a", "broken"]
        rows = json.loads(flexctl("pipeline", "list", "-o", "json", "--sort-by", "-id", url=box.url).out)
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)

    def test_what_it_says(self) -> None:
        assert orders("a,-b,c:desc,-d:desc,e:ASC") == [
            ("a", False), ("b", True), ("c", True), ("d", False), ("e", False),
        ]  # fmt: skip
        assert orders(None) == orders("") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class TestTemplate:
    @given(JSON, st.text(max_size=30))
    def test_whatever_is_in_it_nothing_but_json_is_reached(self, item: Any, text: str) -> None:
        try:
            filled = read(text).fill(item)
        except Misuse:
            return
        assert isinstance(filled, str)

    @pytest.mark.parametrize(
        "field", ["__class__", "id.__class__.__mro__", "id[__class__]", "keys", "items.0", "id.upper()"]
    )
    def test_no_attribute_of_an_object_can_be_reached(self, field: str) -> None:
        assert read("{" + field + "}").fill({"id": "cam1"}) == ""

    @pytest.mark.parametrize("text", ["{id!s}", "{id:{width}}", "{a..b}", "{", "}", "{id:0>2000}"])
    def test_what_is_no_field(self, text: str) -> None:
        with pytest.raises(Misuse):
            read(text).fill({"id": "cam1"})

    @pytest.mark.parametrize(
        ("text", "item", "filled"),
        [
            ("{a[0].b}", {"a": [{"b": 1}]}, "1"),
            ("{a[-1]}", {"a": [1, 2]}, "2"),
            ("{a[9]}", {"a": [1]}, ""),
            ("{m[flex.set]}", {"m": {"flex.set": "x"}}, "x"),
            ("{a:>6}|", {}, "      |"),
            ("{a:6.1f}|", {"a": None}, "      |"),
            ("{a}", {"a": [1, {"b": "ä"}]}, '[1,{"b":"ä"}]'),
            ("{a} {b}", {"a": True, "b": 30.0}, "true 30"),
            ("{a:>6}|", {"a": True}, "  true|"),
            (r"\t\\n{{", {}, "\t\\n{"),
            ("{a}", {"a": "x\x1b[2J\ny"}, "x\ufffd[2J y"),
        ],
    )
    def test_fields(self, text: str, item: Any, filled: str) -> None:
        assert read(text).fill(item) == filled

    def test_the_end_of_an_item(self) -> None:
        assert [read(text).ending for text in ("{id}", r"{id}\n", r"{id}\0", "x")] == ["\n", "", "", "\n"]

    def test_of_several_boxes_each_item_says_of_which(self, box: FakeBox, tmp_path: Path) -> None:
        text = f'[contexts.lab]\nurl = "{box.url}"\n[contexts.roof]\nurl = "{box.url}"\n'
        (tmp_path / "contexts.toml").write_text(text)
        argv = ("pipeline", "list", "--state", "error", "--all-contexts", "--template", "{context}: {id}")
        ran = flexctl(*argv, url="http://nobody", FLEX_URL="", FLEX_CONFIG_DIR=str(tmp_path))
        assert (ran.out, ran.err) == ("lab: broken\nroof: broken\n", "")

    def test_a_stream_is_written_by_it_too(self, box: FakeBox) -> None:
        argv = ("events", "--since", "0", "--count", "2", "--template", "{event} {data.id}")
        assert flexctl(*argv, url=box.url).out == "pipeline_created cam1\npipeline_created entrance-east-camera\n"


EVIL = "evil\x1b]0;title\x07\x9b31m\u202e\x7f\u2066"


class TestWhatOthersWrote:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("people", [True, False])
    def test_it_cannot_steer_the_terminal(self, box: FakeBox, form: str, people: bool) -> None:
        box.pipelines["cam1"] |= {"metadata": {"site": EVIL}, "source": {"uri": EVIL}, "state": EVIL}
        on = terminal(60) if people else PIPE
        for argv in (("pipeline", "list"), ("pipeline", "get", "cam1"), ("api", "GET", "pipeline/cam1")):
            ran = flexctl(*argv, "-o", form, url=box.url, on=on)
            assert ran.code == 0, ran.err
            if people or form != "yaml":
                assert not {sign for sign in EVIL if sign not in "evil];0title[31m"} & set(ran.out), argv

    @given(st.text())
    def test_json_says_the_same_and_steers_nothing(self, text: str) -> None:
        for written in (to_json({"a": text}), to_line({"a": text})):
            assert json.loads(written) == {"a": text}
            assert safe(written.replace("\n", "")) == written.replace("\n", "")

    @given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
    def test_yaml_says_the_same(self, text: str) -> None:
        from ruamel.yaml import YAML

        assert YAML(typ="safe", pure=True).load(to_yaml({"a": text})) == {"a": text}

    def test_csv_is_exact(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["source"]["uri"] = 'a "b",\nc'
        text = flexctl("pipeline", "list", "-o", "csv", "--columns", "id,source", url=box.url).out
        assert list(csv.reader(io.StringIO(text)))[1] == ["cam1", 'a "b",\nc']

    def test_a_spreadsheet_runs_nothing(self, box: FakeBox) -> None:
        argv = ("pipeline", "list", "-o", "csv", "--query", "[].{\"=x\": '=cmd()', n: `-3`}")
        assert flexctl(*argv, url=box.url).out.splitlines()[:2] == ["'=x,n", "'=cmd(),-3"]


class TestWidth:
    @pytest.mark.parametrize(
        ("text", "width"),
        [
            ("日本", 4), ("e\u0301", 1), ("👍🏽", 2), ("👨\u200d👩\u200d👧", 2), ("❤\ufe0f", 2), ("❤", 1), ("🇩🇪", 2),
            ("각", 2), ("\u1100\u1161\u11a8", 2), ("ก\u0e34", 1), ("abc", 3), ("", 0), ("\u0301", 0),
        ],
    )  # fmt: skip
    def test_signs(self, text: str, width: int) -> None:
        assert cells(text) == width
        assert "".join(clusters(text)) == text

    @given(st.text(st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd", "Zs", "Sm"]), max_size=20))
    def test_as_terminals_have_it(self, text: str) -> None:
        text = "".join(sign for sign in text if wcwidth.wcwidth(sign) > 0)
        assert cells(text) == wcwidth.wcswidth(text)

    @given(st.text(max_size=60), st.integers(2, 20))
    def test_nothing_is_wider_than_its_room(self, text: str, room: int) -> None:
        text = safe(text)
        assert cells(clip(text, room)) <= room
        assert all(cells(line) <= room for line in fold(text, room))

    def test_a_huge_cell_costs_no_time_and_makes_no_other_row_long(self) -> None:
        columns: list[Column[str]] = [Column("a", "A", lambda row: row), Column("b", "B", lambda _: "b")]
        rows = ["x" * 1_000_000, "ä" * 300_000, *["y"] * 200]
        started = time.process_time()
        piped = [paint(line, color=False) for line in table(columns, rows, Look(NOW, people=False))]
        shown = table(columns, rows, Look(NOW, True, 60))
        assert time.process_time() - started < 10
        assert len(piped[1]) > 1_000_000
        assert max(map(len, piped[3:])) < WIDEST + 10
        assert max(cells(paint(line, color=False)) for line in shown) <= 60

    def test_sixty_columns(self, box: FakeBox) -> None:
        box.add("gate", source={"uri": "rtsp://👨\u200d👩\u200d👧/e\u0301/日本" * 9}, metadata={"名": "ü" * 200})
        for argv in (("pipeline", "list", "-o", "wide"), ("pipeline", "get", "gate"), ("health",)):
            ran = flexctl(*argv, url=box.url, on=terminal(60))
            assert max(map(cells, ran.out.splitlines())) <= 60


class TestColours:
    @pytest.mark.parametrize(
        ("env", "on_terminal", "in_pipe"),
        [
            ({}, True, False),
            ({"NO_COLOR": "1"}, False, False),
            ({"NO_COLOR": ""}, True, False),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
            ({"FORCE_COLOR": "1"}, True, True),
            ({"FORCE_COLOR": "0"}, False, False),
            ({"CLICOLOR_FORCE": "1"}, True, True),
            ({"CLICOLOR_FORCE": "0"}, False, False),
            ({"CLICOLOR": "0"}, False, False),
            ({"CLICOLOR": "1"}, True, False),
            ({"TERM": "dumb"}, False, False),
            ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ],
        ids=str,
    )
    def test_the_environment(
        self, env: dict[str, str], on_terminal: bool, in_pipe: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def color(tty: bool, wish: str | None = None) -> bool:
            monkeypatch.setattr("flexctl.out.terminal._tty", lambda _: tty)
            return Terminal.of_process(wish, env).color

        assert (color(True), color(False)) == (on_terminal, in_pipe)
        assert (color(False, "always"), color(True, "never")) == (True, False)

    @pytest.mark.parametrize(
        ("env", "pager"),
        [
            ({}, ""), ({"PAGER": "less"}, "less"), ({"PAGER": "less", "FLEX_PAGER": "more -x"}, "more -x"),
            ({"PAGER": "less", "FLEX_PAGER": ""}, ""), ({"PAGER": "cat"}, ""), ({"PAGER": "less", "TERM": "dumb"}, ""),
        ],
        ids=str,
    )  # fmt: skip
    def test_the_pager(self, env: dict[str, str], pager: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flexctl.out.terminal._tty", lambda _: True)
        assert Terminal.of_process(None, env).pager == pager
        monkeypatch.setattr("flexctl.out.terminal._tty", lambda _: False)
        assert Terminal.of_process(None, env).pager == ""

    @pytest.mark.parametrize(("columns", "lines"), [("", ""), ("x", "-1"), ("0", "0"), ("100", "50")])
    def test_the_window(self, columns: str, lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("flexctl.out.terminal._tty", lambda _: True)
        found = Terminal.of_process(None, {"COLUMNS": columns, "LINES": lines})
        assert found.width is not None
        assert (found.width, found.height) == (100, 50) if columns == "100" else found.width >= 20


class TestPager:
    def program(self, folder: Path, text: str) -> str:
        path = folder / "pager"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def test_what_is_longer_than_the_screen_goes_through_it(self, box: FakeBox, tmp_path: Path) -> None:
        pager = self.program(tmp_path, 'echo "PAGED $LESS $1"; cat')
        for number in range(30):
            box.add(f"camera-{number:02}")
        with window(box, "pipeline", "list", FLEX_PAGER=f"{pager} -x") as win:
            assert win.end() == 0
            assert "PAGED FRX -x" in win.raw
            assert "camera-29" in win.raw
            assert "\x1b[32m" in win.raw
        with window(box, "pipeline", "list", "--no-pager", FLEX_PAGER=pager) as win:
            assert win.end() == 0
            assert "PAGED" not in win.raw
        with window(box, "pipeline", "list", PAGER=pager, FLEX_PAGER="") as win:
            assert win.end() == 0
            assert "PAGED" not in win.raw
        with window(box, "pipeline", "list", "--state", "error", PAGER=pager) as win:
            assert win.end() == 0
            assert "PAGED" not in win.raw, "it fits the screen"
        assert "PAGED" not in flexctl("pipeline", "list", url=box.url, FLEX_PAGER=pager).out

    def test_leaving_it_early_is_no_error(self, box: FakeBox, tmp_path: Path) -> None:
        box.pipelines["cam1"]["metadata"] = {f"k{number}": "x" * 50 for number in range(5000)}
        with window(box, "pipeline", "get", "cam1", PAGER=self.program(tmp_path, "head -n 1")) as win:
            assert win.end() == 0
            assert "Traceback" not in win.raw
            assert "k4000" not in win.raw

    def test_ctrl_c_is_the_pagers(self, box: FakeBox, tmp_path: Path) -> None:
        box.pipelines["cam1"]["metadata"] = {f"k{number}": "x" for number in range(50)}
        pager = self.program(
            tmp_path, "trap 'echo caught' INT; cat >/dev/null; echo up; read line </dev/tty; echo $line"
        )
        with window(box, "pipeline", "get", "cam1", PAGER=pager) as win:
            win.has("up")
            win.child.sendintr()
            win.has("caught")
            win.child.sendline("bye")
            assert win.end() == 0

    def test_one_that_is_not_there_is_told_and_the_output_comes(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["metadata"] = {f"k{number}": "x" for number in range(50)}
        for pager in ("/nowhere/less", "'unclosed"):
            with window(box, "pipeline", "get", "cam1", PAGER=pager) as win:
                assert win.end() == 0
                assert "cannot be started" in win.raw
                assert "k49" in win.raw

    def test_live_output_never_goes_through_it(self, box: FakeBox, tmp_path: Path) -> None:
        pager = self.program(tmp_path, "echo PAGED; cat")
        for number in range(40):
            box.add(f"camera-{number:02}")
        with window(box, "events", "--since", "0", "--scroll", "--count", "43", PAGER=pager, size=(80, 8)) as win:
            assert win.end() == 0
            assert "PAGED" not in win.raw


class TestProgress:
    def out(self, on: Terminal, **more: Any) -> Out:
        return Out(on, clock=lambda: NOW, stdout=io.StringIO(), stderr=io.StringIO(), **more)

    def test_only_a_person_at_a_terminal_sees_it(self) -> None:
        for out in (self.out(PIPE), self.out(terminal(80), quiet=True), self.out(Terminal(stderr=True, dumb=True))):
            with out.progress("Waiting", size=True) as shown:
                shown(1, 2)
                shown.say("more")
            assert isinstance(out.stderr, io.StringIO)
            assert out.stderr.getvalue() == ""

    def test_it_is_on_stderr_and_gone_when_it_is_done(self) -> None:
        import pyte

        for size in (True, False):
            out = self.out(terminal(60))
            with out.progress("Fetching \x1b[2Jcam1", size=size) as shown:
                shown(512, 1024)
                shown.say("Almost \x07there")
            assert isinstance(out.stderr, io.StringIO)
            assert isinstance(out.stdout, io.StringIO)
            written = out.stderr.getvalue()
            assert "there" in written
            assert "\x1b[2J" not in written
            assert "\x07" not in written
            assert out.stdout.getvalue() == ""
            screen = pyte.Screen(60, 5)
            pyte.Stream(screen).feed(written.replace("\n", "\r\n"))
            assert "".join(screen.display).strip() == ""


def test_a_query_that_is_read_is_the_query_that_is_run() -> None:
    assert query(checked("a.b"), {"a": {"b": 1}}) == 1


def test_nothing_is_imported_for_what_nobody_asked_for() -> None:
    import subprocess

    program = "import sys; from flexctl.state import State; State({}).out.data([1]); print(sorted(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert not [
        name for name in ("jmespath", "flexctl.out.template", "flexctl.out.pager", "rich") if f"'{name}'" in ran.stdout
    ]
