"""What Prometheus reads: counters that grow as things happen, and gauges read off the box when it is asked.

Labels are bounded: operations, methods, classes of status, states and event types are short lists, and pipelines are
the `MAX_PIPELINES` oldest by their ids and all others together.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from flexclient.models import State
from flexserver.config import software_version

if TYPE_CHECKING:
    from flexserver.box import Box
    from flexserver.pipelines.service import Record

MAX_PIPELINES = 50
"""So many pipelines have series of their own."""
REST = "(rest)"
"""Stands for all others; no pipeline can be called so."""
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The counters of one box. Counting is for the event loop's thread and costs microseconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._requests = Counter(
            "flex_http_requests", "Requests answered.", ["operation", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "flex_http_request_duration_seconds",
            "From a request's headers to the end of its answer; event streams are left out.",
            ["operation"],
            buckets=SECONDS,
            registry=self._registry,
        )
        self._writes = Histogram(
            "flex_store_write_seconds",
            "From a change to its being on the disk.",
            buckets=SECONDS,
            registry=self._registry,
        )

    def request(self, operation: str | None, method: str, status: int, seconds: float | None) -> None:
        """Count an answer. No `operation`: the address was not found; no `seconds`: it was a stream."""
        name = operation or "none"
        kind = method if method in METHODS else "other"
        self._requests.labels(name, kind, f"{status // 100}xx").inc()
        if seconds is not None and operation:
            self._seconds.labels(name).observe(seconds)

    def written(self, seconds: float) -> None:
        """Count a change of the store."""
        self._writes.observe(seconds)

    def text(self, moment: Moment) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry) + generate_latest(moment)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one pipeline, or of several together."""

    fps: float = 0.0
    bitrate_kbps: float = 0.0
    readers: int = 0
    restarts: int = 0
    dropped: int = 0
    cpu_percent: float = 0.0
    rss_bytes: int = 0

    def __add__(self, other: Reading) -> Reading:
        return Reading(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Moment:
    """The box as it is now: a value, so that it can be written down on another thread."""

    states: Mapping[State, int]
    pipelines: Mapping[str, Reading]
    events: Mapping[str, int]
    event_id: int
    event_readers: int
    event_ring: int
    webhooks_waiting: int
    parts: Mapping[str, bool]
    gstreamer: str

    def collect(self) -> Iterator[Metric]:
        """What `generate_latest` writes."""
        yield InfoMetricFamily("flex_build", "Versions.", {"version": software_version(), "gstreamer": self.gstreamer})
        states = {state.value: self.states.get(state, 0) for state in State}
        yield _labelled(GaugeMetricFamily("flex_pipelines", "Pipelines by state.", labels=["state"]), states)
        up = {part: int(good) for part, good in self.parts.items()}
        yield _labelled(GaugeMetricFamily("flex_part_up", "Whether a part of the box is well.", labels=["part"]), up)
        yield from _of_pipelines(self.pipelines)
        events = CounterMetricFamily("flex_events", "Events told, by type.", labels=["type"])
        yield _labelled(events, self.events)
        yield GaugeMetricFamily("flex_event_id", "Id of the newest event.", self.event_id)
        yield GaugeMetricFamily("flex_event_readers", "Event streams that are open.", self.event_readers)
        yield GaugeMetricFamily("flex_event_ring_events", "Events that can be replayed.", self.event_ring)
        yield GaugeMetricFamily("flex_webhook_queue", "Webhook messages that wait to be sent.", self.webhooks_waiting)


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]) -> Metric:
    for name, value in sorted(values.items()):
        family.add_metric([name], value)
    return family


def _of_pipelines(readings: Mapping[str, Reading]) -> Iterator[Metric]:
    one = ["pipeline"]
    for name, meaning, field in (
        ("fps", "Encoded pictures per second.", "fps"),
        ("bitrate_kbps", "Encoded video, kilobits per second.", "bitrate_kbps"),
        ("readers", "Who watches now.", "readers"),
        ("cpu_percent", "The worker's share of one core.", "cpu_percent"),
        ("rss_bytes", "The worker's memory.", "rss_bytes"),
        ("dropped_frames", "Pictures lost since the worker started.", "dropped"),
    ):
        family = GaugeMetricFamily(f"flex_pipeline_{name}", meaning, labels=one)
        yield _labelled(family, {pipeline: getattr(reading, field) for pipeline, reading in readings.items()})
    restarts = CounterMetricFamily("flex_pipeline_restarts", "Starts of a worker in place of another.", labels=one)
    yield _labelled(restarts, {pipeline: reading.restarts for pipeline, reading in readings.items()})


def moment(box: Box, parts: Mapping[str, bool]) -> Moment:
    """Look at the box; for the event loop's thread. Nothing is measured for it that is not known anyway."""
    records = box.pipelines.all()
    return Moment(
        states=Tally(record.runner.life.state for record in records),
        pipelines=bounded(records),
        events=dict(box.hub.told),
        event_id=box.hub.newest,
        event_readers=box.hub.readers,
        event_ring=box.hub.kept,
        webhooks_waiting=box.store.read("SELECT count(*) FROM webhook_queue WHERE state = 'pending'")[0][0],
        parts=dict(parts),
        gstreamer=box.engine.gstreamer.version or "",
    )


def bounded(records: Sequence[Record]) -> dict[str, Reading]:
    """Readings by pipeline: the oldest on their own, so that a series lasts, all others together."""
    by_age = sorted(records, key=lambda record: (record.row.created_at, record.row.id))
    found = {record.row.id: _reading(record) for record in by_age[:MAX_PIPELINES]}
    if len(by_age) > MAX_PIPELINES:
        found[REST] = _sum(map(_reading, by_age[MAX_PIPELINES:]))
    return found


def _sum(readings: Iterable[Reading]) -> Reading:
    total = Reading()
    for reading in readings:
        total += reading
    return total


def _reading(record: Record) -> Reading:
    runner, stats = record.runner, record.runner.stats
    known = Reading(readers=runner.readers, restarts=runner.life.restarts)
    if stats is None:
        return known
    return known + Reading(
        fps=stats.fps or 0.0,
        bitrate_kbps=stats.bitrate_kbps or 0.0,
        dropped=stats.dropped or 0,
        cpu_percent=stats.cpu_percent or 0.0,
        rss_bytes=stats.rss_bytes or 0,
    )
