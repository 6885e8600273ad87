"""What a field may hold, as values beside its type. Held where a document is written, shown in the OpenAPI schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Rule:
    """One limit of the contract on one field."""

    def fault(self, value: Any) -> str | None:
        """What is wrong with the value, or None."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """The same limit in JSON Schema's words."""
        raise NotImplementedError

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(core), **self.schema()}


@dataclass(frozen=True)
class Between(Rule):
    """A number from `low` to `high`, both allowed."""

    low: float
    high: float

    def fault(self, value: Any) -> str | None:
        return None if self.low <= value <= self.high else f"{value} is not from {self.low} to {self.high}"

    def schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class ZeroOrBetween(Between):
    """0, which has a meaning of its own, or a number from `low` to `high`."""

    def fault(self, value: Any) -> str | None:
        return None if value == 0 or not (fault := super().fault(value)) else f"{fault}, nor 0"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": 0}, super().schema()]}


@dataclass(frozen=True)
class OneOf(Rule):
    """A number out of a short list."""

    values: tuple[int, ...]

    def fault(self, value: Any) -> str | None:
        return None if value in self.values else f"{value} is not one of {', '.join(map(str, self.values))}"

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}


@dataclass(frozen=True)
class Pattern(Rule):
    """Text of a given form, which `meaning` says in words. Other types pass: a field may be `bool | str`."""

    regex: str
    meaning: str

    def fault(self, value: Any) -> str | None:
        return None if not isinstance(value, str) or re.fullmatch(self.regex, value) else self.meaning

    def schema(self) -> dict[str, Any]:
        return {"pattern": f"^(?:{self.regex})$"}


@dataclass(frozen=True)
class Length(Rule):
    """Text, list or mapping of at most `most` and at least `least` items."""

    most: int
    least: int = 0

    def fault(self, value: Any) -> str | None:
        if len(value) > self.most:
            return f"{len(value)} long, at most {self.most} is allowed"
        return f"at least {self.least} is needed" if len(value) < self.least else None

    def schema(self) -> dict[str, Any]:
        return {"maxLength": self.most, "minLength": self.least}
