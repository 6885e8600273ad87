"""The token of a login: kept in the system's keyring, or in a file of its own, until it ends.

A note in the configuration folder says for which account there is one and where: without a note nothing of this costs
a command any time. An account is a box as `contexts.Box.account` names it. The keyring is asked in a process of its
own, which has three seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.folder import config_dir, write

KEYRING_SECONDS = 3.0
COMMAND_SECONDS = 10.0
"""What a `token_command` may take. It may ask on the terminal, so this is a person's time."""

Place = Literal["keyring", "file"]


class NoKeyring(Exception):
    """The keyring cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of the token for one account."""

    account: str
    place: Place
    expires_at: str
    """RFC 3339."""
    token: str | None = field(default=None, repr=False)
    """Only where it is kept in the file itself."""
    backend: str | None = None
    """The keyring's own name, which saves looking for it."""
    password: bool = False
    """Whether the password is in the keyring too, to log in again when the session has ended."""

    def ended(self, now: datetime) -> bool:
        """Whether its time is over."""
        return datetime.fromisoformat(self.expires_at) <= now

    def about(self, account: str) -> bool:
        """Whether it is about this account, and well formed."""
        return self.account == account and isinstance(self.password, bool) and self.place in {"keyring", "file"}


def note_file(account: str) -> Path:
    """Where the note about an account lies. One file each: two logins at once do not meet."""
    import hashlib

    return config_dir() / "sessions" / f"{hashlib.sha256(account.encode()).hexdigest()[:32]}.json"


def noted(account: str) -> Note | None:
    """The note about an account; None where there is none, or none that can be read."""
    try:
        note = Note(**json.loads(note_file(account).read_bytes()))
        note.ended(datetime.now(UTC))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.about(account) else None


def token_of(note: Note) -> str | None:
    """The token that a note is about. Raises `NoKeyring`."""
    return note.token if note.place == "file" else _secret(note, note.account)


def password_of(note: Note) -> str | None:
    """The password that was kept on purpose. Raises `NoKeyring`."""
    return _secret(note, _password_name(note.account)) if note.password else None


def _secret(note: Note, name: str) -> str | None:
    found = _ask("get", name, backend=note.backend).get("secret")
    return str(found) if found else None


def _password_name(account: str) -> str:
    return f"{account} password"


def check_keyring(account: str) -> None:
    """Raises `NoKeyring` where a token could not be kept: better before a password is typed than after."""
    _ask("get", account)


def keep(account: str, token: str, expires_at: datetime, *, in_file: bool, password: str | None = None) -> Note:
    """Keep a token, and a password where one is given. Raises `NoKeyring`, `OSError`; then no token is kept."""
    ends, before = expires_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), noted(account)
    if in_file:
        note = Note(account, "file", ends, token=token)
    else:
        backend = _ask("set", account, secret=token).get("backend")
        if password:
            _ask("set", _password_name(account), secret=password, backend=backend)
        note = Note(account, "keyring", ends, backend=backend, password=bool(password))
    if before and before.password and not password:
        _ask("delete", _password_name(account), backend=before.backend)
    write(note_file(account), json.dumps({key: value for key, value in asdict(note).items() if value}))
    return note


def forget(account: str) -> None:
    """Remove token, password and note. Raises `NoKeyring`, `OSError`."""
    note = noted(account)
    if note and note.place == "keyring":
        _ask("delete", account, backend=note.backend)
    if note and note.password:
        _ask("delete", _password_name(account), backend=note.backend)
    note_file(account).unlink(missing_ok=True)


def forget_password(note: Note) -> None:
    """Remove the password alone: it is not good any more. Raises `NoKeyring`, `OSError`."""
    write(note_file(note.account), json.dumps({k: v for k, v in asdict(note).items() if v and k != "password"}))
    _ask("delete", _password_name(note.account), backend=note.backend)


def move(old: str, new: str) -> None:
    """What was kept under one account is kept under another. Raises `NoKeyring`, `OSError`; then it is where it was."""
    note = noted(old)
    if note is None:
        return
    token, ends = token_of(note), datetime.fromisoformat(note.expires_at)
    if token:
        keep(new, token, ends, in_file=note.place == "file", password=password_of(note))
    forget(old)


def token_by(command: str) -> str:
    """The first line that a `token_command` writes, run without a shell. Raises Stop, never with what it wrote."""
    import shlex
    import subprocess

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Misuse(f"token_command: {error}", "it is split into words as a shell does, and run without one") from None
    if not words:
        raise Misuse("token_command is empty", "take it out of contexts.toml, or name a program")
    try:
        ran = subprocess.run(  # noqa: S603  it is the user's own
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _no_token(f"{words[0]} did not end within {COMMAND_SECONDS:g} seconds") from None
    except OSError as error:
        raise _no_token(f"{words[0]}: {error.strerror}") from None
    if ran.returncode:
        raise _no_token(f"{words[0]} failed with exit code {ran.returncode}")
    first = ran.stdout.decode(errors="replace").partition("\n")[0].strip()
    if not first:
        raise _no_token(f"{words[0]} wrote no token")
    return first


def _no_token(why: str) -> Stop:
    hint = "run it by hand to see why; the first line that it writes is the token"
    return Stop(f"token_command gives no token: {why}", hint, Exit.FORBIDDEN)


def _ask(do: str, name: str, *, secret: str | None = None, backend: str | None = None) -> dict[str, Any]:
    """Have the keyring do something. Raises `NoKeyring`, after three seconds at the latest."""
    import signal
    import subprocess
    import sys

    from flexctl import keyring_child

    environ = {**os.environ, **({"PYTHON_KEYRING_BACKEND": backend} if backend else {})}
    asked = json.dumps({"do": do, "name": name, "secret": secret, "backend": backend})
    # A session of its own has no terminal to ask on; -P keeps what lies in the current folder out.
    with subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-P", keyring_child.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environ,
    ) as child:
        try:
            said, _ = child.communicate(asked.encode(), KEYRING_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            raise NoKeyring(f"the keyring did not answer within {KEYRING_SECONDS:g} seconds; is it locked?") from None
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        raise NoKeyring("the keyring's process died") from None
    if problem := answer.get("problem"):
        raise NoKeyring(str(problem))
    return answer
