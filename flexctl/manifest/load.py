"""YAML and JSON as plain values that know their lines, so that an error can say file and line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flexctl.errors import Misuse

if TYPE_CHECKING:
    from flexclient.models import Model

    M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. `lines` has the line of each dotted field, counted from 1."""

    file: str
    value: Mapping[str, Any]
    lines: Mapping[str, int]

    def place(self, field: str) -> str:
        """`file:line` of a field, or of the nearest part that holds it."""
        while field and field not in self.lines:
            field = field.rpartition(".")[0]
        return f"{self.file}:{self.lines.get(field, 1)}"

    def read(self, model: type[M]) -> M:
        """The document as a model, read as strictly as the box does. Raises Misuse that lists every fault."""
        from flexclient.models import InvalidDocument, check

        try:
            return check(model, json.dumps(self.value))
        except InvalidDocument as error:
            raise self.misuse([(fault.field, fault.message) for fault in error.details]) from None

    def misuse(self, faults: list[tuple[str, str]]) -> Misuse:
        """The faults, each with its file and line."""
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        details = tuple((self.place(name), f"{name}: {message}" if name else message) for name, message in faults)
        return Misuse(f"{self.file} holds {count}; nothing was sent", details=details)


def load(name: str) -> list[Document]:
    """The documents of a file, or of standard input for `-`. Raises Misuse with file and line."""
    label, text = _text(name)
    documents = list(_json(label, text) if text.lstrip()[:1] in {"{", "["} else _yaml(label, text))
    if not documents:
        raise Misuse(f"{label} is empty")
    return documents


def load_one(name: str) -> Document:
    """The one document of a file."""
    first, *more = load(name)
    if more:
        raise Misuse(f"{first.file} holds {len(more) + 1} documents, and one is wanted here")
    return first


def _text(name: str) -> tuple[str, str]:
    if name == "-":
        return "stdin", sys.stdin.read()
    try:
        return name, Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise Misuse(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misuse(f"{name} is not text") from None


def _json(label: str, text: str) -> Iterator[Document]:
    """JSON has its own, better messages; its lines are found by reading it as the YAML that it also is."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        message = f"{error.msg[:1].lower()}{error.msg[1:]}"
        raise Misuse(f"{label}:{error.lineno}: {message} (column {error.colno})") from None
    items = value if isinstance(value, list) else [value]
    documents = list(_yaml(label, text))
    nodes = documents if len(documents) == len(items) else [Document(label, {}, {})] * len(items)
    for item, node in zip(items, nodes, strict=True):
        yield Document(label, _mapping(item, label, 1), node.lines)


def _yaml(label: str, text: str) -> Iterator[Document]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        for node in yaml.compose_all(text):
            for part in node.value if node.id == "sequence" else [node]:
                lines: dict[str, int] = {}
                value = _value(yaml, part, "", lines, label)
                if value is not None:
                    yield Document(label, _mapping(value, label, part.start_mark.line + 1), lines)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Misuse(f"{label}:{mark.line + 1 if mark else 1}: {error.problem or error.context}") from None
    except YAMLError as error:
        raise Misuse(f"{label}: {error}") from None


def _mapping(value: Any, label: str, line: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Misuse(f"{label}:{line}: a document is a mapping of fields, and this is {type(value).__name__}")
    return value


def _value(yaml: Any, node: Any, path: str, lines: dict[str, int], label: str) -> Any:
    """A node as a JSON value. What YAML would make a date or bytes stays the text that was written."""
    lines[path] = node.start_mark.line + 1
    prefix = f"{path}." if path else ""
    if node.id == "sequence":
        return [_value(yaml, item, f"{prefix}{i}", lines, label) for i, item in enumerate(node.value)]
    if node.id == "mapping":
        found: dict[str, Any] = {}
        for key, item in node.value:
            if key.value in found:
                raise Misuse(f"{label}:{key.start_mark.line + 1}: '{key.value}' stands here for the second time")
            found[key.value] = _value(yaml, item, f"{prefix}{key.value}", lines, label)
            lines[f"{prefix}{key.value}"] = key.start_mark.line + 1
        return found
    plain = str(node.tag).rpartition(":")[2] in {"int", "float", "bool", "null"}
    return yaml.constructor.construct_object(node) if plain else node.value
