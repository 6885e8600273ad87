"""The strict reading of a document that somebody wrote: what the box does with a body, and the CLI with a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from flexclient.models._base import Model, OpenEnum
from flexclient.models._rules import Rule
from flexclient.models.error import FieldError

M = TypeVar("M", bound=Model)


class InvalidDocument(Exception):
    """A document that the contract does not allow. `details` names each field and what is wrong with it."""

    def __init__(self, details: tuple[FieldError, ...]) -> None:
        super().__init__(details)
        self.details = details

    def __str__(self) -> str:
        return "; ".join(f"{d.field}: {d.message}" if d.field else d.message for d in self.details)


def check(model: type[M], json: bytes | str) -> M:
    """Read JSON as `model`, strictly: no coercion, no unknown field, no unknown enum value, every rule held.

    Raises `InvalidDocument` that lists every fault at once, not the first alone.
    """
    try:
        document = model.model_validate_json(json, strict=True)
    except ValidationError as error:
        raise InvalidDocument(tuple(_details(error))) from None
    if faults := tuple(_faults(document)):
        raise InvalidDocument(faults)
    return document


def _details(error: ValidationError) -> Iterator[FieldError]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        yield FieldError(field=".".join(str(part) for part in fault["loc"]), message=fault["msg"])


def _faults(document: Model, prefix: str = "") -> Iterator[FieldError]:
    for name in document.model_extra or ():
        yield FieldError(field=prefix + name, message="there is no such field")
    for name, info in type(document).model_fields.items():
        value = getattr(document, name)
        field = prefix + (info.alias or name)
        yield from _value_faults(value, field)
        if value is not None:
            for rule in _rules(info):
                if message := rule.fault(value):
                    yield FieldError(field=field, message=message)


def _rules(info: FieldInfo) -> Iterator[Rule]:
    """The rules of a field; of `Annotated[str, rule] | None` they stand inside the union."""
    inside = (mark for part in get_args(info.annotation) for mark in getattr(part, "__metadata__", ()))
    return (mark for mark in (*info.metadata, *inside) if isinstance(mark, Rule))


def _value_faults(value: object, field: str) -> Iterator[FieldError]:
    if isinstance(value, Model):
        yield from _faults(value, field + ".")
    elif isinstance(value, OpenEnum) and not value.known:
        allowed = ", ".join(member.value for member in type(value))
        yield FieldError(field=field, message=f"'{value}' is not one of {allowed}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _value_faults(item, f"{field}.{index}")
