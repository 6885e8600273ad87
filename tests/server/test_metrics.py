"""GET /flex/metrics: what Prometheus' own parser reads, and labels that stay few."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from flexclient.models import State
from flexserver import metrics
from flexserver.pipelines.service import Record
from flexserver.routes import TABLE
from tests.support.api import Api, until
from tests.support.media_double import FakeMedia

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(api: Api) -> Samples:
    answer = api.get("/flex/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_requests_are_counted_by_operation_and_class_of_status(api: Api) -> None:
    before = scrape(api)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - before.get((name, frozenset(labels.items())), 0)

    for _ in range(3):
        api.get("/flex/version")
    api.get("/flex/pipeline/ghost")
    api.get("/flex/no/such/address")
    api.call("BREW", "/flex/version")
    after = scrape(api)
    assert grown("flex_http_requests_total", operation="system.version", method="GET", status="2xx") == 3
    assert grown("flex_http_requests_total", operation="pipelines.get", method="GET", status="4xx") == 1
    assert grown("flex_http_requests_total", operation="none", method="GET", status="4xx") == 1
    assert grown("flex_http_requests_total", operation="none", method="other", status="4xx") == 1
    assert grown("flex_http_request_duration_seconds_count", operation="system.version") == 3
    assert grown("flex_http_request_duration_seconds_bucket", operation="system.version", le="+Inf") == 3


def test_streams_are_counted_when_they_end_and_have_no_duration(api: Api) -> None:
    key = (
        "flex_http_requests_total",
        frozenset({"operation": "events.stream", "method": "GET", "status": "2xx"}.items()),
    )
    before = scrape(api)
    with api.listen():
        assert value(scrape(api), "flex_event_readers") == before["flex_event_readers", frozenset()] + 1
    until(lambda: scrape(api).get(key, 0) == before.get(key, 0) + 1)
    assert ("flex_http_request_duration_seconds_count", frozenset({("operation", "events.stream")})) not in scrape(api)


def test_pipelines_by_state_and_each(api: Api, fake: FakeMedia) -> None:
    api.create("cam1", on_demand=False)
    api.create("cam2")
    fake.watch("cam1")
    samples = until(
        lambda: (found := scrape(api)).get(("flex_pipeline_fps", frozenset({("pipeline", "cam1")}))) and found
    )
    until(lambda: value(scrape(api), "flex_pipeline_readers", pipeline="cam1") == 1)
    assert value(samples, "flex_pipelines", state="playing") == 1
    assert value(samples, "flex_pipelines", state="ready") == 1
    assert {labels for name, labels in samples if name == "flex_pipelines"} == {
        frozenset({("state", state.value)}) for state in State
    }
    assert value(samples, "flex_pipeline_fps", pipeline="cam1") > 0
    assert value(samples, "flex_pipeline_bitrate_kbps", pipeline="cam1") > 0
    assert value(samples, "flex_pipeline_restarts_total", pipeline="cam1") == 0
    assert value(samples, "flex_pipeline_fps", pipeline="cam2") == 0


def test_restarts_are_counted(api: Api, fake: FakeMedia) -> None:
    fake.script("cam1", "crash", "play")
    api.create("cam1", on_demand=False)
    api.wait("cam1", "playing")
    assert value(scrape(api), "flex_pipeline_restarts_total", pipeline="cam1") == 1


def test_events_store_and_process(api: Api) -> None:
    before = scrape(api)
    api.create("cam1")
    after = scrape(api)
    created = "flex_events_total", frozenset({("type", "pipeline_created")})
    assert after[created] == before.get(created, 0) + 1
    assert value(after, "flex_event_id") > value(before, "flex_event_id")
    assert value(after, "flex_event_ring_events") > 0
    assert value(after, "flex_store_write_seconds_count") > value(before, "flex_store_write_seconds_count")
    assert value(after, "flex_webhook_queue") == 0
    assert value(after, "flex_part_up", part="rtsp") == 1
    assert value(after, "process_resident_memory_bytes") > 1_000_000
    assert value(after, "process_cpu_seconds_total") > 0
    assert value(after, "flex_build_info", version=api.get("/flex/version").json()["version"], gstreamer="0.0.0") == 1


def record(id: str, born: str, readers: int = 0, stats: Mapping[str, Any] | None = None) -> Record:  # noqa: A002
    found = SimpleNamespace(**dict.fromkeys(("fps", "bitrate_kbps", "dropped", "cpu_percent", "rss_bytes")))
    found.__dict__.update(stats or {})
    runner = SimpleNamespace(readers=readers, life=SimpleNamespace(restarts=1), stats=found if stats else None)
    return cast("Record", SimpleNamespace(row=SimpleNamespace(id=id, created_at=born), runner=runner))


def test_pipelines_beyond_the_limit_are_counted_together() -> None:
    many = metrics.MAX_PIPELINES + 7
    records = [record(f"p{n:03}", f"2026-01-01T00:00:{n:06.3f}Z", 1, {"fps": 10.0}) for n in range(many)]
    found = metrics.bounded(list(reversed(records)))
    assert len(found) == metrics.MAX_PIPELINES + 1
    assert found["p000"] == metrics.Reading(fps=10.0, readers=1, restarts=1)
    assert f"p{metrics.MAX_PIPELINES:03}" not in found
    assert found[metrics.REST] == metrics.Reading(fps=70.0, readers=7, restarts=7)
    assert metrics.REST not in metrics.bounded(records[: metrics.MAX_PIPELINES])


@pytest.mark.parametrize("method", ["GET", "PROPFIND", "G" * 5000])
def test_no_free_text_becomes_a_label(method: str) -> None:
    made = metrics.Metrics()
    for number in range(200):
        made.request(None, f"{method}{number}" if method != "GET" else "GET", 404, 0.1)
        made.request(TABLE.endpoints[0].name, method, 200, 0.1)
    now = metrics.Moment({}, {}, {}, 0, 0, 0, 0, {}, "")
    samples = read(made.text(now).decode())
    assert sum(name == "flex_http_requests_total" for name, _ in samples) == 2
