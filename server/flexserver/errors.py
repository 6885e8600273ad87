"""What the box refuses, and the document that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.responses import Response

from flexclient.models import STATUS_OF, ErrorCode, ErrorDocument, FieldError


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is not done, and why. Anybody below the routes raises it; the edge answers it."""

    code: ErrorCode
    message: str
    hint: str | None = None
    details: tuple[FieldError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    """Another HTTP status than the code's own."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def invalid(*details: FieldError, hint: str | None = None) -> Refusal:
    """A 400 that names every faulty field."""
    first = details[0]
    message = f"{first.field}: {first.message}" if first.field else first.message
    if len(details) > 1:
        message += f" (and {len(details) - 1} more, see details)"
    return Refusal(ErrorCode.VALIDATION_ERROR, message, hint, details)


def invalid_field(name: str, message: str, hint: str | None = None) -> Refusal:
    """A 400 about one field."""
    return invalid(FieldError(field=name, message=message), hint=hint)


def not_found(what: str, hint: str | None = None) -> Refusal:
    """A 404."""
    return Refusal(ErrorCode.NOT_FOUND, f"{what} does not exist", hint)


def conflict(message: str, hint: str | None = None, details: Iterable[FieldError] = ()) -> Refusal:
    """A 409."""
    return Refusal(ErrorCode.CONFLICT, message, hint, tuple(details))


def document(refusal: Refusal, request_id: str) -> bytes:
    """The body that a refusal is answered with."""
    said = ErrorDocument(
        code=refusal.code,
        message=refusal.message,
        hint=refusal.hint,
        details=refusal.details,
        request_id=request_id,
    )
    return said.model_dump_json(exclude_none=True, exclude_defaults=True).encode()


def answer(refusal: Refusal, request_id: str) -> Response:
    """The whole answer to a refused request."""
    return Response(
        document(refusal, request_id),
        status_code=refusal.status or STATUS_OF[refusal.code],
        media_type="application/json",
        headers=dict(refusal.headers),
    )
