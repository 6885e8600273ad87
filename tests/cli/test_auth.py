"""`flexctl auth`: against a box in memory, and at a real terminal against a real box; keyrings of every kind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pexpect
import pytest

import flexctl as package
from flexclient import FlexClient
from flexclient.testing import FakeFlex
from flexctl import secrets
from flexctl.exits import Exit
from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript
from tests.support.box import Box
from tests.support.media_double import fake_media

ROOT = Path(package.__file__).parents[1]
WORD = "canary-word"
URL = "http://127.0.0.1:9"
FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


class Desk:
    """A person's machine: a configuration folder and a keyring of their own, and a box in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config, self.ring = folder / "config", folder / "ring.json"
        self.box = FakeFlex(password=WORD)
        self.env = {
            "FLEX_CONFIG_DIR": str(self.config),
            "FAKE_KEYRING": str(self.ring),
            "PYTHONPATH": str(ROOT),
            "PYTHON_KEYRING_BACKEND": "tests.support.fake_keyring.Working",
        }

    def keyring(self, name: str) -> None:
        self.env["PYTHON_KEYRING_BACKEND"] = f"tests.support.fake_keyring.{name}"

    def run(self, *argv: str, stdin: str = "", on: Any = PIPE, **env: str) -> Ran:
        def connect(**settings: Any) -> FlexClient:
            return FlexClient(transport=self.box, **settings)

        with patch("flexctl.state.connect", connect):
            return flexctl(*argv, url=URL, stdin=stdin, on=on, **{**self.env, **env})

    def login(self, *more: str, word: str = WORD, **env: str) -> Ran:
        return self.run("auth", "login", "--password-stdin", *more, stdin=word + "\n", **env)

    @property
    def notes(self) -> list[Path]:
        return sorted(self.config.rglob("*.json"))

    @property
    def sessions(self) -> set[str]:
        return set(self.box._box.sessions)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    """The box in memory lives in real time, so these runs do, too."""
    with patch("tests.cli.harness.NOW", datetime.now(UTC)):
        yield


def data(ran: Ran) -> Any:
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


class TestLogin:
    def test_the_token_goes_to_the_keyring_and_every_command_uses_it(self, desk: Desk) -> None:
        assert desk.run("pipeline", "list").code == Exit.FORBIDDEN
        ran = desk.login("-o", "json")
        assert {**data(ran), "expires_at": ""} == {
            "url": "http://box",
            "auth_enabled": True,
            "let_in": True,
            "token_in": "keyring",
            "expires_at": "",
        }
        assert "Logged in to http://box until 20" in ran.err
        [token] = desk.sessions
        assert token in desk.ring.read_text()
        [note] = desk.notes
        assert token not in note.read_text()
        assert desk.run("pipeline", "list").code == 0
        assert desk.box.requests[-1].headers["authorization"] == f"Bearer {token}"
        assert desk.run("pipeline", "list", "--url", URL + "/").code == 0, "the same box, spelled in another way"

    def test_a_file_only_when_asked(self, desk: Desk) -> None:
        desk.keyring("Locked")
        assert data(desk.login("--insecure-storage", "-o", "json"))["token_in"] == "file"
        [note] = desk.notes
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700
        assert desk.run("pipeline", "list").code == 0
        assert desk.run("auth", "logout").code == 0
        assert desk.notes == []
        assert desk.sessions == set()

    def test_a_token_for_scripts(self, desk: Desk) -> None:
        desk.keyring("Locked")
        ran = desk.login("--print-token")
        assert (ran.code, ran.err, {ran.out.strip()}) == (0, "", desk.sessions)
        assert set(data(desk.login("--print-token", "-o", "json"))) == {"token", "expires_at"}
        assert desk.notes == []
        assert desk.run("pipeline", "list", FLEX_TOKEN=ran.out.strip()).code == 0

    def test_the_password_may_come_from_a_variable(self, desk: Desk) -> None:
        assert desk.run("auth", "login", FLEX_PASSWORD=WORD).code == 0

    def test_a_second_login_leaves_no_session_behind(self, desk: Desk) -> None:
        desk.login()
        first = desk.sessions
        assert desk.login("--insecure-storage").code == 0
        assert len(desk.sessions) == 1
        assert not desk.sessions & first

    def test_a_wrong_password(self, desk: Desk) -> None:
        ran = desk.login(word="wrong")
        assert (ran.code, ran.out) == (Exit.FORBIDDEN, "")
        assert "the password is wrong" in ran.err
        assert "auth login" not in ran.err, "that is what was done"
        assert desk.notes == []

    def test_a_box_without_a_password(self, desk: Desk) -> None:
        desk.box = FakeFlex()
        ran = desk.login()
        assert ran.code == Exit.REFUSED
        assert "flexctl auth set-password" in ran.err

    def test_too_many_tries(self, desk: Desk) -> None:
        desk.box.on_request = lambda seen: (
            desk.box.refuse("RATE_LIMITED", "too often", retry_after=800, hint="Try again in 800 seconds.")
            if seen.method == "POST"
            else None
        )
        ran = desk.login()
        assert ran.code == Exit.FAILED
        assert "Try again in 800 seconds" in ran.err

    def test_what_is_no_password(self, desk: Desk) -> None:
        assert "standard input holds no password" in desk.login(word="").err
        ran = desk.run("auth", "login")
        assert (ran.code, "--password-stdin" in ran.err) == (Exit.USAGE, True)
        assert desk.login("--insecure-storage", "--print-token").code == Exit.USAGE
        assert desk.sessions == set()

    def test_what_goes_before_the_session_is_told(self, desk: Desk) -> None:
        assert "FLEX_TOKEN is set, and goes before the session" in desk.login(FLEX_TOKEN="another").err


class TestKeyrings:
    @pytest.mark.parametrize(
        ("name", "why", "asked"),
        [
            ("Locked", "did not answer within 3 seconds", False),
            ("ReadOnly", "PermissionError: this keyring is read-only", True),
            ("Forgetful", "takes secrets and does not keep them", True),
            ("Missing", "the keyring failed", False),
        ],
    )
    def test_one_that_does_not_work_leaves_nothing_behind(self, desk: Desk, name: str, why: str, asked: bool) -> None:
        desk.keyring(name)
        begun = time.monotonic()
        ran = desk.login()
        assert time.monotonic() - begun < 10
        assert (ran.code, ran.out) == (Exit.FAILED, "")
        assert why in ran.err
        assert "--insecure-storage" in ran.err
        assert "--print-token" in ran.err
        assert (desk.box._box.logins == 1) is asked, "no password is asked for, and no try spent, in vain"
        assert desk.sessions == set(), "a session that was made is ended again"
        assert desk.notes == []

    def test_a_machine_without_one(self, desk: Desk) -> None:
        del desk.env["PYTHON_KEYRING_BACKEND"]
        ran = desk.login(HOME=str(desk.folder), DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere", DISPLAY="")
        assert (ran.code, desk.sessions) == (Exit.FAILED, set())
        assert "this machine has no keyring that is running" in ran.err

    def test_one_that_asks_on_the_terminal_reaches_none(self, desk: Desk) -> None:
        desk.keyring("Chatty")
        ran = desk.login()
        assert ran.code == Exit.FAILED
        assert "Please enter" not in ran.out + ran.err
        assert "EOFError" in ran.err

    def test_one_that_was_locked_since(self, desk: Desk) -> None:
        desk.login()
        [note] = desk.notes
        known = json.loads(note.read_text())
        note.write_text(json.dumps({**known, "backend": "tests.support.fake_keyring.Locked"}))
        ran = desk.run("health")
        assert ran.code == 0, "what is public works without it"
        assert "did not answer within 3 seconds" in ran.err
        ran = desk.run("pipeline", "list")
        assert ran.code == Exit.FORBIDDEN
        assert "going on without it" in ran.err
        ran = desk.run("auth", "logout")
        assert (ran.code, desk.notes) == (Exit.FAILED, [note]), "nothing is lost"
        assert "Unlock the keyring" in ran.err

    def test_a_locked_secret_service(self, desk: Desk) -> None:
        """A real session bus, on which the secret service's name is owned by somebody who never answers."""
        del desk.env["PYTHON_KEYRING_BACKEND"]
        with silent_secret_service(desk.folder) as bus:
            begun = time.monotonic()
            ran = desk.login(DBUS_SESSION_BUS_ADDRESS=bus, HOME=str(desk.folder))
            assert time.monotonic() - begun < 10
        assert (ran.code, desk.sessions) == (Exit.FAILED, set())
        assert "did not answer within 3 seconds" in ran.err


class silent_secret_service:  # noqa: N801 - a context manager, read as a word
    """A bus of our own with `org.freedesktop.secrets` on it, owned by nobody who listens."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bus"

    def __enter__(self) -> str:
        from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
        from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

        address = f"unix:path={self.path}"
        self.daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}", "--print-address"],
            stdout=subprocess.PIPE,
        )
        assert self.daemon.stdout
        assert self.daemon.stdout.readline()
        with patch.dict(os.environ, {"DBUS_SESSION_BUS_ADDRESS": address}):
            self.owner = open_dbus_connection(bus="SESSION")
        reply = self.owner.send_and_get_reply(message_bus.RequestName("org.freedesktop.secrets"))
        assert reply.body == (1,)
        return address

    def __exit__(self, *_: object) -> None:
        self.owner.close()
        self.daemon.terminate()
        self.daemon.communicate(timeout=10)


class TestAfterwards:
    def test_a_session_that_ended_on_the_box(self, desk: Desk) -> None:
        desk.login()
        desk.box.end_sessions()
        ran = desk.run("pipeline", "list")
        assert (ran.code, ran.out) == (Exit.FORBIDDEN, "")
        assert ran.err.startswith(
            "flexctl: the session with http://box has ended\n  Log in again: flexctl auth login\n"
        )
        ran = desk.run("auth", "status")
        assert ran.code == Exit.FORBIDDEN
        assert "no longer, good" in ran.out
        ran = desk.run("auth", "logout")
        assert (ran.code, desk.notes) == (0, [])
        assert "had ended before" in ran.err
        assert json.loads(desk.ring.read_text()) == {}

    def test_a_session_whose_time_is_over_costs_no_look_into_the_keyring(self, desk: Desk) -> None:
        desk.login()
        desk.box.end_sessions()
        desk.keyring("Locked")
        with patch("tests.cli.harness.NOW", datetime.now(UTC) + timedelta(hours=25)):
            ran = desk.run("pipeline", "list")
            assert "has ended" in ran.err
            assert "authorization" not in desk.box.requests[-1].headers

    def test_a_token_that_was_given_is_not_called_a_session(self, desk: Desk) -> None:
        desk.login()
        for given in ({"FLEX_TOKEN": "wrong"}, {"FLEX_API_KEY": "wrong"}):
            ran = desk.run("pipeline", "list", **given)
            assert ran.code == Exit.FORBIDDEN
            assert "session" not in ran.err

    def test_logging_out(self, desk: Desk) -> None:
        ran = desk.run("auth", "logout")
        assert (ran.code, ran.out, ran.err) == (0, "", "There is no session with http://box.\n")
        desk.login()
        assert desk.run("auth", "logout").code == 0
        assert (desk.sessions, desk.notes) == (set(), [])
        assert json.loads(desk.ring.read_text()) == {}
        token = desk.login("--print-token").out.strip()
        ran = desk.run("auth", "logout", FLEX_TOKEN=token)
        assert (ran.code, desk.sessions) == (0, set())
        assert "FLEX_TOKEN" in ran.err

    def test_logging_out_of_a_box_that_is_off_keeps_what_there_is(self, desk: Desk) -> None:
        desk.login()
        desk.box.go_down()
        assert desk.run("auth", "logout").code == Exit.UNREACHABLE
        assert len(desk.notes) == 1
        desk.box.come_up()
        assert desk.run("auth", "logout").code == 0

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", '{"url": 1}', '{"url": "", "place": "file", "expires_at": "x"}']
    )
    def test_a_note_that_is_none_is_no_login(self, desk: Desk, text: str) -> None:
        desk.login()
        desk.notes[0].write_text(text)
        ran = desk.run("pipeline", "list")
        assert ran.code == Exit.FORBIDDEN
        assert "Log in: flexctl auth login" in ran.err
        assert desk.login().code == 0


class TestStatus:
    def test_of_every_kind(self, desk: Desk) -> None:
        ran = desk.run("auth", "status", "-o", "json")
        assert ran.code == Exit.FORBIDDEN
        assert json.loads(ran.out) == {"url": "http://box", "auth_enabled": True, "let_in": False}
        desk.login()
        found = data(desk.run("auth", "status", "-o", "json"))
        assert (found["let_in"], found["token_in"]) == (True, "keyring")
        assert datetime.fromisoformat(found["expires_at"]) > datetime.now(UTC)
        desk.box._box.api_key = "the-key"
        assert data(desk.run("auth", "status", "-o", "json", FLEX_API_KEY="the-key"))["token_in"] == "FLEX_API_KEY"
        ran = desk.run("auth", "status", FLEX_API_KEY="another")
        assert ran.code == Exit.FORBIDDEN
        assert "the key is not" in ran.out
        assert data(desk.run("auth", "status", "--query", "let_in")) is True
        desk.box = FakeFlex()
        assert data(desk.run("auth", "status", "-o", "json"))["auth_enabled"] is False

    def test_of_a_box_with_the_documented_api_alone(self, desk: Desk) -> None:
        desk.box = FakeFlex(plain=True, password=WORD)
        desk.login()
        found = data(desk.run("auth", "status", "-o", "json"))
        assert found["let_in"] is True
        assert found["expires_at"]
        desk.box.end_sessions()
        assert desk.run("auth", "status").code == Exit.FORBIDDEN

    def test_every_form(self, desk: Desk) -> None:
        desk.box = FakeFlex()
        runs = [transcript(desk.run("auth", "status", "-o", form), "auth", "status", "-o", form) for form in FORMS]
        for width in (80, 40):
            ran = desk.run("auth", "status", on=terminal(width))
            runs.append(transcript(ran, "auth", "status", note=f"{width} columns"))
        desk.box = FakeFlex(password=WORD)
        runs.append(transcript(desk.run("auth", "status"), "auth", "status", note="not logged in"))
        golden("auth-status", "\n".join(runs))


class TestPassword:
    def test_setting_changing_and_removing_it(self, desk: Desk) -> None:
        desk.box = FakeFlex()
        ran = desk.run("auth", "set-password", "--password-stdin", "-o", "json", stdin=WORD + "\n")
        assert data(ran) == {"url": "http://box", "auth_enabled": True, "let_in": False}
        assert "flexctl auth login" in ran.err
        desk.login()
        other = desk.login("--print-token").out.strip()
        ran = desk.run("auth", "set-password", FLEX_PASSWORD="another")
        assert ran.code == 0
        assert "All other sessions have ended" in ran.err
        assert other not in desk.sessions
        assert desk.run("pipeline", "list").code == 0, "ours stays"
        ran = desk.run("auth", "remove-password")
        assert (ran.code, desk.box._box.password) == (Exit.USAGE, "another")
        assert data(desk.run("auth", "remove-password", "--yes", "-o", "json"))["auth_enabled"] is False
        assert (desk.box._box.password, desk.notes) == (None, [])
        ran = desk.run("auth", "remove-password")
        assert (ran.code, ran.err) == (0, "✓ http://box has no password.\n")

    def test_who_is_not_let_in_is_told_before_anything_is_typed(self, desk: Desk) -> None:
        ran = desk.run("auth", "set-password")
        assert ran.code == Exit.FORBIDDEN
        assert "flexctl auth login" in ran.err
        ran = desk.run("auth", "remove-password", "--yes")
        assert ran.code == Exit.FORBIDDEN
        assert desk.box._box.password == WORD

    @pytest.mark.parametrize("word", ["", "x" * 1025])
    def test_what_is_none(self, desk: Desk, word: str) -> None:
        desk.box = FakeFlex()
        ran = desk.run("auth", "set-password", "--password-stdin", stdin=word + "\n")
        assert ran.code == Exit.USAGE
        assert desk.box._box.password is None


CHANGES = (("login",), ("logout",), ("set-password",), ("remove-password",))


def test_what_would_be_sent(desk: Desk) -> None:
    desk.login()
    before, runs = len(desk.box.requests), []
    for name in (*CHANGES, ("status",)):
        for more in (("--curl",), ("--dry-run",), ("--dry-run", "-o", "json")):
            if name != ("status",) or more == ("--curl",):
                argv = ("auth", *name, *more)
                runs.append(transcript(desk.run(*argv, FLEX_PASSWORD=WORD, FLEX_TOKEN="canary-token"), *argv))
    argv = ("pipeline", "list", "--curl")
    runs.append(transcript(desk.run(*argv), *argv, note="with a stored session"))
    assert len(desk.box.requests) == before, "nothing was sent"
    assert "canary" not in "".join(runs)
    golden("auth-shown", "\n".join(runs))


def test_help() -> None:
    runs = [
        transcript(flexctl("auth", *page, "--help", on=terminal(80)), "auth", *page, "--help")
        for page in ((), *CHANGES, ("status",))
    ]
    golden("auth-help", "\n".join(runs))


def test_a_note_is_what_it_takes_to_look_into_a_keyring(desk: Desk) -> None:
    """Without a login no keyring is loaded, and no process started that could."""
    program = (
        "import sys; from flexctl.__main__ import run; code = run(['pipeline', 'list']);"
        "print(code, sorted({'keyring', 'flexctl.keyring_child'} & set(sys.modules)), file=sys.stderr)"
    )
    env = {**os.environ, **desk.env, "FLEX_URL": "http://127.0.0.1:1"}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stderr.splitlines()[-1] == "7 []"


def test_two_boxes_have_two_notes_and_names_that_differ_only_in_spelling_one() -> None:
    same = ("https://Box.local", "box.local:443", "https://box.local:443/")
    assert len({secrets.note_file(url) for url in same}) == 1
    apart = ("https://box.local", "http://box.local", "https://box.local:3539", "https://box.local/api")
    assert len({secrets.note_file(url) for url in apart}) == 4


# A real terminal, a real box


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", "--log-level", "debug", env=media.env) as box:
        yield box


@pytest.fixture
def at_terminal(real: Box, desk: Desk) -> Callable[..., Any]:
    def spawn(*argv: str) -> Any:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
        env = {**clean, **desk.env, "FLEX_URL": real.url, "FLEX_FINGERPRINT": real.fingerprint, "LC_ALL": "C.UTF-8"}
        return pexpect.spawn(sys.executable, ["-m", "flexctl", *argv], env=env, encoding="utf-8", timeout=20, echo=True)

    return spawn


def ended(child: Any) -> tuple[int, str]:
    """The exit code, and the rest of what it said."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def test_a_day_at_a_terminal(at_terminal: Callable[..., Any], real: Box, desk: Desk) -> None:
    child = at_terminal("auth", "set-password")
    child.expect("New password of https://.*: ")
    child.sendline(WORD)
    child.expect("The same again: ")
    child.sendline("canary-slip")
    code, said = ended(child)
    assert code == Exit.USAGE
    assert "the two are not the same" in said
    assert "canary" not in said

    child = at_terminal("auth", "set-password")
    for question in ("New password of", "The same again"):
        child.expect(question)
        child.sendline(WORD)
    code, said = ended(child)
    assert (code, "canary" in said) == (0, False)

    child = at_terminal("auth", "login")
    child.expect("Password of https://127.0.0.1:")
    child.sendintr()
    assert ended(child)[0] == Exit.INTERRUPTED

    child = at_terminal("auth", "login")
    child.expect("Password of https://127.0.0.1:")
    child.sendline(WORD)
    code, said = ended(child)
    assert code == 0, said
    assert "Logged in to" in said
    assert "canary" not in said
    assert ended(at_terminal("pipeline", "list"))[0] == 0

    assert ended(at_terminal("pipeline", "create", "cam1", "--source", "test://ball"))[0] == 0
    stream = at_terminal("events", "--scroll", "--since", "0")
    stream.expect("pipeline_created")
    real.restart()
    assert ended(at_terminal("pipeline", "list"))[0] == 0, "the session is still good"
    assert ended(at_terminal("auth", "logout"))[0] == 0
    code, said = ended(stream)
    assert code == Exit.FORBIDDEN
    assert "has ended" in said

    code, said = ended(at_terminal("pipeline", "list"))
    assert code == Exit.FORBIDDEN
    assert "flexctl auth login" in said
    assert WORD not in real.log
    assert WORD not in "".join(path.read_text() for path in desk.folder.rglob("*.json"))
