"""From an answer that is no success to the error that is raised. Pure."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from flexclient import errors
from flexclient._call import Call, Headers
from flexclient._codes import ErrorCode
from flexclient.errors import ApiError, FlexError, ProtocolError

if TYPE_CHECKING:
    from flexclient.models import ErrorDocument


def _classes(root: type[ApiError] = ApiError) -> Iterator[tuple[ErrorCode, type[ApiError]]]:
    for kind in root.__subclasses__():
        yield from ((code, kind) for code in kind.codes)
        yield from _classes(kind)


CLASS_OF: dict[ErrorCode, type[ApiError]] = dict(_classes())
"""Code of the contract -> class."""

CLASS_OF_STATUS: dict[int, type[ApiError]] = {
    400: errors.ValidationError_,
    401: errors.Unauthorized,
    402: errors.LicenseError,
    403: errors.Unauthorized,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    409: errors.Conflict,
    412: errors.PreconditionFailed,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.RateLimited,
    500: errors.InternalError,
    507: errors.InsufficientStorage,
}
"""For answers without a code of the contract, and for codes that are newer than this version."""


def error_from(call: Call[Any], status: int, headers: Headers, body: bytes) -> FlexError:
    """The error that this answer means: its class by the code first, by the status second."""
    if status < 400:
        return _not_an_answer(call, status, headers)
    document = _document(body)
    code = document.code if document else ErrorCode(f"HTTP_{status}")
    kind = CLASS_OF.get(code) or CLASS_OF_STATUS.get(status, ApiError)
    reason = document.message if document else _reason(body)
    return kind(
        reason or f"the box answered {call} with status {status} and no reason",
        status=status,
        code=code,
        hint=document.hint if document else None if reason else _hint(status),
        details=document.details if document else (),
        request_id=(document and document.request_id) or headers.get("x-request-id"),
        retry_after=retry_after(headers.get("retry-after")),
        call=call,
    )


def _document(body: bytes) -> ErrorDocument | None:
    from flexclient.models import ErrorDocument  # only when there is one to read

    try:
        return ErrorDocument.model_validate_json(body)
    except ValueError:
        return None


def _reason(body: bytes) -> str | None:
    """Why, in an answer that is no error document but says it all the same: a probe's."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return said if isinstance(said, str) and said else None


def _hint(status: int) -> str | None:
    if status in {502, 503, 504}:
        return "A proxy in between answered, not the box. Is the box up?"
    return "This is not how a Flex box answers. Is the address right, port and all?" if status == 404 else None


def _not_an_answer(call: Call[Any], status: int, headers: Headers) -> ProtocolError:
    target = headers.get("location")
    if target and 300 <= status < 400:
        return ProtocolError(
            f"{call} was redirected to {target}", hint="Use that address, if it is yours: none is followed.", call=call
        )
    return ProtocolError(f"{call} was answered with status {status}", call=call)


def retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for, in either of its two forms; None where it asks for nothing."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
