"""`name=value` words as values of a model's fields, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from flexctl.errors import Misuse
from flexctl.options import names, read_value

if TYPE_CHECKING:
    from flexclient.models import Model


def assigned(model: type[Model], words: Iterable[str], unset: Iterable[str] = ()) -> dict[str, Any]:
    """The fields that words such as `cot_enabled=true` set, None for those without a value and those of `unset`.

    Raises Misuse for a field that the model does not have, one that is set twice, and a value that it cannot be.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign:
            raise Misuse(f"'{word}' is not NAME=VALUE", "a name without a value, NAME=, puts its default back")
        _add(found, model, name, value_of(model, name, text) if text else None)
    for name in unset:
        _add(found, model, name, None)
    return found


def _add(found: dict[str, Any], model: type[Model], name: str, value: Any) -> None:
    check_name(model, name)
    if name in found:
        raise Misuse(f"{name} is set twice")
    found[name] = value


def check_name(model: type[Model], name: str) -> None:
    """Raises Misuse for a field that the model does not have, with the one that may have been meant."""
    if name in model.model_fields:
        return
    near = get_close_matches(name, model.model_fields, 1, 0.5)
    guess = f". Did you mean '{near[0]}'?" if near else ""
    raise Misuse(f"there is no setting '{name}'{guess}", f"there are {', '.join(model.model_fields)}")


def value_of(model: type[Model], name: str, text: str) -> Any:
    """The value that a text gives a field: a list has commas. Raises Misuse."""
    check_name(model, name)
    kind = kind_of(model.model_fields[name].annotation)
    if kind is tuple:
        return list(names(text))
    try:
        value = read_value(kind, text)
    except ValueError as error:
        raise Misuse(f"{name}: {error}") from None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kind_of(annotation: Any) -> Any:
    """`bool`, `int`, `float`, `str` or `tuple`, whatever stands around it."""
    if get_origin(annotation) is tuple:
        return tuple
    if get_origin(annotation) is Annotated:
        return kind_of(get_args(annotation)[0])
    inside = [part for part in get_args(annotation) if part is not type(None)]
    return kind_of(inside[0]) if inside else annotation


def shown(value: Any) -> str | None:
    """A value as it is written behind `NAME=`, None where there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or None
    if isinstance(value, (bool, dict)):
        return json.dumps(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def difference(before: Mapping[str, Any], after: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
    """What has to be sent so that one becomes the other: None for a field that is there no more."""
    names_ = [*order, *(name for name in (*before, *after) if name not in order)]
    return {name: after.get(name) for name in dict.fromkeys(names_) if before.get(name) != after.get(name)}
