"""The OpenAPI document: valid, made of what is routed, and true of what is answered."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from flexclient.models import EVENT_DATA, READ_ONLY, STATUS_OF, PipelineSpec
from flexserver import openapi
from flexserver.routes import TABLE
from tests.support.api import Api

DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi.describe(TABLE.endpoints)))
OPERATIONS: dict[str, Any] = {
    operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()
}
PROBES = {"system.live", "system.ready", "system.startup"}


def test_it_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1")


def test_it_is_what_the_box_answers(api: Api) -> None:
    response = api.get("/flex/openapi.json")
    assert response.json() == DOCUMENT
    assert api.get("/flex/openapi.json", headers={"If-None-Match": response.headers["etag"]}).status_code == 304


def test_every_endpoint_is_there_once_and_its_address_is_routed() -> None:
    operations = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item]
    assert len(operations) == len(set(operations)) == len(TABLE.endpoints)
    names = [endpoint.name for endpoint in TABLE.endpoints]
    assert len(names) == len(set(names))
    for endpoint in TABLE.endpoints:
        methods, _ = TABLE.find(re.sub(r"{\w+}", "cam1", endpoint.path))
        assert methods[endpoint.method] is endpoint


def test_every_row_of_the_contract_is_there() -> None:
    one, file, hook = "/flex/pipeline/{id}", "/flex/files/framegrabs/{file}", "/flex/webhooks/{id}"
    trigger = "/flex/triggers/mediaMtx/publish"
    assert {(e.method, e.path) for e in TABLE.endpoints} == {
        *(("GET", f"/flex/{name}") for name in ("health", "healthz", "healthz/ready", "healthz/startup", "version")),
        *(("GET", f"/flex/{name}") for name in ("pipeline", "events", "openapi.json", "metrics", "licensed")),
        *(("GET", f"/flex/{name}") for name in ("cameras", "camera", "cameras/events", "audio-devices")),
        *((method, "/flex/settings") for method in ("GET", "PUT")),
        ("GET", "/flex/auth/status"),
        *(("POST", f"/flex/auth/{verb}") for verb in ("login", "logout")),
        *((method, "/flex/auth/password") for method in ("PUT", "DELETE")),
        *((method, "/flex/license") for method in ("POST", "DELETE")),
        *((method, file) for method in ("GET", "DELETE")),
        *((method, "/flex/files/framegrabs") for method in ("GET", "DELETE")),
        *((method, "/flex/webhooks") for method in ("GET", "POST")),
        *(("DELETE", hook), ("POST", f"{hook}/test"), ("GET", f"{hook}/deliveries")),
        *((method, trigger) for method in ("PUT", "DELETE")),
        ("POST", "/flex/pipeline"),
        *((method, one) for method in ("GET", "PUT", "PATCH", "DELETE")),
        *(("PUT", f"{one}/{verb}") for verb in ("play", "stop")),
        *(("GET", f"{one}/{part}") for part in ("status", "events", "snapshot.jpg", "graph", "logs")),
    }
    assert {endpoint.path for endpoint in TABLE.endpoints if endpoint.public} == {
        "/flex/health", "/flex/healthz", "/flex/healthz/ready", "/flex/healthz/startup", "/flex/version",
        "/flex/auth/status", "/flex/auth/login",
    }  # fmt: skip
    assert {endpoint.path for endpoint in TABLE.endpoints if endpoint.key} == {trigger}


def test_events_and_errors_are_described() -> None:
    assert DOCUMENT["x-events"].keys() == EVENT_DATA.keys()
    for operation in OPERATIONS.values():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                schema = response["content"]["application/json"]["schema"]
                probed = operation["operationId"] in PROBES and status == "503"
                assert schema == {"$ref": f"#/components/schemas/{'Probe' if probed else 'ErrorDocument'}"}
                assert int(status) in {*STATUS_OF.values(), 416}, "416 is HTTP's own, for a range that is not there"


def schema_of(path: str, method: str, status: str) -> dict[str, Any]:
    response = DOCUMENT["paths"][path][method]["responses"][status]
    return {"components": DOCUMENT["components"], **response["content"]["application/json"]["schema"]}


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/flex/pipeline", "/flex/pipeline"),
        ("/flex/pipeline/{id}", "/flex/pipeline/cam1"),
        ("/flex/pipeline/{id}/status", "/flex/pipeline/cam1/status"),
        ("/flex/health", "/flex/health"),
        ("/flex/healthz", "/flex/healthz"),
        ("/flex/version", "/flex/version"),
    ],
)
def test_answers_are_as_described(api: Api, path: str, address: str) -> None:
    api.create("cam1", on_demand=False, encoding={"width": 640}, overlay={"text": "a", "timestamp": True})
    jsonschema.validate(api.get(address).json(), schema_of(path, "get", "200"))
    refused = api.get("/flex/pipeline/ghost")
    jsonschema.validate(refused.json(), schema_of("/flex/pipeline/{id}", "get", "404"))


def test_the_schema_of_a_pipeline_holds_its_limits() -> None:
    encoding = DOCUMENT["components"]["schemas"]["Encoding"]["properties"]
    assert (encoding["bitrate"]["minimum"], encoding["bitrate"]["maximum"]) == (1, 1_000_000)
    assert encoding["bitrate"]["description"]
    spec = DOCUMENT["components"]["schemas"]["PipelineSpec"]["properties"]
    assert {name for name, field in spec.items() if not field.get("readOnly")} == PipelineSpec.model_fields.keys()
    assert {name for name, field in spec.items() if field.get("readOnly")} == READ_ONLY
    assert spec["id"]["pattern"] == "^(?:[A-Za-z0-9_-]{1,64})$"
