"""The box's figures for Prometheus."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from flexclient.models import Condition
from flexserver import metrics
from flexserver.routes.health import parts_of
from flexserver.routing import PLAIN, Answer, Call, Endpoint

TYPE = f"{PLAIN}; version=0.0.4; charset=utf-8"
"""The text format, as every Prometheus reads it."""


async def read(call: Call) -> Response:
    """GET /flex/metrics."""
    parts = await parts_of(call.box)
    well = {name: part.status != Condition.FAILED for name, part in parts.items()}
    now = metrics.moment(call.box, well)
    return Response(await asyncio.to_thread(call.box.metrics.text, now), media_type=TYPE)


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/metrics", read, "system.metrics", "Figures of the box, as Prometheus reads them",
        Answer(media_type=TYPE, meaning="Prometheus' text format, version 0.0.4."),
        note="Pipelines have series of their own up to a number; those beyond it are counted together as `(rest)`.",
    ),
)  # fmt: skip
