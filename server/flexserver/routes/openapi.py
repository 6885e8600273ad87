"""The description of everything."""

from __future__ import annotations

import functools
import json

from starlette.responses import Response

from flexserver import openapi
from flexserver.routing import JSON, UNCHANGED, Answer, Call, Endpoint, tagged


async def read(call: Call) -> Response:
    """GET /flex/openapi.json."""
    return tagged(call, _document(), JSON)


@functools.cache
def _document() -> bytes:
    from flexserver.routes import TABLE  # the table holds this endpoint too

    return json.dumps(openapi.describe(TABLE.endpoints), indent=1).encode()


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/openapi.json", read, "system.openapi", "This API as OpenAPI 3.1",
        Answer(meaning="The document.", headers=(("ETag", "Names this version, for If-None-Match."),)),
        also=(UNCHANGED,),
    ),
)  # fmt: skip
