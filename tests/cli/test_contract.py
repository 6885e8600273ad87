"""What scripts rely on: exit codes, JSON fields, what goes to which stream, and that no secret goes anywhere."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

import flexctl as package
from flexclient.models import ErrorCode, Pipeline, PipelineStatus
from flexctl.app import TABLE
from flexctl.errors import CODES, problem_of
from flexctl.exits import Exit
from flexctl.lazy import Group, Leaf
from flexctl.options import GLOBALS, duration
from flexctl.out.human import human, seconds
from flexctl.views.event import Seen, data_of, what
from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import NOW, flexctl, terminal

CANARY = "canary-7f3a9"

PIPELINE_FIELDS = {
    *("id", "mode", "on_demand", "source", "encoding", "transform", "crop", "overlay", "output", "outputs", "inputs"),
    *("raw_pipeline", "audio", "framegrab", "klv_config", "metadata"),
    *("state", "klv", "order", "created_at", "updated_at"),
}
STATUS_FIELDS = {
    *("id", "state", "order", "reason", "since", "uptime_seconds", "restarts", "next_retry_at", "output_uri"),
    *("readers", "klv", "geolocation", "stats"),
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

    def test_every_code_that_is_named_is_one_of_the_contract(self) -> None:
        assert set(CODES) <= {str(code) for code in ErrorCode}

    def test_nobody_there(self) -> None:
        ran = flexctl("health", url="http://127.0.0.1:1")
        assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")
        assert ran.err.startswith("flexctl: cannot reach http://box: Connection refused")

    def test_a_wait_that_runs_out(self, box: FakeBox) -> None:
        ran = flexctl("pipeline", "wait", "cam1", "--for", "ready", "--timeout", "200ms", url=box.url)
        assert ran.code == Exit.TIMED_OUT

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

    def test_an_empty_list_says_so_and_what_to_do(self, box: FakeBox) -> None:
        box.pipelines.clear()
        ran = flexctl("pipeline", "list", url=box.url)
        assert (ran.code, ran.out) == (0, "")
        assert "flexctl pipeline create" in ran.err
        assert flexctl("pipeline", "list", "-o", "json", url=box.url).out == "[]\n"
        assert flexctl("pipeline", "list", "-o", "name", url=box.url).out == ""
        assert flexctl("pipeline", "list", "-q", url=box.url).err == ""


class TestSecrets:
    def test_a_token_is_sent_and_shown_nowhere(self, box: FakeBox) -> None:
        for argv in (
            ("pipeline", "list", "-o", "json"),
            ("pipeline", "play", "cam1", "--curl"),
            ("pipeline", "play", "cam1", "--dry-run"),
            ("pipeline", "get", "nope"),
            ("api", "GET", "/flex/health", "--include"),
        ):
            ran = flexctl(*argv, url=box.url, FLEX_TOKEN=CANARY)
            assert CANARY not in ran.out + ran.err
        assert f"Bearer {CANARY}" in {headers.get("authorization") for _, _, headers, _ in box.requests}
        ran = flexctl("pipeline", "list", "--token-stdin", url=box.url, stdin=f"{CANARY}\n")
        assert ran.code == 0
        assert box.requests[-1][2]["authorization"] == f"Bearer {CANARY}"

    def test_a_password_of_a_source_is_sent_and_shown_nowhere(self, box: FakeBox, tmp_path: Path) -> None:
        file = tmp_path / "cam.yaml"
        file.write_text(f"id: new\nsource: {{uri: 'rtsp://cam/1', user: me, password: {CANARY}}}\n")
        shown = ""
        for more in (("--dry-run",), ("--curl",), ("--dry-run", "-o", "json"), ("-o", "json")):
            ran = flexctl("pipeline", "create", "-f", str(file), *more, url=box.url)
            assert ran.code == 0, ran.err
            shown += ran.out + ran.err
        assert CANARY not in shown
        assert json.loads(box.requests[-1][3])["source"]["password"] == CANARY

    def test_a_password_in_an_address_is_stars(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["source"]["uri"] = f"rtsp://me:{CANARY}@cam/1"
        for form in ("table", "json", "yaml", "csv"):
            assert CANARY not in flexctl("pipeline", "list", "-o", form, url=box.url).out
        box.emit("pipeline_updated", box.pipelines["cam1"])
        assert CANARY not in flexctl("events", "--since", "3", "--count", "1", url=box.url).out


class TestTrust:
    def test_a_self_signed_box_says_how_to_trust_it(self, tmp_path: Path) -> None:
        seen, stop = tls_box(tmp_path)
        try:
            ran = flexctl("health", url=seen)
            assert ran.code == Exit.UNREACHABLE
            [line] = [line for line in ran.err.splitlines() if line.strip().startswith("--fingerprint")]
            pin = line.split()[1]
            assert f"export FLEX_FINGERPRINT={pin}" in ran.err
            assert flexctl("health", "--fingerprint", pin, url=seen).code == Exit.DONE
            assert flexctl("health", url=seen, FLEX_FINGERPRINT=pin).code == Exit.DONE
            other = flexctl("health", "--fingerprint", "AB" * 32, url=seen)
            assert other.code == Exit.UNREACHABLE
            assert "another certificate than the pinned one" in other.err
            ran = flexctl("health", "--ca-file", str(tmp_path / "ca.pem"), url=seen, FLEX_FINGERPRINT="AB" * 32)
            assert ran.code == Exit.DONE, "trust that a flag names is not mixed with the environment's"
            ran = flexctl("health", "--insecure", url=seen)
            assert ran.code == Exit.DONE
            assert ran.err.startswith("! the certificate of http://box is NOT checked")
        finally:
            stop()


def tls_box(folder: Path) -> tuple[str, Any]:
    """A fake box behind TLS with a certificate that nobody knows; its authority's is in `ca.pem`."""
    import ssl

    box = FakeBox()
    box.stop()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    box.tls = context
    box.start()
    return box.url, box.stop


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
        meant = {("pipeline wait", "--timeout")}
        known = {flag for setting in GLOBALS for flag in setting.flags}
        for name, leaf in leaves():
            own = {flag for param in leaf.params if param.name not in leaf.extra for flag in param.opts}
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


class TestApi:
    def test_a_body_and_headers_are_sent(self, box: FakeBox) -> None:
        body = '{"id": "raw", "source": {"uri": "test://smpte"}}'
        ran = flexctl("api", "post", "flex/pipeline", "-d", body, "-H", "X-Mine: 1", "-i", url=box.url)
        assert json.loads(ran.out)["id"] == "raw"
        assert "HTTP 200" in ran.err
        method, path, headers, sent = box.requests[-1]
        assert (method, path, headers["x-mine"], json.loads(sent)["id"]) == ("POST", "/flex/pipeline", "1", "raw")
        ran = flexctl("api", "POST", "/flex/pipeline", "-d", "-", "--dry-run", url=box.url, stdin=body)
        assert ran.out.startswith("POST http://box/flex/pipeline\n{")

    @pytest.mark.parametrize("argv", [("-d", "{"), ("-d", "@/nowhere"), ("-H", "broken")])
    def test_what_cannot_be_sent(self, box: FakeBox, argv: tuple[str, ...]) -> None:
        assert flexctl("api", "POST", "/flex/pipeline", *argv, url=box.url).code == 2

    def test_a_picture_goes_through_a_pipe_whole(self, box: FakeBox) -> None:
        command = [sys.executable, "-m", "flexctl", "pipeline", "snapshot", "cam1"]
        ran = subprocess.run(
            command, capture_output=True, env={**os.environ, "FLEX_URL": box.url}, timeout=60, check=True
        )
        assert ran.stdout == b"\xff\xd8picture\xff\xd9"


class TestWords:
    @pytest.mark.parametrize(
        ("value", "kind", "text"),
        [
            (750, "kbps", "750 kbit/s"),
            (2013.4, "kbps", "2.0 Mbit/s"),
            (125_000, "kbps", "125 Mbit/s"),
            (42_991_616, "bytes", "41 MiB"),
            (29.97, "fps", "30.0"),
            (3.2, "ms", "3.2 ms"),
            (None, "fps", "-"),
            (True, "bool", "yes"),
            ("playing", "state", "● playing"),
            ("warming", "state", "· warming"),
        ],
    )
    def test_for_people(self, value: object, kind: Any, text: str) -> None:
        assert human(value, kind, NOW).text == text

    @pytest.mark.parametrize(
        ("value", "text"), [(0, "0s"), (59.9, "59s"), (60, "1m"), (200, "3m 20s"), (7500, "2h 5m"), (277_200, "3d 5h")]
    )
    def test_times(self, value: float, text: str) -> None:
        assert seconds(value) == text

    def test_events_in_words(self) -> None:
        from flexclient.models import read_event

        for kind, data, words in (
            ("pipeline_error", '{"message": "gone", "id": "a"}', "gone"),
            ("gap", '{"since": 5}', "events were lost here; the box tells its state anew"),
            ("bye", "{}", "the box shuts down"),
            ("camera_added", '{"device_path": "/dev/video0", "device_name": "Cam"}', "Cam"),
            ("brand_new", '{"x": 1}', ""),
            ("pipeline_status", '{"id": "a", "state": "error", "restarts": 2}', "error, 2 restarts"),
        ):
            event = read_event(kind, data, "7")
            assert what(event) == words
            assert data_of(event)["data"] == json.loads(data)
            assert Seen(NOW, event).time == NOW

    def test_a_name_that_the_terminal_has_no_letters_for_is_no_failure(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["overlay"]["text"] = "Tür 日本"
        env = {**os.environ, "FLEX_URL": box.url, "PYTHONIOENCODING": "ascii"}
        command = [sys.executable, "-m", "flexctl", "pipeline", "get", "cam1"]
        ran = subprocess.run(command, capture_output=True, env=env, timeout=60, check=True)
        assert b"T?r" in ran.stdout

    def test_narrow_terminals_show_an_id_whole(self, box: FakeBox) -> None:
        name = "a" * 64
        box.add(name)
        ran = flexctl("pipeline", "list", url=box.url, on=terminal(40))
        assert name in "".join(line.split(" ")[0] for line in ran.out.splitlines())
        assert name in flexctl("pipeline", "list", url=box.url).out
