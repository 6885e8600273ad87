"""Webhooks, what was sent to them, and what a listener receives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import Delivery, Webhook
    from flexclient.webhooks import Message

EVENTS = (
    "pipeline.started",
    "pipeline.stopped",
    "pipeline.error",
    "camera.added",
    "camera.removed",
    "framegrab.created",
)
"""What a webhook may be told, so that help need not import the models. A test compares them."""


def _events(hook: Webhook) -> str:
    return ", ".join(map(str, hook.events))


def _secret(hook: Webhook) -> str | None:
    return hook.secret.get_secret_value() if hook.secret else None


def _with_secret(hook: Webhook) -> dict[str, Any]:
    """The one answer that has a secret is shown whole: there is no second time."""
    shown: dict[str, Any] = hook.model_dump(mode="json", exclude_unset=True, context={"secrets": True})
    return shown


def _details(hook: Webhook) -> list[Part]:
    fields = [
        Field("Id", hook.id),
        Field("Address", hook.url),
        Field("Events", _events(hook)),
        Field("Created", hook.created_at),
    ]
    fields += [Field("Secret", _secret(hook))] if hook.secret else []
    fields += [Field("Off since", hook.disabled_at)] if hook.disabled_at else []
    fields += [Field("Off because", hook.disabled_reason)] if hook.disabled_reason else []
    return [Part("", tuple(fields))]


_COLUMNS: tuple[Column[Webhook], ...] = (
    Column("id", "ID", lambda hook: hook.id),
    Column("url", "ADDRESS", lambda hook: hook.url, priority=1, least=20),
    Column("events", "EVENTS", _events, priority=3, least=20),
    Column("created_at", "CREATED", lambda hook: hook.created_at, "age", priority=4),
    Column("disabled_reason", "OFF BECAUSE", lambda hook: hook.disabled_reason, priority=2, least=20, if_any=True),
    Column("disabled_at", "OFF SINCE", lambda hook: hook.disabled_at, "age", priority=5, wide=True, if_any=True),
)

WEBHOOK: View[Webhook] = View(_COLUMNS, _details, lambda hook: hook.id, json_of)
NEW: View[Webhook] = View(
    (*_COLUMNS, Column("secret", "SECRET", _secret)), _details, lambda hook: hook.id, _with_secret
)
"""A webhook that was just made: with its secret."""


def _outcome(sent: Delivery) -> str:
    """What the last try came to, in a few words."""
    if sent.error:
        return sent.error
    return f"answered {sent.status}" if sent.status else ""


DELIVERY: View[Delivery] = View(
    columns=(
        Column("created_at", "CREATED", lambda sent: sent.created_at, "age", priority=3),
        Column("event", "EVENT", lambda sent: sent.event),
        Column("state", "STATE", lambda sent: sent.state, "state", priority=1),
        Column("attempts", "TRIES", lambda sent: sent.attempts, "count", priority=5),
        Column("outcome", "OUTCOME", _outcome, priority=2, least=20),
        Column("next_attempt_at", "NEXT TRY", lambda sent: sent.next_attempt_at, priority=4, if_any=True),
        Column("duration_ms", "TOOK", lambda sent: sent.duration_ms, "ms", priority=6),
        Column("status", "STATUS", lambda sent: sent.status, "count", wide=True),
        Column("id", "ID", lambda sent: sent.id, wide=True),
    ),
    details=lambda sent: [
        Part(
            "",
            (
                Field("Event", sent.event),
                Field("State", sent.state, "state"),
                Field("Outcome", _outcome(sent)),
                Field("Tries", sent.attempts),
                Field("Took", sent.duration_ms, "ms"),
                Field("Message id", sent.id),
            ),
        )
    ],
    name=lambda sent: sent.id,
    data=json_of,
)


@dataclass(frozen=True, slots=True)
class Received:
    """A message that came, and was what it says it is."""

    message: Message

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.message.timestamp

    @property
    def subject(self) -> str | None:
        """The pipeline, device or webhook that it is about."""
        data = self.message.data
        named = (data.get(name) for name in ("id", "pipeline_id", "device_path", "webhook_id"))
        return next((str(name) for name in named if name), None)


def what(message: Message) -> str:
    """What a message says beside its type and subject, in a few words."""
    data = message.data
    named = (data.get(name) for name in ("message", "reason", "device_name", "file", "output_uri"))
    return next((str(words) for words in named if words), "")


def data_of(message: Message) -> dict[str, Any]:
    """A message as JSON values: as it came, and its id."""
    stamp = message.timestamp.isoformat().replace("+00:00", "Z")
    return {"id": message.id, "type": message.type, "timestamp": stamp, "data": dict(message.data)}


RECEIVED: View[Received] = View(
    columns=(
        Column("time", "TIME", lambda one: one.time, "clock"),
        Column("event", "EVENT", lambda one: one.message.type, "event"),
        Column("subject", "SUBJECT", lambda one: one.subject),
        Column("what", "WHAT", lambda one: what(one.message)),
    ),
    details=lambda one: [Part("", (Field("Event", one.message.type), Field("What", what(one.message))))],
    name=lambda one: one.message.id,
    data=lambda one: data_of(one.message),
)
