"""One operation of the document, made from its endpoint. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexclient.models import STATUS_OF, ErrorCode, ErrorDocument
from flexserver.openapi import examples
from flexserver.openapi.schemas import EVENT, Schema, body_schema, ref
from flexserver.routing import EVENTS, JSON, MERGE_PATCH, PLAIN, Answer, Endpoint, Query

ALWAYS = (ErrorCode.VALIDATION_ERROR, ErrorCode.INTERNAL_ERROR, ErrorCode.OVERLOADED)
"""What any endpoint may answer."""
BODY = (ErrorCode.PAYLOAD_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
BEARER, KEY = "bearer", "apiKey"

_IF_MATCH = ("If-Match", "Do it only to this version (an ETag, or `*`), else answer 412.")
_IF_NONE_MATCH = ("If-None-Match", "The version (ETag) that the client has: 304 where it still holds.")
_LAST_EVENT = ("Last-Event-ID", "Begin after the event of this id. Goes before `since`.")
_RANGE = (
    ("Range", "Part of the file: `bytes=0-1023`, `bytes=1024-` or `bytes=-512`."),
    ("If-Range", "The part only of this version (an ETag), else the whole file."),
)


def operation(endpoint: Endpoint) -> dict[str, Any]:
    """What the document says of one endpoint."""
    found: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        **({"description": endpoint.note} if endpoint.note else {}),
        "tags": [endpoint.name.partition(".")[0]],
        "security": _security(endpoint),
    }
    if parameters := list(_parameters(endpoint)):
        found["parameters"] = parameters
    if endpoint.body or endpoint.takes:
        found["requestBody"] = {"required": True, "content": _body(endpoint)}
    successes = (endpoint.answer, *endpoint.also)
    found["responses"] = {str(answer.status): _answer(answer, endpoint.name) for answer in successes}
    found["responses"] |= {
        status: said for status, said in _errors(endpoint).items() if status not in found["responses"]
    }
    found["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": examples.curl(endpoint)}]
    return found


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.public:
        return []
    return [{KEY: []}] if endpoint.key else [{BEARER: []}, {KEY: []}]


def _body(endpoint: Endpoint) -> dict[str, Any]:
    """Its media types, each with its schema and the example."""
    example = examples.request(endpoint)
    schema = body_schema(endpoint, endpoint.body) if endpoint.body else {"type": "string"}
    media = {"schema": schema, **({} if example is None else {"example": example})}
    kinds = endpoint.takes or ((MERGE_PATCH, JSON) if endpoint.method == "PATCH" else (JSON,))
    return dict.fromkeys(kinds, media)


def _parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for path in endpoint.path_parameters:
        if f"{{{path.name}}}" in endpoint.path:
            schema = {"type": "string", "pattern": f"^(?:{path.pattern})$"}
            yield _parameter(endpoint, path.name, "path", path.meaning, {"required": True, "schema": schema})
    for query in endpoint.query:
        needed = {"required": True} if query.required else {}
        yield _parameter(endpoint, query.name, "query", query.meaning, {**needed, **_query_schema(query)})
    for name, meaning in _request_headers(endpoint):
        yield {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}


def _parameter(endpoint: Endpoint, name: str, where: str, meaning: str, schema: Schema) -> dict[str, Any]:
    example = examples.parameter(endpoint, name)
    said = {} if example is None else {"example": example}
    return {"name": name, "in": where, "description": meaning, **schema, **said}


def _request_headers(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    others = {answer.status for answer in endpoint.also}
    if endpoint.conditional:
        yield _IF_MATCH
    if 304 in others:
        yield _IF_NONE_MATCH
    if 206 in others:
        yield from _RANGE
    if endpoint.answer.media_type == EVENTS:
        yield _LAST_EVENT


def _query_schema(query: Query) -> Schema:
    if query.between:
        return {"schema": {"type": "integer", "minimum": query.between[0], "maximum": query.between[1]}}
    one: Schema = {"type": "string"}
    one |= {"enum": list(query.values)} if query.values else {}
    one |= {"pattern": f"^(?:{query.form.pattern})$"} if query.form else {}
    if query.many:
        return {"style": "form", "explode": False, "schema": {"type": "array", "minItems": 1, "items": one}}
    return {"schema": one}


def _answer(answer: Answer, name: str) -> dict[str, Any]:
    headers = {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in answer.headers}
    said: dict[str, Any] = {"description": answer.meaning, "headers": {**headers, "X-Request-Id": _header("RequestId")}}
    if answer.status not in (204, 304):
        example = examples.answer(name, answer)
        media = {"schema": _answer_schema(answer), **({} if example is None else {"example": example})}
        said["content"] = {answer.media_type.partition(";")[0]: media}
    return said


def _answer_schema(answer: Answer) -> Schema:
    """JSON of a model or several; text; an event stream; else a file."""
    if answer.model is not None:
        return {"type": "array", "items": ref(answer.model)} if answer.many else ref(answer.model)
    essence = answer.media_type.partition(";")[0]
    if essence == JSON:
        return {"type": "object"}
    if essence == EVENTS:
        return ref(EVENT)  # of each event, as OpenAPI 3.2 has it in `itemSchema`
    return {"type": "string"} if essence == PLAIN else {"type": "string", "contentMediaType": essence}


def codes(endpoint: Endpoint) -> tuple[ErrorCode, ...]:
    """Every error that it may answer; 405 is the address's, not the operation's."""
    found = [*ALWAYS, *endpoint.errors]
    found += BODY if endpoint.body or endpoint.takes else ()
    found += [] if endpoint.public else [ErrorCode.UNAUTHORIZED]
    found += [ErrorCode.RATE_LIMITED] if endpoint.rate else []
    return tuple(dict.fromkeys(found))


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    by_status: dict[int, list[ErrorCode]] = {}
    for code in codes(endpoint):
        by_status.setdefault(STATUS_OF[code], []).append(code)
    return {str(status): _error(status, found) for status, found in sorted(by_status.items())}


def _error(status: int, found: list[ErrorCode]) -> dict[str, Any]:
    headers = {"X-Request-Id": _header("RequestId")}
    if status in (429, 503):
        headers["Retry-After"] = _header("RetryAfter")
    if status == 401:
        headers["WWW-Authenticate"] = _header("Authenticate")
    said = {code.value: {"value": examples.error(code)} for code in found}
    media = {"schema": ref(ErrorDocument), "examples": said}
    return {"description": " or ".join(said), "headers": headers, "content": {JSON: media}}


def _header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}
