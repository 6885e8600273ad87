"""Who is asked for a password, and who you are to the box."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flexctl.out.human import moment
from flexctl.views.view import Column, Field, Part, View

KEY = "FLEX_API_KEY"


@dataclass(frozen=True, slots=True)
class Access:
    """What a box asks for, and what flexctl has for it."""

    url: str
    auth_enabled: bool
    let_in: bool
    """Whether requests of this flexctl are answered."""
    token_in: str | None = None
    """`keyring`, `file`, `token_command`, or the name of a variable."""
    expires_at: datetime | None = None
    context: str | None = None
    """The name it is saved under."""
    renews: bool = False
    """Whether flexctl logs in again by itself: the password is in the keyring."""


def _you(access: Access) -> str:
    if not access.auth_enabled:
        return "everybody may do everything"
    if access.let_in:
        return "let in by the API key" if access.token_in == KEY else "logged in"
    return (
        f"not let in: the {'key' if access.token_in == KEY else 'token'} is not, or no longer, good"
        if access.token_in
        else "not logged in"
    )


def _details(access: Access) -> list[Part]:
    fields = [
        Field("Context", access.context),
        Field("Box", access.url),
        Field("Password", "set" if access.auth_enabled else "not set"),
        Field("You", _you(access)),
        Field("Token in", access.token_in),
        Field("Ends", access.expires_at),
        Field("Then", "logs in again by itself" if access.renews else None),
    ]
    return [Part("", tuple(field for field in fields if field.value is not None))]


def _data(access: Access) -> dict[str, Any]:
    known = {
        "context": access.context,
        "url": access.url,
        "auth_enabled": access.auth_enabled,
        "let_in": access.let_in,
        "token_in": access.token_in,
        "expires_at": moment(access.expires_at) if access.expires_at else None,
        "renews": access.renews or None,
    }
    return {name: value for name, value in known.items() if value is not None}


ACCESS: View[Access] = View(
    columns=(
        Column("url", "BOX", lambda a: a.url),
        Column("auth_enabled", "PASSWORD", lambda a: a.auth_enabled, "bool"),
        Column("let_in", "LET IN", lambda a: a.let_in, "bool"),
        Column("token_in", "TOKEN IN", lambda a: a.token_in),
        Column("expires_at", "ENDS", lambda a: a.expires_at, priority=1),
    ),
    details=_details,
    name=lambda a: a.url,
    data=_data,
)
