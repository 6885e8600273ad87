"""Settings: read them all, change some."""

from __future__ import annotations

from starlette.responses import Response

from flexclient.models import ErrorCode, Settings
from flexserver.routing import JSON, Answer, Call, Endpoint, is_known
from flexserver.settings import document


def _reply(call: Call) -> Response:
    return Response(document(call.box.settings.now), media_type=JSON, headers={"ETag": call.box.settings.etag})


async def read(call: Call) -> Response:
    """GET /flex/settings."""
    if is_known(call, call.box.settings.etag):
        return Response(status_code=304, headers={"ETag": call.box.settings.etag})
    return _reply(call)


async def update(call: Call) -> Response:
    """PUT /flex/settings."""
    await call.box.settings.update(await call.document(), call.if_match)
    return _reply(call)


_E = ErrorCode
_ALL = Answer(Settings, meaning="All settings.", headers=(("ETag", "Names this version, for If-Match."),))

ENDPOINTS = (
    Endpoint("GET", "/flex/settings", read, "settings.get", "Read the settings", _ALL),
    Endpoint(
        "PUT", "/flex/settings", update, "settings.update", "Change some settings", _ALL,
        body=Settings, partial=True, conditional=True,
        errors=(
            _E.VALIDATION_ERROR, _E.PAYLOAD_TOO_LARGE, _E.UNSUPPORTED_MEDIA_TYPE, _E.PRECONDITION_FAILED,
            _E.INSUFFICIENT_STORAGE,
        ),
        note="Any subset of the fields: what is not named stays, null puts a field back to its default. "
        "Everybody who reads the events is told by `settings_changed`.",
    ),
)  # fmt: skip
