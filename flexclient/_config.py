"""What a client is set to: its arguments, and for those not given the environment. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flexclient._auth import Auth, TokenSource
from flexclient._tls import Trust, normal_fingerprint
from flexclient._values import UNSET, Unset
from flexclient.errors import UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from flexclient._call import Call, OnCall

DEFAULT_URL = "https://127.0.0.1:3539"


@dataclass(frozen=True)
class Settings:
    """How one client speaks to its box."""

    url: str
    trust: Trust
    auth: Auth
    timeout: float = 10.0
    deadline: float = 60.0
    retries: int = 3
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    guard: Callable[[Call[Any]], None] | None = field(default=None, repr=False)
    on_call: OnCall | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.timeout <= 0 or self.deadline <= 0:
            raise UsageError("timeout and deadline are seconds, and more than none")
        if self.retries < 0:
            raise UsageError("retries counts the tries after the first: 0 or more")

    def changed(
        self,
        *,
        timeout: float | Unset = UNSET,
        deadline: float | Unset = UNSET,
        retries: int | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        token: str | SecretStr | TokenSource | Unset | None = UNSET,
        api_key: str | SecretStr | Unset | None = UNSET,
    ) -> Settings:
        """The same with some of it changed."""
        given = {"timeout": timeout, "deadline": deadline, "retries": retries, "headers": headers}
        settings = replace(self, **{name: value for name, value in given.items() if not isinstance(value, Unset)})  # type: ignore[arg-type]
        if isinstance(token, Unset) and isinstance(api_key, Unset):
            return settings
        return replace(settings, auth=self.auth.changed(token=token, api_key=api_key))


def settings_from(
    environ: Mapping[str, str],
    *,
    url: str | None,
    token: str | SecretStr | TokenSource | None,
    api_key: str | SecretStr | None,
    fingerprint: str | None,
    ca_file: str | None,
    insecure: bool | None,
    timeout: float,
    deadline: float,
    retries: int,
    headers: Mapping[str, str] | None,
    guard: Callable[[Call[Any]], None] | None,
    on_call: OnCall | None,
) -> Settings:
    """Fill what was not given from `FLEX_*` variables. Raises `UsageError` for a value that cannot be used."""
    return Settings(
        url=_url(url or environ.get("FLEX_URL") or DEFAULT_URL),
        trust=_trust(environ, fingerprint, ca_file, insecure),
        auth=_auth(environ, token, api_key),
        timeout=timeout,
        deadline=deadline,
        retries=retries,
        headers=dict(headers or {}),
        guard=guard,
        on_call=on_call,
    )


def _url(text: str) -> str:
    url = text.strip()
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"https", "http"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
        parts = urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise UsageError("an address holds no user and password", hint="Give a token or an API key instead.")
    if not usable or parts.query or parts.fragment:
        raise UsageError(f"'{text}' is no address of a box", hint=f"An address looks like {DEFAULT_URL}.")
    return url.rstrip("/")


def _trust(environ: Mapping[str, str], fingerprint: str | None, ca_file: str | None, insecure: bool | None) -> Trust:
    # One question, one answer: a program that names its trust is not overruled by half of it from the environment.
    if not (fingerprint or ca_file or insecure):
        fingerprint, ca_file = environ.get("FLEX_FINGERPRINT"), environ.get("FLEX_CA_FILE")
        insecure = truth("FLEX_INSECURE", environ.get("FLEX_INSECURE")) if insecure is None else insecure
    pin = normal_fingerprint(fingerprint) if fingerprint else None
    return Trust(fingerprint=pin, ca_file=ca_file or None, insecure=bool(insecure))


def _auth(
    environ: Mapping[str, str], token: str | SecretStr | TokenSource | None, api_key: str | SecretStr | None
) -> Auth:
    if token is None and api_key is None:
        return Auth(environ.get("FLEX_TOKEN"), environ.get("FLEX_API_KEY"))
    return Auth(token, api_key)


def truth(name: str, text: str | None) -> bool:
    """A variable of the environment as yes or no. Raises `UsageError` for anything else: a typo must not mean yes."""
    word = (text or "").strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise UsageError(f"{name}={text} is neither yes nor no", hint="Use 1 or 0.")
