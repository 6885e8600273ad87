"""OpenAPI 3.1, made from the endpoints and the models. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic.json_schema import models_json_schema

from flexclient.models import EVENT_DATA, STATUS_OF, ErrorCode, ErrorDocument, Model
from flexclient.models._docs import field_docs
from flexserver.config import software_version
from flexserver.routing import EVENTS, JSON, MERGE_PATCH, Answer, Endpoint, Query

REF = "#/components/schemas/{model}"
ALWAYS = (ErrorCode.VALIDATION_ERROR, ErrorCode.OVERLOADED, ErrorCode.INTERNAL_ERROR)
"""What any endpoint may answer."""


def describe(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The whole document."""
    endpoints = tuple(endpoints)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flex Video encoder",
            "version": software_version(),
            "description": "Make, play and watch video pipelines. Errors are one document everywhere: ErrorDocument.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {"url": "https://localhost:3539", "description": "The default address; the certificate is the box's own."}
        ],
        "security": [{}],
        "paths": _paths(endpoints),
        "components": {"schemas": _schemas(endpoints), "headers": {"RequestId": _request_id()}},
        "x-events": {name: {"$ref": _ref(model)} for name, model in EVENT_DATA.items()},
    }


def _paths(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return paths


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.name.partition(".")[0]],
        "x-public": endpoint.public,
        "responses": {str(endpoint.answer.status): _success(endpoint.answer), **_errors(endpoint)},
    }
    if endpoint.note:
        operation["description"] = endpoint.note
    if parameters := list(_parameters(endpoint)):
        operation["parameters"] = parameters
    if endpoint.body:
        operation["requestBody"] = {"required": True, "content": _body(endpoint, endpoint.body)}
    return operation


def _body(endpoint: Endpoint, model: type[Model]) -> dict[str, Any]:
    if endpoint.method == "PATCH":
        patch = {"type": "object", "description": "Any part of the pipeline; null removes a field (RFC 7396)."}
        return {MERGE_PATCH: {"schema": patch}, JSON: {"schema": patch}}
    return {JSON: {"schema": {"$ref": _ref(model)}}}


def _parameters(endpoint: Endpoint) -> Iterable[dict[str, Any]]:
    for path in endpoint.path_parameters:
        if f"{{{path.name}}}" in endpoint.path:
            schema = {"type": "string", "pattern": f"^(?:{path.pattern})$"}
            yield {"name": path.name, "in": "path", "required": True, "schema": schema, "description": path.meaning}
    for query in endpoint.query:
        yield {"name": query.name, "in": "query", "description": query.meaning, **_query_schema(query)}
    if endpoint.conditional:
        meaning = "Do it only to this version of the pipeline, else answer 412."
        yield {"name": "If-Match", "in": "header", "description": meaning, "schema": {"type": "string"}}
    if endpoint.answer.media_type == EVENTS:
        meaning = "Begin after the event of this id."
        yield {"name": "Last-Event-ID", "in": "header", "description": meaning, "schema": {"type": "string"}}


def _query_schema(query: Query) -> dict[str, Any]:
    if query.between:
        return {"schema": {"type": "integer", "minimum": query.between[0], "maximum": query.between[1]}}
    one: dict[str, Any] = {"type": "string"} | ({"enum": list(query.values)} if query.values else {})
    if query.many:
        return {"style": "form", "explode": False, "schema": {"type": "array", "minItems": 1, "items": one}}
    return {"schema": one}


def _success(answer: Answer) -> dict[str, Any]:
    headers: dict[str, Any] = {
        name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in answer.headers
    }
    response: dict[str, Any] = {
        "description": answer.meaning,
        "headers": {**headers, "X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
    }
    if answer.status != 204:
        response["content"] = {answer.media_type.partition(";")[0]: {"schema": _answer_schema(answer)}}
    return response


def _answer_schema(answer: Answer) -> dict[str, Any]:
    if answer.model is None:
        return {"type": "object"} if answer.media_type == JSON else {"type": "string"}
    one = {"$ref": _ref(answer.model)}
    return {"type": "array", "items": one} if answer.many else one


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*endpoint.errors, *ALWAYS)):
        by_status.setdefault(STATUS_OF[code], []).append(code.value)
    return {
        str(status): {
            "description": " or ".join(codes),
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
            "content": {JSON: {"schema": {"$ref": _ref(ErrorDocument)}}},
        }
        for status, codes in sorted(by_status.items())
    }


def _schemas(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    models: dict[type[Model], None] = {ErrorDocument: None}
    for endpoint in endpoints:
        models |= {model: None for model in (endpoint.answer.model, endpoint.body) if model}
    models |= dict.fromkeys(EVENT_DATA.values())
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schemas: dict[str, Any] = document["$defs"]
    for model in _with_subclasses(Model):
        if model.__name__ in schemas:
            for name, text in field_docs(model).items():
                schemas[model.__name__]["properties"][name]["description"] = text
    return schemas


def _with_subclasses(model: type[Model]) -> Iterator[type[Model]]:
    for one in model.__subclasses__():
        yield one
        yield from _with_subclasses(one)


def _request_id() -> dict[str, Any]:
    return {"description": "Names the request, also in the box's log.", "schema": {"type": "string"}}


def _ref(model: type[Model]) -> str:
    return REF.format(model=model.__name__)
