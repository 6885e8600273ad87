"""Triggers of other media servers (API.md, Ingress)."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from flexclient.models._base import Model, OpenEnum


class TriggerAction(OpenEnum):
    """What a trigger did."""

    PLAY = "play"
    STOP = "stop"


class TriggerResult(Model):
    """Answer to a trigger."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    status: str
    """`ok`."""
    pipeline_id: str = Field(alias="pipelineId")
    """The pipeline that plays or stopped."""
    action: TriggerAction
