"""Who asks: a bearer token or an API key, shown to the box and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from flexclient._log import secret
from flexclient._values import UNSET, Secret, Unset
from flexclient.errors import UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

TokenSource: TypeAlias = Callable[[], str]
"""Gives a token. Called before the first request, and once more when the box says that the token has ended."""


class Auth:
    """The credentials of one client and of its copies."""

    def __init__(
        self, token: str | SecretStr | Secret | TokenSource | None, api_key: str | SecretStr | Secret | None
    ) -> None:
        self._source: TokenSource | None = token if callable(token) else None
        self._token = None if callable(token) else _header_safe("token", secret(token))
        self._api_key = _header_safe("api_key", secret(api_key))

    def changed(
        self,
        *,
        token: str | SecretStr | Secret | TokenSource | Unset | None = UNSET,
        api_key: str | SecretStr | Secret | Unset | None = UNSET,
    ) -> Auth:
        """The same with one of the two changed; `None` takes it away."""
        return Auth(
            (self._source or self._token) if isinstance(token, Unset) else token,
            self._api_key if isinstance(api_key, Unset) else api_key,
        )

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token."""
        return self._source is not None or self._token is not None

    @property
    def has_api_key(self) -> bool:
        """Whether requests carry an API key."""
        return self._api_key is not None

    def headers(self) -> dict[str, str]:
        """The headers that show who asks, in the clear: for the wire only."""
        if self._token is None and self._source is not None:
            self.renew()
        headers = {}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        if self._api_key is not None:
            headers["x-api-key"] = self._api_key.get_secret_value()
        return headers

    def renew(self) -> bool:
        """Fetch a new token where there is a source of them; whether there is one, and it gave another token."""
        if self._source is None:
            return False
        before = self._token
        self._token = _header_safe("token", secret(self._source()))
        return self._token is not None and self._token != before

    def curl(self) -> list[str]:
        """The same as arguments for curl, as variables of the shell."""
        words = ['-H "Authorization: Bearer $FLEX_TOKEN"'] if self.has_token else []
        return [*words, '-H "X-API-Key: $FLEX_API_KEY"'] if self.has_api_key else words

    def __repr__(self) -> str:
        return f"Auth(token={self.has_token}, api_key={self.has_api_key})"


def _header_safe(name: str, value: Secret | None) -> Secret | None:
    if value is not None and not (value.get_secret_value().isascii() and value.get_secret_value().isprintable()):
        raise UsageError(f"the {name} holds characters that no header may carry", hint="Is there a line break in it?")
    return value
