"""From a request's body to a webhook, and from what is stored to what is answered and sent. Pure but for chance."""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flexclient.models import (
    Delivery,
    DeliveryState,
    FieldError,
    InvalidDocument,
    Webhook,
    WebhookFailed,
    WebhookSpec,
    check,
)
from flexclient.webhooks import ID, PREFIX, SIGNATURE, TIMESTAMP, sign
from flexserver.config import software_version
from flexserver.errors import invalid, invalid_field
from flexserver.logs import stamp
from flexserver.webhooks.queue import Item, Row
from flexserver.webhooks.targets import Target, fault_of_headers, read_url

TEST = "test"
"""Type of the message that somebody asked for."""
KEY_BYTES = 32
_LETTERS = string.ascii_lowercase + string.digits


def read(body: Mapping[str, Any]) -> tuple[WebhookSpec, Target]:
    """The webhook that a body describes, and where it leads. Raises `Refusal` that names every fault at once."""
    try:
        spec = check(WebhookSpec, json.dumps(body))
    except InvalidDocument as error:
        raise invalid(*error.details) from None
    faults = []
    if fault := fault_of_headers(plain(spec)):
        faults.append(FieldError(field="headers", message=fault))
    try:
        target = read_url(spec.url)
    except ValueError as error:
        faults.append(FieldError(field="url", message=str(error)))
        raise invalid(*faults) from None
    if faults:
        raise invalid(*faults)
    return spec, target


def forbidden(reason: str) -> Exception:
    """The refusal of a target that the settings do not allow."""
    hint = "A box sends to public addresses; PUT /flex/settings adds a network to webhook_allowed_networks."
    return invalid_field("url", f"{reason}, and the settings do not allow that", hint)


def made(spec: WebhookSpec, since: int, now: float) -> Row:
    """A new webhook, with a secret of its own."""
    name = "wh_" + "".join(secrets.choice(_LETTERS) for _ in range(8))
    secret = PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return Row(name, spec.url, tuple(spec.events), plain(spec), secret, stamp(now), since)


def plain(spec: WebhookSpec) -> dict[str, str]:
    """The headers to send along, readable."""
    return {name: value.get_secret_value() for name, value in (spec.headers or {}).items()}


def webhook(row: Row, *, secret: bool = False) -> Webhook:
    """A webhook as it is answered: never with its headers, and with its secret only where it was made."""
    found = {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "created_at": row.created_at,
        "secret": row.secret if secret else None,
        "disabled_at": row.disabled_at,
        "disabled_reason": row.disabled_reason,
    }
    return Webhook.model_validate({name: value for name, value in found.items() if value is not None})


def delivery(item: Item) -> Delivery:
    """A message as it is answered."""
    found = {
        "id": item.id,
        "webhook_id": item.webhook,
        "event": item.event,
        "state": DeliveryState(item.state),
        "attempts": item.attempts,
        "created_at": _time(item.created_at),
        "last_attempt_at": _time(item.last_at),
        "next_attempt_at": _time(item.next_at) if item.state == "pending" else None,
        "status": item.status,
        "duration_ms": None if item.seconds is None else round(item.seconds * 1000, 1),
        "error": item.error,
    }
    return Delivery.model_validate({name: value for name, value in found.items() if value is not None})


def _time(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    at = datetime.fromtimestamp(seconds, UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def item(webhook: str, event: str, data: Mapping[str, Any], now: float, at: str | None = None) -> Item:
    """A new message that is due now. `at`: when it happened."""
    body = json.dumps(
        {"type": event, "timestamp": _stamp(at) if at else stamp(now), "data": data}, separators=(",", ":")
    )
    return Item("msg_" + secrets.token_hex(12), webhook, event, body, now, now)


def _stamp(at: str) -> str:
    """A time of the API as `stamp` writes it: some of its writers leave out a fraction that is 0."""
    return datetime.fromisoformat(at).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def headers(row: Row, item: Item, now: float) -> dict[str, str]:
    """What a message is sent with: the owner's headers, and the signature of this try."""
    sent = int(now)
    named = any(name.lower() == "user-agent" for name in row.headers)
    return {
        **({} if named else {"User-Agent": f"flexserver/{software_version()}"}),
        **row.headers,
        ID: item.id,
        TIMESTAMP: str(sent),
        SIGNATURE: sign(item.id, sent, item.body.encode(), row.secret),
    }


def failed(row: Row, message: str, item: Item | None, *, disabled: bool = False) -> bytes:
    """Data of `webhook_failed`; of the address only what is no secret."""
    about = {} if item is None else {"event": item.event, "attempts": item.attempts}
    origin = read_url(row.url).origin
    said = WebhookFailed.model_validate(
        {"webhook_id": row.id, "url": origin, "message": message, "disabled": disabled, **about}
    )
    return said.model_dump_json(exclude_unset=True).encode()
