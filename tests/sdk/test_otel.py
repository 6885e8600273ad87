"""Traces: spans named by operation, one a call, without secrets; with OpenTelemetry itself and with a plain tracer."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from flexclient import errors, otel
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side


class Noted:
    """A tracer that is not OpenTelemetry's."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, dict[str, Any]]] = []
        self.open = 0

    def start_span(self, name: str, /, *, attributes: Any) -> Noted:
        self.spans.append((name, dict(attributes)))
        self.open += 1
        return self

    def set_attribute(self, key: str, value: Any, /) -> None:
        self.spans[-1][1][key] = value

    def end(self) -> None:
        self.open -= 1


def test_each_call_is_a_span_of_its_operation(side: Side, box: FakeFlex) -> None:
    tracer = Noted()
    client = side.client(transport=box, url="https://gate:1", on_call=otel.traced(tracer))
    side.do(client.pipelines.create({"id": "a", "source": {"uri": "test://smpte"}}))
    with pytest.raises(errors.NotFound):
        side.do(client.pipelines.get("b"))
    side.do(client.request("GET", "/flex/version"))
    side.do(client.with_options(timeout=1).framegrabs.list(pipeline_id="a"))
    side.do(client.pipelines.wait("a", states={"ready"}))
    box.script([box.hang_up])
    side.all(client.events.stream(resume=False))
    watch = client.watch()
    side.next(watch)
    side.do(watch.close())
    assert [name for name, _ in tracer.spans] == [
        "pipelines.create", "pipelines.get", "request", "framegrabs.list", "pipelines.status", "events.stream",
        "pipelines.list",
    ]  # fmt: skip
    assert tracer.open == 0
    asked = {"server.address": "gate", "server.port": 1, "flex.request_id": tracer.spans[1][1]["flex.request_id"]}
    assert tracer.spans[1][1] == {
        **asked, "http.request.method": "GET", "url.path": "/flex/pipeline/b", "error.type": "NotFound",
        "http.response.status_code": 404, "flex.code": "NOT_FOUND",
    }  # fmt: skip
    assert tracer.spans[3][1]["url.path"] == "/flex/files/framegrabs", "without the query"


def test_retries_are_one_span(side: Side, box: FakeFlex) -> None:
    tracer = Noted()
    box.refuse("OVERLOADED", times=2, retry_after=0)
    side.do(side.client(transport=box, on_call=otel.traced(tracer)).pipelines.list())
    assert len(box.requests) == 3
    assert [(name, said["http.response.status_code"]) for name, said in tracer.spans] == [("pipelines.list", 200)]


def test_opentelemetry_itself(side: Side, box: FakeFlex) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    client = side.client(transport=box, on_call=otel.traced(tracer))
    with tracer.start_as_current_span("mine") as mine:
        side.do(client.system.version())
        box.go_down()
        with pytest.raises(errors.Unreachable):
            side.do(client.with_options(retries=0).system.version())
    fine, failed, _ = kept.get_finished_spans()
    assert (fine.name, fine.kind, fine.status.status_code) == ("system.version", SpanKind.CLIENT, StatusCode.UNSET)
    assert (failed.status.status_code, (failed.attributes or {})["error.type"]) == (StatusCode.ERROR, "Unreachable")
    assert [span.parent and span.parent.span_id for span in (fine, failed)] == [mine.get_span_context().span_id] * 2
    provider.shutdown()


def test_without_a_tracer_it_is_the_installed_one(box: FakeFlex, side: Side) -> None:
    client = side.client(transport=box, on_call=otel.traced())  # nothing is configured: it costs little, says nothing
    assert side.do(client.pipelines.list()) == []
