"""Two documents held against each other, defaults filled in on both sides. Pure.

Absent and default are the same, whichever side fills it in: `encoding` that nobody wrote is 1920x1080 at 30, an
`overlay` that nobody wrote draws nothing, `output` is the mount that has the pipeline's id. Passwords are never
compared, because no box tells them; where they came from is (`desired.SECRETS`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from flexctl.manifest.desired import SECRETS, SET

if TYPE_CHECKING:
    from flexclient.models import Model, Pipeline


@dataclass(frozen=True, slots=True)
class Change:
    """One field that becomes another. None: it is not there. Values are fit to be shown."""

    field: str
    before: Any = None
    after: Any = None
    secret: bool = False
    """Neither value is known or shown; `before` and `after` say only where it came from."""


def filled(model: Model) -> dict[str, Any]:
    """Every field that this version knows, the defaults too, as JSON values without passwords."""
    return {name: _value(getattr(model, name), filled) for name in type(model).model_fields if name != "password"}


def said(model: Model) -> dict[str, Any]:
    """The fields that were said, in the model's order; no nulls, no passwords, nothing this version does not know."""
    names = [name for name in type(model).model_fields if name in model.model_fields_set and name != "password"]
    found = {name: _value(getattr(model, name), said) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _value(value: Any, of_model: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "model_fields_set"):
        return of_model(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # `5`, as people write it
    if isinstance(value, (list, tuple)):
        return [_value(item, of_model) for item in value]
    return {str(name): item for name, item in value.items()} if isinstance(value, Mapping) else value


def pipeline(body: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline as it works, whoever wrote how much of it."""
    from flexclient.models import DEFAULT_ENCODING, PipelineSpec

    spec = PipelineSpec.model_validate(body)
    whole = {**filled(spec), "encoding": filled(spec.encoding or DEFAULT_ENCODING)}
    _quiet(whole)
    for tile in whole["inputs"] or ():
        _quiet(tile)
    metadata = whole["metadata"] or {}
    whole["metadata"] = {name: text for name, text in metadata.items() if name not in {SET, SECRETS}}
    whole["outputs"] = whole["outputs"] or []
    uri = (whole["output"] or {}).get("uri") or _mount(spec.id)
    whole["output"] = _mount(spec.id) if uri == f"rtsp://0.0.0.0/{spec.id}" else uri
    return whole


def _quiet(whole: dict[str, Any]) -> None:
    """Parts that do nothing unless they say something: not to have one is to have it with its defaults."""
    from flexclient.models import Crop, KlvConfig, Overlay, Transform

    for name, model in (("transform", Transform), ("crop", Crop), ("overlay", Overlay), ("klv_config", KlvConfig)):
        if name in whole and whole[name] is None:
            whole[name] = filled(model())


def _mount(name: str) -> str:
    return f"rtsp://0.0.0.0:8731/{name}"


def pipeline_changes(now: Pipeline, body: Mapping[str, Any]) -> list[Change]:
    """What a pipeline would have to change to be as the body says."""
    before, after = pipeline(said(now.spec())), pipeline(body)
    if _own_mount(before["output"], now.id) and after["output"] == _mount(now.id):
        before["output"] = after["output"]  # of a box on another port, which writes its own
    return [
        Change("output.uri", change.before, change.after) if change.field == "output" else change
        for change in differences(before, after)
    ]


def _own_mount(uri: str, name: str) -> bool:
    return bool(re.fullmatch(rf"rtsp://0\.0\.0\.0(:\d+)?/{re.escape(name)}", uri))


def differences(before: Any, after: Any, field: str = "") -> Iterator[Change]:
    """Every field that differs; a part that comes or goes is one."""
    prefix = f"{field}." if field else ""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from differences(before.get(name), after.get(name), prefix + name)
    elif _parts(before) and _parts(after):
        for index in range(max(len(before), len(after))):
            one, other = (part[index] if index < len(part) else None for part in (before, after))
            yield from differences(one, other, f"{prefix}{index}")
    elif before != after:
        yield Change(field, _shown(before), _shown(after))


def _parts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _shown(value: Any) -> Any:
    """A value without what it may hide: passwords in addresses; of a new part only what it says."""
    from flexclient._log import mask_json

    if isinstance(value, Mapping):
        value = {name: item for name, item in value.items() if item is not None}
    return mask_json(value)


def secret_changes(before: Mapping[str, str], after: Mapping[str, str], *, again: bool) -> list[Change]:
    """What is known of passwords: which there are, and where each came from. `again`: each is sent once more."""
    return [
        Change(name, before.get(name), after.get(name), secret=True)
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name) or (again and name in after)
    ]


def noted(sources: Mapping[str, str]) -> str:
    """Where secrets came from, as a text of metadata."""
    return " ".join(f"{name}={source}" for name, source in sources.items())


def note_of(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """The same read back. What it is not is passed over: anybody may write metadata."""
    words = (metadata or {}).get(SECRETS, "").split()
    return {name: source for name, sign, source in (word.partition("=") for word in words) if sign}
