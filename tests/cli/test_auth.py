"""`flexctl auth` against a box in memory."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from flexclient.testing import FakeFlex
from flexctl import contexts, secrets
from flexctl.exits import Exit
from tests.cli.desk import FORMS, URL, WORD, Desk, data
from tests.cli.harness import flexctl, golden, terminal, transcript


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
        desk.clock = lambda: datetime.now(UTC) + timedelta(hours=25)
        assert "has ended" in desk.run("pipeline", "list").err
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
    assert len({secrets.note_file(contexts.same(url)) for url in same}) == 1
    apart = ("https://box.local", "http://box.local", "https://box.local:3539", "https://box.local/api")
    assert len({secrets.note_file(contexts.same(url)) for url in apart}) == 4


# A real terminal, a real box
