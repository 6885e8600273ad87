"""The schemas of the document, made from the models: what is written is closed, what is answered may grow. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from pydantic.json_schema import models_json_schema

from flexclient.models import EVENT_DATA, READ_ONLY, ErrorDocument, Model
from flexclient.models._docs import field_docs
from flexserver.routing import Endpoint

Schema: TypeAlias = dict[str, Any]

PREFIX = "#/components/schemas/"
EVENT = "Event"
ID = "id"
NULL: Schema = {"type": "null"}
PATCHED = "Patch"
"""What the schema of a partial document is called after its whole one: `PipelineSpecPatch`."""


def ref(name: str | type[Model]) -> Schema:
    """A reference to a schema of the document."""
    return {"$ref": PREFIX + (name if isinstance(name, str) else name.__name__)}


def body_schema(endpoint: Endpoint, model: type[Model]) -> Schema:
    """What a body has to be. An id may be left out where the address says it."""
    if endpoint.partial:
        return ref(model.__name__ + PATCHED)
    named = f"{{{ID}}}" in endpoint.path or ID not in model.model_fields
    return ref(model) if named else {"allOf": [ref(model), {"required": [ID]}]}


def component_schemas(endpoints: Iterable[Endpoint]) -> dict[str, Schema]:
    """Every schema by name, sorted."""
    endpoints = tuple(endpoints)
    written = {endpoint.body for endpoint in endpoints if endpoint.body}
    answered = {answer.model for endpoint in endpoints for answer in (endpoint.answer, *endpoint.also) if answer.model}
    found = _from_models({ErrorDocument, *written, *answered, *EVENT_DATA.values()})
    for name in found.keys() - _reached(found, written):
        found[name] = _as_answered(found[name])
    for name in _reached(found, written):
        if _is_object(found[name]):
            found[name]["additionalProperties"] = False
            found[name]["required"] = [field for field in found[name].get("required", ()) if field != ID]
    found |= _partials(found, {endpoint.body for endpoint in endpoints if endpoint.body and endpoint.partial})
    if "PipelineSpec" in found:
        found["PipelineSpec"]["properties"] |= _read_only(found["Pipeline"])
    found[EVENT] = _event()
    return dict(sorted(found.items()))


def _from_models(models: Iterable[type[Model]]) -> dict[str, Schema]:
    by_name = sorted(models, key=lambda model: model.__name__)
    _, document = models_json_schema([(model, "validation") for model in by_name], ref_template=PREFIX + "{model}")
    schemas: dict[str, Schema] = document["$defs"]
    for model in _with_subclasses(Model):
        schema = schemas.get(model.__name__)
        if schema is not None:
            for name, text in field_docs(model).items():
                schema["properties"][model.model_fields[name].alias or name]["description"] = text
    return {name: _without_titles(schema) for name, schema in schemas.items()}


def _with_subclasses(model: type[Model]) -> Iterator[type[Model]]:
    for one in model.__subclasses__():
        yield one
        yield from _with_subclasses(one)


def _without_titles(schema: Schema) -> Schema:
    """Without pydantic's titles: they say the field's name once more."""
    found = {name: value for name, value in schema.items() if name != "title"}
    if "properties" in found:
        found["properties"] = {name: _without_titles(field) for name, field in found["properties"].items()}
    return found


def _reached(schemas: Mapping[str, Schema], models: Iterable[type[Model]]) -> set[str]:
    """Names of the schemas that these models are made of."""
    waiting, found = [model.__name__ for model in models], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [target.removeprefix(PREFIX) for target in _refs(schemas[name])]
    return found


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def _is_object(schema: Schema) -> bool:
    return schema.get("type") == "object"


def _as_answered(schema: Schema) -> Schema:
    """An answer leaves out what has no value, and tells its secrets."""
    found = copy.deepcopy(schema)
    for name, field in found.get("properties", {}).items():
        found["properties"][name] = _plain(field)
    return found


def _plain(field: Schema) -> Schema:
    several = [one for one in field.get("anyOf", ()) if one != NULL]
    rest = {name: value for name, value in field.items() if name not in ("anyOf", "writeOnly")}
    if rest.get("default", ...) is None:
        del rest["default"]
    if not several:
        return rest
    one = {name: value for name, value in several[0].items() if name != "writeOnly"}
    return {**one, **rest} if len(several) == 1 else {**rest, "anyOf": several}


def _partials(schemas: Mapping[str, Schema], models: Iterable[type[Model]]) -> dict[str, Schema]:
    objects = {name for name in _reached(schemas, models) if _is_object(schemas[name])}
    return {name + PATCHED: _partial(schemas[name], objects) for name in objects}


def _partial(schema: Schema, objects: set[str]) -> Schema:
    """The same document with any of its fields; null takes one out (RFC 7396)."""
    fields = {name: _removable(field, objects) for name, field in schema["properties"].items()}
    kept = {name: value for name, value in schema.items() if name not in ("required", "properties")}
    return {**kept, "properties": fields}


def _removable(field: Schema, objects: set[str]) -> Schema:
    rule = {name: value for name, value in field.items() if name != "default"}
    notes: Schema = {name: rule.pop(name) for name in ("description", "examples", "writeOnly") if name in rule}
    options = rule["anyOf"] if rule.keys() == {"anyOf"} else [rule]
    several = [_partial_ref(one, objects) for one in options if one != NULL]
    return {**notes, "anyOf": [*several, NULL]}


def _partial_ref(schema: Schema, objects: set[str]) -> Schema:
    """An object inside is partial, too; lists and single values are replaced whole."""
    name = schema.get("$ref", "").removeprefix(PREFIX)
    return ref(name + PATCHED) if name in objects else schema


def _read_only(answered: Schema) -> dict[str, Schema]:
    """What a document that was read may carry back; the box passes it over."""
    return {name: {**answered["properties"][name], "readOnly": True} for name in sorted(READ_ONLY)}


def _event() -> Schema:
    kinds = [
        {
            "type": "object",
            "title": name,
            "required": ["event", "data"],
            "properties": {
                "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Only grows, across restarts too."},
                "event": {"const": name},
                "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": ref(model)},
            },
        }
        for name, model in EVENT_DATA.items()
    ]
    meaning = (
        "One event of a `text/event-stream`, its fields as properties; `data` is one line of JSON. "
        "`Last-Event-ID` (or `since`) resumes after an event; where that cannot be done the first event is `gap`."
    )
    return {"description": meaning, "oneOf": kinds}
