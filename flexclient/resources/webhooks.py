"""Webhooks: addresses that the box tells what happens (API.md, Webhooks)."""
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call, segment
from flexclient._models import models as m

ALL = "/flex/webhooks"


class Webhooks(Resource[M]):
    """`client.webhooks`."""

    @endpoint
    def create(self, spec: m.WebhookSpec | Mapping[str, Any]) -> Call[m.Webhook]:
        """Make a webhook. The answer's `secret` checks its signatures, and is never shown again.

        Raises `ValidationError_` (a private or loopback target needs `webhook_allowed_networks` in the settings).
        """
        body = dict(spec) if isinstance(spec, Mapping) else spec.body()
        return Call("POST", ALL, lambda: m.Webhook, json=body)

    @endpoint
    def delete(self, id: str) -> Call[None]:
        """Forget a webhook and what waits for it. Raises `NotFound`."""
        return Call("DELETE", f"{ALL}/{segment(id)}", NoneType)

    @endpoint
    def test(self, id: str) -> Call[m.Delivery]:
        """Send a test message at once; the answer says what came of it. Raises `NotFound`."""
        return Call("POST", f"{ALL}/{segment(id)}/test", lambda: m.Delivery, patience=5.0)

    @endpoint
    def deliveries(self, id: str) -> Call[list[m.Delivery]]:
        """The newest messages to a webhook and how they fared, the newest first. Raises `NotFound`."""
        return Call("GET", f"{ALL}/{segment(id)}/deliveries", lambda: list[m.Delivery])

    @endpoint
    def list(self) -> Call[list[m.Webhook]]:
        """Every webhook."""
        return Call("GET", ALL, lambda: list[m.Webhook])
