"""What the commands do and say, beyond the golden files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from flexctl.out.human import human, seconds
from flexctl.views.event import Seen, data_of, what
from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import NOW, flexctl, terminal


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

    def test_a_short_path_and_what_is_not_there(self, box: FakeBox) -> None:
        assert json.loads(flexctl("api", "get", "health", url=box.url).out)["status"] == "degraded"
        ran = flexctl("api", "get", "/health", url=box.url)
        assert ran.code == 3
        assert "Asked for: GET http://box/health" in ran.err
        assert "below /flex/" in ran.err


class TestUpdate:
    def test_it_says_what_came_of_it(self, box: FakeBox) -> None:
        def told(*argv: str) -> str:
            ran = flexctl("pipeline", "update", "cam1", *argv, "-o", "name", url=box.url)
            assert ran.code == 0, ran.err
            return ran.err

        assert told("--bitrate", "900").startswith("✓ Changed cam1: it is playing; the change took effect at once")
        assert told("--bitrate", "900") == "✓ Nothing changed: cam1 was so already. It is playing.\n"
        box.pipelines["cam1"] |= {"state": "ready", "order": "stop"}
        assert told("--bitrate", "800") == "✓ Changed cam1: it is stopped.\n", "the fake box says live of everything"
        box.pipelines["cam1"] |= {"order": "armed"}
        assert told("--bitrate", "700") == "✓ Changed cam1: it is armed, and encodes while somebody watches.\n"

    def test_a_file_that_says_the_same_changes_nothing(self, box: FakeBox) -> None:
        text = flexctl("pipeline", "get", "cam1", "-o", "yaml", url=box.url).out
        flexctl("pipeline", "update", "cam1", "-f", "-", url=box.url, stdin=text)
        ran = flexctl("pipeline", "update", "cam1", "-f", "-", url=box.url, stdin=text)
        assert "Nothing changed" in ran.err

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ("overly", "Did you mean 'overlay'?"),
            ("overlay.txt", "Did you mean 'overlay.text'?"),
            ("source", "no pipeline is without it"),
        ],
    )
    def test_what_cannot_be_taken_out(self, box: FakeBox, field: str, words: str) -> None:
        ran = flexctl("pipeline", "update", "cam1", "--remove", field, url=box.url)
        assert (ran.code, box.requests) == (2, [])
        assert words in ran.err

    def test_one_key_of_the_metadata_goes(self, box: FakeBox) -> None:
        assert flexctl("pipeline", "update", "cam1", "--remove", "metadata.site", url=box.url).code == 0
        assert box.pipelines["cam1"]["metadata"] == {}


class TestHelp:
    @pytest.mark.parametrize("argv", [(), ("pipeline",), ("pipeline", "create")], ids=" ".join)
    def test_the_word_is_as_good_as_the_option(self, argv: tuple[str, ...]) -> None:
        assert flexctl("help", *argv) == flexctl(*argv, "--help")

    def test_of_what_is_not_there(self) -> None:
        assert flexctl("help", "pipeline", "lst").err.startswith("flexctl: there is no command 'flexctl pipeline lst'")


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

    def test_errors_break_between_words_on_a_terminal_and_nowhere_in_a_pipe(self, box: FakeBox) -> None:
        hint = "a hint that is rather long " * 12
        box.fail = Fault(409, "CONFLICT", "the pipeline is not as it has to be for what was asked", hint)
        piped = flexctl("pipeline", "stop", "cam1", url=box.url).err
        assert len(piped.splitlines()) == 3
        lines = flexctl("pipeline", "stop", "cam1", url=box.url, on=terminal(40)).err.splitlines()
        assert max(map(len, lines)) <= 40
        assert " ".join(" ".join(lines).split()) == " ".join(piped.split())

    def test_nothing_was_sent_is_said_last_and_once(self, box: FakeBox) -> None:
        argv = ("pipeline", "create", "new", "--source", "test://smpte", "--play", "--dry-run")
        ran = flexctl(*argv, url=box.url)
        assert ran.err == "Nothing was sent.\n"
        assert ran.out.count("http://box") == 2

    def test_a_picture_is_not_given_another_kinds_name(self, box: FakeBox) -> None:
        ran = flexctl("pipeline", "snapshot", "cam1", "x.png", url=box.url)
        assert (ran.code, box.requests) == (2, [])
        assert "x.jpg" in ran.err

    def test_narrow_terminals_show_an_id_whole(self, box: FakeBox) -> None:
        name = "a" * 64
        box.add(name)
        ran = flexctl("pipeline", "list", url=box.url, on=terminal(40))
        assert name in "".join(line.split(" ")[0] for line in ran.out.splitlines())
        assert name in flexctl("pipeline", "list", url=box.url).out
