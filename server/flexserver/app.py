"""The edge of the API: every request comes in here, and every answer has an id, a log line and one form of error."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flexclient.models import ErrorCode
from flexserver import logs
from flexserver.auth import Grant
from flexserver.box import Box
from flexserver.errors import Refusal, answer, invalid_field
from flexserver.limits import MAX_HEADERS, MAX_REQUESTS, check_framing
from flexserver.rates import Limiter
from flexserver.routes import TABLE
from flexserver.routing import EVENTS, Call, Endpoint, allowed, choose, decoded, read_query

_ABSOLUTE = re.compile(rb"https?://([^/]*)", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    """What was answered, for the log."""

    status: int = 0
    size: int = 0
    refusal: Refusal | None = None
    endpoint: Endpoint | None = None


class App:
    """The ASGI application of one box."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._working = 0
        self._rates = Limiter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope = origin_form(scope)
        request = Request(scope, receive)
        request_id = _request_id(request)
        told, begun = _Told(), time.monotonic()
        body_read = False

        async def hear() -> Message:
            nonlocal body_read
            message = await receive()
            body_read = body_read or (message["type"] == "http.request" and not message.get("more_body"))
            return message

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                if _has_body(request) and not body_read and all(name != b"connection" for name, _ in headers):
                    headers.append((b"connection", b"close"))  # what is left of the body is not waited for
                message = {**message, "headers": headers}
            else:
                told.size += len(message.get("body", b""))
            await send(message)

        try:
            response = await self._answer(Request(scope, hear), request_id, told)
            await response(scope, hear, say)
        finally:
            seconds = time.monotonic() - begun
            _log_access(request, request_id, told, seconds)
            self._count(request, told, seconds)

    async def _answer(self, request: Request, request_id: str, told: _Told) -> ASGIApp:
        self._working += 1
        try:
            return await self._respond(request, told)
        except Refusal as refusal:
            told.refusal = refusal
        except asyncio.CancelledError:
            told.refusal = Refusal(ErrorCode.OVERLOADED, "the box shuts down", "Try again when it is back.")
        except Exception:
            log.exception("a request failed", extra={"fields": {"request_id": request_id}})
            hint = f"This is a fault of the box. Its log has the trace, under {request_id}."
            told.refusal = Refusal(ErrorCode.INTERNAL_ERROR, "the box failed to answer this request", hint)
        finally:
            self._working -= 1
        return answer(told.refusal, request_id)

    async def _respond(self, request: Request, told: _Told) -> Response | ASGIApp:
        if sum(len(name) + len(value) for name, value in request.scope["headers"]) > MAX_HEADERS:
            raise invalid_field("", f"the headers are larger than {MAX_HEADERS} bytes")
        check_framing(request)
        methods, parameters = TABLE.find(decoded(request.scope["raw_path"]))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed(methods)})
        endpoint = told.endpoint = choose(methods, request.method)
        grant = self._admit(request, endpoint)
        self._pace(request, endpoint)
        request.scope["path_params"] = parameters
        call = Call(request, self._box, endpoint, read_query(request, endpoint.query), grant)
        if request.method == "HEAD" and endpoint.answer.media_type == EVENTS:
            return Response(media_type=EVENTS)
        return await endpoint.handler(call)

    def _admit(self, request: Request, endpoint: Endpoint) -> Grant:
        """What lets the request in. Raises `Refusal` where nothing does (401), or the box cannot take on more (503).

        What is public is always answered: how the box fares, and how to log in.
        """
        if endpoint.public:
            return self._box.auth.session(request) or Grant()
        if self._box.closing:
            raise Refusal(ErrorCode.OVERLOADED, "the box shuts down", "Try again when it is back.")
        if self._working > MAX_REQUESTS:
            headers = {"Retry-After": "1"}
            raise Refusal(ErrorCode.OVERLOADED, "the box works on too many requests", "Try again.", headers=headers)
        return self._box.auth.admit(request, key=endpoint.key)

    def _count(self, request: Request, told: _Told, seconds: float) -> None:
        """For the metrics. A stream lasts as long as its reader likes: that says nothing about the box."""
        lasts = told.endpoint is not None and told.endpoint.answer.media_type == EVENTS
        name = told.endpoint.name if told.endpoint else None
        self._box.metrics.request(name, request.method, told.status, None if lasts else seconds)

    def _pace(self, request: Request, endpoint: Endpoint) -> None:
        """Raises `Refusal` (429) where this address asks too often."""
        if endpoint.rate is None or request.client is None:
            return
        if wait := self._rates.wait(endpoint.name, request.client.host, endpoint.rate):
            message = f"this may be asked {endpoint.rate.count} times in {endpoint.rate.seconds:g} seconds"
            hint = f"Try again in {wait} seconds."
            raise Refusal(ErrorCode.RATE_LIMITED, message, hint, headers={"Retry-After": str(wait)})


def origin_form(scope: Scope) -> Scope:
    """A request for a whole address, as one for its path at its host: the `Host` header does not count beside it."""
    found = _ABSOLUTE.match(scope["raw_path"])
    if found is None:
        return scope
    raw = scope["raw_path"][found.end() :] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    path = unquote(raw.decode("latin-1"))
    return {**scope, "raw_path": raw, "path": path, "headers": [*headers, (b"host", found[1])]}


def _request_id(request: Request) -> str:
    """The client's own where it is harmless, else a fresh one."""
    said = request.headers.get("x-request-id", "")
    return said if _REQUEST_ID.fullmatch(said) else secrets.token_hex(8)


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def _log_access(request: Request, request_id: str, told: _Told, seconds: float) -> None:
    """One line a request. The query is left out: nobody promises that it holds no secret."""
    fields: dict[str, object] = {
        "method": request.method,
        "path": request.scope["path"][:200],
        "status": told.status,
        "bytes": told.size,
        "ms": round(seconds * 1000, 1),
        "peer": request.client.host if request.client else "",
        "request_id": request_id,
    }
    if told.refusal:
        fields["code"] = told.refusal.code.value
    logs.access.info("request", extra={"fields": fields})
