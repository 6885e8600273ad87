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
    parts = await parts_of(call.box)
    worst = next(condition for condition in _WORST if any(part.status == condition for part in parts.values()))
    return reply(Health(status=worst, parts=parts, uptime_seconds=round(time.monotonic() - call.box.born, 3)))


async def parts_of(box: Box) -> dict[str, PartHealth]:
    """How each part fares."""
    parts = {
        "api": PartHealth(status=Condition.OK),
        "rtsp": _rtsp(box),
        "workers": _workers(box),
        "store": _store(box),
        "disk": await asyncio.to_thread(_disk, box),
    }
    if ingress := box.ingress.health():
        parts["ingress"] = ingress
    if announcing := box.announcements.health():
        parts["announcements"] = announcing
    return parts


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
    return _framegrabs(box)


def _framegrabs(box: Box) -> PartHealth:
    """Pictures that cannot be kept are worth a word, though every stream is well."""
    for record in box.pipelines.all():
        if record.runner.on_air and record.spec.framegrab and (fault := record.runner.grabs.fault):
            return PartHealth(status=Condition.DEGRADED, message=f"no framegrabs of {record.row.id}: {fault}")
    return PartHealth(status=Condition.OK)


def _store(box: Box) -> PartHealth:
    if box.store.problem:
        return PartHealth(status=Condition.FAILED, message=f"the last change could not be stored: {box.store.problem}")
    if box.hub.problem:
        return PartHealth(status=Condition.DEGRADED, message=f"events are not kept: {box.hub.problem}")
    return PartHealth(status=Condition.OK)


def _disk(box: Box) -> PartHealth:
    try:
        free = shutil.disk_usage(box.config.data_dir).free
    except OSError as error:
        return PartHealth(status=Condition.FAILED, message=f"the data folder cannot be looked at: {error.strerror}")
    if free < LOW_DISK:
        return PartHealth(status=Condition.DEGRADED, message=f"{free // 1024 // 1024} MiB are free in the data folder")
    return PartHealth(status=Condition.OK)


async def live(call: Call) -> Response:
    """GET /flex/healthz: as long as it answers well, a restart would help nobody."""
    ended = [task.get_name() for task in call.box.duties if task.done()]
    return _probe(f"the box no longer does its work: {', '.join(ended)} ended" if ended else None)


async def ready(call: Call) -> Response:
    """GET /flex/healthz/ready: it takes requests, and serves streams."""
    return _probe(_not_ready(call.box))


def _not_ready(box: Box) -> str | None:
    if box.closing:
        return "the box shuts down"
    return _not_started(box) or _rtsp(box).message


async def startup(call: Call) -> Response:
    """GET /flex/healthz/startup: everything that was stored is back."""
    return _probe(_not_started(call.box))


def _not_started(box: Box) -> str | None:
    return None if box.started else "the box has not come up yet"


def _probe(problem: str | None) -> Response:
    if problem is None:
        return reply(Probe(status=Condition.OK))
    return reply(Probe(status=Condition.FAILED, message=problem), 503)


def _endpoint(path: str, handler: Handler, name: str, summary: str, note: str) -> Endpoint:
    good, bad = Answer(Probe, meaning="It is so."), Answer(Probe, status=503, meaning="It is not so, and why.")
    return Endpoint("GET", path, handler, name, summary, good, also=(bad,), public=True, note=note)


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/health", read, "system.health", "State of the box and of each part",
        Answer(Health, meaning="The state; the answer is 200 as long as there is somebody to give it."),
        public=True,
    ),
    _endpoint(
        "/flex/healthz", live, "system.live", "Liveness probe",
        "503: something that keeps the box going has ended; only a restart helps.",
    ),
    _endpoint(
        "/flex/healthz/ready", ready, "system.ready", "Readiness probe",
        "503: the box comes up or shuts down, has no GStreamer, or its RTSP front is away.",
    ),
    _endpoint(
        "/flex/healthz/startup", startup, "system.startup", "Startup probe",
        "503: what was stored is not back yet. Before that the port does not answer at all.",
    ),
)  # fmt: skip
