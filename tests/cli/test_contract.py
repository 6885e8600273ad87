"""What scripts rely on: exit codes, JSON fields, what goes to which stream."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import flexctl as package
from flexclient.models import ErrorCode, Pipeline, PipelineStatus
from flexctl.app import TABLE
from flexctl.errors import CODES, problem_of
from flexctl.exits import Exit
from flexctl.lazy import Group, Leaf
from flexctl.options import GLOBALS, duration
from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import flexctl
from tests.cli.test_trust import tls_box

PIPELINE_FIELDS = {
    *("id", "mode", "on_demand", "source", "encoding", "transform", "crop", "overlay", "output", "outputs", "inputs"),
    *("raw_pipeline", "audio", "framegrab", "klv_config", "metadata"),
    *("state", "klv", "order", "created_at", "updated_at"),
}
STATUS_FIELDS = {
    *("id", "state", "order", "reason", "since", "uptime_seconds", "restarts", "next_retry_at", "output_uri"),
    *("readers", "klv", "geolocation", "stats", "framegrab", "publisher"),
}


class TestExitCodes:
    @pytest.mark.parametrize(
        ("status", "code", "wanted"),
        [
            (400, "VALIDATION_ERROR", Exit.USAGE),
            (401, "UNAUTHORIZED", Exit.FORBIDDEN),
            (402, "LICENSE_ERROR", Exit.REFUSED),
            (402, "LICENSE_LIMIT_EXCEEDED", Exit.REFUSED),
            (403, "SOMETHING_NEW", Exit.FORBIDDEN),
            (404, "NOT_FOUND", Exit.NOT_FOUND),
            (409, "CONFLICT", Exit.REFUSED),
            (409, "PIPELINE_CONFLICT", Exit.REFUSED),
            (412, "PRECONDITION_FAILED", Exit.REFUSED),
            (413, "PAYLOAD_TOO_LARGE", Exit.FAILED),
            (500, "GSTREAMER_ERROR", Exit.FAILED),
            (503, "GSTREAMER_UNAVAILABLE", Exit.FAILED),
            (504, "PIPELINE_START_TIMEOUT", Exit.PENDING),
            (418, "SOMETHING_NEW", Exit.FAILED),
        ],
    )
    def test_of_answers(self, box: FakeBox, status: int, code: str, wanted: Exit) -> None:
        box.fail = Fault(status, code, "no", "do this")
        ran = flexctl("pipeline", "stop", "cam1", url=box.url)
        assert (ran.code, ran.out) == (wanted, "")
        assert ran.err == "flexctl: no\n  Do this\n  request id req-1\n"

    @pytest.mark.parametrize(
        ("argv", "wanted"),
        [
            (("create", "new", "--source", "test://smpte"), Exit.PENDING),
            (("play", "cam1"), Exit.PENDING),
            (("graph", "cam1"), Exit.FAILED),
        ],
        ids=lambda value: value[0] if isinstance(value, tuple) else None,
    )
    def test_a_pipeline_that_is_stored_and_does_not_start_is_pending(
        self, box: FakeBox, argv: tuple[str, ...], wanted: Exit
    ) -> None:
        box.fail = Fault(500, "GSTREAMER_ERROR", "no camera there")
        assert flexctl("pipeline", *argv, url=box.url).code == wanted

    def test_a_pipeline_that_can_never_work_has_failed(self, box: FakeBox) -> None:
        hint = "It is stored, but the box does not try again. Change it (PUT or PATCH): then it starts at once."
        box.fail = Fault(500, "GSTREAMER_ERROR", "no video in it", hint)
        ran = flexctl("pipeline", "play", "cam1", url=box.url)
        assert ran.code == Exit.FAILED
        assert "Change it (`flexctl pipeline update cam1`)" in ran.err

    def test_every_code_that_is_named_is_one_of_the_contract(self) -> None:
        assert set(CODES) <= {str(code) for code in ErrorCode}

    def test_nobody_there(self) -> None:
        ran = flexctl("health", url="http://127.0.0.1:1")
        assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")
        assert ran.err.startswith("flexctl: cannot reach http://box: Connection refused")

    def test_a_wait_that_runs_out(self, box: FakeBox) -> None:
        ran = flexctl("pipeline", "wait", "cam1", "--for", "ready", "--timeout", "200ms", url=box.url)
        assert ran.code == Exit.TIMED_OUT
        assert "cam1 was not ready within 0.2 s: it is playing" in ran.err

    def test_an_explicit_timeout_is_the_limit_of_the_whole_call(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            began = time.monotonic()
            ran = flexctl("--timeout", "300ms", "pipeline", "list", url=f"http://127.0.0.1:{silent.getsockname()[1]}")
            assert ran.code == Exit.TIMED_OUT
            assert time.monotonic() - began < 3, "without the limit it is tried four times, ten seconds each"
        assert flexctl("--timeout", "0", "health").code == Exit.USAGE

    def test_an_address_without_tls_is_told_apart(self, tmp_path: Path) -> None:
        url, stop = tls_box(tmp_path)
        try:
            plain = url.replace("https", "http")
            assert f"--url {url}" in flexctl("health", "--url", plain).err
        finally:
            stop()

    @pytest.mark.parametrize(
        "argv",
        [
            ("pipeline", "list"),
            ("pipeline", "list", "-o", "json"),
            ("pipeline", "list", "--watch"),
            ("pipeline", "snapshot", "cam1"),
            ("events", "--since", "0", "--count", "1"),
            ("--help",),
        ],
        ids=" ".join,
    )
    def test_a_full_disk_is_a_sentence(self, box: FakeBox, argv: tuple[str, ...]) -> None:
        command = [sys.executable, "-m", "flexctl", *argv]
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                command,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "FLEX_URL": box.url},
                timeout=60,
                check=False,
            )
        assert ran.returncode == Exit.FAILED
        assert ran.stderr == "flexctl: the output cannot be written: No space left on device\n"

    def test_a_box_that_is_not_well(self, box: FakeBox) -> None:
        box.health["status"] = "failed"
        ran = flexctl("health", "-o", "json", url=box.url)
        assert ran.code == Exit.FAILED
        assert json.loads(ran.out)["status"] == "failed"

    def test_a_fault_of_flexctl_itself_is_no_message(self) -> None:
        assert problem_of(ZeroDivisionError()) is None

    def test_no_command_at_all_is_a_misuse_that_shows_the_help(self) -> None:
        ran = flexctl()
        assert (ran.code, ran.out) == (Exit.USAGE, "")
        assert "Commands:" in ran.err


class TestJson:
    """The fields that programs find. A field more is news for the changelog; a field less breaks somebody."""

    def test_a_pipeline(self, box: FakeBox) -> None:
        found = json.loads(flexctl("pipeline", "get", "cam1", "-o", "json", url=box.url).out)
        assert found == box.pipelines["cam1"]
        assert set(Pipeline.model_fields) == PIPELINE_FIELDS

    def test_a_status(self, box: FakeBox) -> None:
        found = json.loads(flexctl("pipeline", "status", "cam1", "-o", "json", url=box.url).out)
        assert found == box.status("cam1")
        assert set(PipelineStatus.model_fields) == STATUS_FIELDS

    def test_an_event(self, box: FakeBox) -> None:
        line = flexctl("events", "--since", "0", "--count", "1", url=box.url).out
        assert json.loads(line) == {"id": 1, "event": "pipeline_created", "data": box.pipelines["cam1"]}

    def test_versions(self, box: FakeBox) -> None:
        found = json.loads(flexctl("version", "-o", "json", url=box.url).out)
        assert found["client"] == {"version": package.__version__}
        assert set(found["server"]) == {"version", "api_version", "gstreamer_version", "build"}

    def test_a_field_that_this_version_does_not_know_comes_through(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["brand_new"] = {"a": 1}
        found = json.loads(flexctl("pipeline", "get", "cam1", "-o", "json", url=box.url).out)
        assert found["brand_new"] == {"a": 1}

    def test_queries_columns_and_order(self, box: FakeBox) -> None:
        assert json.loads(flexctl("pipeline", "list", "--query", "[].id", url=box.url).out) == list(box.pipelines)
        ran = flexctl("pipeline", "list", "--columns", "state,id", "--sort-by", "-id", "-o", "csv", url=box.url)
        assert list(csv.reader(io.StringIO(ran.out))) == [
            ["state", "id"],
            ["ready", "entrance-east-camera"],
            ["playing", "cam1"],
            ["error", "broken"],
        ]

    def test_columns_are_named_as_the_heading_says(self, box: FakeBox) -> None:
        ran = flexctl("pipeline", "list", "--columns", "ID,On Demand,created-at", "-o", "csv", url=box.url)
        assert ran.out.splitlines()[0] == "id,on_demand,created_at"
        box.pipelines.clear()
        for flag in ("--columns", "--sort-by"):
            for form in ("table", "json", "name"):
                assert flexctl("pipeline", "list", flag, "colour", "-o", form, url=box.url).code == 2, (flag, form)

    def test_csv_and_json_have_the_documents_own_words(self, box: FakeBox) -> None:
        rows = list(csv.DictReader(io.StringIO(flexctl("pipeline", "list", "-o", "csv", url=box.url).out)))
        assert (rows[1]["state"], rows[0]["output"]) == ("ready", "rtsp://0.0.0.0:8731/cam1")

    def test_an_empty_list_says_so_and_what_to_do(self, box: FakeBox) -> None:
        box.pipelines.clear()
        ran = flexctl("pipeline", "list", url=box.url)
        assert (ran.code, ran.out) == (0, "")
        assert "flexctl pipeline create" in ran.err
        assert flexctl("pipeline", "list", "-o", "json", url=box.url).out == "[]\n"
        assert flexctl("pipeline", "list", "-o", "name", url=box.url).out == ""
        assert flexctl("pipeline", "list", "-q", url=box.url).err == ""


class TestSettings:
    def test_a_flag_beats_the_environment_on_both_sides_of_the_command(self, box: FakeBox) -> None:
        for argv in (("--url", box.url, "health"), ("health", "--url", box.url)):
            assert flexctl(*argv, url="http://127.0.0.1:1").code == 0

    def test_a_faulty_variable_is_named(self, box: FakeBox) -> None:
        ran = flexctl("health", url=box.url, FLEX_TIMEOUT="soon")
        assert (ran.code, ran.err) == (
            2,
            "flexctl: FLEX_TIMEOUT: 'soon' is not a duration such as 10s, 500ms or 1m30s\n",
        )
        assert flexctl("health", url=box.url, FLEX_INSECURE="maybe").code == 2
        assert flexctl("health", url=box.url, FLEX_OUTPUT="json").out.startswith("{")

    def test_no_option_of_a_command_takes_the_name_of_a_global_one_by_accident(self) -> None:
        meant = {("discover", "--timeout"), ("pipeline wait", "--timeout"), ("wait", "--timeout")}
        known = {flag for setting in GLOBALS for flag in setting.flags}
        for name, leaf in leaves():
            # A command's own --yes says the same as the global one, of its own question.
            own = {flag for p in leaf.params if p.name not in leaf.extra and p.name != "yes" for flag in p.opts}
            assert {(name, flag) for flag in own & known} <= meant

    def test_every_command_and_option_has_its_line_of_help(self) -> None:
        for name, leaf in leaves():
            assert leaf.help, name
            for param in leaf.params:
                assert getattr(param, "help", None), f"{name}: {param.name}"

    @pytest.mark.parametrize(("text", "value"), [("10", 10), ("10s", 10), ("500ms", 0.5), ("1m30s", 90), ("2h", 7200)])
    def test_durations(self, text: str, value: float) -> None:
        assert duration(text) == value

    @pytest.mark.parametrize("text", ["", "s", "10x", "-1", "1 s", "10s5"])
    def test_what_is_no_duration(self, text: str) -> None:
        if text == "10s5":
            assert duration(text) == 15
            return
        with pytest.raises(ValueError, match="is not a duration"):
            duration(text)

    def test_the_version_is_the_packages(self) -> None:
        from importlib.metadata import version

        assert package.__version__ == version("flex-video")


def leaves() -> list[tuple[str, Leaf]]:
    found = []
    for name, entry in TABLE.items():
        group = entry.entries if isinstance(entry, Group) else {"": entry}
        found += [(f"{name} {verb}".strip(), Leaf.of(verb or name, leaf)) for verb, leaf in group.items()]
    return found
