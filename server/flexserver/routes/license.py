"""The licence: read, install, remove."""

from __future__ import annotations

from starlette.responses import Response

from flexclient.models import ErrorCode, License
from flexserver.routing import Answer, Call, Endpoint, reply


async def read(call: Call) -> Response:
    """GET /flex/licensed."""
    return reply(call.box.license.now)


async def install(call: Call) -> Response:
    """POST /flex/license."""
    return reply(await call.box.license.install(await call.text()))


async def remove(call: Call) -> Response:
    """DELETE /flex/license."""
    return reply(await call.box.license.remove())


_E = ErrorCode
_HOLDS = Answer(License, meaning="What holds now.")

ENDPOINTS = (
    Endpoint("GET", "/flex/licensed", read, "license.get", "Read what is licensed", _HOLDS),
    Endpoint(
        "POST", "/flex/license", install, "license.install", "Install a licence", _HOLDS, takes=("text/plain",),
        errors=(
            _E.VALIDATION_ERROR, _E.CONFLICT, _E.PAYLOAD_TOO_LARGE, _E.UNSUPPORTED_MEDIA_TYPE, _E.INSUFFICIENT_STORAGE,
        ),
        note="The body is the licence as the vendor gave it. It takes the place of any other. 409: the box has no "
        "vendor's key, so it is not limited.",
    ),
    Endpoint(
        "DELETE", "/flex/license", remove, "license.remove", "Remove the licence", _HOLDS,
        errors=(_E.INSUFFICIENT_STORAGE,),
        note="The free tier holds from then on: streams beyond it end, and their status says why.",
    ),
)  # fmt: skip
