"""From a request's body to a pipeline that may be stored, or to the faults that name its fields."""

# ruff: noqa: A002 - what the API calls id and type is called so here

from __future__ import annotations

import ipaddress
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

from pydantic.fields import FieldInfo

from flexclient.models import (
    READ_ONLY,
    FieldError,
    InvalidDocument,
    Model,
    Order,
    Output,
    Pipeline,
    PipelineSpec,
    Source,
    check,
)
from flexserver.announce import metadata
from flexserver.devices.nodes import DEVICE, device_of
from flexserver.errors import invalid, invalid_field
from flexserver.media import graph
from flexserver.media.sources import camera_of
from flexserver.pipelines.cameras import cameras_of

DEFAULT_OUTPUT = "rtsp://0.0.0.0:8731/"
MASK = "**********"
"""What a hidden password is shown as; it is never one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What this box allows."""

    rtsp_port: int
    media_roots: tuple[Path, ...]
    allow_advanced: bool
    hosts: frozenset[str] = frozenset()
    """Names and addresses of this box, in small letters: its certificate's."""


def parse(body: dict[str, Any]) -> PipelineSpec:
    """The pipeline that a body describes, whether this box can have it or not. Raises `Refusal` with every fault."""
    written = {name: value for name, value in body.items() if name not in READ_ONLY}
    try:
        return check(PipelineSpec, json.dumps(written))
    except InvalidDocument as error:
        raise invalid(*error.details) from None


def examine(spec: PipelineSpec, rules: Rules) -> PipelineSpec:
    """The pipeline, complete, where this box can have it. Raises `Refusal` that names every fault at once."""
    if faults := tuple(_faults(spec, rules)):
        raise invalid(*faults)
    if faults := tuple(file_faults(spec, rules.media_roots)):
        raise invalid(*faults, hint=f"Files may lie in {', '.join(map(str, rules.media_roots))}.")
    if faults := (*_camera_faults(spec), *_interface_faults(spec)):
        raise invalid(*faults)
    return _complete(spec)


def _faults(spec: PipelineSpec, rules: Rules) -> Iterator[FieldError]:
    unsupported = graph.unsupported(spec, advanced=rules.allow_advanced)
    named = {fault.field for fault in unsupported}
    yield from unsupported
    yield from graph.check_shape(spec)
    if spec.source:
        yield from (fault for fault in graph.check_source(spec.source) if fault.field not in named)
        yield from _login_faults(spec.source)
    yield from metadata.faults(spec.metadata)
    output = spec.output or Output(uri=DEFAULT_OUTPUT + spec.id)
    yield from tuple(graph.check_output(output, rules.rtsp_port)) or _push_faults(output.uri, rules.hosts)


def _login_faults(source: Source) -> Iterator[FieldError]:
    """An address is answered to everybody; a password is not, and the stars in its place are none."""
    if "@" in source.uri.partition("://")[2].partition("/")[0]:
        message = "a user and a password belong into source.user and source.password, not into the address"
        yield FieldError(field="source.uri", message=message)
    if source.password and source.password.get_secret_value() == MASK:
        message = "these stars stand for a hidden password: send the password itself, or leave the field out to keep it"
        yield FieldError(field="source.password", message=message)


def _push_faults(uri: str, ours: frozenset[str]) -> Iterator[FieldError]:
    """An rtsp:// output of another host would be a push."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme == "rtsp" and not (host in ours or _is_here(host)):
        message = (
            f"'{host}' is not this box, and an rtsp push is not supported by this version of the box; "
            "rtsp://0.0.0.0:8731/<name> is served by the box itself"
        )
        yield FieldError(field="output.uri", message=message)


def _is_here(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("", "localhost")
    return address.is_unspecified or address.is_loopback


def file_faults(spec: PipelineSpec, roots: tuple[Path, ...]) -> Iterator[FieldError]:
    """Whether a file source is there and inside the allowed folders. Looks at the disk; links are followed first."""
    if spec.source is None or not spec.source.uri.startswith("file:") or camera_of(spec.source.uri):
        return
    try:
        message = _file_fault(Path(os.path.realpath(unquote(urlsplit(spec.source.uri).path))), roots)
    except OSError as error:
        message = f"the box cannot look at this file: {error.strerror}"
    if message:
        yield FieldError(field="source.uri", message=message)


def _file_fault(path: Path, roots: tuple[Path, ...]) -> str | None:
    if not any(path.is_relative_to(os.path.realpath(root)) for root in roots):
        return "the file is outside the folders that this box may read"
    if not path.is_file():
        return f"there is no file {path}"
    return None if os.access(path, os.R_OK) else f"the box may not read {path}"


def _camera_faults(spec: PipelineSpec) -> Iterator[FieldError]:
    """Whether what is where a camera should be is one. One that is not there may be plugged in later."""
    for field, path in cameras_of(spec):
        device = device_of(path)
        if device is None or (not DEVICE.fullmatch(device) and os.path.lexists(device)):
            yield FieldError(field=field, message=f"{path} is no camera: cameras are /dev/videoN and links to them")


def _interface_faults(spec: PipelineSpec) -> Iterator[FieldError]:
    """Whether the network interface is there. Asks the kernel."""
    if spec.source is None or (name := spec.source.network_interface) is None:
        return
    here = [known for _, known in socket.if_nameindex()]
    if name not in here:
        message = f"this box has no network interface '{name}'; it has {', '.join(here)}"
        yield FieldError(field="source.network_interface", message=message)


def _complete(spec: PipelineSpec) -> PipelineSpec:
    """What every answer shows is said; what is null is as if absent."""
    said = {name: getattr(spec, name) for name in PipelineSpec.model_fields if getattr(spec, name) is not None}
    fields = spec.model_fields_set & said.keys() | {"mode", "on_demand"}
    return PipelineSpec.model_construct(_fields_set=fields, **said)


def first_order(spec: PipelineSpec) -> Order:
    """What a new pipeline is told."""
    return Order.ARMED if spec.on_demand else Order.PLAY


def whole(body: dict[str, Any], id: str, stored: PipelineSpec) -> dict[str, Any]:
    """A PUT's body: the id may be left out, and so may the password of an unchanged source."""
    if body.get("id", id) != id:
        raise invalid_field("id", f"the address names '{id}', the body another pipeline", "An id cannot be changed.")
    return _with_password({**body, "id": id}, stored, said=_says_password(body))


def merged(changes: dict[str, Any], stored: PipelineSpec) -> dict[str, Any]:
    """A PATCH's result: the stored pipeline with a JSON merge patch (RFC 7396) laid over it."""
    if changes.get("id", stored.id) != stored.id:
        raise invalid_field("id", "an id cannot be changed", "Create a pipeline with the new id and delete this one.")
    if faults := tuple(_unknown(changes, Pipeline)):
        raise invalid(*faults)
    result = _merge(without_password(stored), changes)
    return _with_password(result, stored, said=_says_password(changes))


def _unknown(changes: dict[str, Any], model: type[Model], prefix: str = "") -> Iterator[FieldError]:
    """Fields that a patch removes and that no pipeline has: after the merge nobody would see them."""
    for name, value in changes.items():
        info = model.model_fields.get(name)
        if info is None and value is None:
            yield FieldError(field=prefix + name, message="there is no such field")
        elif info and isinstance(value, dict) and (part := _part(info)):
            yield from _unknown(value, part, f"{prefix}{name}.")


def _part(info: FieldInfo) -> type[Model] | None:
    """The model that a field holds, if it holds one."""
    kinds = (info.annotation, *get_args(info.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Model)), None)


def without_password(spec: PipelineSpec) -> dict[str, Any]:
    """The body as it is answered."""
    body = spec.body()
    if isinstance(body.get("source"), dict):
        body["source"].pop("password", None)
    return body


def _merge(target: Any, changes: Any) -> Any:
    if not isinstance(changes, dict):
        return changes
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge(result.get(name), value)
    return result


def _says_password(body: dict[str, Any]) -> bool:
    source = body.get("source")
    return isinstance(source, dict) and "password" in source


def _with_password(body: dict[str, Any], stored: PipelineSpec, *, said: bool) -> dict[str, Any]:
    """Keep the stored password where none was said and it still goes to the same place."""
    source, old = body.get("source"), stored.source
    if said or not isinstance(source, dict) or old is None or old.password is None:
        return body
    if (source.get("uri"), source.get("user")) != (old.uri, old.user):
        return body
    return {**body, "source": {**source, "password": old.password.get_secret_value()}}


def stored_json(spec: PipelineSpec) -> str:
    """What goes into the store: everything that was set, the password too."""
    return json.dumps(spec.body(), separators=(",", ":"))


def from_store(text: str) -> PipelineSpec:
    """What comes out of the store."""
    return PipelineSpec.model_validate_json(text)
