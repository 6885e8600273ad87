"""Triggers of other media servers: parse, tell the ingress, answer."""

from __future__ import annotations

from starlette.responses import Response

from flexclient.models import ErrorCode, TriggerAction, TriggerResult
from flexserver.errors import invalid_field
from flexserver.ingress.names import MAX_PATH
from flexserver.routing import PIPELINE_ID, Answer, Call, Endpoint, Query, reply

PUBLISH = "/flex/triggers/mediaMtx/publish"


async def publish(call: Call) -> Response:
    """PUT /flex/triggers/mediaMtx/publish."""
    return _reply(*await call.box.ingress.triggers.publish(*_named(call)))


async def unpublish(call: Call) -> Response:
    """DELETE /flex/triggers/mediaMtx/publish."""
    return _reply(*await call.box.ingress.triggers.unpublish(*_named(call)))


def _named(call: Call) -> tuple[str | None, str | None]:
    path, id = call.query.get("path"), call.query.get("pipelineId")  # noqa: A001  the API calls it so
    if not path and not id:
        raise invalid_field("path", "either path or pipelineId is needed")
    return path, id


def _reply(id: str, action: TriggerAction) -> Response:  # noqa: A002
    return reply(TriggerResult.model_validate({"status": "ok", "pipelineId": id, "action": action}))


_E = ErrorCode
_DONE = Answer(TriggerResult, meaning="It is taken down; nobody waits for a picture.")
_QUERY = (
    Query("path", f"What the stream is published as, such as `live/mystream`; up to {MAX_PATH} characters."),
    Query("pipelineId", "The pipeline, where it is not the one that the path names.", form=PIPELINE_ID),
)  # fmt: skip

ENDPOINTS = (
    Endpoint(
        "PUT", PUBLISH, publish, "triggers.publish", "A stream is published: make or play its pipeline", _DONE,
        query=_QUERY, key=True,
        errors=(
            _E.VALIDATION_ERROR, _E.UNAUTHORIZED, _E.LICENSE_ERROR, _E.LICENSE_LIMIT_EXCEEDED, _E.NOT_FOUND,
            _E.CONFLICT, _E.INSUFFICIENT_STORAGE,
        ),
        note="The pipeline reads the stream from this machine's media server by RTSP. It is not stored, unless "
        "`pipelineId` names one that is: that one is played. To say it again changes nothing.",
    ),
    Endpoint(
        "DELETE", PUBLISH, unpublish, "triggers.unpublish", "A stream is published no longer: stop its pipeline",
        _DONE, query=_QUERY, key=True, errors=(_E.VALIDATION_ERROR, _E.UNAUTHORIZED, _E.INSUFFICIENT_STORAGE),
        note="A pipeline that a trigger made goes; a stored one is stopped where `pipelineId` names it or it reads "
        "this very stream. Where none is meant nothing happens. `action` is `play` where the same path was "
        "published again within two seconds before: it may be about the publisher before, and the box looks again.",
    ),
)  # fmt: skip
