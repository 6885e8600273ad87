"""The operations of the API as each face knows them: the server, the SDK, the CLI."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flexclient import FlexClient
from flexclient._bind import Resource, endpoint, streaming
from flexclient._call import Call
from flexctl.app import TABLE as COMMANDS
from flexctl.lazy import Entry, Group
from flexserver.routes import TABLE
from flexserver.routing import Endpoint

COMPOSED = frozenset({"events.watch_pipelines"})
"""Methods of the SDK that put several requests together, and are no operation of their own."""
SAMPLES: dict[str, Any] = {"id": "x", "path": "x", "file": "x", "pipeline_id": "x", "license": "x", "password": "x"}
"""Arguments to plan a request with; anything else that a method needs is an empty document."""


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the SDK: how it is called, and what it sends."""

    name: str
    usage: str
    call: Call[Any]


def of_server() -> dict[str, Endpoint]:
    """What the box answers, by operationId, in the document's order."""
    return {one.name: one for one in TABLE.endpoints}


def of_sdk() -> dict[str, Method]:
    """What the SDK sends, by resource and method."""
    return {method.name: method for method in _methods()}


def _methods() -> Iterator[Method]:
    with FlexClient(url="https://192.0.2.7:3539") as client:
        resources = {name: value for name, value in vars(client).items() if isinstance(value, Resource)}
        for resource, value in resources.items():
            for name, member in inspect.getmembers(type(value)):
                full = f"{resource}.{name}"
                if isinstance(member, (endpoint, streaming)) and full not in COMPOSED:
                    yield _method(full, getattr(value, name))


def _method(name: str, bound: Any) -> Method:
    parameters = inspect.signature(bound).parameters.values()
    needed = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    planned = bound.plan(*(SAMPLES.get(argument, {}) for argument in needed))
    call = planned if isinstance(planned, Call) else planned.call
    return Method(name, f"client.{name}({', '.join(needed)})", call)


def of_cli() -> dict[str, list[str]]:
    """The commands that wrap each operation."""
    found: dict[str, list[str]] = {}
    for command, entry in _entries():
        for operation in entry.calls:
            found.setdefault(operation, []).append(command)
    return found


def _entries() -> Iterator[tuple[str, Entry]]:
    for name, one in COMMANDS.items():
        if isinstance(one, Group):
            yield from ((f"flexctl {name} {verb}", entry) for verb, entry in one.entries.items())
        else:
            yield f"flexctl {name}", one
