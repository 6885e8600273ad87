"""The stream of events."""

from __future__ import annotations

from starlette.types import ASGIApp

from flexclient.models import EVENT_DATA, ErrorCode
from flexserver.errors import Refusal
from flexserver.events import CONTROL, Filter
from flexserver.routing import EVENTS, Answer, Call, Endpoint, Query
from flexserver.sse import EventStream

SINCE = Query("since", "Begin after the event of this id; the header Last-Event-ID goes before it.", between=(0, 2**53))
TYPES = tuple(sorted(EVENT_DATA.keys() - CONTROL))


async def stream(call: Call) -> ASGIApp:
    """GET /flex/events."""
    return open_stream(call, call.many("types"), call.many("pipeline_id"))


def open_stream(call: Call, types: frozenset[str] | None, pipelines: frozenset[str] | None) -> ASGIApp:
    """The answer that streams. Raises `Refusal` where too many read already."""
    hub = call.box.hub
    if hub.full():
        hint = "Share one stream between its readers, or try again later."
        raise Refusal(ErrorCode.OVERLOADED, "as many event streams are open as the box serves", hint)
    reader = hub.subscribe(Filter(types, pipelines), _since(call))
    return EventStream(hub, reader, call.host, call.grant)


def _since(call: Call) -> int | None:
    """Where to begin. A header that is no id of ours means: not from here, so everything since is lost."""
    if (header := call.request.headers.get("last-event-id")) is not None and header:
        return int(header) if SINCE.fault(header) is None else 2**53 + 1
    return int(call.query["since"]) if "since" in call.query else None


ENDPOINTS = (
    Endpoint(
        "GET", "/flex/events", stream, "events.stream", "Events of the whole box",
        Answer(media_type=EVENTS, meaning="Server-sent events, until either side ends the stream."),
        query=(
            Query("types", "Only these types, with commas.", TYPES, many=True),
            Query("pipeline_id", "Only of these pipelines, with commas.", many=True),
            SINCE,
        ),
        errors=(ErrorCode.OVERLOADED,),
    ),
)  # fmt: skip
