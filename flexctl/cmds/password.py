"""The password of a source: from standard input, the environment or a person, and never from an argument."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from flexctl.errors import Misuse
from flexctl.options import SECRETS

if TYPE_CHECKING:
    from flexctl.state import State


def with_password(state: State, patch: dict[str, Any], *, sent: bool) -> dict[str, Any]:
    """The document that flags have set, with the password of its source.

    Where it is only shown and not `sent`, nobody is asked for what would not be printed anyway.
    """
    password = _password(state, patch, sent=sent)
    if password is None:
        return patch
    return {**patch, "source": {**patch.get("source", {}), "password": password}}


def _password(state: State, patch: dict[str, Any], *, sent: bool) -> str | None:
    if state.given.get("spec_source_password_stdin"):
        return _of_stdin()
    user = patch.get("source", {}).get("user")
    if not user:
        return None
    variable = SECRETS["source_password"]
    if known := state.settings.get("source_password"):
        return str(known)
    if not sent:
        return f"${variable}"  # a place for it: what shows the document puts stars there
    if state.out.can_ask:
        return state.out.ask_secret(f"Password of {user} at the source (empty: none): ") or None
    state.out.say("The source gets a user without a password.", f"With one: --source-password-stdin, or {variable}")
    return None


def _of_stdin() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Misuse("--source-password-stdin: standard input holds no password")
    return password
