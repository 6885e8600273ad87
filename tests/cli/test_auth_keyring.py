"""Where `flexctl auth` keeps its token: keyrings of every kind, and none."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from unittest.mock import patch

import pytest

from flexctl.exits import Exit
from tests.cli.desk import Desk


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
