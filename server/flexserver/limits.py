"""How much of a request is read, and what counts as JSON. What fails here is the client's fault: 400, 413, 415."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from flexclient.models import ErrorCode, FieldError
from flexserver.errors import Refusal, invalid, invalid_field

MAX_BODY = 1024 * 1024
MAX_HEADERS = 32 * 1024
BODY_SECONDS = 10.0
HEADER_SECONDS = 10.0
MAX_DEPTH = 32
MAX_DIGITS = 20
"""Digits of an integer: as many as 64 bits may have."""
WHOLE = 2**53
"""Up to here a floating point number that looks whole is."""
MAX_REQUESTS = 256
"""Requests in work at once, event streams not counted."""
MAX_CONNECTIONS = 1024

_CLOSE = {"Connection": "close"}


async def read_body(request: Request) -> bytes:
    """The whole body. Raises `Refusal` where it is too large, too slow or cut off."""
    if int(request.headers.get("content-length", "0")) > MAX_BODY:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _collect(request)
    except TimeoutError:
        message = f"the body did not arrive within {BODY_SECONDS:g} seconds"
        raise Refusal(ErrorCode.VALIDATION_ERROR, message, headers=_CLOSE) from None
    except ClientDisconnect:
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the connection was closed before the body was complete") from None


async def _collect(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise _too_large()
    return bytes(body)


def _too_large() -> Refusal:
    message = f"the body is larger than {MAX_BODY} bytes"
    return Refusal(ErrorCode.PAYLOAD_TOO_LARGE, message, "Nothing that this box takes is that large.", headers=_CLOSE)


def check_framing(request: Request) -> None:
    """Raises `Refusal` (400) where two headers say how long the body is: a proxy may have believed the other one."""
    if "content-length" in request.headers and "transfer-encoding" in request.headers:
        message = "the request has both Content-Length and Transfer-Encoding; it may have one of them"
        raise Refusal(ErrorCode.VALIDATION_ERROR, message, headers=_CLOSE)


def check_media_type(request: Request, allowed: tuple[str, ...]) -> None:
    """Raises `Refusal` (415) where the body is declared as something else."""
    declared = request.headers.get("content-type", "")
    essence, *parameters = (part.strip().lower() for part in declared.split(";"))
    charsets = {
        value.strip(' "') for name, _, value in (part.partition("=") for part in parameters) if name == "charset"
    }
    if essence in allowed and charsets <= {"utf-8"}:
        return
    said = f"the body is declared as '{declared}'" if declared else "the body has no Content-Type"
    hint = f"Send it with the header 'Content-Type: {allowed[0]}'."
    raise Refusal(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"{said}; this needs {' or '.join(allowed)}", hint)


def parse_json(body: bytes) -> Any:
    """The JSON value of a body, read strictly: UTF-8, no duplicate keys, no NaN, at most `MAX_DEPTH` deep."""
    if not body.strip():
        raise invalid_field("", "the body is empty", "Send a JSON document.")
    try:
        text = body.decode()
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
        )
    except UnicodeDecodeError as error:
        raise invalid_field("", f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise invalid_field("", f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep() from None
    if faults := tuple(_value_faults(value, "", 0)):
        raise invalid(*faults)
    return value


def parse_object(body: bytes) -> dict[str, Any]:
    """`parse_json` of a body that must be an object."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise invalid_field("", "the body must be a JSON object")
    return value


@dataclass(frozen=True, slots=True)
class _Bad:
    """Stands in the value for what is none; only the finished value knows in which field it stands."""

    message: str


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = _Bad("the key stands twice in one object") if name in found else value
    return found


def _no_constant(name: str) -> _Bad:
    return _Bad(f"not JSON: {name} is not a number that JSON knows")


def _finite(digits: str) -> float | _Bad:
    """JSON has one kind of number: 30.0 is as whole as 30."""
    value = float(digits)
    if not math.isfinite(value):
        return _Bad(f"the number {digits[:40]} is too large")
    return int(value) if value.is_integer() and abs(value) < WHOLE else value


def _integer(digits: str) -> int | _Bad:
    return int(digits) if len(digits) <= MAX_DIGITS else _Bad(f"the number {digits[:20]}... is too large")


def _too_deep() -> Refusal:
    return invalid_field("", f"the document is nested deeper than {MAX_DEPTH} levels")


def _value_faults(value: Any, where: str, depth: int) -> Iterator[FieldError]:
    """What no field can hold: no value at all, and text with NUL or half a surrogate pair (it has no UTF-8)."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, _Bad):
        yield FieldError(field=where, message=value.message)
    elif isinstance(value, str) and (fault := _text_fault(value)):
        yield FieldError(field=where, message=fault)
    elif isinstance(value, dict):
        for name, item in value.items():
            if fault := _text_fault(name):
                yield FieldError(field=where, message=f"a key here {fault}")
            else:
                yield from _value_faults(item, f"{where}.{name}" if where else name, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _value_faults(item, f"{where}.{index}" if where else str(index), depth + 1)


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "holds the character U+0000"
    return "holds half a surrogate pair" if any("\ud800" <= letter <= "\udfff" for letter in text) else None
