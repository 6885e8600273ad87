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


DEEPEST = 64
MOST_VALUES = 100_000
"""What no honest manifest reaches, aliases expanded: a bomb of them ends here, not in the machine's memory."""


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
    try:
        documents = list(_json(label, text) if text.lstrip()[:1] in {"{", "["} else _yaml(label, text))
    except RecursionError:
        raise Misuse(f"{label}: it is nested deeper than {DEEPEST} levels") from None
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
    except ValueError:
        raise Misuse(f"{label}: it holds a number of more digits than any field takes") from None
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
                reader = _Reader(yaml, label)
                value = reader.value(part, "", 0)
                if value is not None:
                    yield Document(label, _mapping(value, label, part.start_mark.line + 1), reader.lines)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Misuse(f"{label}:{mark.line + 1 if mark else 1}: {error.problem or error.context}") from None
    except YAMLError as error:
        raise Misuse(f"{label}: {error}") from None


def _mapping(value: Any, label: str, line: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Misuse(f"{label}:{line}: a document is a mapping of fields, and this is {type(value).__name__}")
    return value


class _Reader:
    """Nodes as JSON values. What YAML would make a date or bytes stays the text that was written."""

    def __init__(self, yaml: Any, label: str) -> None:
        self._yaml, self._label = yaml, label
        self._read = 0
        self.lines: dict[str, int] = {}

    def value(self, node: Any, path: str, depth: int) -> Any:
        """The value of a node, and in `lines` where it and its parts stand."""
        self._read += 1
        if depth > DEEPEST:
            raise self._misuse(node, f"it is nested deeper than {DEEPEST} levels")
        if self._read > MOST_VALUES:
            raise self._misuse(node, f"with its aliases expanded it holds more than {MOST_VALUES} values")
        self.lines[path] = node.start_mark.line + 1
        prefix = f"{path}." if path else ""
        if node.id == "sequence":
            return [self.value(item, f"{prefix}{i}", depth + 1) for i, item in enumerate(node.value)]
        return self._fields(node, prefix, depth) if node.id == "mapping" else self._scalar(node)

    def _fields(self, node: Any, prefix: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            if key.id != "scalar":
                raise self._misuse(key, "the name of a field is text, and this is a list or a mapping")
            if key.value in found:
                raise self._misuse(key, f"'{key.value}' stands here for the second time")
            found[key.value] = self.value(item, f"{prefix}{key.value}", depth + 1)
            self.lines[f"{prefix}{key.value}"] = key.start_mark.line + 1
        return found

    def _scalar(self, node: Any) -> Any:
        if str(node.tag).rpartition(":")[2] not in {"int", "float", "bool", "null"}:
            return node.value
        try:
            return self._yaml.constructor.construct_object(node)
        except ValueError:
            raise self._misuse(node, "this number has more digits than any field takes") from None

    def _misuse(self, node: Any, message: str) -> Misuse:
        return Misuse(f"{self._label}:{node.start_mark.line + 1}: {message}")
