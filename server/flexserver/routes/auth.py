"""Password and sessions: who may ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from starlette.responses import Response

from flexclient.models import AuthStatus, ErrorCode, InvalidDocument, Password, Session, check
from flexserver import auth
from flexserver.errors import invalid
from flexserver.rates import Rate
from flexserver.routing import Answer, Call, Endpoint, reply

LOGINS = Rate(5, 900)


async def status(call: Call) -> Response:
    """GET /flex/auth/status."""
    enabled = call.box.auth.enabled
    session = call.grant if isinstance(call.grant, auth.Session) else None
    if session is None:
        return reply(AuthStatus(auth_enabled=enabled))
    return reply(AuthStatus(auth_enabled=enabled, expires_at=_time(session.expires)))


async def login(call: Call) -> Response:
    """POST /flex/auth/login."""
    address = call.request.client.host if call.request.client else ""
    token, expires = await call.box.auth.login(await _password(call), address)
    made = Session.model_validate({"token": token, "expires_at": _time(expires)})
    return reply(made, headers={"Cache-Control": "no-store"}, with_secrets=True)


async def logout(call: Call) -> Response:
    """POST /flex/auth/logout."""
    await call.box.auth.logout(call.grant)
    return Response(status_code=204)


async def set_password(call: Call) -> Response:
    """PUT /flex/auth/password."""
    await call.box.auth.set_password(call.grant, await _password(call))
    return Response(status_code=204)


async def remove_password(call: Call) -> Response:
    """DELETE /flex/auth/password."""
    await call.box.auth.remove_password(call.grant)
    return Response(status_code=204)


async def _password(call: Call) -> str:
    """The password in the body. Raises `Refusal`, which does not repeat it."""
    try:
        return check(Password, json.dumps(await call.document())).password.get_secret_value()
    except InvalidDocument as fault:
        raise invalid(*fault.details) from None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


_E = ErrorCode
_BODY = (_E.VALIDATION_ERROR, _E.PAYLOAD_TOO_LARGE, _E.UNSUPPORTED_MEDIA_TYPE)
_DONE = Answer(status=204)

ENDPOINTS = (
    Endpoint(
        "GET", "/flex/auth/status", status, "auth.status", "Whether a password is set",
        Answer(AuthStatus, meaning="How it is, and when the session ends whose token came along."), public=True,
    ),
    Endpoint(
        "POST", "/flex/auth/login", login, "auth.login", "Begin a session",
        Answer(Session, meaning="The session's token. It is told this once."),
        body=Password, public=True, rate=LOGINS,
        errors=(*_BODY, _E.UNAUTHORIZED, _E.CONFLICT, _E.RATE_LIMITED, _E.OVERLOADED, _E.INSUFFICIENT_STORAGE),
        note="Every try counts, good ones too: five in 15 minutes from one IPv4 address, or one /64 network of IPv6. "
        "Where no password is set there is nothing to log in to, and the answer is 409.",
    ),
    Endpoint(
        "POST", "/flex/auth/logout", logout, "auth.logout", "End the session", _DONE,
        errors=(_E.INSUFFICIENT_STORAGE,),
        note="The token that the request shows ends at once, and with it every event stream that was opened with it. "
        "A request without a session (an API key, or no password is set) ends nothing.",
    ),
    Endpoint(
        "PUT", "/flex/auth/password", set_password, "auth.set_password", "Set or change the password", _DONE,
        body=Password, errors=(*_BODY, _E.OVERLOADED, _E.INSUFFICIENT_STORAGE),
        note="While none is set, everybody may set it. A change ends all sessions but the caller's.",
    ),
    Endpoint(
        "DELETE", "/flex/auth/password", remove_password, "auth.remove_password", "Remove the password", _DONE,
        errors=(_E.INSUFFICIENT_STORAGE,),
        note="Everybody may do everything then. All sessions end.",
    ),
)  # fmt: skip
