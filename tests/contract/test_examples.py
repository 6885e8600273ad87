"""The document's examples: each fits its schema, and each curl line does what it says on a live box."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from flexclient.models import ErrorCode, ErrorDocument
from flexclient.models._check import check
from flexserver import openapi
from flexserver.openapi import examples
from flexserver.openapi.operations import codes
from flexserver.routes import TABLE
from flexserver.routing import EVENTS, Endpoint
from tests.support.api import Api
from tests.support.box import Box
from tests.support.media_double import fake_media

KEY = "a-key-of-the-tests-0123456789abcdef0123456789"
DOCUMENT: dict[str, Any] = json.loads(json.dumps(openapi.describe(TABLE.endpoints)))
OPERATIONS: dict[str, Any] = {
    operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()
}
ENDPOINTS = {endpoint.name: endpoint for endpoint in TABLE.endpoints}


def fits(example: Any, schema: dict[str, Any]) -> None:
    whole = {"components": DOCUMENT["components"], **schema}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(example)


@pytest.mark.parametrize("name", OPERATIONS)
def test_requests_and_answers_fit_their_schemas(name: str) -> None:
    operation, endpoint = OPERATIONS[name], ENDPOINTS[name]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        fits(media["example"], media["schema"])
    if endpoint.body and not endpoint.partial:
        check(endpoint.body, json.dumps(examples.REQUESTS[name]))
    for status, response in operation["responses"].items():
        for media in response.get("content", {}).values():
            for example in (one["value"] for one in media.get("examples", {}).values()):
                fits(example, media["schema"])
                assert ErrorDocument.model_validate(example).code in codes(endpoint)
            if "example" in media:
                fits(media["example"], media["schema"])
            elif int(status) == 200 and endpoint.answer.model is not None:
                pytest.fail(f"{name} has no example of its answer")
    for parameter in operation.get("parameters", ()):
        if "example" in parameter:
            fits(parameter["example"], parameter["schema"])


def test_no_example_is_of_an_operation_that_is_not_there() -> None:
    assert set(examples.REQUESTS) | set(examples.ANSWERS) <= set(OPERATIONS)
    assert set(examples.MESSAGES) == set(ErrorCode)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    env = {**fake_media(tmp_path_factory.mktemp("fake")).env, "FLEX_API_KEY": KEY}
    with Box(tmp_path_factory.mktemp("box") / "data", env=env) as made:
        yield made


@pytest.fixture
def gate(box: Box) -> None:
    """The pipeline of the examples plays, and no password is set, whatever the example before did."""
    with Api(box) as api:
        api.http.headers["X-API-Key"] = KEY
        found = {one["id"]: one["order"] for one in api.get("/flex/pipeline").json()}
        if "gate" not in found:
            api.create("gate", on_demand=False).raise_for_status()
        elif found["gate"] != "play":
            api.call("PUT", "/flex/pipeline/gate/play").raise_for_status()
        if api.get("/flex/auth/status").json()["auth_enabled"]:
            api.call("DELETE", "/flex/auth/password").raise_for_status()


ELSEWHERE = {
    "auth.login": 409,  # no password is set
    "cameras.get": 404,  # no camera is plugged in
    "framegrabs.delete": 404,
    "framegrabs.download": 404,  # nobody took one
    "license.install": 409,  # the box is not limited
    "pipelines.create": 409,  # it is there
    "webhooks.delete": 404,  # ids are the box's to give
    "webhooks.deliveries": 404,
    "webhooks.test": 404,
}
"""What the examples meet on a box with nothing but their pipeline."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_curl_line_runs_as_it_stands(box: Box, gate: None, name: str) -> None:
    (sample,) = OPERATIONS[name]["x-codeSamples"]
    endpoint = ENDPOINTS[name]
    env = {**os.environ, "FLEX_URL": box.url, "CURL_CA_BUNDLE": box.ca_file, "FLEX_API_KEY": KEY, "FLEX_TOKEN": KEY}
    line = sample["source"].replace(
        "curl ", "curl --silent --max-time $LIMIT --output /dev/null --write-out '%{http_code}' ", 1
    )
    env["LIMIT"] = "1" if endpoint.answer.media_type == EVENTS else "20"
    done = subprocess.run(["sh", "-c", line], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert int(done.stdout) == ELSEWHERE.get(name, endpoint.answer.status), done.stderr


def test_the_endpoints_are_in_a_stable_order() -> None:
    shuffled: list[Endpoint] = sorted(TABLE.endpoints, key=lambda endpoint: endpoint.summary)
    again = openapi.describe(shuffled)
    assert list(again["components"]["schemas"]) == list(DOCUMENT["components"]["schemas"])
    assert again["tags"] == DOCUMENT["tags"]
