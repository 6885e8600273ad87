"""What runs here."""

from __future__ import annotations

import platform

from starlette.responses import Response

from flexclient.models import Version
from flexserver.config import software_version
from flexserver.routing import Answer, Call, Endpoint, reply

API_VERSION = "1"


async def read(call: Call) -> Response:
    """GET /flex/version."""
    return reply(
        Version(
            version=software_version(),
            api_version=API_VERSION,
            gstreamer_version=call.box.engine.gstreamer.version,
            build=f"{platform.python_implementation()} {platform.python_version()} {platform.machine()}",
        )
    )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/flex/version",
        read,
        "system.version",
        "What runs on the box",
        Answer(Version, meaning="The versions."),
        public=True,
    ),
)
