"""Tokens and passwords of contexts: where they are kept, who gets them, and that they are nowhere else."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flexctl import secrets
from flexctl.exits import Exit
from flexctl.session import StoredToken
from tests.cli.desk import URL, WORD, Desk, data

CANARY = "canary-7f3a9"


@pytest.fixture
def lab(desk: Desk) -> Desk:
    """A desk where the box is the context `lab`."""
    context(desk, "lab")
    desk.env["FLEX_URL"] = ""
    desk.env["FLEX_CONTEXT"] = "lab"
    return desk


def context(desk: Desk, name: str, url: str = URL, **more: str) -> None:
    lines = [f"[contexts.{name}]", f'url = "{url}"', *(f"{key} = '{value}'" for key, value in more.items())]
    file = desk.config / "contexts.toml"
    desk.config.mkdir(exist_ok=True)
    file.write_text((file.read_text() if file.exists() else "") + "\n".join(lines) + "\n")


def ring(desk: Desk) -> dict[str, str]:
    found: dict[str, str] = json.loads(desk.ring.read_text()) if desk.ring.exists() else {}
    return found


class TestUnderAContext:
    def test_a_login_is_the_contexts_own(self, lab: Desk) -> None:
        assert lab.login().code == 0
        assert list(ring(lab)) == ["flexctl lab http://127.0.0.1:9"]
        assert lab.run("pipeline", "list").code == 0
        status = data(lab.run("auth", "status", "-o", "json"))
        assert (status["context"], status["token_in"], status["let_in"]) == ("lab", "keyring", True)
        assert "expires_at" in status
        lab.env |= {"FLEX_CONTEXT": "", "FLEX_URL": URL}
        assert lab.run("pipeline", "list").code == Exit.FORBIDDEN, "the same address without the context has none"

    def test_it_never_goes_to_another_address(self, lab: Desk) -> None:
        lab.login()
        file = lab.config / "contexts.toml"
        file.write_text(file.read_text().replace(":9", ":10"))
        assert lab.run("pipeline", "list").code == Exit.FORBIDDEN
        assert "authorization" not in str(lab.box.requests[-1].headers).lower()

    def test_rename_takes_it_along_and_remove_takes_it_away(self, lab: Desk) -> None:
        lab.login("--store-password")
        assert lab.run("context", "rename", "lab", "bench").code == 0
        lab.env["FLEX_CONTEXT"] = "bench"
        assert lab.run("pipeline", "list").code == 0
        assert set(ring(lab)) == {"flexctl bench http://127.0.0.1:9", "flexctl bench http://127.0.0.1:9 password"}
        assert lab.run("context", "remove", "bench", "--yes").code == 0
        assert (ring(lab), lab.notes) == ({}, [])


class TestTokenCommand:
    def run(self, desk: Desk, command: str, *argv: str) -> Any:
        context(desk, "lab", token_command=command)
        return desk.run(*(argv or ("pipeline", "list")), FLEX_URL="", FLEX_CONTEXT="lab")

    def test_its_first_line_is_the_token(self, desk: Desk, tmp_path: Path) -> None:
        token = desk.login("--print-token").out.strip()
        (tmp_path / "pass word").write_text(f"{token}\nuser: me\n")
        ran = self.run(desk, f'cat "{tmp_path}/pass word"')
        assert ran.code == 0, ran.err
        assert token not in ran.out + ran.err
        assert data(desk.run("auth", "status", "-o", "json", FLEX_URL="", FLEX_CONTEXT="lab"))["token_in"] == (
            "token_command"
        )

    def test_no_shell_reads_it(self, desk: Desk, tmp_path: Path) -> None:
        self.run(desk, f"echo x; touch {tmp_path}/made")
        assert not (tmp_path / "made").exists()

    @pytest.mark.parametrize(
        ("command", "code", "said"),
        [
            ("/nowhere/at/all x", Exit.FORBIDDEN, "/nowhere/at/all: No such file"),
            (f'sh -c "echo {CANARY}; exit 3"', Exit.FORBIDDEN, "sh failed with exit code 3"),
            ("true", Exit.FORBIDDEN, "true wrote no token"),
            ('sh -c "oops', Exit.USAGE, "No closing quotation"),
        ],
    )
    def test_one_that_fails(self, desk: Desk, command: str, code: int, said: str) -> None:
        ran = self.run(desk, command)
        assert ran.code == code
        assert said in ran.err
        assert CANARY not in ran.out + ran.err

    def test_one_that_hangs(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(secrets, "COMMAND_SECONDS", 0.2)
        ran = self.run(desk, f'sh -c "echo {CANARY}; sleep 60"')
        assert ran.code == Exit.FORBIDDEN
        assert "did not end within 0.2 seconds" in ran.err
        assert CANARY not in ran.err


class TestStoredPassword:
    def test_logs_in_again_by_itself(self, lab: Desk) -> None:
        assert lab.login("--store-password").code == 0
        status = data(lab.run("auth", "status", "-o", "json"))
        assert status["renews"] is True
        lab.box._box.sessions.clear()
        ran = lab.run("pipeline", "list")
        assert ran.code == 0, ran.err
        assert lab.box._box.logins == 2
        assert lab.run("pipeline", "list").code == 0
        assert lab.box._box.logins == 2, "the new token is kept"
        assert WORD not in "".join(path.read_text() for path in lab.notes)

    def test_also_when_its_time_is_over(self, lab: Desk) -> None:
        lab.login("--store-password")
        lab.box._box.sessions.clear()
        later = datetime.now(UTC) + timedelta(days=2)
        lab.clock = lambda: later
        assert lab.run("pipeline", "list").code == 0
        assert lab.box._box.logins == 2

    def test_without_it_nobody_logs_in(self, lab: Desk) -> None:
        lab.login("--store-password")
        lab.login()
        assert [name for name in ring(lab) if name.endswith("password")] == [], "a login without it forgets it"
        lab.box._box.sessions.clear()
        ran = lab.run("pipeline", "list")
        assert ran.code == Exit.FORBIDDEN
        assert "has ended" in ran.err

    def test_one_that_is_wrong_now_is_tried_once(self, lab: Desk) -> None:
        lab.login("--store-password")
        kept = ring(lab)
        lab.ring.write_text(json.dumps({k: "wrong" if k.endswith("password") else v for k, v in kept.items()}))
        lab.box._box.sessions.clear()
        ran = lab.run("pipeline", "list")
        assert ran.code == Exit.FORBIDDEN
        assert "not good any more" in ran.err
        assert [name for name in ring(lab) if name.endswith("password")] == []
        tries = lab.box._box.logins
        assert lab.run("pipeline", "list").code == Exit.FORBIDDEN
        assert lab.box._box.logins == tries

    @pytest.mark.parametrize("other", ["--insecure-storage", "--print-token"])
    def test_a_password_is_kept_in_a_keyring_only(self, lab: Desk, other: str) -> None:
        assert lab.login("--store-password", other).code == Exit.USAGE
        assert lab.box._box.logins == 0

    def test_of_many_that_notice_at_once_one_logs_in(self, lab: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        lab.login("--store-password")
        for name, value in lab.env.items():
            monkeypatch.setenv(name, value)
        account, logins = "lab http://127.0.0.1:9", 0

        def log_in(password: str) -> Any:
            nonlocal logins
            logins += 1
            from flexclient import FlexClient

            return FlexClient(url=URL, transport=lab.box).auth.login(password)

        def clock() -> datetime:
            return datetime.now(UTC)

        warned: list[str] = []
        tokens = [StoredToken(account, log_in, lambda *said: warned.append(str(said)), clock) for _ in range(4)]
        assert len({token() for token in tokens}) == 1, "the stored one first"
        found: list[str] = []
        threads = [threading.Thread(target=lambda token=token: found.append(token())) for token in tokens]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert (warned, logins, len(found), len(set(found))) == ([], 1, 4, 1)


def test_read_only_lets_one_log_in_and_out(lab: Desk) -> None:
    assert lab.login("--read-only").code == 0
    assert lab.run("auth", "remove-password", "--yes", "--read-only").code == Exit.REFUSED
    assert lab.run("pipeline", "list", "--read-only").code == 0
    assert lab.run("auth", "logout", "--read-only").code == 0
