"""YAML and JSON as plain values that know their places, so that an error can say file, line and column."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flexctl.errors import Misuse

if TYPE_CHECKING:
    from flexclient.models import Model

    M = TypeVar("M", bound=Model)


ENDINGS = frozenset({".json", ".yaml", ".yml"})
"""Names of manifests in a folder."""
DEEPEST = 64
MOST_VALUES = 100_000
"""What no honest manifest reaches, aliases expanded: a bomb of them ends here, not in the machine's memory."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. `lines` and `columns` say where each dotted field stands, counted from 1."""

    file: str
    value: Mapping[str, Any] = field(repr=False)  # it may hold a password
    lines: Mapping[str, int]
    columns: Mapping[str, int] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    """The fields that had variables, as they were written (see `variables`)."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The values of those variables. They are never shown."""

    def having(self, value: Mapping[str, Any]) -> Document:
        """The same place with another value."""
        return replace(self, value=value)

    def place(self, name: str) -> str:
        """`file:line:column` of a field, or of the nearest part that holds it."""
        while name and name not in self.lines:
            name = name.rpartition(".")[0]
        return f"{self.file}:{self.lines.get(name, 1)}:{self.columns.get(name, 1)}"

    def read(self, model: type[M]) -> M:
        """The document as a model, read as strictly as the box does. Raises Misuse that lists every fault."""
        from flexclient.models import InvalidDocument, check

        try:
            return check(model, json.dumps(self.value))
        except InvalidDocument as error:
            raise self.misuse([(fault.field, fault.message) for fault in error.details]) from None

    def misuse(self, faults: Sequence[tuple[str, str]]) -> Misuse:
        """The faults, each with its place."""
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        return Misuse(f"{self.file} holds {count}; nothing was sent", details=self.placed(faults))

    def placed(self, faults: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Faults of fields as places and sentences. What came from a variable shows as the variable."""
        return tuple(
            (self.place(name), self.concealed(f"{name}: {message}" if name else message)) for name, message in faults
        )

    def concealed(self, text: str) -> str:
        """The text with the values of variables as their names."""
        for name, value in sorted(self.variables.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(value, f"${{env:{name}}}")
        return text


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


def load_all(names: Sequence[str]) -> list[Document]:
    """The documents of several files; of a folder, those of all YAML and JSON files right in it."""
    if len(set(names)) < len(names):
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise Misuse(f"{twice} is named twice")
    return [document for name in names for file in _files(name) for document in load(file)]


def _files(name: str) -> list[str]:
    if name == "-" or not Path(name).is_dir():
        return [name]
    found = sorted(str(path) for path in Path(name).iterdir() if path.suffix in ENDINGS and path.is_file())
    if not found:
        raise Misuse(f"{name}: this folder holds no file that ends with {', '.join(sorted(ENDINGS))}")
    return found


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
        raise Misuse(f"{label}:{error.lineno}:{error.colno}: {message}") from None
    except ValueError:
        raise Misuse(f"{label}: it holds a number of more digits than any field takes") from None
    items = value if isinstance(value, list) else [value]
    documents = list(_yaml(label, text))
    nodes = documents if len(documents) == len(items) else [Document(label, {}, {})] * len(items)
    for item, node in zip(items, nodes, strict=True):
        yield node.having(_mapping(item, node.place("")))


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
                    document = Document(label, {}, reader.lines, reader.columns)
                    yield document.having(_mapping(value, document.place("")))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Misuse(f"{label}:{line}:{column}: {error.problem or error.context}") from None
    except YAMLError as error:
        raise Misuse(f"{label}: {error}") from None


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Misuse(f"{place}: a document is a mapping of fields, and this is {type(value).__name__}")
    return value


class _Reader:
    """Nodes as JSON values. What YAML would make a date or bytes stays the text that was written."""

    def __init__(self, yaml: Any, label: str) -> None:
        self._yaml, self._label = yaml, label
        self._read = 0
        self.lines: dict[str, int] = {}
        self.columns: dict[str, int] = {}

    def value(self, node: Any, path: str, depth: int) -> Any:
        """The value of a node, and in `lines` where it and its parts stand."""
        self._read += 1
        if depth > DEEPEST:
            raise self._misuse(node, f"it is nested deeper than {DEEPEST} levels")
        if self._read > MOST_VALUES:
            raise self._misuse(node, f"with its aliases expanded it holds more than {MOST_VALUES} values")
        self._stands(path, node)
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
            self._stands(f"{prefix}{key.value}", key)
        return found

    def _stands(self, path: str, node: Any) -> None:
        self.lines[path], self.columns[path] = node.start_mark.line + 1, node.start_mark.column + 1

    def _scalar(self, node: Any) -> Any:
        if str(node.tag).rpartition(":")[2] not in {"int", "float", "bool", "null"}:
            return node.value
        try:
            return self._yaml.constructor.construct_object(node)
        except ValueError:
            raise self._misuse(node, "this number has more digits than any field takes") from None

    def _misuse(self, node: Any, message: str) -> Misuse:
        return Misuse(f"{self._label}:{node.start_mark.line + 1}:{node.start_mark.column + 1}: {message}")
