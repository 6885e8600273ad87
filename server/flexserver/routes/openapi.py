"""The description of everything."""

from __future__ import annotations

import json

from starlette.responses import Response

from flexserver import openapi
from flexserver.routing import JSON, Answer, Call, Endpoint, tagged


async def read(call: Call) -> Response:
    """GET /flex/openapi.json."""
    from flexserver.routes import TABLE  # the table holds this endpoint too

    return tagged(call, json.dumps(openapi.describe(TABLE.endpoints), indent=1).encode(), JSON)


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/openapi.json", read, "system.openapi", "This API as OpenAPI 3.1",
        Answer(meaning="The document."), public=True,
    ),
)  # fmt: skip
