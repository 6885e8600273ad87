"""A text that is shown as stars everywhere but where it is asked for by name: a request's body, the box's store."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainSerializer, SecretStr
from pydantic_core.core_schema import SerializationInfo

from flexclient._values import STARS


def _shown(value: SecretStr, info: SerializationInfo) -> str:
    wanted = isinstance(info.context, dict) and info.context.get("secrets")
    return value.get_secret_value() if wanted else STARS


SecretText = Annotated[SecretStr, PlainSerializer(_shown, return_type=str, when_used="unless-none")]
"""The type of a field that holds a secret."""
