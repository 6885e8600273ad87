"""The fake box's routes, one module a resource: the table of all of them, and how a request finds its row."""

from __future__ import annotations

import itertools
import re
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
from flexclient._fake.route import Route
from flexclient.models import ErrorCode, FieldError

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
    if not route.public:
        auth.admit(box, seen, key=route.key)
    for name in seen.query:
        if name not in route.query:
            detail = FieldError(field=name, message="there is no such parameter")
            raise Refusal(ErrorCode.VALIDATION_ERROR, f"unknown parameter {name}", details=(detail,))
    kind = seen.headers.get("content-type", "").partition(";")[0]
    if seen.body and kind not in route.takes:
        raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"bodies are {' or '.join(route.takes)}")


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
