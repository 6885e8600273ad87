"""One set of operations: the server answers it, the document describes it, the SDK sends it, the CLI reaches it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from flexserver import openapi
from flexserver.routes import TABLE
from tests.contract import reference
from tests.contract.operations import of_cli, of_sdk, of_server

DOCUMENT: dict[str, Any] = openapi.describe(TABLE.endpoints)
DESCRIBED: dict[str, tuple[str, str]] = {
    operation["operationId"]: (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def test_openapi_sdk_cli_and_reference_name_the_same_operations() -> None:
    written = re.findall(r"^\| `[A-Z]+ [^`]+` \| `([a-z_.]+)` \|", reference.PAGE.read_text(), re.MULTILINE)
    assert [name for name, count in Counter(written).items() if count > 1] == []
    operations = set(DESCRIBED)
    assert set(of_server()) == operations
    assert set(of_sdk()) == operations
    assert set(of_cli()) == operations
    assert set(written) == operations


@pytest.mark.parametrize("name", sorted(of_sdk()))
def test_the_sdk_sends_it_to_where_it_is_described(name: str) -> None:
    method, path = DESCRIBED[name]
    call = of_sdk()[name].call
    assert call.method == method
    assert re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), call.path)
    described = {one["name"] for one in _operation(name).get("parameters", ()) if one["in"] == "query"}
    assert set(call.query) <= described
    needed = {
        one["name"] for one in _operation(name).get("parameters", ()) if one["in"] == "query" and one.get("required")
    }
    assert needed <= set(call.query)


def _operation(name: str) -> dict[str, Any]:
    method, path = DESCRIBED[name]
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def test_the_reference_page_is_what_is_generated() -> None:
    assert reference.PAGE.read_text() == reference.page(), "python -m tests.contract.reference writes it again"


def test_every_operation_has_a_tag_with_a_meaning_and_a_summary() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}
    for name in DESCRIBED:
        assert set(_operation(name)["tags"]) <= tags
        assert _operation(name)["summary"][0].isupper()
        assert not _operation(name)["summary"].endswith(".")
