"""What another media server tells the box about its publishers (API.md, Ingress). Needs an API key."""

from __future__ import annotations

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call, params
from flexclient._models import models as m
from flexclient._values import UNSET, Unset

PUBLISH = "/flex/triggers/mediaMtx/publish"


class Triggers(Resource[M]):
    """`client.triggers`."""

    @endpoint
    def publish(self, path: str, *, pipeline_id: str | Unset = UNSET) -> Call[m.TriggerResult]:
        """A stream is published under `path`: make or play its pipeline. Raises `Unauthorized` without an API key."""
        query = params(path=path, pipelineId=pipeline_id)
        return Call("PUT", PUBLISH, lambda: m.TriggerResult, query=query)

    @endpoint
    def unpublish(self, path: str, *, pipeline_id: str | Unset = UNSET) -> Call[m.TriggerResult]:
        """A stream is no longer published under `path`: stop its pipeline. Raises `Unauthorized` without an API key."""
        query = params(path=path, pipelineId=pipeline_id)
        return Call("DELETE", PUBLISH, lambda: m.TriggerResult, query=query)
