"""What may be shown and what may not. Tokens, keys and passwords never reach a repr, a log, a curl line or an error."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flexclient._values import STARS, Secret

if TYPE_CHECKING:
    from pydantic import SecretStr

logger = logging.getLogger("flexclient")

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "cookie", "set-cookie"})
SECRET_FIELDS = frozenset({"password", "token", "secret", "api_key", "headers"})
"""Names of JSON fields whose values are secret; `headers` are those of a webhook."""

# user:password@ in an address, such as a camera's.
_USERINFO = re.compile(r"(?<=://)([^/?#\s@:]*):[^/?#\s]*@")


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The same headers with the values of secret ones replaced by stars."""
    return {name: STARS if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}


def mask_text(text: str) -> str:
    """The same text with passwords inside addresses replaced by stars."""
    return _USERINFO.sub(rf"\1:{STARS}@", text)


def mask_json(value: Any) -> Any:
    """The same JSON value with its secrets replaced by stars."""
    if isinstance(value, Mapping):
        return {key: STARS if _secret(key, item) else mask_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mask_json(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value


def _secret(key: object, item: object) -> bool:
    return isinstance(key, str) and key.lower() in SECRET_FIELDS and item is not None


def secret(value: str | SecretStr | Secret | None) -> Secret | None:
    """A secret in a wrapper that shows stars; empty is none."""
    text = value if isinstance(value, str) or value is None else value.get_secret_value()
    return Secret(text) if text else None
