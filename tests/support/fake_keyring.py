"""Keyrings for tests: chosen with PYTHON_KEYRING_BACKEND, they keep secrets in the file $FAKE_KEYRING, or fail."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from keyring.backend import KeyringBackend


class Working(KeyringBackend):
    """Keeps what it is given."""

    priority = 1  # pyright: ignore[reportAssignmentType]  # keyring documents it so

    def _all(self) -> dict[str, str]:
        path = Path(os.environ["FAKE_KEYRING"])
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def _write(self, secrets: dict[str, str]) -> None:
        Path(os.environ["FAKE_KEYRING"]).write_text(json.dumps(secrets))

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._all(), f"{service} {username}": password})

    def delete_password(self, service: str, username: str) -> None:
        found = self._all()
        del found[f"{service} {username}"]
        self._write(found)


class Locked(Working):
    """Waits for a person who never comes."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait()
        return None


class ReadOnly(Working):
    """Lets itself be asked, and takes nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PermissionError("this keyring is read-only")


class Forgetful(Working):
    """Says that it has kept it, and has not."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing."""


class Chatty(Working):
    """Asks on the terminal and prints, as some do."""

    def get_password(self, service: str, username: str) -> str | None:
        print("Please enter password for encrypted keyring:", file=sys.stdout)
        input()
        return super().get_password(service, username)
