"""The fake box's routes, one module a resource: the table of all of them, and how a request finds its row."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote

from flexclient._fake import (
    audio_device,
    auth,
    camera,
    event,
    framegrab,
    license,  # noqa: A004  the resource is called so
    pipeline,
    settings,
    system,
    trigger,
    webhook,
)
from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen, dumps
from flexclient._fake.route import VALUES, Route
from flexclient.models import ErrorCode, FieldError
from flexclient.models.pipeline import PIPELINE_ID

_numbers = itertools.count(1)


def answer(box: FakeBox, seen: Seen) -> FakeAnswer:
    """Answer one request."""
    try:
        reply = _routed(box, seen)
        reply = FakeAnswer(reply.status, {**reply.headers, "x-request-id": f"fake-{next(_numbers)}"}, reply.body)
    except Refusal as no:
        reply = refusing(no)
    return replace(reply, body=b"") if seen.method == "HEAD" else reply


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
        if route.method == ("GET" if seen.method == "HEAD" else seen.method):
            _check_request(box, route, seen)
            return route.do(box, seen, *_parameters(route, map(unquote, match.groups())))
    if allowed:
        message = f"{seen.path} does not take {seen.method}"
        raise Refusal(ErrorCode.METHOD_NOT_ALLOWED, message, headers={"allow": ", ".join(_also(allowed))})
    hint = "GET /flex/openapi.json describes every address of this box."
    raise Refusal(ErrorCode.NOT_FOUND, f"there is no {seen.path}", hint=hint)


def _check_request(box: FakeBox, route: Route, seen: Seen) -> None:
    if not route.public:
        auth.admit(box, seen, key=route.key)
    faults = [FieldError(field=name, message=fault) for name in seen.query if (fault := _fault(route, seen, name))]
    if faults:
        raise Refusal(ErrorCode.VALIDATION_ERROR, f"{faults[0].field}: {faults[0].message}", details=tuple(faults))
    kind = seen.headers.get("content-type", "").partition(";")[0]
    if seen.body and kind not in route.takes:
        hint = f"Send 'Content-Type: {route.takes[0]}'."
        raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"bodies are {' or '.join(route.takes)}", hint=hint)


def _also(methods: list[str]) -> list[str]:
    return sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])})


def _parameters(route: Route, found: Iterable[str]) -> list[str]:
    values = list(found)
    if route.path.startswith(pipeline.ALL) and values and PIPELINE_ID.fault(values[0]):
        detail = FieldError(field="id", message=PIPELINE_ID.meaning)
        raise Refusal(ErrorCode.VALIDATION_ERROR, f"id: {PIPELINE_ID.meaning}", details=(detail,))
    return values


def _fault(route: Route, seen: Seen, name: str) -> str | None:
    if name not in route.query:
        return "there is no such query parameter here"
    return (
        None if name not in VALUES or VALUES[name](seen.query[name]) else f"'{seen.query[name]}' is not what it may be"
    )


ROUTES: tuple[Route, ...] = (
    *audio_device.ROUTES,
    *auth.ROUTES,
    *camera.ROUTES,
    *event.ROUTES,
    *framegrab.ROUTES,
    *license.ROUTES,
    *pipeline.ROUTES,
    *settings.ROUTES,
    *system.ROUTES,
    *trigger.ROUTES,
    *webhook.ROUTES,
)
