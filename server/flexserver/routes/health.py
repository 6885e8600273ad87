"""How the box fares: for people and for Kubernetes."""

from __future__ import annotations

import asyncio
import shutil
import time

from starlette.responses import Response

from flexclient.models import Condition, Health, PartHealth, Probe, State
from flexserver.box import Box
from flexserver.routing import Answer, Call, Endpoint, Handler, reply

LOW_DISK = 64 * 1024 * 1024
_WORST = (Condition.FAILED, Condition.DEGRADED, Condition.OK)


async def read(call: Call) -> Response:
    """GET /flex/health."""
    box = call.box
    parts = {
        "api": PartHealth(status=Condition.OK),
        "rtsp": _rtsp(box),
        "workers": _workers(box),
        "store": _store(box),
        "disk": await asyncio.to_thread(_disk, box),
    }
    if announcing := box.announcements.health():
        parts["announcements"] = announcing
    worst = next(condition for condition in _WORST if any(part.status == condition for part in parts.values()))
    return reply(Health(status=worst, parts=parts, uptime_seconds=round(time.monotonic() - box.born, 3)))


def _rtsp(box: Box) -> PartHealth:
    if box.engine.gstreamer.problem:
        return PartHealth(status=Condition.FAILED, message=f"there is no GStreamer: {box.engine.gstreamer.problem}")
    if box.engine.front.problem:
        return PartHealth(status=Condition.FAILED, message=box.engine.front.problem)
    return PartHealth(status=Condition.OK)


def _workers(box: Box) -> PartHealth:
    if box.engine.gstreamer.problem:
        return PartHealth(status=Condition.FAILED, message="no worker can run without GStreamer")
    troubled = [r.row.id for r in box.pipelines.all() if r.runner.life.state in (State.ERROR, State.RECONNECTING)]
    if troubled:
        shown = ", ".join(troubled[:5]) + (f" and {len(troubled) - 5} more" if len(troubled) > 5 else "")
        return PartHealth(status=Condition.DEGRADED, message=f"these pipelines do not play as ordered: {shown}")
    return PartHealth(status=Condition.OK)


def _store(box: Box) -> PartHealth:
    if box.store.problem:
        return PartHealth(status=Condition.FAILED, message=f"the last change could not be stored: {box.store.problem}")
    if box.hub.problem:
        return PartHealth(status=Condition.DEGRADED, message=f"events are not kept: {box.hub.problem}")
    return PartHealth(status=Condition.OK)


def _disk(box: Box) -> PartHealth:
    free = shutil.disk_usage(box.config.data_dir).free
    if free < LOW_DISK:
        return PartHealth(status=Condition.DEGRADED, message=f"{free // 1024 // 1024} MiB are free in the data folder")
    return PartHealth(status=Condition.OK)


async def live(_: Call) -> Response:
    """GET /flex/healthz: the process answers, so it lives."""
    return _probe(good=True)


async def ready(call: Call) -> Response:
    """GET /flex/healthz/ready: it takes requests."""
    return _probe(good=call.box.started and not call.box.closing)


async def startup(call: Call) -> Response:
    """GET /flex/healthz/startup: everything that was stored is back."""
    return _probe(good=call.box.started)


def _probe(*, good: bool) -> Response:
    return reply(Probe(status=Condition.OK if good else Condition.FAILED), 200 if good else 503)


def _endpoint(path: str, handler: Handler, name: str, summary: str) -> Endpoint:
    answer = Answer(Probe, meaning="It is so.")
    return Endpoint("GET", path, handler, name, summary, answer, public=True)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/flex/health",
        read,
        "system.health",
        "State of the box and of each part",
        Answer(Health, meaning="The state; the answer is 200 as long as there is somebody to give it."),
        public=True,
    ),
    _endpoint("/flex/healthz", live, "system.live", "Liveness probe"),
    _endpoint("/flex/healthz/ready", ready, "system.ready", "Readiness probe"),
    _endpoint("/flex/healthz/startup", startup, "system.startup", "Startup probe"),
)
