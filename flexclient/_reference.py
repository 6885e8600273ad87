"""The reference of the SDK as Markdown, from its own docstrings; a test compares the page with it.

python -m flexclient._reference > docs/reference/python.md
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

from flexclient import errors, fleet, otel, testing, webhooks
from flexclient._bind import Resource
from flexclient._call import Call, Reply
from flexclient._ensure import Ensured
from flexclient._resume import StreamState
from flexclient._stream import EventStream
from flexclient._watch import Change, Row
from flexclient.client import FlexClient

HEAD = """# Python

Made from the docstrings; `help(client.pipelines.create)` says the same. Every method of `FlexClient` is there on
`AsyncFlexClient`, awaited; streams are read with `async for`. Beside the call itself an endpoint has `.raw(...)`, which
gives the whole `Reply`, and `.plan(...)`, which gives the `Call` and sends nothing. `m` is `flexclient.models`.
"""
VALUES = (Reply, Call, Ensured, Change, Row, StreamState, EventStream)
MANY = (fleet.FlexFleet, fleet.Results, fleet.FleetItem, fleet.FleetStream)


def page() -> str:
    """The whole page."""
    parts = [HEAD, *_class(FlexClient, "FlexClient"), *_resources(), "## Many boxes\n"]
    parts += [line for kind in MANY for line in _class(kind, kind.__name__, "###")]
    parts.append("## Values\n")
    parts += [line for kind in VALUES for line in _class(kind, kind.__name__, "###")]
    parts += ["## Errors\n", _doc(errors), "## A box in memory\n", *_class(testing.FakeFlex, "FakeFlex", "###")]
    parts += ["## Traces\n", _doc(otel), *_function(otel.traced, "otel.traced")]
    parts += ["## Webhooks\n", _doc(webhooks), *_module(webhooks, "webhooks")]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _resources() -> Iterator[str]:
    for name, kind in sorted(FlexClient.__annotations__.items()):
        owner = _resource(str(kind))
        yield f"## client.{name}\n"
        for method, found in vars(owner).items():
            if not method.startswith("_"):
                yield from _function(_described(found), f"client.{name}.{method}")


def _resource(annotation: str) -> type:
    wanted = annotation.partition("[")[0]
    return next(kind for kind in Resource.__subclasses__() if kind.__name__ == wanted)


def _described(found: Any) -> Any:
    """The function that a descriptor was made of."""
    inner = getattr(found, "_describe", None) or found._steps  # noqa: SLF001 - the two are one
    return inspect.unwrap(inner)


def _class(kind: type, name: str, level: str = "##") -> Iterator[str]:
    yield f"{level} {name}\n"
    yield _doc(kind)
    for method, found in vars(kind).items():
        if method.startswith("_") or not getattr(found, "__doc__", None):
            continue
        if isinstance(found, property):
            yield f"- **{method}**: {_flat(found)}"
        elif inspect.isfunction(found) or isinstance(found, (classmethod, staticmethod)):
            yield from _function(inspect.unwrap(getattr(kind, method)), f"{name}.{method}")


def _module(module: Any, name: str) -> Iterator[str]:
    for each, found in vars(module).items():
        if not each.startswith("_") and getattr(found, "__module__", "") == module.__name__:
            if inspect.isclass(found):
                yield from _class(found, f"{name}.{each}", "###")
            elif inspect.isfunction(found):
                yield from _function(found, f"{name}.{each}")


def _function(found: Any, name: str) -> Iterator[str]:
    yield f"**`{name}{_signature(found)}`**\n"
    yield _doc(found)


def _signature(found: Any) -> str:
    told = inspect.signature(found)
    kept = [one for one in told.parameters.values() if one.name not in {"self", "cls"}]
    text = str(told.replace(parameters=kept)).replace("'", "")
    return re.sub(r"-> (?:Call|Flow|Streaming)\[(.*)\]$", r"-> \1", text)


def _doc(found: Any) -> str:
    """A docstring; what is indented in it is code."""
    lines = (inspect.getdoc(found) or "").splitlines()
    return "\n".join(lines) + "\n"


def _flat(found: Any) -> str:
    return " ".join((inspect.getdoc(found) or "").split())


if __name__ == "__main__":
    sys.stdout.write(page())
