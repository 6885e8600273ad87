"""Checking what a box sends to a webhook, in whatever server receives it (Standard Webhooks).

from flexclient.webhooks import VerificationError, verify

try:
    message = verify(body, headers, secret)   # the body as it came: bytes, not parsed and written again
except VerificationError:
    ...                                       # answer 401
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flexclient.errors import FlexError, UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from flexclient._values import Secret

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""The headers of a signed message."""
TOLERANCE = 300.0
"""Seconds that the receiver's clock and the box's may differ by, the way of the message included."""
PREFIX = "whsec_"


class VerificationError(FlexError):
    """A message that did not come from the box as it is: it must not be believed."""


class MissingHeader(VerificationError):
    """A header of the signature is not there, or is none."""


class WrongTime(VerificationError):
    """It was sent too long ago, or in the future: an old message that somebody sends again, or a wrong clock."""


class WrongSignature(VerificationError):
    """No signature matches: another secret, or another body."""


class NoMessage(VerificationError):
    """It is signed by the box and is none of its messages."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a box tells a webhook."""

    id: str
    """The same at each try: a receiver that has seen it may skip it."""
    type: str
    """What happened, such as `pipeline.started`."""
    timestamp: datetime
    """When it happened."""
    data: Mapping[str, Any]
    """More about it, after its type."""


def verify(
    payload: bytes | str,
    headers: Mapping[str, str],
    secret: str | Secret | SecretStr,
    *,
    tolerance: float = TOLERANCE,
    now: float | None = None,
) -> Message:
    """Check a message's signature and time, and read it.

    `payload` is the body as it came, `secret` the `whsec_...` of the answer that made the webhook, `tolerance` the
    seconds that the clocks may differ by, `now` the time (seconds since 1970, for tests). The names of `headers` may be
    in capitals or not. Raises `VerificationError`, and `UsageError` for a secret that is none.
    """
    found = {name.lower(): value for name, value in headers.items()}
    for name in (ID, TIMESTAMP, SIGNATURE):
        if not found.get(name):
            raise MissingHeader(f"the message has no header {name}")
    body = payload.encode() if isinstance(payload, str) else payload
    sent = _seconds(found[TIMESTAMP])
    expected = sign(found[ID], sent, body, secret).encode()
    given = [one.encode("utf-8", "replace") for one in found[SIGNATURE].split(" ")]
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise WrongSignature(
            "the signature does not match", hint="Is it this webhook's secret, and the body as it came?"
        )
    if abs((time.time() if now is None else now) - sent) > tolerance:
        raise WrongTime("the message is not of this time", hint="Are the clocks of the box and of this machine right?")
    return _read(found[ID], body)


def sign(id: str, timestamp: int, payload: bytes, secret: str | Secret | SecretStr) -> str:  # noqa: A002 - its name
    """The `webhook-signature` of a message. `timestamp` is in seconds since 1970. Raises `UsageError`."""
    signed = b"%s.%d.%s" % (id.encode("utf-8", "replace"), timestamp, payload)
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str | Secret | SecretStr) -> bytes:
    text = secret if isinstance(secret, str) else secret.get_secret_value()
    try:
        key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise UsageError(f"this is no webhook's secret: one begins with {PREFIX}, and base64 follows") from None
    return key


def _seconds(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise MissingHeader(f"the header {TIMESTAMP} holds no time")
    return int(text)


def _read(id: str, body: bytes) -> Message:  # noqa: A002 - its name
    try:
        said = json.loads(body)
        return Message(id, str(said["type"]), datetime.fromisoformat(said["timestamp"]), dict(said["data"]))
    except (ValueError, KeyError, TypeError):
        raise NoMessage("the body is signed, and is no message of a box") from None
