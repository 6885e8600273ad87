"""Conditions on the fields of a document, such as `state=playing,ready` or `stats.fps>=10`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flexctl.errors import Misuse
from flexctl.out.human import exact

Document = Mapping[str, Any]
GONE, THERE = "delete", "exists"
"""Conditions on the thing itself: that there is none, that there is one."""
_HINT = "conditions are like state=playing,ready  stats.fps>=10  reason~camera  metadata.site!=north  delete  exists"
_FORM = re.compile(r"(?P<path>[^\s=!<>~]+)(?P<sign>==|=|!=|>=|<=|>|<|~)(?P<value>.*)", re.DOTALL)
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda found, value: found >= value,
    "<=": lambda found, value: found <= value,
    ">": lambda found, value: found > value,
    "<": lambda found, value: found < value,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. A field that is not there, or null, meets none but `FIELD=`."""

    path: str
    sign: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}{self.sign}{','.join(self.values)}" if self.sign else self.path

    def holds(self, document: Document | None) -> bool:
        """Whether the document meets it; None: there is no such thing."""
        if not self.sign:
            return (document is None) == (self.path == GONE)
        if document is None:
            return False
        found = value_at(document, self.path)
        there = [item for item in (found if isinstance(found, list) else [found]) if item not in (None, "")]
        if self.values == ("",):
            return bool(there) == (self.sign == "!=")
        if self.sign == "!=":
            return bool(there) and not any(_same(item, value) for item in there for value in self.values)
        return any(self._fits(item, value) for item in there for value in self.values)

    def _fits(self, found: object, value: str) -> bool:
        if self.sign == "=":
            return _same(found, value)
        if self.sign == "~":
            return re.search(value, exact(found)) is not None
        number = _number(found)
        return number is not None and _COMPARED[self.sign](number, float(value))


def condition(text: str) -> Condition:
    """The condition that a text says. Raises Misuse."""
    if text in {GONE, THERE}:
        return Condition(text, "")
    found = _FORM.fullmatch(text)
    if found is None:
        raise Misuse(f"'{text}' is no condition", _HINT)
    path, sign, value = found["path"], found["sign"].replace("==", "="), found["value"].strip()
    if sign == "~":
        _check_expression(text, value)
        return Condition(path, sign, (value,))
    values = tuple(word.strip() for word in value.split(","))
    if sign in _COMPARED and (len(values) != 1 or _number(values[0]) is None):
        raise Misuse(f"'{text}': {sign} compares with one number", _HINT)
    return Condition(path, sign, values)


def _check_expression(text: str, expression: str) -> None:
    try:
        re.compile(expression)
    except re.error as error:
        raise Misuse(f"'{text}' is no regular expression: {error}", _HINT) from None


def value_at(document: Any, path: str) -> Any:
    """What is at a dotted path, None where nothing is: `stats.fps`, `outputs.0.uri`, `metadata.flex.set`."""
    if isinstance(document, Mapping):
        if path in document:
            return document[path]
        heads = [key for key in document if path.startswith(f"{key}.")]
        found = [value_at(document[key], path[len(key) + 1 :]) for key in sorted(heads, key=len, reverse=True)]
        return next((value for value in found if value is not None), None)
    if isinstance(document, Sequence) and not isinstance(document, str):
        head, _, rest = path.partition(".")
        if not head.isdecimal() or int(head) >= len(document):
            return None
        return value_at(document[int(head)], rest) if rest else document[int(head)]
    return None


def _same(found: object, value: str) -> bool:
    number = None if isinstance(found, (bool, str)) else _number(found)
    if number is not None and (wanted := _number(value)) is not None:
        return number == wanted
    return exact(found) == value


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)  # type: ignore[arg-type]  # what is no number says so
    except (TypeError, ValueError):
        return None


def seen(document: Document | None, conditions: Sequence[Condition]) -> str:
    """What the document says of the fields that are asked about."""
    if document is None:
        return "it is not there"
    words = [_told(document, path) for path in dict.fromkeys(c.path for c in conditions if c.sign)]
    return ", ".join(words) or "it is there"


def _told(document: Document, path: str) -> str:
    found = value_at(document, path)
    if path == "state" and found is not None:
        from flexctl.views.pipeline import state_words

        reason = document.get("reason")
        return f"it is {state_words(found, document.get('order'))}" + (f" ({reason})" if reason else "")
    if found in (None, "", []):
        return f"there is no {path}"
    return f"{path} is {', '.join(map(exact, found)) if isinstance(found, list) else exact(found)}"
