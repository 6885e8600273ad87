"""The error document (API.md, Errors)."""

from __future__ import annotations

from flexclient.models._base import Model, OpenEnum


class ErrorCode(OpenEnum):
    """The codes of the contract."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNAUTHORIZED = "UNAUTHORIZED"
    LICENSE_ERROR = "LICENSE_ERROR"
    LICENSE_LIMIT_EXCEEDED = "LICENSE_LIMIT_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    PIPELINE_CONFLICT = "PIPELINE_CONFLICT"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    RATE_LIMITED = "RATE_LIMITED"
    GSTREAMER_ERROR = "GSTREAMER_ERROR"
    GSTREAMER_UNAVAILABLE = "GSTREAMER_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"
    PIPELINE_START_TIMEOUT = "PIPELINE_START_TIMEOUT"
    INSUFFICIENT_STORAGE = "INSUFFICIENT_STORAGE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


STATUS_OF: dict[ErrorCode, int] = {
    ErrorCode.VALIDATION_ERROR: 400,
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.LICENSE_ERROR: 402,
    ErrorCode.LICENSE_LIMIT_EXCEEDED: 402,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.CONFLICT: 409,
    ErrorCode.PIPELINE_CONFLICT: 409,
    ErrorCode.PRECONDITION_FAILED: 412,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.GSTREAMER_ERROR: 500,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.GSTREAMER_UNAVAILABLE: 503,
    ErrorCode.OVERLOADED: 503,
    ErrorCode.PIPELINE_START_TIMEOUT: 504,
    ErrorCode.INSUFFICIENT_STORAGE: 507,
}
"""The HTTP status that each code travels with."""


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
