"""What a field may hold, as values beside its type. Held where a document is written, shown in the OpenAPI schema."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler, SecretStr
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
        if len(value) < self.least:
            return "it is empty" if not value else f"{len(value)} long, at least {self.least} is needed"
        return None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        plain = handler(core)
        kind = {"array": "Items", "object": "Properties"}.get(plain.get("type", ""), "Length")
        return {**plain, f"max{kind}": self.most, f"min{kind}": self.least}


@dataclass(frozen=True)
class Each(Rule):
    """A list, each item of which keeps a rule."""

    rule: Rule

    def fault(self, value: Any) -> str | None:
        return next((f"{item}: {fault}" for item in value if (fault := self.rule.fault(item))), None)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        plain = handler(core)
        return {**plain, "items": {**plain.get("items", {}), **self.rule.schema()}}


@dataclass(frozen=True)
class Distinct(Rule):
    """A list in which nothing stands twice."""

    def fault(self, value: Any) -> str | None:
        return next((f"'{item}' stands twice" for index, item in enumerate(value) if item in value[:index]), None)

    def schema(self) -> dict[str, Any]:
        return {"uniqueItems": True}


@dataclass(frozen=True)
class Entries(Rule):
    """A mapping of at most `most` entries whose names and values keep rules. A value may be a secret."""

    most: int
    name: Pattern
    value: Pattern

    def fault(self, value: Any) -> str | None:
        if len(value) > self.most:
            return f"{len(value)} entries, at most {self.most} are allowed"
        for name, item in value.items():
            text = item.get_secret_value() if isinstance(item, SecretStr) else item
            if fault := self.name.fault(name) or self.value.fault(text):
                return f"'{name[:128]}': {fault}"
        return None

    def schema(self) -> dict[str, Any]:
        names = {"propertyNames": self.name.schema(), "additionalProperties": {"type": "string", **self.value.schema()}}
        return {"maxProperties": self.most, **names}


@dataclass(frozen=True)
class Network(Rule):
    """A network in CIDR form: `10.0.0.0/8`, `fd00::/8`."""

    def fault(self, value: Any) -> str | None:
        if "%" in value:
            return "a network has no zone: leave out what stands from '%' to '/'"
        try:
            ipaddress.ip_network(value)
        except ValueError:
            return "not a network such as 10.0.0.0/8 or fd00::/8"
        return None

    def schema(self) -> dict[str, Any]:
        return {"examples": ["10.0.0.0/8"]}


@dataclass(frozen=True)
class HostPort(Rule):
    """A host name or address with a port: `239.2.3.1:6969`, `[ff02::1]:6969`."""

    def fault(self, value: Any) -> str | None:
        host, _, port = value.rpartition(":")
        named = re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", host) or _is_ipv6(host)
        numbered = re.fullmatch(r"[0-9]{1,5}", port) and 1 <= int(port) <= 65535
        return None if named and numbered else "not a host and a port such as 239.2.3.1:6969"

    def schema(self) -> dict[str, Any]:
        return {"examples": ["239.2.3.1:6969"]}


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return host.startswith("[") and host.endswith("]")
