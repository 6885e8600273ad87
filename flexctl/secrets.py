"""The token of a login: kept in the system's keyring, or in a file of its own, until it ends.

A note in the configuration folder says for which box there is one and where: without a note nothing of this costs a
command any time. The keyring is asked in a process of its own, which has three seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

KEYRING_SECONDS = 3.0

Place = Literal["keyring", "file"]


class NoKeyring(Exception):
    """The keyring cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of the token for one box."""

    url: str
    place: Place
    expires_at: str
    """RFC 3339."""
    token: str | None = field(default=None, repr=False)
    """Only where it is kept in the file itself."""
    backend: str | None = None
    """The keyring's own name, which saves looking for it."""

    def ended(self, now: datetime) -> bool:
        """Whether its time is over."""
        return datetime.fromisoformat(self.expires_at) <= now


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of flexctl's own files."""
    if chosen := environ.get("FLEX_CONFIG_DIR"):
        return Path(chosen)
    import platformdirs

    return platformdirs.user_config_path("flex", appauthor=False)


def note_file(url: str) -> Path:
    """Where the note about a box lies. One file a box: two logins at once do not meet."""
    name = hashlib.sha256(_same(url).encode()).hexdigest()[:32]
    return config_dir() / "sessions" / f"{name}.json"


def _same(url: str) -> str:
    """One spelling for an address that can be spelled in several ways."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{parts.path.rstrip('/')}"


def noted(url: str) -> Note | None:
    """The note about a box; None where there is none, or none that can be read."""
    try:
        found = json.loads(note_file(url).read_bytes())
        note = Note(**found)
        note.ended(datetime.now(UTC))
    except (OSError, ValueError, TypeError):
        return None
    return note


def token_of(note: Note) -> str | None:
    """The token that a note is about. Raises `NoKeyring`."""
    if note.place == "file":
        return note.token
    found = _ask("get", note.url, backend=note.backend).get("secret")
    return str(found) if found else None


def check_keyring(url: str) -> None:
    """Raises `NoKeyring` where a token could not be kept: better before a password is typed than after."""
    _ask("get", _same(url))


def keep(url: str, token: str, expires_at: datetime, *, in_file: bool) -> Note:
    """Keep a token. Raises `NoKeyring`, `OSError`; then nothing is kept."""
    ends, name = expires_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), _same(url)
    if in_file:
        note = Note(name, "file", ends, token=token)
    else:
        backend = _ask("set", name, secret=token).get("backend")
        note = Note(name, "keyring", ends, backend=backend)
    _write(note_file(url), json.dumps({key: value for key, value in asdict(note).items() if value is not None}))
    return note


def forget(url: str) -> None:
    """Remove the token and the note. Raises `NoKeyring`, `OSError`."""
    note = noted(url)
    if note and note.place == "keyring":
        _ask("delete", note.url, backend=note.backend)
    note_file(url).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # 0600 from the first moment
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


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
