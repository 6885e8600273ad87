"""The fake box's password and sessions. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

import hmac
from datetime import timedelta

from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen, dumps, now, parsed
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, InvalidDocument, Password, check

LIFETIME = timedelta(hours=24)


def admit(box: FakeBox, seen: Seen, *, key: bool = False) -> None:
    """Refuse who shows neither a good token nor the API key; `key`: only the key will do."""
    machine = box.api_key is not None and seen.headers.get("x-api-key") == box.api_key
    if key and box.api_key is not None and not machine:
        raise unauthorized("this needs the API key", "Send it as 'X-API-Key'.")
    if (box.token or box.password) and not (machine or box.bearer(seen) in {box.token, *box.sessions} - {None}):
        ended = ', error="invalid_token"' if box.bearer(seen) else ""
        raise unauthorized("a token is needed", "Log in: POST /flex/auth/login gives a token.", ended)


def unauthorized(message: str, hint: str, error: str = "") -> Refusal:
    """The 401 that asks for a token."""
    return Refusal(
        ErrorCode.UNAUTHORIZED, message, hint=hint, headers={"www-authenticate": f'Bearer realm="flex"{error}'}
    )


def _status(box: FakeBox, seen: Seen) -> FakeAnswer:
    ends = box.sessions.get(box.bearer(seen) or "")
    more = {"expires_at": ends} if ends and not box.plain else {}
    return json_answer({"auth_enabled": bool(box.token or box.password), **more})


def _login(box: FakeBox, seen: Seen) -> FakeAnswer:
    password = _password(seen)
    if box.password is None:
        raise Refusal(ErrorCode.CONFLICT, "no password is set", hint="Requests need no token.")
    if not hmac.compare_digest(password.encode(), box.password.encode()):
        raise unauthorized("the password is wrong", "Another one is tried with another login.")
    box.logins += 1
    token = f"fake-token-{box.logins}"
    box.sessions[token] = now(LIFETIME)
    return json_answer({"token": token, "expires_at": box.sessions[token]})


def _logout(box: FakeBox, seen: Seen) -> FakeAnswer:
    box.end_sessions({box.bearer(seen)}, "logged_out")
    return FakeAnswer(204, {})


def _set(box: FakeBox, seen: Seen) -> FakeAnswer:
    password = _password(seen)
    reason = "password_set" if box.password is None else "password_changed"
    first = box.password is None
    box.password = password
    box.end_sessions({None} if first else set(box.sessions) - {box.bearer(seen)}, reason)
    return FakeAnswer(204, {})


def _remove(box: FakeBox, seen: Seen) -> FakeAnswer:
    box.password = box.token = None
    box.end_sessions(set(box.sessions), "password_removed")
    return FakeAnswer(204, {})


def _password(seen: Seen) -> str:
    try:
        return check(Password, dumps(parsed(seen))).password.get_secret_value()
    except InvalidDocument as fault:
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the password is not valid", details=fault.details) from None


ROUTES = (
    Route("GET", "/flex/auth/status", _status, public=True),
    Route("POST", "/flex/auth/login", _login, public=True),
    Route("POST", "/flex/auth/logout", _logout),
    Route("PUT", "/flex/auth/password", _set),
    Route("DELETE", "/flex/auth/password", _remove),
)
