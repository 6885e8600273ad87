"""Pipelines: parse, call the service, answer."""

from __future__ import annotations

import base64

from starlette.responses import Response
from starlette.types import ASGIApp

from flexclient.models import ErrorCode, Mode, Order, Pipeline, PipelineSpec, PipelineStatus, State
from flexserver.errors import conflict
from flexserver.media import graph
from flexserver.pipelines import status
from flexserver.pipelines.service import Record, quoted
from flexserver.routes.event import SINCE, open_stream
from flexserver.routing import EVENTS, JPEG, TEXT, UNCHANGED, Answer, Call, Endpoint, Query, is_known, reply, tagged

ONE = "/flex/pipeline/{id}"


def _reply(record: Record, code: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return reply(status.pipeline(record), code, {"ETag": quoted(record.row.etag), **named})


async def list_all(call: Call) -> Response:
    """GET /flex/pipeline."""
    found = [status.pipeline(record) for record in call.box.pipelines.all()]
    for name, text in call.query.items():
        wanted = {"true": True, "false": False}.get(text, text)
        found = [one for one in found if getattr(one, name) == wanted]
    return reply(found, headers={"Last-Event-Id": str(call.box.hub.newest)})


async def create(call: Call) -> Response:
    """POST /flex/pipeline."""
    record = await call.box.pipelines.create(await call.document())
    return _reply(record, 201, Location=f"/flex/pipeline/{record.row.id}")


async def read(call: Call) -> Response:
    """GET /flex/pipeline/{id}."""
    record = call.box.pipelines.get(call.id)
    if is_known(call, quoted(record.row.etag)):
        return Response(status_code=304, headers={"ETag": quoted(record.row.etag)})
    return _reply(record)


async def replace(call: Call) -> Response:
    """PUT /flex/pipeline/{id}."""
    record, applied = await call.box.pipelines.replace(call.id, await call.document(), call.if_match)
    return _reply(record, Flex_Applied=applied)


async def patch(call: Call) -> Response:
    """PATCH /flex/pipeline/{id}."""
    record, applied = await call.box.pipelines.patch(call.id, await call.document(), call.if_match)
    return _reply(record, Flex_Applied=applied)


async def delete(call: Call) -> Response:
    """DELETE /flex/pipeline/{id}."""
    await call.box.pipelines.delete(call.id, call.if_match)
    return Response(status_code=204)


async def play(call: Call) -> Response:
    """PUT /flex/pipeline/{id}/play."""
    return _reply(await call.box.pipelines.order(call.id, Order.PLAY))


async def stop(call: Call) -> Response:
    """PUT /flex/pipeline/{id}/stop."""
    return _reply(await call.box.pipelines.order(call.id, Order.STOP))


async def read_status(call: Call) -> Response:
    """GET /flex/pipeline/{id}/status."""
    record = call.box.pipelines.get(call.id)
    return reply(status.status(record, call.box.engine.front.port, call.host))


async def events(call: Call) -> ASGIApp:
    """GET /flex/pipeline/{id}/events."""
    record = call.box.pipelines.get(call.id)
    return open_stream(call, None, frozenset({record.row.id}))


async def snapshot(call: Call) -> Response:
    """GET /flex/pipeline/{id}/snapshot.jpg."""
    record = call.box.pipelines.get(call.id)
    if record.spec.mode == Mode.ADVANCED:
        raise conflict(f"the pipeline '{call.id}' has no picture to show: an advanced pipeline keeps none")
    width = int(call.query["width"]) if "width" in call.query else None
    picture = await _ask(record, "picture to show", "snapshot", width)
    return tagged(call, base64.b64decode(picture), JPEG)


async def read_graph(call: Call) -> Response:
    """GET /flex/pipeline/{id}/graph."""
    record = call.box.pipelines.get(call.id)
    if call.query.get("format") == "dot":
        return Response(await _ask(record, "running graph", "dot"), media_type=TEXT)
    line = graph.build(record.spec, graph.Where(camera_caps=_camera_caps(call, record))).to_launch()
    return Response(line + "\n", media_type=TEXT)


def _camera_caps(call: Call, record: Record) -> str | None:
    try:
        return call.box.supervisor.where(record.spec).camera_caps
    except LookupError:  # not plugged in: the line leaves it to the camera
        return None


async def logs(call: Call) -> Response:
    """GET /flex/pipeline/{id}/logs."""
    record = call.box.pipelines.get(call.id)
    return Response(record.runner.ring.tail(int(call.query.get("tail", "100"))), media_type=TEXT)


async def _ask(record: Record, thing: str, what: str, width: int | None = None) -> str:
    """What the worker answers. Raises `Refusal` (409) with its reason where it has none."""
    try:
        return await record.runner.ask(what, width)
    except LookupError as error:
        address = f"/flex/pipeline/{record.row.id}"
        rests = record.runner.life.state == State.READY
        hint = f"PUT {address}/play starts it." if rests else f"GET {address}/status says how it fares; try again."
        raise conflict(f"the pipeline '{record.row.id}' has no {thing}: {error}", hint) from None


_E = ErrorCode
_MEDIA = (_E.GSTREAMER_ERROR, _E.GSTREAMER_UNAVAILABLE, _E.PIPELINE_START_TIMEOUT)
_BODY = (_E.VALIDATION_ERROR, _E.PAYLOAD_TOO_LARGE, _E.UNSUPPORTED_MEDIA_TYPE)
_LICENSE = (_E.LICENSE_ERROR, _E.LICENSE_LIMIT_EXCEEDED)
_STORED = (_E.CONFLICT, _E.PIPELINE_CONFLICT, _E.INSUFFICIENT_STORAGE)
_ETAG = ("ETag", "Names this version, for If-Match and If-None-Match.")
_APPLIED = ("Flex-Applied", "How a running pipeline took the change: live, restart or stored.")
_ONE = Answer(Pipeline, meaning="The pipeline.", headers=(_ETAG,))
_CHANGED = Answer(Pipeline, meaning="The pipeline as it is now.", headers=(_ETAG, _APPLIED))
_CHANGE_ERRORS = (*_BODY, _E.NOT_FOUND, *_STORED, _E.PRECONDITION_FAILED, *_LICENSE, *_MEDIA)
_WAITS = (
    "Where it is ordered to play the answer comes once it plays. "
    "If it does not, it is stored all the same and the box keeps trying. "
    "Where somebody orders otherwise meanwhile, the answer is the pipeline as it is then; 409 where it is deleted."
)
_REORDERS = " A PUT that changes `on_demand` changes the order with it: armed where it is true, play where it is false."
_ORDERS = (
    " A PATCH that names `on_demand` is an order, also where the value stays: true arms the pipeline (after stop or "
    "play too), false plays it."
)

ENDPOINTS = (
    Endpoint(
        "GET", "/flex/pipeline", list_all, "pipelines.list", "List pipelines",
        Answer(
            Pipeline, many=True, meaning="The pipelines, by id.",
            headers=(("Last-Event-Id", "Events after this one are not in the answer yet."),),
        ),
        query=(
            Query("mode", "Only of this mode.", tuple(mode.value for mode in Mode)),
            Query("on_demand", "Only those on demand, or those not.", ("true", "false")),
            Query("state", "Only in this state.", tuple(state.value for state in State)),
        ),
    ),
    Endpoint(
        "POST", "/flex/pipeline", create, "pipelines.create", "Create a pipeline",
        Answer(Pipeline, status=201, meaning="It is stored, and plays if it is not on demand.", headers=(_ETAG,)),
        body=PipelineSpec, errors=(*_BODY, *_STORED, *_LICENSE, *_MEDIA), note=_WAITS,
    ),
    Endpoint("GET", ONE, read, "pipelines.get", "Read a pipeline", _ONE, also=(UNCHANGED,), errors=(_E.NOT_FOUND,)),
    Endpoint(
        "PUT", ONE, replace, "pipelines.replace", "Replace a pipeline", _CHANGED,
        body=PipelineSpec, errors=_CHANGE_ERRORS, conditional=True, note=_WAITS + _REORDERS,
    ),
    Endpoint(
        "PATCH", ONE, patch, "pipelines.patch", "Change some fields of a pipeline (JSON merge patch)", _CHANGED,
        body=PipelineSpec, partial=True, errors=_CHANGE_ERRORS, conditional=True, note=_WAITS + _ORDERS,
    ),
    Endpoint(
        "DELETE", ONE, delete, "pipelines.delete", "Delete a pipeline", Answer(status=204, meaning="It is gone."),
        errors=(_E.NOT_FOUND, _E.PRECONDITION_FAILED, _E.INSUFFICIENT_STORAGE), conditional=True,
    ),
    Endpoint(
        "PUT", f"{ONE}/play", play, "pipelines.play", "Play, readers or not", _ONE,
        errors=(_E.NOT_FOUND, *_STORED, *_LICENSE, *_MEDIA),
        note="The answer comes once it plays. 409: somebody ordered otherwise meanwhile, or deleted it; the message "
        "says which, and the later order holds.",
    ),
    Endpoint(
        "PUT", f"{ONE}/stop", stop, "pipelines.stop", "Stop, and refuse readers", _ONE,
        errors=(_E.NOT_FOUND, _E.INSUFFICIENT_STORAGE),
    ),
    Endpoint(
        "GET", f"{ONE}/status", read_status, "pipelines.status", "How a pipeline fares",
        Answer(PipelineStatus, meaning="The status."), errors=(_E.NOT_FOUND,),
    ),
    Endpoint(
        "GET", f"{ONE}/events", events, "pipelines.events", "Events of one pipeline",
        Answer(media_type=EVENTS, meaning="Server-sent events, until either side ends the stream."),
        query=(SINCE,), errors=(_E.NOT_FOUND, _E.OVERLOADED),
    ),
    Endpoint(
        "GET", f"{ONE}/snapshot.jpg", snapshot, "pipelines.snapshot", "The newest picture",
        Answer(media_type=JPEG, meaning="A JPEG.", headers=(_ETAG,)), also=(UNCHANGED,),
        query=(Query("width", "Pixels; the height follows.", between=(16, 8192)),),
        errors=(_E.NOT_FOUND, _E.CONFLICT),
    ),
    Endpoint(
        "GET", f"{ONE}/graph", read_graph, "pipelines.graph", "The media graph",
        Answer(media_type=TEXT, meaning="A gst-launch-1.0 line that does the same, or Graphviz of the running graph."),
        query=(Query("format", "launch (default) or dot.", ("launch", "dot")),),
        errors=(_E.NOT_FOUND, _E.CONFLICT),
    ),
    Endpoint(
        "GET", f"{ONE}/logs", logs, "pipelines.logs", "The last lines of a pipeline's worker",
        Answer(media_type=TEXT, meaning="Lines, the oldest first."),
        query=(Query("tail", "How many lines (100).", between=(1, 1000)),), errors=(_E.NOT_FOUND,),
    ),
)  # fmt: skip
