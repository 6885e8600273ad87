"""The error document (API.md, Errors)."""

from __future__ import annotations

from flexclient._codes import STATUS_OF, ErrorCode
from flexclient.models._base import Model

__all__ = ["STATUS_OF", "ErrorCode", "ErrorDocument", "FieldError"]


class FieldError(Model):
    """One fault of a request."""

    field: str
    """The field's path, dotted: `encoding.bitrate`, `inputs.0.source.uri`. Empty for the document as a whole."""
    message: str
    """What is wrong with it."""


class ErrorDocument(Model):
    """The body of every answer that is not a success."""

    code: ErrorCode
    """What happened, for programs."""
    message: str
    """What happened, for people."""
    hint: str | None = None
    """What to do next."""
    details: tuple[FieldError, ...] = ()
    """The faulty fields of a rejected request."""
    request_id: str | None = None
    """The request's id, also in the `X-Request-Id` header and in the box's log."""
