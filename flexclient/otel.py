"""Traces: one span for each call, by OpenTelemetry (the extra `otel`) or by anything with the same small face.

    client = FlexClient(on_call=otel.traced())

A span is named by its operation, `pipelines.get`, holds all retries, and is a child of the span that is current. Its
attributes are the method, the path without the query, the box's address, the status, the request id and the error's
class and code: no header, no body, no message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from flexclient._call import Call, Reply
from flexclient.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flexclient._call import OnCall, Outcome

__all__ = ["Span", "Tracer", "traced"]


class Span(Protocol):
    """As much of a span as is used."""

    def set_attribute(self, key: str, value: Any, /) -> Any:
        """Note a value."""

    def end(self) -> Any:
        """It is over."""


class Tracer(Protocol):
    """As much of a tracer as is used."""

    def start_span(self, name: str, /, *, attributes: Mapping[str, Any]) -> Span:
        """Begin a span, under the one that is current."""
        ...


def traced(tracer: Tracer | None = None) -> OnCall:
    """What a client's `on_call` takes. Without a tracer it is OpenTelemetry's; raises ImportError where that is not
    installed.
    """
    out: Any = tracer or _installed()

    def on_call(call: Call[Any], url: str) -> Callable[[Outcome], object]:
        span: Span = out.start_span(call.operation, attributes=_asked(call, url), **_client_kind(out))

        def done(outcome: Outcome) -> None:
            for name, value in _answered(outcome).items():
                span.set_attribute(name, value)
            if isinstance(outcome, BaseException):
                _failed(span)
            span.end()

        return done

    return on_call


def _asked(call: Call[Any], url: str) -> dict[str, str | int]:
    box = urlsplit(url)
    asked: dict[str, str | int] = {"http.request.method": call.method, "url.path": call.path}
    asked["server.address"] = box.hostname or ""
    return {**asked, "server.port": box.port} if box.port else asked


def _answered(outcome: Outcome) -> dict[str, str | int]:
    said: dict[str, str | int | None] = {}
    if isinstance(outcome, Reply):
        said = {"http.response.status_code": outcome.status, "flex.request_id": outcome.request_id}
        said["flex.applied"] = outcome.applied
    elif isinstance(outcome, BaseException):
        said = {"error.type": type(outcome).__name__}
        if isinstance(outcome, ApiError):
            said |= {"http.response.status_code": outcome.status, "flex.request_id": outcome.request_id}
            said["flex.code"] = str(outcome.code)
    return {name: value for name, value in said.items() if value is not None}


def _installed() -> Any:
    from opentelemetry import trace

    from flexclient._version import __version__

    return trace.get_tracer("flexclient", __version__)


def _client_kind(tracer: Any) -> dict[str, Any]:
    """OpenTelemetry wants to know that this is the asking side; another tracer is not bothered with it."""
    if not type(tracer).__module__.startswith("opentelemetry."):
        return {}
    from opentelemetry.trace import SpanKind

    return {"kind": SpanKind.CLIENT}


def _failed(span: Any) -> None:
    if type(span).__module__.startswith("opentelemetry."):
        from opentelemetry.trace import StatusCode

        span.set_status(StatusCode.ERROR)
