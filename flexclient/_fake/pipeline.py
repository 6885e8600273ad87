"""The fake box's pipelines: what each request does and how it is answered. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

import base64
from typing import Any

from flexclient._fake.box import FakeAnswer, FakeBox, Kept, Refusal, Seen, merged, now, parsed, spec_of
from flexclient._fake.event import events
from flexclient._fake.route import Route, json_answer, text_answer
from flexclient.models import ErrorCode, FieldError, Order, State

# The smallest grey picture.
JPEG = base64.b64decode(
    b"/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////"
    b"////////////////////wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF"
    b"BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW"
    b"V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
    b"4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/ACv/2Q=="
)


def _one(box: FakeBox, kept: Kept, status: int = 200, **headers: str) -> FakeAnswer:
    return json_answer(box.document(kept), status, **({} if box.plain else {"etag": kept.etag, **headers}))


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    found = []
    for kept in box.kept.values():
        document = box.document(kept)
        shown = {name: str(document.get(name, default)).lower() for name, default in FILTERS.items()}
        if all(shown[name] == value for name, value in seen.query.items()):
            found.append(document)
    return json_answer(found) if box.plain or not box.ring.ids else json_answer(found, last_event_id=str(box.ring.head))


FILTERS = {"mode": "simple", "on_demand": "true", "state": ""}


def _create(box: FakeBox, seen: Seen) -> FakeAnswer:
    spec = spec_of(parsed(seen))
    if spec.id in box.kept:
        raise Refusal(ErrorCode.CONFLICT, f"there is a pipeline {spec.id} already", hint="PUT replaces it.")
    kept = Kept(spec, Order.ARMED if spec.on_demand else Order.PLAY, State.READY)
    box.check_mount(kept, None)
    box.check_camera(kept, None)
    box.kept[spec.id] = kept
    if not box.plain:
        box.ring.tell("pipeline_created", box.document(kept))
    if not spec.on_demand:
        box.start(kept)
    return _one(box, kept, 201, location=f"/flex/pipeline/{spec.id}")


def _get(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    if not box.plain and seen.headers.get("if-none-match") == kept.etag:
        return FakeAnswer(304, {"etag": kept.etag})
    return _one(box, kept)


def _replace(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    body = parsed(seen)
    if isinstance(body, dict) and body.setdefault("id", id) != id:
        detail = FieldError(field="id", message=f"the address says {id}")
        hint = "An id cannot be changed."
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the ids differ", hint=hint, details=(detail,))
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
    box.check_camera(new, kept.spec.id)
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


def _order(box: FakeBox, kept: Kept, order: Order) -> None:
    """Store an order, and tell it where it is another one."""
    if kept.order == order:
        return
    kept.order, kept.updated_at = order, now()
    if not box.plain:
        box.ring.tell("pipeline_updated", box.document(kept))


def _play(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    _order(box, kept, Order.PLAY)
    if kept.state != State.PLAYING:
        box.start(kept)
    return _one(box, kept)


def _stop(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    _order(box, kept, Order.STOP)
    if kept.state != State.READY:
        box.move(kept, State.STOPPING)
        box.move(kept, State.READY)
    return _one(box, kept)


def _status(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    return json_answer(box.status(box.find(id)))


def _snapshot(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    _must_play(box.find(id))
    return FakeAnswer(200, {"content-type": "image/jpeg", "etag": '"1"'}, JPEG)


def _graph(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    kept = box.find(id)
    if seen.query.get("format") == "dot":
        _must_play(kept)
        return text_answer(f'digraph "{id}" {{}}\n')
    return text_answer(f"gst-launch-1.0 videotestsrc ! x264enc ! fakesink name={id}\n")


def _logs(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    box.find(id)
    lines = [f"{id} line {number}" for number in range(1, 201)][-int(seen.query.get("tail", "100")) :]
    return text_answer("".join(line + "\n" for line in lines))


def _must_play(kept: Kept) -> None:
    if kept.state != State.PLAYING:
        raise Refusal(ErrorCode.CONFLICT, f"pipeline {kept.spec.id} does not play", hint="Play it first.")


ALL, ONE = "/flex/pipeline", "/flex/pipeline/([^/]+)"
ROUTES = (
    Route("GET", ALL, _list, query=tuple(FILTERS)),
    Route("POST", ALL, _create),
    Route("GET", ONE, _get),
    Route("PUT", ONE, _replace),
    Route("PATCH", ONE, _patch, ours=True),
    Route("DELETE", ONE, _delete),
    Route("PUT", ONE + "/play", _play),
    Route("PUT", ONE + "/stop", _stop),
    Route("GET", ONE + "/status", _status),
    Route("GET", ONE + "/events", events, query=("since",), ours=True),
    Route("GET", ONE + "/snapshot.jpg", _snapshot, query=("width",), ours=True),
    Route("GET", ONE + "/graph", _graph, query=("format",), ours=True),
    Route("GET", ONE + "/logs", _logs, query=("tail",), ours=True),
)
