"""One command on many boxes."""

from __future__ import annotations

import csv
import io
import json
import socket
import threading
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from flexctl.exits import Exit
from tests.cli.fakebox import Fault
from tests.cli.harness import golden, terminal, transcript
from tests.cli.site import Site, dead, site
from tests.support.box import Box
from tests.support.media_double import fake_media

__all__ = ["site"]

BOTH = ("--context", "lab,roof")
CANARY = "canary-7f3a9"


class TestForms:
    def test_golden(self, site: Site) -> None:
        dead(site)
        runs = []
        for argv in (("pipeline", "list", "--all-contexts"), ("version", *BOTH), ("health", *BOTH)):
            runs += [transcript(site.run(*argv, on=terminal(w)), *argv, note=f"{w} columns") for w in (100, 60)]
            runs.append(transcript(site.run(*argv), *argv, note="in a pipe"))
        golden("fanout", "\n".join(runs))

    def test_json_has_a_document_for_each_box(self, site: Site) -> None:
        alone = {
            name: json.loads(site.run("pipeline", "list", "-o", "json", "--context", name).out)
            for name in ("lab", "roof")
        }
        assert json.loads(site.run("pipeline", "list", "-o", "json", *BOTH).out) == alone
        assert YAML(typ="safe").load(site.run("pipeline", "list", "-o", "yaml", *BOTH).out) == alone
        found = json.loads(site.run("pipeline", "list", "--query", "roof[].id", *BOTH).out)
        assert found == ["cam1", "cam2"]

    def test_lines_name_the_box(self, site: Site) -> None:
        lines = site.run("pipeline", "list", "-o", "ndjson", *BOTH).out.splitlines()
        assert [(one["context"], one["id"]) for one in map(json.loads, lines)] == [
            ("lab", "cam1"), ("roof", "cam1"), ("roof", "cam2"),
        ]  # fmt: skip
        assert site.run("pipeline", "list", "-o", "name", *BOTH).out.split() == ["lab/cam1", "roof/cam1", "roof/cam2"]

    def test_csv_columns_and_order(self, site: Site) -> None:
        ran = site.run("pipeline", "list", "-o", "csv", "--columns", "id", "--sort-by", "-id", *BOTH)
        assert list(csv.reader(io.StringIO(ran.out))) == [
            ["context", "id"], ["roof", "cam2"], ["lab", "cam1"], ["roof", "cam1"],
        ]  # fmt: skip
        ran = site.run("pipeline", "list", "--columns", "nope", *BOTH)
        assert ran.code == Exit.USAGE
        assert ran.err.count("there is no column 'nope'") == 1

    def test_the_order_is_the_one_that_was_given(self, site: Site) -> None:
        ran = site.run("pipeline", "list", "-o", "name", "--context", "roof,lab,roof")
        assert ran.out.split() == ["roof/cam1", "roof/cam2", "lab/cam1"]

    def test_texts_and_documents(self, site: Site) -> None:
        ran = site.run("pipeline", "logs", "cam1", *BOTH)
        assert [line for line in ran.out.splitlines() if line.startswith("#")] == ["# lab", "# roof"]
        ran = site.run("api", "GET", "health", *BOTH)
        assert set(json.loads(ran.out)) == {"lab", "roof"}
        ran = site.run("pipeline", "stop", "cam1", "--curl", *BOTH)
        assert ran.out.split("\n")[0::2] == ["# lab", "# roof", ""]
        assert site.changes() == {"lab": [], "roof": []}

    def test_one_context_is_no_fan_out_and_all_always_is(self, site: Site) -> None:
        site.run("context", "remove", "roof", "--yes")
        assert isinstance(json.loads(site.run("pipeline", "list", "-o", "json", "--context", "lab").out), list)
        assert set(json.loads(site.run("pipeline", "list", "-o", "json", "--all-contexts").out)) == {"lab"}

    def test_empty_everywhere(self, site: Site) -> None:
        for box in site.boxes.values():
            box.pipelines.clear()
        ran = site.run("pipeline", "list", *BOTH)
        assert (ran.code, ran.out) == (0, "")
        assert ran.err.count("There are no pipelines yet.") == 1
        assert json.loads(site.run("pipeline", "list", "-o", "json", *BOTH).out) == {"lab": [], "roof": []}


class TestFailures:
    def test_one_box_does_not_stop_the_others(self, site: Site) -> None:
        dead(site)
        ran = site.run("pipeline", "list", "-o", "name", "--context", "dead,lab,roof")
        assert ran.code == Exit.UNREACHABLE
        assert ran.out.split() == ["lab/cam1", "roof/cam1", "roof/cam2"]
        assert "flexctl: dead: cannot reach" in ran.err
        assert ran.err.endswith("flexctl: 1 of 3 boxes failed\n")

    def test_the_first_in_order_decides_the_exit_code(self, site: Site) -> None:
        dead(site)
        site.boxes["roof"].fail = Fault(401, "UNAUTHORIZED", "no")
        assert site.run("pipeline", "list", "--context", "lab,roof,dead").code == Exit.FORBIDDEN
        assert site.run("pipeline", "list", "--context", "dead,roof").code == Exit.UNREACHABLE
        assert site.run("pipeline", "get", "cam2", "--context", "lab,roof").code == Exit.NOT_FOUND

    def test_a_silent_box_costs_its_own_timeout_only(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=20) as silent:
            for number in range(3):
                url = f"http://127.0.0.1:{silent.getsockname()[1]}/{number}"
                assert site.run("context", "add", f"mute{number}", url, "--no-check").code == 0
            began = time.monotonic()
            ran = site.run("pipeline", "list", "-o", "name", "--all-contexts", "--timeout", "1s")
            assert time.monotonic() - began < 2.5, "they are waited for at the same time"
        assert ran.out.split() == ["lab/cam1", "roof/cam1", "roof/cam2"]
        assert ran.code == Exit.TIMED_OUT
        assert [f"mute{number}: " in ran.err for number in range(3)] == [True] * 3

    def test_what_is_wrong_everywhere_is_said_once(self, site: Site) -> None:
        ran = site.run("pipeline", "create", "new", *BOTH)
        assert ran.code == Exit.USAGE
        assert ran.err.count("a pipeline needs a source") == 1
        assert "boxes failed" not in ran.err

    def test_commands_for_one_box_say_so(self, site: Site, tmp_path: Path) -> None:
        for argv in (
            ("pipeline", "snapshot", "cam1", str(tmp_path / "x.jpg")),
            ("settings", "edit"),
            ("auth", "login"),
        ):
            ran = site.run(*argv, *BOTH)
            assert ran.code == Exit.USAGE
            assert "for one box at a time, and 2 are named: lab, roof" in ran.err
        assert all(box.requests == [] for box in site.boxes.values())

    def test_a_command_about_no_box_minds_nothing(self, site: Site) -> None:
        assert site.run("context", "list", "-o", "name", "--all-contexts").code == 0


class TestChanges:
    def test_asked_once_for_all(self, site: Site) -> None:
        ran = site.run("pipeline", "stop", "cam1", *BOTH, on=terminal(100), stdin="y\n")
        assert ran.code == 0
        question = "Do `flexctl pipeline stop cam1`? On 2 boxes: lab (http://lab), roof (http://roof). [y/N]"
        assert ran.err.count("[y/N]") == 1
        assert question in ran.err
        stop = [("PUT", "/flex/pipeline/cam1/stop")]
        assert site.changes() == {"lab": stop, "roof": stop}

    def test_a_command_that_asks_by_itself_asks_once_too(self, site: Site) -> None:
        ran = site.run("pipeline", "delete", "cam1", *BOTH, on=terminal(100), stdin="y\n")
        assert ran.err.count("[y/N]") == 1
        assert "Delete pipeline cam1? On 2 boxes: lab (" in ran.err
        assert all("cam1" not in box.pipelines for box in site.boxes.values())

    @pytest.mark.parametrize("verb", ["stop", "delete"])
    def test_no_is_no_everywhere(self, site: Site, verb: str) -> None:
        ran = site.run("pipeline", verb, "cam1", *BOTH, on=terminal(100), stdin="n\n")
        assert ran.code == Exit.FAILED
        assert ran.err.count("nothing was changed") == 1
        assert site.changes() == {"lab": [], "roof": []}

    @pytest.mark.parametrize("verb", ["stop", "delete"])
    def test_without_a_terminal_yes_has_to_be_said(self, site: Site, verb: str) -> None:
        ran = site.run("pipeline", verb, "cam1", *BOTH)
        assert ran.code == Exit.USAGE
        assert "--yes" in ran.err
        assert site.changes() == {"lab": [], "roof": []}
        assert site.run("--yes", "pipeline", verb, "cam1", *BOTH).code == 0
        assert all(len(found) == 1 for found in site.changes().values())

    def test_who_is_asked_knows_where_it_cannot_be_done(self, site: Site) -> None:
        dead(site)
        ran = site.run("pipeline", "delete", "cam1", "--all-contexts", on=terminal(100), stdin="y\n")
        assert ran.code == Exit.UNREACHABLE
        assert ran.err.index("dead: cannot reach") < ran.err.index("[y/N]")
        assert ran.err.count("dead: cannot reach") == 1
        assert "On 2 boxes: lab" in ran.err

    def test_many_more_boxes_than_are_talked_to_at_once(self, site: Site) -> None:
        for number in range(12):
            site.add(f"x{number}", site.boxes["lab"])
        del site.boxes["lab"].pipelines["cam1"]
        site.boxes["lab"].add("cam1")
        ran = site.run("pipeline", "stop", "cam1", "--all-contexts", on=terminal(100), stdin="y\n")
        assert ran.code == 0, ran.err
        assert ran.err.count("[y/N]") == 1
        assert "On 14 boxes" in ran.err

    def test_standard_input_is_there_for_each(self, site: Site) -> None:
        body = json.dumps({"id": "new", "source": {"uri": "test://ball"}})
        ran = site.run("pipeline", "create", "-f", "-", "--yes", *BOTH, stdin=body)
        assert ran.code == 0, ran.err
        assert all("new" in box.pipelines for box in site.boxes.values())


class TestSecretsStayApart:
    @pytest.mark.parametrize("variable", ["FLEX_TOKEN", "FLEX_API_KEY"])
    def test_one_secret_for_several_boxes_is_refused(self, site: Site, variable: str) -> None:
        ran = site.run("pipeline", "list", *BOTH, **{variable: CANARY})
        assert ran.code == Exit.USAGE
        assert variable in ran.err
        assert CANARY not in ran.err
        assert all(box.requests == [] for box in site.boxes.values())
        site.run("context", "add", "lab2", site.boxes["lab"].url)
        assert site.run("pipeline", "list", "--context", "lab,lab2", **{variable: CANARY}).code == 0, "it is one box"

    def test_a_token_of_standard_input_and_a_pin_too(self, site: Site) -> None:
        assert site.run("pipeline", "list", "--token-stdin", *BOTH, stdin=CANARY).code == Exit.USAGE
        assert site.run("pipeline", "list", "--fingerprint", "AB" * 32, *BOTH).code == Exit.USAGE
        assert all(box.requests == [] for box in site.boxes.values())

    def test_each_box_gets_its_own_token(self, site: Site) -> None:
        document = site.file.read_text()
        for name in ("lab", "roof"):
            document = document.replace(
                f"[contexts.{name}]", f"[contexts.{name}]\ntoken_command = 'echo {CANARY}-{name}'"
            )
        site.file.write_text(document)
        assert site.run("pipeline", "list", *BOTH).code == 0
        for name in ("lab", "roof"):
            sent = {headers.get("authorization") for _, _, headers, _ in site.boxes[name].requests}
            assert sent == {f"Bearer {CANARY}-{name}"}


class TestReadOnly:
    CHANGING = (
        ("pipeline", "stop", "cam1"),
        ("pipeline", "delete", "cam1", "--yes"),
        ("pipeline", "update", "cam1", "--bitrate", "2M"),
        ("pipeline", "create", "x", "--source", "test://ball"),
        ("api", "PUT", "/flex/settings", "-d", "{}"),
        ("api", "post", "pipeline", "-d", '{"id": "x"}'),
    )

    @pytest.mark.parametrize("argv", CHANGING, ids=" ".join)
    @pytest.mark.parametrize("how", ["flag", "environment", "context"])
    def test_nothing_that_changes_is_sent(self, site: Site, argv: tuple[str, ...], how: str) -> None:
        more = {"flag": ("--read-only",)}.get(how, ())
        env = {"FLEX_READ_ONLY": "1"} if how == "environment" else {}
        if how == "context":
            site.file.write_text(site.file.read_text().replace("[contexts.lab]", "[contexts.lab]\nread_only = true"))
        ran = site.run(*argv, *more, **env)
        assert ran.code == Exit.REFUSED, ran.err
        assert "this is read-only" in ran.err
        assert "Allow it: " in ran.err
        assert site.changes()["lab"] == []

    def test_an_environment_does_not_loosen_a_context(self, site: Site) -> None:
        site.file.write_text(site.file.read_text().replace("[contexts.lab]", "[contexts.lab]\nread_only = true"))
        assert site.run("pipeline", "stop", "cam1", FLEX_READ_ONLY="0").code == Exit.REFUSED

    def test_reading_streams_and_what_is_only_shown_pass(self, site: Site) -> None:
        for argv in (
            ("pipeline", "list"),
            ("events", "--since", "0", "--count", "1"),
            ("api", "GET", "/flex/health"),
            ("pipeline", "stop", "cam1", "--dry-run"),
            ("pipeline", "stop", "cam1", "--curl"),
        ):
            assert site.run(*argv, "--read-only").code == 0
        assert site.changes()["lab"] == []


def test_two_real_boxes(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "media")
    site = Site(tmp_path / "config")
    with Box(tmp_path / "a", env=media.env) as one, Box(tmp_path / "b", env=media.env) as two:
        for name, box in (("lab", one), ("roof", two)):
            ran = site.run("context", "add", name, box.url, "--fingerprint", box.fingerprint)
            assert ran.code == 0, ran.err
        ran = site.run("pipeline", "create", "cam1", "--source", "test://smpte", "--yes", "--all-contexts")
        assert ran.code == 0, ran.err
        assert site.run("pipeline", "list", "--all-contexts", "-o", "name").out.split() == ["lab/cam1", "roof/cam1"]
        two.stop()
        ran = site.run("pipeline", "list", "--all-contexts", "-o", "name")
        assert (ran.code, ran.out.split()) == (Exit.UNREACHABLE, ["lab/cam1"])


def test_no_thread_is_left(site: Site) -> None:
    before = threading.active_count()
    site.run("pipeline", "delete", "cam1", *BOTH, on=terminal(100), stdin="n\n")
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        threading.Event().wait(0.02)
    assert not [thread.name for thread in threading.enumerate() if thread.name in {"lab", "roof"}]
