"""Webhooks: addresses that are told what happens (API.md, Webhooks)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flexclient.models._base import Model, OpenEnum
from flexclient.models._rules import Distinct, Entries, Length, Pattern
from flexclient.models._secret import SecretText

HEADER_NAME = Pattern(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", "a header's name is 1 to 128 letters, digits and marks")
HEADER_VALUE = Pattern(r"[\x20-\x7e\xa0-\xff\t]{0,1024}", "a header's value is at most 1,024 characters on one line")


class WebhookEvent(OpenEnum):
    """What a webhook may be told."""

    PIPELINE_STARTED = "pipeline.started"
    PIPELINE_STOPPED = "pipeline.stopped"
    PIPELINE_ERROR = "pipeline.error"
    CAMERA_ADDED = "camera.added"
    CAMERA_REMOVED = "camera.removed"
    FRAMEGRAB_CREATED = "framegrab.created"


class WebhookSpec(Model):
    """A webhook as its owner writes it."""

    url: Annotated[
        str, Length(2048, 1), Pattern(r"[Hh][Tt][Tt][Pp][Ss]?://[^\s]+", "a webhook's address is http:// or https://")
    ]
    """Where to POST. Private and loopback targets need `webhook_allowed_networks` in the settings."""
    events: Annotated[tuple[WebhookEvent, ...], Length(16, 1), Distinct()]
    """What to tell."""
    headers: Annotated[dict[str, SecretText], Entries(10, HEADER_NAME, HEADER_VALUE)] | None = None
    """Up to 10 headers to send along: names up to 128, values up to 1,024 characters. Write-only."""


class Webhook(Model):
    """A webhook as the box answers it."""

    id: str
    """`wh_` and 8 characters."""
    url: str
    events: tuple[WebhookEvent, ...] = ()
    created_at: datetime
    secret: SecretText | None = None
    """Key of the signatures (Standard Webhooks), `whsec_...`. Shown once, in the answer that made the webhook."""
    disabled_at: datetime | None = None
    """Since when it is switched off: its address answered 410."""
    disabled_reason: str | None = None


class DeliveryState(OpenEnum):
    """How a delivery fares."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(Model):
    """One message to one webhook."""

    id: str
    """The `webhook-id` that it is sent with: the same at each try."""
    webhook_id: str
    event: str
    """Its type; `test` for one that was asked for."""
    state: DeliveryState
    attempts: int
    """How often it was tried."""
    created_at: datetime
    last_attempt_at: datetime | None = None
    next_attempt_at: datetime | None = None
    status: int | None = None
    """HTTP status of the last answer."""
    duration_ms: float | None = None
    """How long the last try took."""
    error: str | None = None
    """Why the last try failed."""
