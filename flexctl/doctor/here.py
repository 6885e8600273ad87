"""The doctor's looks at this machine: players, keyring, terminal, flexctl's own files."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flexctl.doctor import judge
from flexctl.doctor.certificate import read
from flexctl.doctor.finding import Finding
from flexctl.folder import config_dir
from flexctl.players import INSTALL, PLAYERS, installed

if TYPE_CHECKING:
    from flexctl.out.terminal import Terminal


def players() -> Iterator[Finding]:
    """What can play a stream here."""
    there = installed()
    if there:
        yield Finding("player", "ok", f"`flexctl play` takes {there[0]}" + (f"; {_also(there)}" if there[1:] else ""))
    else:
        yield Finding("player", "warn", f"`flexctl play` finds none of {', '.join(PLAYERS)}", INSTALL)


def _also(there: list[str]) -> str:
    return f"there is {' and '.join(there[1:])} too"


def keyring(account: str, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Whether a login can be kept here."""
    from flexctl.secrets import NoKeyring, check_keyring

    try:
        check_keyring(account)
    except NoKeyring as error:
        for variable in ("FLEX_TOKEN", "FLEX_API_KEY"):
            if environ.get(variable):
                yield Finding("keyring", "ok", f"{error}; {variable} is set, so none is needed")
                return
        mend = "export FLEX_TOKEN=$(flexctl auth login --print-token)"
        yield Finding("keyring", "warn", f"a login cannot be kept: {error}", mend)
    else:
        yield Finding("keyring", "ok", "it keeps logins")


def terminal(shown: Terminal, environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """What the terminal can show."""
    if not shown.stdout:
        yield Finding("terminal", "ok", "the output goes to a file or a pipe")
        return
    if shown.dumb:
        told = "TERM=dumb: nothing is drawn in place, and there are no colours"
        yield Finding("terminal", "warn", told, "export TERM=xterm-256color")
    elif not shown.unicode:
        yield Finding(
            "terminal", "warn", "its letters are not UTF-8: marks and names are replaced", "export LC_ALL=C.UTF-8"
        )
    else:
        why = "NO_COLOR is set" if environ.get("NO_COLOR") else "it was asked for"
        colors = "colours" if shown.color else f"no colours ({why})"
        yield Finding("terminal", "ok", f"UTF-8, {colors}, {shown.width} columns")


def files() -> Iterator[Finding]:
    """Whether flexctl's own files can be read, and by nobody else."""
    folder, found = config_dir(), list[Path]()
    try:
        found = sorted(path for path in folder.rglob("*") if path.suffix in {".toml", ".json"})
        faults = [fault for path in found for fault in _faults(path)]
    except OSError as error:
        faults = [Finding("config", "fail", f"{folder}: {error.strerror}", f"ls -ld '{folder}'")]
    yield from faults
    if not faults:
        told = f"{len(found)} file{'' if len(found) == 1 else 's'} in {folder}" if found else f"nothing in {folder} yet"
        yield Finding("config", "ok", told)


def _faults(path: Path) -> Iterator[Finding]:
    import json
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
        if path.name == "contexts.toml":
            from flexctl.contexts import checked

            checked(document)
    except OSError as error:
        yield Finding("config", "fail", f"{path}: {error.strerror}", f"chmod u+rw '{path}'")
    except ValueError as error:
        yield Finding("config", "fail", f"{path}: {error}", f"mv '{path}' '{path}.broken'")
    else:
        if path.stat().st_mode & 0o077:
            yield Finding("config", "warn", f"{path}: others can read it", f"chmod 600 '{path}'")


def ca_file(path: str, now: datetime) -> Iterator[Finding]:
    """Whether the certificate that trust rests on can be read, and still holds."""
    try:
        blocks = Path(path).read_text(encoding="ascii").split("-----BEGIN CERTIFICATE-----")[1:]
        held = [read(ssl.PEM_cert_to_DER_cert(f"-----BEGIN CERTIFICATE-----{_block(block)}")) for block in blocks]
    except OSError as error:
        yield Finding("ca file", "fail", f"{path}: {error.strerror}", f"ls -l '{path}'")
        return
    except ValueError:
        held = []
    if not held:
        yield Finding("ca file", "fail", f"{path} holds no PEM certificate", f"head '{path}'")
        return
    first = min(held, key=lambda one: one.ends)
    yield judge.expiry("ca file", first, now, f"cp certs/flex.crt '{path}'")


def _block(text: str) -> str:
    end = "-----END CERTIFICATE-----"
    return text.partition(end)[0] + end
