"""The reference shows each operation once, as curl, flexctl and Python, in the section that bears its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.contract.operations import of_cli, of_sdk, of_server
from tests.examples.pages import REFERENCE, Section, sections

NAMED = re.compile(r"`([A-Z]+) (/flex/[^`]+)` \N{MIDDLE DOT} `(\w+\.\w+)`")
PAGES = sorted(page for page in REFERENCE.glob("*.md") if page.name not in {"README.md", "api.md", "cli.md"})
OPERATIONS = of_server()


def named() -> Iterator[tuple[str, str, str, Section]]:
    """The lines that name an operation: method, address, operationId, and where it stands."""
    for page in PAGES:
        for section in sections(page):
            for method, path, name in NAMED.findall(section.text):
                yield method, path, name, section


HOMES = {name: section for _, _, name, section in named()}


def test_each_operation_is_named_once_with_its_address() -> None:
    told = sorted((name, f"{method} {path}") for method, path, name, _ in named())
    assert told == sorted((name, f"{one.method} {one.path}") for name, one in OPERATIONS.items())


@pytest.mark.parametrize("name", OPERATIONS)
def test_its_section_shows_the_three_forms(name: str) -> None:
    text = HOMES[name].text
    one = OPERATIONS[name]
    assert (one.method, one.path) in {(method, template(path)) for method, path in curls(text)}, "curl"
    assert any(re.search(rf"{re.escape(command)}\b", text) for command in of_cli()[name]), "flexctl"
    python = of_sdk()[name].usage.partition("(")[0] if name in of_sdk() else f"client.{name}"
    assert re.search(rf"\b{re.escape(python)}(?:\.raw)?\(", text), "Python"


def curls(text: str) -> Iterator[tuple[str, str]]:
    """Method and path of each curl line, in code of a line or of a block."""
    joined = text.replace("\\\n", " ")
    for line in re.findall(r"(?:`|^)(curl [^`\n]*)", joined, re.MULTILINE):
        path = re.search(r"\$FLEX_URL(/flex[^\s\"'?]*)", line)
        method = re.search(r"-X (\w+)", line)
        sends = re.search(r" (?:--json|-d|--data\S*) ", line)
        if path:
            yield method[1] if method else "POST" if sends else "GET", path[1]


def template(path: str) -> str:
    """The address as the API writes it, of the address of one thing."""
    for one in OPERATIONS.values():
        if "{" not in one.path and one.path == path:
            return path
    for one in OPERATIONS.values():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one.path), path):
            return one.path
    return path


def test_a_curl_line_is_read_as_curl_reads_it() -> None:
    assert list(curls('| `curl -N "$FLEX_URL/flex/events?types=a"` |')) == [("GET", "/flex/events")]
    assert list(curls("curl $FLEX_URL/flex/webhooks -H 'A: b' \\\n  -d '{}'")) == [("POST", "/flex/webhooks")]
    assert list(curls('`curl -X DELETE "$FLEX_URL/flex/license"`')) == [("DELETE", "/flex/license")]
    assert template("/flex/pipeline/gate/play") == "/flex/pipeline/{id}/play"
    assert template("/flex/nothing") == "/flex/nothing"
