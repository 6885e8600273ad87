"""Password and sessions (API.md, Endpoints: auth)."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient._models import models as m

if TYPE_CHECKING:
    from pydantic import SecretStr

    from flexclient._values import Secret


class Auth(Resource[M]):
    """`client.auth`."""

    @endpoint
    def status(self) -> Call[m.AuthStatus]:
        """Whether the box asks for a password. Needs no token."""
        return Call("GET", "/flex/auth/status", lambda: m.AuthStatus)

    @endpoint
    def login(self, password: str | SecretStr | Secret) -> Call[m.Session]:
        """Begin a session of 24 hours; its `token` is for `FlexClient(token=...)`, and `PasswordLogin` does all of it.

        Raises `Unauthorized` for a wrong password, `RateLimited` after five tries in 15 minutes, `Conflict` where no
        password is set and there is nothing to log in to.
        """
        return Call("POST", "/flex/auth/login", lambda: m.Session, json=_password(password))

    @endpoint
    def logout(self) -> Call[None]:
        """End the session whose token this client sends, at once, and every event stream that it opened.

        A client without a token ends nothing.
        """
        return Call("POST", "/flex/auth/logout", NoneType)

    @endpoint
    def set_password(self, password: str | SecretStr | Secret) -> Call[None]:
        """Set the box's password, or change it, which ends all sessions but this client's.

        1 to 1,024 characters. While none is set, everybody may set it. Raises `ValidationError_` for what is none.
        """
        return Call("PUT", "/flex/auth/password", NoneType, json=_password(password))

    @endpoint
    def remove_password(self) -> Call[None]:
        """Ask nobody for a password any more: everybody may do everything then. All sessions end."""
        return Call("DELETE", "/flex/auth/password", NoneType)


def _password(password: str | SecretStr | Secret) -> dict[str, str]:
    return {"password": password if isinstance(password, str) else password.get_secret_value()}
