"""Help topics, aliases, programs named flexctl-foo, and what is said to a word that is none."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import flexctl as package
from flexctl.exits import Exit
from flexctl.options import GLOBALS
from flexctl.topics import TOPICS
from tests.cli.fakebox import FakeBox
from tests.cli.harness import Ran, flexctl, terminal

ROOT = Path(package.__file__).parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def run(home: Path) -> Any:
    def ran(*argv: str, **more: Any) -> Ran:
        return flexctl(*argv, **{"FLEX_CONFIG_DIR": str(home / "config"), **more})

    return ran


class TestTopics:
    @pytest.mark.parametrize("name", TOPICS)
    @pytest.mark.parametrize("width", [60, 80, 120])
    def test_each_fits_its_window(self, name: str, width: int, run: Any) -> None:
        ran = run("help", name, on=terminal(width))
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"Topic: flexctl help {name}\n")
        assert max(map(len, ran.out.splitlines())) <= width

    def test_help_lists_them(self, run: Any) -> None:
        page = run("--help", on=terminal(80)).out
        assert all(f"  help {name} " in page for name in TOPICS)
        assert "Aliases:" not in page
        assert "Topics:" not in run("pipeline", "--help").out

    def test_exit_codes_are_those_there_are(self, run: Any) -> None:
        page = run("help", "exit-codes").out
        assert re.findall(r"^  (\d+) +\S", page, re.MULTILINE) == [str(int(code)) for code in Exit]
        assert all(code.meaning[:20] in page for code in Exit)

    def test_every_variable_of_an_option_is_in_the_page(self, run: Any) -> None:
        page = " ".join(run("help", "environment").out.split())
        assert all(f"{setting.env} " in page and f"({setting.flags[0]})" in page for setting in GLOBALS if setting.env)

    def test_every_variable_that_flexctl_reads_is_in_the_page(self, run: Any) -> None:
        page = run("help", "environment").out
        sources = [path.read_text(encoding="utf-8") for path in (ROOT / "flexctl").rglob("*.py")]
        read = {name for text in sources for name in re.findall(r'"(FLEX_[A-Z_]+)"', text)}
        assert {name for name in read if name not in page} == set()

    def test_the_docs_have_the_same_codes(self) -> None:
        page = (ROOT / "docs" / "flexctl.md").read_text(encoding="utf-8")
        assert re.findall(r"^\| (\d+) \|", page, re.MULTILINE) == [str(int(code)) for code in Exit]

    def test_a_command_is_no_topic_and_a_typo_is_told(self, run: Any) -> None:
        assert run("help", "pipeline").out == run("pipeline", "--help").out
        ran = run("help", "exitcodes")
        assert ran.code == 2
        assert "Did you mean 'exit-codes'?" in ran.err
        assert run("pipeline", "help", "output").code == 2


class TestMeant:
    @pytest.mark.parametrize(
        ("argv", "guess"),
        [
            (("pipelin", "list"), "pipeline"),
            (("pipeline", "ls"), "list"),
            (("pipeline", "list", "--colums", "id"), "--columns"),
            (("pipeline", "list", "-o", "jsn"), "json"),
            (("completion", "bahs"), "bash"),
            (("pipeline", "list", "--columns", "stat"), "state"),
            (("pipeline", "list", "--sort-by", "-ids"), "id"),
            (("pipeline", "graph", "cam1", "--format", "lunch"), "launch"),
        ],
    )
    def test_it_is_guessed(self, argv: tuple[str, ...], guess: str, run: Any, box: FakeBox) -> None:
        ran = run(*argv, url=box.url)
        assert ran.code == 2
        assert f"Did you mean '{guess}'?" in ran.err

    def test_what_is_like_nothing_is_not(self, run: Any) -> None:
        assert "Did you mean" not in run("pipeline", "list", "-o", "qqqqq").err


class TestAliases:
    def test_it_stands_for_its_command_and_what_follows_is_put_behind(self, run: Any, box: FakeBox, home: Path) -> None:
        ran = run("alias", "set", "sick", "pipeline list --query \"[?state=='error'].id\"", on=terminal(80))
        assert (ran.code, ran.out) == (0, "")
        assert "✓ flexctl sick is flexctl pipeline list" in ran.err
        assert json.loads(run("sick", url=box.url).out) == ["broken"]
        assert run("sick", "-o", "name", url=box.url).out == "broken\n"
        assert run("-o", "yaml", "sick", url=box.url).out == "- broken\n"
        assert run("help", "sick").out == run("pipeline", "list", "--help").out
        assert stat.S_IMODE((home / "config" / "aliases.toml").stat().st_mode) == 0o600

    @pytest.mark.parametrize("text", ["pipeline list --template 'a \"b\" \\\\ {id}'", "pipeline get 'ä 日'"])
    def test_what_was_quoted_stays_so(self, text: str, run: Any, home: Path) -> None:
        assert run("alias", "set", "x", text).code == 0
        assert tomllib.loads((home / "config" / "aliases.toml").read_text())["aliases"] == {"x": text}
        assert run("alias", "list", "-o", "csv").out.count("\n") == 2

    def test_they_are_shown_and_forgotten(self, run: Any) -> None:
        assert run("alias", "list").err.startswith("There are no aliases yet.")
        assert json.loads(run("alias", "list", "-o", "json").out) == []
        run("alias", "set", "ps", "pipeline list -o wide")
        run("alias", "set", "a1", "flexctl health")
        assert run("alias", "list").out == "NAME  COMMAND\na1    health\nps    pipeline list -o wide\n"
        assert json.loads(run("alias", "list", "-o", "json").out)[1] == {
            "name": "ps",
            "command": "pipeline list -o wide",
        }
        assert "Aliases:\n  a1 " in run("--help").out
        assert "Did you mean 'ps'?" in run("pss").err
        ran = run("alias", "delete", "pss")
        assert (ran.code, "Did you mean 'ps'?" in ran.err) == (3, True)
        assert run("alias", "delete", "ps", "a1").code == 0
        assert json.loads(run("alias", "list", "-o", "json").out) == []

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("pipeline", "health", "is a command"),
            ("help", "health", "is a command"),
            ("../x", "health", "can be no alias"),
            ("-x", "health", "no option"),
            ("x", "nothing here", "'nothing' is no command"),
            ("x", "x", "'x' is no command"),
            ("x", "", "it says nothing"),
            ("x", "pipeline 'list", "no closing quotation"),
        ],
    )
    def test_what_cannot_be_one(self, name: str, text: str, words: str, run: Any, home: Path) -> None:
        ran = run("alias", "set", name, text)
        assert ran.code == 2
        assert words in ran.err
        assert not (home / "config" / "aliases.toml").exists()

    def test_none_leads_back_to_itself_even_where_the_file_says_so(self, run: Any, home: Path) -> None:
        run("alias", "set", "a", "health")
        assert "'a' is no command" in run("alias", "set", "b", "a").err
        (home / "config" / "aliases.toml").write_text('[aliases]\na = "b"\nb = "a"\npipeline = "health"\n')
        assert run("a").err.startswith("flexctl: alias 'a': 'b' is no command\n")
        assert run("pipeline", "--help").out.startswith("Usage: flexctl pipeline")

    def test_without_quotes_it_is_told_how(self, run: Any) -> None:
        assert "nothing is expected here: list" in run("alias", "set", "ps", "pipeline", "list").err

    def test_a_broken_file_stops_only_who_needs_it(self, run: Any, home: Path, box: FakeBox) -> None:
        (home / "config").mkdir()
        for text in ("[aliases", "aliases = 3", "[aliases]\na = 3"):
            (home / "config" / "aliases.toml").write_text(text)
            assert run("pipeline", "list", url=box.url).code == 0
            assert run("--help").code == 0
            ran = run("alias", "list")
            assert ran.code == 2
            assert "aliases.toml: " in ran.err


class TestExtensions:
    def program(self, home: Path, text: str, name: str = "flexctl-foo") -> Path:
        path = home / "bin" / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
        return path

    def start(self, home: Path, *argv: str, **env: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
        env = {**clean, "PYTHONPATH": str(ROOT), "FLEX_CONFIG_DIR": str(home / "config"), **env}
        command = [sys.executable, "-m", "flexctl", *argv]
        return subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    SHOW = "import json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\nsys.exit(42)"

    def shown(self, home: Path, *argv: str, **env: str) -> tuple[list[str], dict[str, str]]:
        self.program(home, self.SHOW)
        child = self.start(home, *argv, **env)
        out, _ = child.communicate(timeout=60)
        assert child.returncode == 42, "its exit code is ours"
        args, around = json.loads(out)
        return args, {name: value for name, value in around.items() if name.startswith("FLEX_")}

    def test_what_follows_its_name_is_its_own_and_settings_are_in_the_environment(self, home: Path) -> None:
        args, env = self.shown(
            home, "--url", "https://box:1", "-o", "json", "--fingerprint", "AA:BB", "--columns", "a,b", "--quiet",
            "foo", "--help", "-o", "x y", "$(id)", "--url", "z",
        )  # fmt: skip
        assert args == ["--help", "-o", "x y", "$(id)", "--url", "z"]
        wanted = {"FLEX_URL": "https://box:1", "FLEX_OUTPUT": "json", "FLEX_FINGERPRINT": "AA:BB"}
        wanted |= {"FLEX_COLUMNS": "a,b", "FLEX_QUIET": "1"}
        assert wanted.items() <= env.items()
        assert not [name for name in env if "TOKEN" in name or "PASSWORD" in name]

    def test_a_token_is_there_only_where_it_was(self, home: Path) -> None:
        assert self.shown(home, "foo", FLEX_TOKEN="canary")[1]["FLEX_TOKEN"] == "canary"

    def test_it_gets_the_box_of_the_context(self, home: Path) -> None:
        (home / "config").mkdir()
        text = 'current = "lab"\n[contexts.lab]\nurl = "https://lab:1"\nca_file = "/lab.crt"\n'
        text += 'token_command = "echo canary"\n'
        (home / "config" / "contexts.toml").write_text(text)
        _, env = self.shown(home, "foo", FLEX_FINGERPRINT="AA")
        assert (env["FLEX_URL"], env["FLEX_CA_FILE"], "FLEX_FINGERPRINT" in env) == ("https://lab:1", "/lab.crt", False)
        assert "canary" not in str(env)

    def test_a_signal_ends_it_as_it_would_alone(self, home: Path) -> None:
        self.program(home, "import sys\nprint('up', flush=True)\nsys.stdin.read()")
        child = self.start(home, "foo")
        assert child.stdout
        assert child.stdout.readline() == "up\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == -signal.SIGTERM
        child.communicate()

    def test_help_lists_it_and_commands_go_first(self, home: Path, run: Any) -> None:
        path = self.program(home, self.SHOW)
        self.program(home, self.SHOW, "flexctl-pipeline")
        (home / "bin" / "flexctl-data").write_text("no program")
        (home / "bin" / "flexctl-folder").mkdir()
        page = run("--help", on=terminal(200)).out
        assert re.search(rf"^Extensions:\n  foo +{path}$", page, re.MULTILINE)
        assert "flexctl-data" not in page
        assert "flexctl-folder" not in page
        assert run("pipeline", "--help").out.startswith("Usage: flexctl pipeline")
        assert "there is no command 'flexctl data'" in run("data").err
        assert "Did you mean 'foo'?" in run("fooo").err

    @pytest.mark.parametrize("name", ["../bin/flexctl-foo", "x/../foo", "./foo"])
    def test_a_path_is_no_command(self, home: Path, run: Any, name: str) -> None:
        self.program(home, self.SHOW)
        assert run(name).code == 2

    def test_what_cannot_be_run_is_told(self, home: Path) -> None:
        (home / "bin" / "flexctl-foo").write_text("not a script")
        (home / "bin" / "flexctl-foo").chmod(0o755)
        command = [sys.executable, "-m", "flexctl", "foo"]
        ran = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        assert ran.returncode == 1
        assert "flexctl-foo cannot be run" in ran.stderr
