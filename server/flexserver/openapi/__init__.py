"""OpenAPI 3.1, made from the endpoints and the models. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flexclient.models import EVENT_DATA
from flexserver.config import software_version
from flexserver.openapi.operations import BEARER, KEY, operation
from flexserver.openapi.schemas import component_schemas, ref
from flexserver.routing import Endpoint

ABOUT = """\
Make, play and watch video pipelines.

* **Errors** are one document everywhere, `ErrorDocument`. An address answers 405, with `Allow`, to methods it does not
  have.
* **Requests** are read strictly: UTF-8 JSON without duplicate keys, without unknown fields or query parameters, and
  without U+0000 in texts.
* **Answers** leave out what has no value. Objects may have more fields in a later version.
* **Times** are RFC 3339 in UTC.
* **Who asks**: everything is open while no password is set; then all but the public operations need a token of
  `POST /flex/auth/login`, or the API key that the box was started with.
* **HEAD** is answered wherever GET is, **OPTIONS** everywhere.
"""

TAGS = {
    "pipelines": "One source or several, encoded once and served.",
    "events": "Everything that happens, as server-sent events that resume.",
    "framegrabs": "Pictures and clips that pipelines leave behind.",
    "cameras": "Cameras that are plugged in, and what they can do.",
    "audio_devices": "Sound sources of the box.",
    "settings": "What the box is set to; it lasts.",
    "auth": "Password and sessions.",
    "webhooks": "Addresses that are told what happens.",
    "triggers": "What another media server says of its publishers. Always needs the API key.",
    "license": "What the box may encode.",
    "system": "Health, probes, version, metrics, this document.",
}
"""The resources, in the order of the document."""


def describe(endpoints: Iterable[Endpoint], url: str = "https://localhost:3539") -> dict[str, Any]:
    """The whole document, for a box that is reached at `url`."""
    order = list(TAGS)
    endpoints = sorted(endpoints, key=lambda endpoint: order.index(endpoint.name.partition(".")[0]))
    used = {endpoint.name.partition(".")[0] for endpoint in endpoints}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Flex Video encoder",
            "version": software_version(),
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url, "description": "The certificate is the box's own."}],
        "tags": [{"name": name, "description": meaning} for name, meaning in TAGS.items() if name in used],
        "paths": _paths(endpoints),
        "components": {
            "schemas": component_schemas(endpoints),
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
        "x-events": {name: ref(model) for name, model in EVENT_DATA.items()},
    }


def _paths(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation(endpoint)
    return paths


_SECURITY = {
    BEARER: {"type": "http", "scheme": "bearer", "description": "A session's token, of `POST /flex/auth/login`."},
    KEY: {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key the box was started with."},
}
_HEADERS: dict[str, Any] = {
    "RequestId": {"description": "Names the request, also in the box's log.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 0}},
    "Authenticate": {"description": "How to say who asks.", "schema": {"type": "string"}},
}
