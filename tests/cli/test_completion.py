"""Completion: what is offered, where names come from, and what a person sees in real bash, zsh and fish."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest

import flexctl as package
from flexctl.cmds.completion import SCRIPTS
from flexctl.complete import Answer, answer, words_of, written
from flexctl.names import FRESH_SECONDS
from tests.cli.fakebox import FakeBox, Fault

ROOT = Path(package.__file__).parents[1]
LIVE = {"pipeline": ["cam1", "cam2", "gate"], "webhook": ["wh_aaaaaaaa"], "framegrab": ["cam1-00007.avif"]}
CANARY = "canary-7f3a9"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEX_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def offered(*words: str) -> list[str]:
    """The words that are offered for the last one."""
    *before, current = words
    return [word for word, _ in answer(before, current, lambda kind, _: LIVE.get(kind, [])).words]


class TestAnswers:
    @pytest.mark.parametrize(
        ("line", "found"),
        [
            ("pipel", ["pipeline"]),
            ("pipeline st", ["stop", "status"]),
            ("pipeline get c", ["cam1", "cam2"]),
            ("pipeline stop cam1 ga", ["gate"]),
            ("pipeline get cam1 c", []),
            ("pipeline create c", []),
            ("--url http://x pipeline get ga", ["gate"]),
            ("pipeline -o json get ga", ["gate"]),
            ("webhook delete ", ["wh_aaaaaaaa"]),
            ("framegrab download ", ["cam1-00007.avif"]),
            ("framegrab list --pipeline c", ["cam1", "cam2"]),
            ("events --pipeline cam1,", ["cam1,cam2", "cam1,gate"]),
            ("pipeline list -o y", ["yaml"]),
            ("pipeline list --output=c", ["--output=csv"]),
            ("pipeline list --columns id,st", ["id,state"]),
            ("pipeline status cam1 --columns fp", ["fps"]),
            ("pipeline list --sort-by -cr", ["-created_at"]),
            ("pipeline list --sort-by state,-i", ["state,-id"]),
            ("framegrab list --columns siz", ["size_bytes"]),
            ("pipeline get --cur", ["--curl"]),
            ("settings set cot_e", ["cot_enabled="]),
            ("settings set --unset cot_e", ["cot_enabled"]),
            ("completion ", ["bash", "zsh", "fish"]),
            ("help exit", ["exit-codes"]),
            ("help pipeline st", ["stop", "status"]),
            ("nothing like this ", []),
            ("pipeline get -- cam1", ["cam1"]),
        ],
    )
    def test_of_a_line(self, line: str, found: list[str]) -> None:
        assert offered(*line.split(" ")) == found

    def test_of_events(self) -> None:
        from flexclient.models.event import EVENT_DATA

        assert offered("events", "--types", "") == [name for name in EVENT_DATA if name not in {"gap", "bye"}]
        assert offered("webhook", "create", "--events", "pipeline.e") == ["pipeline.error"]

    def test_hidden_things_are_not_offered(self) -> None:
        assert "--save-svg" not in offered("pipeline", "list", "--s")
        assert "--sort-by" in offered("pipeline", "list", "--s")

    @pytest.mark.parametrize("line", ["pipeline create -f ", "pipeline snapshot cam1 ", "--ca-file "])
    def test_files_are_the_shells(self, line: str) -> None:
        *before, current = line.split(" ")
        assert answer(before, current, lambda *_: []).files

    def test_aliases_and_extensions(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (home / "config").mkdir()
        (home / "config" / "aliases.toml").write_text('[aliases]\nps = "pipeline get"\n')
        (home / "bin").mkdir()
        program = home / "bin" / "flexctl-hello"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(home / "bin"))
        assert offered("p") == ["pipeline", "play", "ps"]
        assert offered("hel") == ["hello", "help"]
        assert offered("ps", "ga") == ["gate"]
        assert offered("hello", "x") == []
        assert offered("alias", "delete", "p") == ["ps"]
        assert offered("alias", "set", "p") == []

    def test_contexts(self, home: Path) -> None:
        (home / "config").mkdir()
        (home / "config" / "contexts.toml").write_text(
            '[contexts.lab]\nurl = "https://a:1"\n[contexts.roof]\nurl="b:1"'
        )
        assert offered("pipeline", "list", "--context", "l") == ["lab"]
        assert offered("pipeline", "list", "--context", "lab,") == ["lab,roof"]
        assert offered("context", "use", "r") == ["roof"]

    @pytest.mark.parametrize(
        ("line", "point", "words"),
        [
            ("flexctl pipeline get ca", None, ["pipeline", "get", "ca"]),
            ("flexctl pipeline get ", None, ["pipeline", "get", ""]),
            ("flexctl ", None, [""]),
            ("flexctl", None, [""]),
            ("flexctl pipeline get cam1 --curl", 19, ["pipeline", "ge"]),
            ("flexctl pipeline list --query '[?id", None, ["pipeline", "list", "--query", "[?id"]),
            ("flexctl pipeline list --query 'ä ", None, ["pipeline", "list", "--query", "ä "]),
            ('flexctl a "b c" d', None, ["a", "b c", "d"]),
            ("flexctl a\\", None, ["a"]),
        ],
    )
    def test_words_of_bash(self, line: str, point: int | None, words: list[str]) -> None:
        size = len(line.encode()) if point is None else point
        assert words_of({"COMP_LINE": line, "COMP_POINT": str(size)}) == words

    def test_bash_completes_what_stands_behind_its_breaks(self) -> None:
        found = Answer((("--output=json", ""),))
        assert written(found, "--output=js", "bash", {"COMP_WORDBREAKS": " =:"}) == "names\njson\n"
        assert written(found, "--output=js", "bash", {"COMP_WORDBREAKS": " "}) == "names\n--output=json\n"
        assert written(Answer((("a=", "x"), ("b=", ""))), "", "zsh", {}) == "open\na=\tx\nb=\n"
        assert written(Answer(files=True), "", "zsh", {}) == "files\n"


def asked(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The whole process, as a shell runs it."""
    command = [sys.executable, "-m", "flexctl", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "_FLEXCTL_COMPLETE": "zsh", **env}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def until(found: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


class TestLiveNames:
    def cached(self, home: Path) -> list[Path]:
        return [path for path in (home / "cache").rglob("*-pipeline") if path.is_file()]

    def test_they_come_behind_the_scenes(self, home: Path, box: FakeBox) -> None:
        first = asked("pipeline", "get", "", FLEX_URL=box.url)
        assert (first.stdout, first.stderr, first.returncode) == ("names\n", "", 0)
        until(lambda: bool(self.cached(home)))
        assert asked("pipeline", "get", "", FLEX_URL=box.url).stdout.split() == [
            "names", "cam1", "entrance-east-camera", "broken",
        ]  # fmt: skip
        assert [(method, path) for method, path, _, _ in box.requests] == [("GET", "/flex/pipeline")]

    def test_they_are_asked_anew_when_they_are_old(self, home: Path, box: FakeBox) -> None:
        asked("pipeline", "get", "", FLEX_URL=box.url)
        until(lambda: bool(self.cached(home)))
        box.add("fresh")
        assert "fresh" not in asked("pipeline", "get", "f", FLEX_URL=box.url).stdout
        old = time.time() - FRESH_SECONDS - 1
        for path in (home / "cache" / "flex" / "names").iterdir():
            os.utime(path, (old, old))
        asked("pipeline", "get", "f", FLEX_URL=box.url)
        until(lambda: "fresh" in self.cached(home)[0].read_text())
        assert len(box.requests) == 2

    def test_a_box_that_is_away_is_asked_once_and_costs_nothing(self, home: Path) -> None:
        started = time.monotonic()
        for _ in range(2):
            ran = asked("pipeline", "get", "", FLEX_URL="http://10.255.255.1:9")
            assert (ran.stdout, ran.stderr, ran.returncode) == ("names\n", "", 0)
        assert time.monotonic() - started < 20
        assert len(list((home / "cache").rglob("*.asked"))) == 1
        assert self.cached(home) == []

    def test_only_we_can_read_them_and_there_is_no_secret(self, home: Path, box: FakeBox) -> None:
        asked("pipeline", "get", "", FLEX_URL=box.url, FLEX_TOKEN=CANARY, FLEX_API_KEY=CANARY)
        until(lambda: bool(self.cached(home)))
        assert CANARY in str([headers for _, _, headers, _ in box.requests]), "it asks as who we are"
        for path in (home / "cache").rglob("*"):
            if path.is_file():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                assert CANARY not in path.read_text() + path.name

    def test_a_name_that_means_something_to_a_shell_is_not_kept(self, home: Path, box: FakeBox) -> None:
        for name in ("a;reboot", "$(reboot)", "-rf", "a b", "a\x1b[2J", "x" * 300):
            box.pipelines[name] = {**box.pipelines["cam1"], "id": name}
        asked("pipeline", "get", "", FLEX_URL=box.url)
        until(lambda: bool(self.cached(home)))
        assert self.cached(home)[0].read_text().split("\n") == ["cam1", "entrance-east-camera", "broken", ""]

    @pytest.mark.parametrize("status", [401, 500])
    def test_a_box_that_refuses_is_no_error(self, home: Path, box: FakeBox, status: int) -> None:
        box.fail = Fault(status, "UNAUTHORIZED", "no")
        assert asked("pipeline", "get", "", FLEX_URL=box.url).stdout == "names\n"
        until(lambda: bool(box.requests))
        assert asked("pipeline", "get", "", FLEX_URL=box.url).stdout == "names\n"

    @pytest.mark.parametrize(
        "env",
        [
            {"FLEX_URL": "::::"},
            {"FLEX_TIMEOUT": "soon"},
            {"XDG_CACHE_HOME": "/proc/nowhere"},
            {"FLEX_CONFIG_DIR": "/proc/1/environ"},
            {"HOME": "/nowhere", "XDG_CACHE_HOME": ""},
        ],
        ids=str,
    )
    def test_whatever_is_wrong_it_is_silent(self, env: dict[str, str]) -> None:
        ran = asked("pipeline", "get", "", **env)
        assert (ran.stderr, ran.returncode) == ("", 0)
        assert asked("pipeline", "ge", **env).stdout.startswith("names\nget\t")


class Shell:
    """A shell in which somebody types."""

    def __init__(self, name: str, home: Path, box: FakeBox) -> None:
        (home / "bin").mkdir()
        program = home / "bin" / "flexctl"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m flexctl "$@"\n')
        program.chmod(0o755)
        (home / "notes.yaml").write_text("id: cam1\n")
        (home / "script").write_text(SCRIPTS[name])
        argv = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
        env = {
            "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}", "TERM": "xterm", "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT), "FLEX_URL": box.url, "XDG_CACHE_HOME": str(home / "cache"), "PS1": "% ",
            "PYTHONDONTWRITEBYTECODE": "1", "FLEX_CONFIG_DIR": str(home / "config"), "fish_greeting": "",
        }  # fmt: skip
        self.child: Any = pexpect.spawn(
            shutil.which(name) or name, argv, env=env, cwd=str(home), dimensions=(40, 120), encoding="utf-8", timeout=30
        )
        self.screen = pyte.Screen(120, 40)
        self.stream = pyte.Stream(self.screen)
        self.type(f"source {home / 'script'}; echo rea''dy\r")
        self.sees("ready")

    def type(self, text: str) -> None:
        self.child.send(text)

    def read(self) -> str:
        with contextlib.suppress(pexpect.TIMEOUT):
            self.stream.feed(self.child.read_nonblocking(65536, 0.05))
        return " ".join(" ".join(self.screen.display).split())

    def sees(self, text: str, seconds: float = 30) -> str:
        end = time.monotonic() + seconds
        while text not in (seen := self.read()):
            assert time.monotonic() < end, seen
        return seen

    def clear(self) -> None:
        self.type("\x03")
        self.screen.reset()
        self.type("clear\r")


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, home: Path, box: FakeBox) -> Iterator[Shell]:
    found = Shell(request.param, home, box)
    yield found
    found.child.close(force=True)


def test_somebody_types(shell: Shell, home: Path) -> None:
    shell.type("flexctl pipel\t")
    shell.sees("flexctl pipeline")
    shell.type("sna\t")
    shell.sees("flexctl pipeline snapshot")
    shell.type("ent\t")
    until(lambda: bool(list((home / "cache").rglob("*-pipeline"))))
    shell.type("\t")
    shell.sees("flexctl pipeline snapshot entrance-east-camera")
    shell.type(" --wid\t")
    shell.sees("entrance-east-camera --width")
    shell.clear()
    shell.type("flexctl pipeline list -o ya\t")
    shell.sees("list -o yaml")
    shell.type(" --columns id,sta\t")
    shell.sees("--columns id,state")
    shell.clear()
    shell.type("flexctl pipeline list --output=nd\t")
    shell.sees("--output=ndjson")
    shell.clear()
    shell.type("flexctl pipeline create -f no\t")
    shell.sees("-f notes.yaml")
    shell.clear()
    shell.type("flexctl settings set cot_ena\t")
    shell.type("true")
    shell.sees("cot_enabled=true")
    shell.clear()
    shell.type("flexctl pipeline st\t\t")
    if "status" not in shell.sees("stop"):  # each shell lists them in an order of its own
        shell.sees("status")


def test_the_budget() -> None:
    """Processor time, whole process, at most 1.5 times that of an import of typer; the best of several each."""

    def cost(*argv: str, **env: str) -> float:
        program = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=-3); "
        program += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime)"
        around = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        around.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-c", program, sys.executable, *argv]
        runs = [subprocess.run(command, capture_output=True, text=True, env=around, check=True) for _ in range(6)]
        return min(float(ran.stdout) for ran in runs)

    bare = cost("-c", "import typer")
    for words in (["pipeline", "pl"], ["pipeline", "get", ""]):
        assert cost("-m", "flexctl", *words, _FLEXCTL_COMPLETE="zsh", FLEX_URL="http://127.0.0.1:9") < 1.5 * bare
