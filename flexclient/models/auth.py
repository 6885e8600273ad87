"""Password and sessions of a box (API.md, Endpoints: auth)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flexclient.models._base import Model
from flexclient.models._rules import Length
from flexclient.models._secret import SecretText


class AuthStatus(Model):
    """Whether the box asks for a password."""

    auth_enabled: bool
    """True: everything that is not public needs a token or an API key."""
    expires_at: datetime | None = None
    """When the session ends whose token the request showed; absent where it showed none that is good."""


class Password(Model):
    """A password: to log in with, or to set."""

    password: Annotated[SecretText, Length(1024, 1)]
    """1 to 1,024 characters. Write-only."""


class Session(Model):
    """A session that a login made."""

    token: SecretText
    """Send it as `Authorization: Bearer <token>`. The box keeps only its hash, so it is never shown again."""
    expires_at: datetime
    """When it ends by itself: 24 hours after the login."""
