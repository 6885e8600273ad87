"""`${env:NAME}` in a manifest: what the environment says, so that no secret has to lie in a file. Pure.

`$${env:NAME}` is the text `${env:NAME}` itself: of several dollars one goes, and nothing is filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flexctl.manifest.load import Document

_REFERENCE = re.compile(r"(\$+)\{env:([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def fill(document: Document, environ: Mapping[str, str]) -> Document:
    """The document with its variables filled in. Raises Misuse that names each one that is not set."""
    filler = _Filler(environ)
    value = filler.value(document.value, "")
    if filler.faults:
        raise document.misuse(filler.faults)
    return replace(document, value=value, written=filler.written, variables=filler.variables)


def plain(value: Any) -> Any:
    """A JSON value whose texts stay as they are when they are filled: the opposite of `fill`."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return _REFERENCE.sub(lambda found: "$" + found[0], value) if isinstance(value, str) else value


def references(text: str) -> list[str]:
    """The names of the variables in a text."""
    return [found[2] for found in _REFERENCE.finditer(text) if found[1] == "$"]


class _Filler:
    """One walk through a document."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.faults: list[tuple[str, str]] = []
        self.written: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def value(self, value: Any, field: str) -> Any:
        """The value with what the environment says."""
        prefix = f"{field}." if field else ""
        if isinstance(value, Mapping):
            return {name: self.value(item, prefix + name) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, f"{prefix}{index}") for index, item in enumerate(value)]
        return self._text(value, field) if isinstance(value, str) else value

    def _text(self, text: str, field: str) -> str:
        if references(text):
            self.written[field] = text
        return _REFERENCE.sub(lambda found: self._one(found, field), text)

    def _one(self, found: re.Match[str], field: str) -> str:
        dollars, name = found[1], found[2]
        if len(dollars) > 1:
            return found[0][1:]
        value = self._environ.get(name, "")
        if not _NAME.fullmatch(name):
            self.faults.append((field, f"'{name}' is no name of a variable: it has letters, digits and '_'"))
        elif not value:
            self.faults.append((field, f"the environment has no {name}: set it, for instance with export {name}=..."))
        else:
            self.variables[name] = value
        return value
