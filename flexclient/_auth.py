"""Who asks: a bearer token or an API key, shown to the box and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from flexclient._log import secret
from flexclient._values import STARS, UNSET, Secret, Unset
from flexclient.errors import UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

LOGIN = "/flex/auth/login"


class PasswordLogin:
    """A password in a token's place: `FlexClient(token=PasswordLogin("..."))`.

    The client logs in once the box asks for a token, and again when the session has ended, whichever call notices it
    first; calls at the same time share that login. At a box without a password it never logs in. Raises `Unauthorized`
    for a wrong password and `RateLimited` after too many tries, from the call that needed the token.
    """

    __slots__ = ("_password",)

    def __init__(self, password: str | SecretStr | Secret) -> None:
        found = secret(password)
        if found is None:
            raise UsageError("a password is needed, and this one is empty")
        self._password = found

    def body(self) -> dict[str, str]:
        """What the login sends, in the clear: for the wire only."""
        return {"password": self._password.get_secret_value()}

    def __repr__(self) -> str:
        return f"PasswordLogin({STARS!r})"


TokenSource: TypeAlias = Callable[[], str] | PasswordLogin
"""Gives a token: a function, called before the first request and once more when the box says that the token has ended;
or a `PasswordLogin`."""


class Auth:
    """The credentials of one client and of its copies."""

    def __init__(
        self, token: str | SecretStr | Secret | TokenSource | None, api_key: str | SecretStr | Secret | None
    ) -> None:
        self.source: TokenSource | None = None
        """Where tokens come from; None where there is one for good, or none."""
        self.token: Secret | None = None
        """The token that requests carry now."""
        if isinstance(token, PasswordLogin) or callable(token):
            self.source = token
        else:
            self.token = _safe("token", token)
        self._api_key = _safe("api_key", api_key)
        self._asked = False

    def changed(
        self,
        *,
        token: str | SecretStr | Secret | TokenSource | Unset | None = UNSET,
        api_key: str | SecretStr | Secret | Unset | None = UNSET,
    ) -> Auth:
        """The same with one of the two changed; `None` takes it away."""
        return Auth(
            (self.source or self.token) if isinstance(token, Unset) else token,
            self._api_key if isinstance(api_key, Unset) else api_key,
        )

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token."""
        return self.source is not None or self.token is not None

    @property
    def has_api_key(self) -> bool:
        """Whether requests carry an API key."""
        return self._api_key is not None

    @property
    def unasked(self) -> bool:
        """Whether a function is there that gives tokens, and was not asked yet."""
        return callable(self.source) and not self._asked

    def take(self, token: str | SecretStr | Secret | None) -> None:
        """Carry this token from now on. Raises `UsageError` for one that no header may carry."""
        self._asked = True
        self.token = _safe("token", token)

    def headers(self) -> dict[str, str]:
        """The headers that show who asks, in the clear: for the wire only."""
        headers = {}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token.get_secret_value()}"
        if self._api_key is not None:
            headers["x-api-key"] = self._api_key.get_secret_value()
        return headers

    def curl(self) -> list[str]:
        """The same as arguments for curl, as variables of the shell."""
        words = ['-H "Authorization: Bearer $FLEX_TOKEN"'] if self.has_token else []
        return [*words, '-H "X-API-Key: $FLEX_API_KEY"'] if self.has_api_key else words

    def __repr__(self) -> str:
        return f"Auth(token={self.has_token}, api_key={self.has_api_key})"


def _safe(name: str, given: str | SecretStr | Secret | None) -> Secret | None:
    value = secret(given)
    if value is not None and not (value.get_secret_value().isascii() and value.get_secret_value().isprintable()):
        raise UsageError(f"the {name} holds characters that no header may carry", hint="Is there a line break in it?")
    return value
