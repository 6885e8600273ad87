"""The fake box's routes: what each request does and how it is answered, as the contract says. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from flexclient._fake.box import FakeAnswer, FakeBox, Kept, Refusal, Seen, dumps, merged, now, parsed, spec_of
from flexclient._fake.events import Wanted
from flexclient._version import __version__
from flexclient.models import ErrorCode, FieldError, Order, State

# The smallest grey picture.
JPEG = base64.b64decode(
    b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////"
    b"////////////////////wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF"
    b"BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW"
    b"V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
    b"4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/ACv/2Q=="
)

_numbers = itertools.count(1)


def answer(box: FakeBox, seen: Seen) -> FakeAnswer:
    """Answer one request."""
    try:
        reply = _routed(box, seen)
    except Refusal as no:
        return refusing(no)
    return FakeAnswer(reply.status, {**reply.headers, "x-request-id": f"fake-{next(_numbers)}"}, reply.body)


def refusing(no: Refusal) -> FakeAnswer:
    """The answer that says no."""
    request_id = f"fake-{next(_numbers)}"
    headers = {"content-type": "application/json", "x-request-id": request_id, **no.headers}
    return FakeAnswer(no.status, headers, dumps({**no.document, "request_id": request_id}))


def _routed(box: FakeBox, seen: Seen) -> FakeAnswer:
    allowed = []
    for route in ROUTES:
        match = re.fullmatch(route.path, seen.path)
        if match is None or (route.ours and box.plain):
            continue
        allowed.append(route.method)
        if route.method == seen.method:
            _check_request(box, route, seen)
            return route.do(box, seen, *map(unquote, match.groups()))
    if allowed:
        message = f"{seen.path} does not take {seen.method}"
        raise Refusal(ErrorCode.METHOD_NOT_ALLOWED, message, headers={"allow": ", ".join(allowed)})
    raise Refusal(ErrorCode.NOT_FOUND, f"there is no {seen.path}")


def _check_request(box: FakeBox, route: Route, seen: Seen) -> None:
    if box.token and not route.public and seen.headers.get("authorization") != f"Bearer {box.token}":
        raise Refusal(ErrorCode.UNAUTHORIZED, "a token is needed", hint="Log in first.")
    for name in seen.query:
        if name not in route.query:
            detail = FieldError(field=name, message="there is no such parameter")
            raise Refusal(ErrorCode.VALIDATION_ERROR, f"unknown parameter {name}", details=(detail,))
    kind = seen.headers.get("content-type", "").partition(";")[0]
    if seen.body and kind not in {"application/json", "application/merge-patch+json"}:
        raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "bodies are application/json")


def _json(value: object, status: int = 200, **headers: str) -> FakeAnswer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return FakeAnswer(status, {"content-type": "application/json", **named}, dumps(value))


def _one(box: FakeBox, kept: Kept, status: int = 200, **headers: str) -> FakeAnswer:
    return _json(box.document(kept), status, **({} if box.plain else {"etag": kept.etag, **headers}))


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    found = []
    for kept in box.kept.values():
        document = box.document(kept)
        shown = {name: str(document.get(name, default)).lower() for name, default in FILTERS.items()}
        if all(shown[name] == value for name, value in seen.query.items()):
            found.append(document)
    return _json(found) if box.plain or not box.ring.ids else _json(found, last_event_id=str(box.ring.head))


FILTERS = {"mode": "simple", "on_demand": "true", "state": ""}


def _create(box: FakeBox, seen: Seen) -> FakeAnswer:
    spec = spec_of(parsed(seen))
    if spec.id in box.kept:
        raise Refusal(ErrorCode.CONFLICT, f"there is a pipeline {spec.id} already", hint="PUT replaces it.")
    kept = Kept(spec, Order.ARMED if spec.on_demand else Order.PLAY, State.READY)
    box.check_mount(kept, None)
    box.kept[spec.id] = kept
    if not box.plain:
        box.ring.tell("pipeline_created", box.document(kept))
    if not spec.on_demand:
        box.start(kept)
    return _one(box, kept, 201)


def _get(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    if not box.plain and seen.headers.get("if-none-match") == kept.etag:
        return FakeAnswer(304, {"etag": kept.etag})
    return _one(box, kept)


def _replace(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    body = parsed(seen)
    if isinstance(body, dict) and body.setdefault("id", id) != id:
        detail = FieldError(field="id", message=f"the address says {id}")
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the ids differ", details=(detail,))
    kept = box.find(id)
    if isinstance(body, dict):
        _keep_password(kept, body)
    return _written(box, seen, kept, body, named=False)


def _keep_password(kept: Kept, body: dict[str, Any]) -> None:
    source, stored = body.get("source"), kept.spec.body().get("source") or {}
    same = isinstance(source, dict) and all(source.get(name) == stored.get(name) for name in ("uri", "user"))
    if isinstance(source, dict) and same and "password" in stored:
        source.setdefault("password", stored["password"])


def _patch(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    changes = parsed(seen)
    return _written(
        box, seen, kept, merged(kept.spec.body(), changes), named=isinstance(changes, dict) and "on_demand" in changes
    )


def _written(box: FakeBox, seen: Seen, kept: Kept, body: Any, *, named: bool) -> FakeAnswer:
    """`named`: a patch says `on_demand`, which is an order even where it stays as it was."""
    box.check_version(seen, kept)
    new = Kept(spec_of(body), kept.order, kept.state)
    box.check_mount(new, kept.spec.id)
    if named or new.spec.on_demand != kept.spec.on_demand:
        kept.order = Order.ARMED if new.spec.on_demand else Order.PLAY
    kept.spec, kept.updated_at = new.spec, now()
    if not box.plain:
        box.ring.tell("pipeline_updated", box.document(kept))
    return _one(box, kept, flex_applied="restart" if kept.state == State.PLAYING else "stored")


def _delete(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    box.check_version(seen, kept)
    del box.kept[id]
    if not box.plain:
        box.ring.tell("pipeline_deleted", {"id": id})
    return FakeAnswer(204, {})


def _play(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    kept.order = Order.PLAY
    if kept.state != State.PLAYING:
        box.start(kept)
    return _one(box, kept)


def _stop(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    kept.order = Order.STOP
    if kept.state != State.READY:
        box.move(kept, State.STOPPING)
        box.move(kept, State.READY)
    return _one(box, kept)


def _status(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    return _json(box.status(box.find(id)))


def _snapshot(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    _must_play(box.find(id))
    return FakeAnswer(200, {"content-type": "image/jpeg", "etag": '"1"'}, JPEG)


def _graph(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    if seen.query.get("format") == "dot":
        _must_play(kept)
        return _text(f'digraph "{id}" {{}}\n')
    return _text(f"gst-launch-1.0 videotestsrc ! x264enc ! fakesink name={id}\n")


def _logs(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    box.find(id)
    lines = [f"{id} line {number}" for number in range(1, 201)][-int(seen.query.get("tail", "100")) :]
    return _text("".join(line + "\n" for line in lines))


def _must_play(kept: Kept) -> None:
    if kept.state != State.PLAYING:
        raise Refusal(ErrorCode.CONFLICT, f"pipeline {kept.spec.id} does not play", hint="Play it first.")


def _text(text: str) -> FakeAnswer:
    return FakeAnswer(200, {"content-type": "text/plain; charset=utf-8"}, text.encode())


def _events(box: FakeBox, seen: Seen, id: str | None = None) -> FakeAnswer:
    if id is not None:
        box.find(id)
    asked = {name: set(filter(None, seen.query.get(name, "").split(","))) for name in ("types", "pipeline_id")}
    since = seen.headers.get("last-event-id") or seen.query.get("since")
    wanted = Wanted(asked["types"], {id} if id is not None else asked["pipeline_id"])
    snapshot = [box.status(kept) for kept in box.kept.values()]
    feed = box.ring.listen(wanted, int(since) if since else None, snapshot)
    return FakeAnswer(200, {"content-type": "text/event-stream", "cache-control": "no-store"}, feed)


def _health(box: FakeBox, seen: Seen) -> FakeAnswer:
    parts = {name: {"status": "ok"} for name in ("api", "rtsp", "workers", "store", "disk")}
    return _json({"status": "ok", "parts": parts, "uptime_seconds": 60.0})


def _version(box: FakeBox, seen: Seen) -> FakeAnswer:
    return _json({"version": __version__, "api_version": "1", "gstreamer_version": "1.22.0", "build": "fake"})


def _probe(box: FakeBox, seen: Seen) -> FakeAnswer:
    return _json({"status": "ok"})


def _openapi(box: FakeBox, seen: Seen) -> FakeAnswer:
    return _json({"openapi": "3.1.0", "info": {"title": "Flex Video encoder", "version": __version__}, "paths": {}})


@dataclass(frozen=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    do: Callable[..., FakeAnswer]
    query: tuple[str, ...] = ()
    public: bool = False
    ours: bool = False
    """Beyond the documented contract."""


ALL, ONE = "/flex/pipeline", "/flex/pipeline/([^/]+)"
ROUTES = (
    Route("GET", "/flex/health", _health, public=True),
    Route("GET", "/flex/healthz", _probe, public=True),
    Route("GET", "/flex/healthz/ready", _probe, public=True, ours=True),
    Route("GET", "/flex/healthz/startup", _probe, public=True, ours=True),
    Route("GET", "/flex/version", _version, public=True),
    Route("GET", "/flex/openapi.json", _openapi, ours=True),
    Route("GET", ALL, _list, query=tuple(FILTERS)),
    Route("POST", ALL, _create),
    Route("GET", ONE, _get),
    Route("PUT", ONE, _replace),
    Route("PATCH", ONE, _patch, ours=True),
    Route("DELETE", ONE, _delete),
    Route("PUT", ONE + "/play", _play),
    Route("PUT", ONE + "/stop", _stop),
    Route("GET", ONE + "/status", _status),
    Route("GET", ONE + "/events", _events, query=("since",), ours=True),
    Route("GET", ONE + "/snapshot.jpg", _snapshot, query=("width",), ours=True),
    Route("GET", ONE + "/graph", _graph, query=("format",), ours=True),
    Route("GET", ONE + "/logs", _logs, query=("tail",), ours=True),
    Route("GET", "/flex/events", _events, query=("types", "pipeline_id", "since"), ours=True),
)
