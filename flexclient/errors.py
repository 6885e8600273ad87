"""Every error the client raises, one tree.

    FlexError
    ├── UsageError                     asked for something that cannot be sent (also a ValueError)
    ├── ConnectError                   no answer came
    │   ├── Unreachable                it never left: no such host, refused, no connection in time
    │   ├── TlsError                   the box's certificate is not trusted; nothing was sent
    │   └── Disconnected               the connection broke before the answer was complete
    ├── CallTimeout                    the answer did not come in time (also a TimeoutError)
    │   └── WaitTimeout                the pipeline did not reach the state in time
    ├── UnexpectedState                the pipeline came into a state that ends the wait
    ├── ProtocolError                  what answered does not speak the API
    └── ApiError                       the box said no; one class per code of the contract
        ├── ValidationError_ 400         ├── RateLimited 429
        ├── Unauthorized 401             ├── GstreamerError 500
        ├── LicenseError 402             ├── InternalError 500
        │   └── LicenseLimitExceeded     ├── GstreamerUnavailable 503
        ├── NotFound 404                 ├── Overloaded 503
        ├── MethodNotAllowed 405         ├── PipelineStartTimeout 504
        ├── Conflict 409                 └── InsufficientStorage 507
        │   └── PipelineConflict
        ├── PreconditionFailed 412
        ├── PayloadTooLarge 413
        └── UnsupportedMediaType 415

An error has its message, and where one is known a `hint`: what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from flexclient._codes import ErrorCode

if TYPE_CHECKING:
    from flexclient._call import Call
    from flexclient.models.error import FieldError
    from flexclient.models.pipeline import PipelineStatus


class FlexError(Exception):
    """The root: catch this to catch everything the client raises."""

    def __init__(self, message: str, *, hint: str | None = None, call: Call[Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        """What happened, for people."""
        self.hint = hint
        """What to do next."""
        self.call = call
        """The request that failed; its secrets do not show."""

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword arguments would be lost on the way to another process. A secret must not go that way.
        state = dict(self.__dict__)
        if self.call is not None:
            state["call"] = self.call.shown()
        return _rebuild, (type(self), self.args, state)


def _rebuild(kind: type[FlexError], args: tuple[Any, ...], state: dict[str, Any]) -> FlexError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(FlexError, ValueError):
    """Asked for something that cannot be sent: an empty id, an address that is none."""


class ConnectError(FlexError):
    """No answer came."""


class Unreachable(ConnectError):
    """The request never left: no such host, connection refused, or none in time."""


class TlsError(ConnectError):
    """The box's certificate is not trusted. Nothing was sent."""

    def __init__(
        self, message: str, *, hint: str | None = None, call: Call[Any] | None = None, fingerprint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint, call=call)
        self.fingerprint = fingerprint
        """SHA-256 of the certificate that was seen, `AA:BB:...`; None where no certificate came."""


class Disconnected(ConnectError):
    """The connection broke before the answer was complete: the request may have been carried out."""


class CallTimeout(FlexError, TimeoutError):
    """The answer did not come in time: the request may have been carried out."""


class WaitTimeout(CallTimeout):
    """A pipeline did not reach the state in time."""

    status: PipelineStatus | None = None
    """How it was last seen."""


class UnexpectedState(FlexError):
    """A pipeline came into a state that ends the wait for another one."""

    status: PipelineStatus | None = None
    """How it is."""


class ProtocolError(FlexError):
    """What answered does not speak the API: a redirect, a page, a document of another form."""


class ApiError(FlexError):
    """The box said no."""

    codes: ClassVar[tuple[ErrorCode, ...]] = ()
    """The codes of the contract that this class stands for."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: ErrorCode,
        hint: str | None = None,
        details: tuple[FieldError, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
        call: Call[Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, call=call)
        self.status = status
        """The HTTP status."""
        self.code = code
        """The contract's code; `HTTP_502` and the like where the answer had none."""
        self.details = details
        """The faulty fields of a rejected request."""
        self.request_id = request_id
        """The id under which the box logged the request."""
        self.retry_after = retry_after
        """Seconds after which the box wants to be asked again."""

    def __str__(self) -> str:
        tail = f", request {self.request_id}" if self.request_id else ""
        return f"{self.message} ({self.code}{tail})"


class ValidationError_(ApiError):  # noqa: N801 - ValidationError is pydantic's name
    """The request was rejected; `details` names the fields."""

    codes = (ErrorCode.VALIDATION_ERROR,)


class Unauthorized(ApiError):
    """No token, or an ended one."""

    codes = (ErrorCode.UNAUTHORIZED,)


class LicenseError(ApiError):
    """The licence does not cover this."""

    codes = (ErrorCode.LICENSE_ERROR,)


class LicenseLimitExceeded(LicenseError):
    """More playing streams than licensed."""

    codes = (ErrorCode.LICENSE_LIMIT_EXCEEDED,)


class NotFound(ApiError):
    """There is no such thing."""

    codes = (ErrorCode.NOT_FOUND,)


class MethodNotAllowed(ApiError):
    """The address exists, the method does not."""

    codes = (ErrorCode.METHOD_NOT_ALLOWED,)


class Conflict(ApiError):
    """The id or mount is taken, or the pipeline is not in a state for this."""

    codes = (ErrorCode.CONFLICT,)


class PipelineConflict(Conflict):
    """The camera is used by another input or pipeline."""

    codes = (ErrorCode.PIPELINE_CONFLICT,)


class PreconditionFailed(ApiError):
    """The document was changed since it was read."""

    codes = (ErrorCode.PRECONDITION_FAILED,)


class PayloadTooLarge(ApiError):
    """The body is larger than the box takes."""

    codes = (ErrorCode.PAYLOAD_TOO_LARGE,)


class UnsupportedMediaType(ApiError):
    """The body is not of the declared type."""

    codes = (ErrorCode.UNSUPPORTED_MEDIA_TYPE,)


class RateLimited(ApiError):
    """Too many requests; `retry_after` says when to come back."""

    codes = (ErrorCode.RATE_LIMITED,)


class GstreamerError(ApiError):
    """The pipeline failed; the message names element and cause."""

    codes = (ErrorCode.GSTREAMER_ERROR,)


class InternalError(ApiError):
    """A fault of the box."""

    codes = (ErrorCode.INTERNAL_ERROR,)


class GstreamerUnavailable(ApiError):
    """The box has no GStreamer."""

    codes = (ErrorCode.GSTREAMER_UNAVAILABLE,)


class Overloaded(ApiError):
    """The box has too much to do."""

    codes = (ErrorCode.OVERLOADED,)


class PipelineStartTimeout(ApiError):
    """The pipeline did not play in time. It is stored and keeps trying."""

    codes = (ErrorCode.PIPELINE_START_TIMEOUT,)


class InsufficientStorage(ApiError):
    """The box's disk is full."""

    codes = (ErrorCode.INSUFFICIENT_STORAGE,)
