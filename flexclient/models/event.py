"""What the box tells as it happens (API.md, Events)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from flexclient._sse import event_number
from flexclient.models._base import Model
from flexclient.models.framegrab import FramegrabFile
from flexclient.models.pipeline import Geolocation, Pipeline, PipelineStatus
from flexclient.models.settings import Settings

D = TypeVar("D", covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[D]):
    """One server-sent event: its type, its typed data, and its id where the box gives one."""

    type: str
    data: D
    id: int | None = None


class PipelineError(Model):
    """Data of `pipeline_error`."""

    message: str
    id: str | None = None
    code: str | None = None
    reason: str | None = None
    next_retry_at: datetime | None = None


class PipelineDeleted(Model):
    """Data of `pipeline_deleted`."""

    id: str


class CameraAdded(Model):
    """Data of `camera_added`."""

    device_path: str
    device_name: str | None = None


class CameraRemoved(Model):
    """Data of `camera_removed`."""

    device_path: str


class PipelineGeolocation(Geolocation):
    """Data of `geolocation`: where the sensor of a pipeline is, and what it looks at."""

    id: str


class WebhookFailed(Model):
    """Data of `webhook_failed`: a message was given up, or its webhook switched off."""

    webhook_id: str
    url: str | None = None
    """Scheme, host and port of its address; the rest may hold a secret."""
    event: str | None = None
    """Type of the message."""
    message: str
    """What went wrong."""
    attempts: int | None = None
    disabled: bool = False
    """The webhook is switched off."""


class Gap(Model):
    """Data of `gap`: events were lost between `since` and this one; a fresh snapshot follows, or must be read."""

    since: int | None = None
    reason: str | None = None


class Bye(Model):
    """Data of `bye`: the box ends the stream on purpose, because it shuts down."""

    reason: str | None = None


class UnknownData(Model):
    """Data of an event that this version does not know; its fields are in `model_extra`."""


EVENT_DATA: dict[str, type[Model]] = {
    "pipeline_status": PipelineStatus,
    "pipeline_error": PipelineError,
    "pipeline_created": Pipeline,
    "pipeline_updated": Pipeline,
    "pipeline_deleted": PipelineDeleted,
    "camera_added": CameraAdded,
    "camera_removed": CameraRemoved,
    "framegrab_created": FramegrabFile,
    "geolocation": PipelineGeolocation,
    "settings_changed": Settings,
    "webhook_failed": WebhookFailed,
    "gap": Gap,
    "bye": Bye,
}
"""Event type -> the model of its data."""


class UnknownEvent(Event[UnknownData]):
    """An event of a type that this version does not know."""

    __slots__ = ()


def read_event(type: str, data: str, id: str | None = None) -> Event[Any]:  # noqa: A002
    """Turn the fields of one server-sent event into a typed event.

    Raises `pydantic.ValidationError` where the data is not what its type promises.
    """
    number = event_number(id)
    model = EVENT_DATA.get(type)
    if model is None:
        return UnknownEvent(type, UnknownData.model_validate_json(data or "{}"), number)
    return Event(type, model.model_validate_json(data or "{}"), number)
