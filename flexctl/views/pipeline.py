"""Pipelines and their status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexclient import Row
    from flexclient.models import Model, Pipeline, PipelineStatus


def json_of(model: Model) -> dict[str, Any]:
    """A model as the box sent it: the fields that were there; secrets, if it sent any, as stars."""
    from flexclient._log import mask_json

    masked: dict[str, Any] = mask_json(model.model_dump(mode="json", exclude_unset=True))
    return masked


def source_of(pipeline: Pipeline) -> str | None:
    """Where its pictures come from, in a few words."""
    from flexclient._log import mask_text

    if pipeline.source:
        return mask_text(pipeline.source.uri)
    if pipeline.inputs:
        return f"{len(pipeline.inputs)} inputs"
    return "launch line" if pipeline.raw_pipeline else None


def encoding_of(pipeline: Pipeline) -> str | None:
    """`h264 1280x720@30 2000k`, `h264 source@10 750k`, `h264 750k`: what keeps the source's own is left out or said so.

    A launch line has its own encoder.
    """
    from flexclient.models import DEFAULT_ENCODING

    if pipeline.raw_pipeline:
        return None
    encoding = pipeline.encoding or DEFAULT_ENCODING
    size = f"{encoding.width}x{encoding.height}" if encoding.width and encoding.height else ""
    picture = f"{size or 'source'}@{encoding.fps:g}" if encoding.fps else size
    return " ".join(filter(None, (encoding.codec, picture, f"{encoding.bitrate}k")))


def output_of(pipeline: Pipeline) -> str:
    """Where it goes: its owner's word for it, or what that is where there is none."""
    return pipeline.output.uri if pipeline.output else f"rtsp://0.0.0.0:8731/{pipeline.id}"


def mount_of(pipeline: Pipeline) -> str:
    """Where it goes, for people: of an address without a host only the mount. Host and port are the box's to say."""
    written = output_of(pipeline)
    return (urlsplit(written).path or written) if written.startswith("rtsp://0.0.0.0") else written


READY = {"armed": "ready (armed)", "stop": "ready (stopped)", "play": "ready (ended)"}
"""What `ready` means, by the order that it waits under: a source that was ordered to play and is ready has ended."""


def state_words(state: object, order: object) -> str:
    """The state, for people."""
    return READY.get(str(order), "ready") if state == "ready" else str(state)


def overlay_of(pipeline: Pipeline) -> str | None:
    """What is burnt in."""
    overlay = pipeline.overlay
    if overlay is None:
        return None
    clock = ["clock"] if overlay.timestamp is True else [str(overlay.timestamp)] if overlay.timestamp else []
    return ", ".join([*([repr(overlay.text)] if overlay.text else []), *clock, str(overlay.position)])


def _crop(pipeline: Pipeline) -> str | None:
    crop = pipeline.crop
    return f"top {crop.top}, right {crop.right}, bottom {crop.bottom}, left {crop.left}" if crop else None


def _transform(pipeline: Pipeline) -> str | None:
    turn = pipeline.transform
    if turn is None:
        return None
    words = [f"mirror {turn.mirror}" if turn.mirror != "none" else "", f"rotate {turn.rotate}" if turn.rotate else ""]
    return ", ".join(filter(None, [*words, "grayscale" if turn.grayscale else ""])) or None


def _given(*fields: Field) -> tuple[Field, ...]:
    return tuple(field for field in fields if field.value is not None)


def _details(pipeline: Pipeline) -> list[Part]:
    metadata = tuple(Field(key, value) for key, value in (pipeline.metadata or {}).items())
    source = pipeline.source
    return [
        Part(
            "",
            _given(
                Field("Id", pipeline.id),
                Field("State", state_words(pipeline.state, pipeline.order), "state"),
                Field("Order", pipeline.order),
                Field("Mode", pipeline.mode),
                Field("On demand", pipeline.on_demand, "bool"),
                Field("Source", source_of(pipeline)),
                Field("User", source.user if source else None),
                Field("Encoding", encoding_of(pipeline)),
                Field("Transform", _transform(pipeline)),
                Field("Crop", _crop(pipeline)),
                Field("Overlay", overlay_of(pipeline)),
                Field("Output", mount_of(pipeline)),
                Field("Created", pipeline.created_at),
                Field("Updated", pipeline.updated_at),
            ),
        ),
        Part("Metadata", metadata),
    ]


PIPELINE: View[Pipeline] = View(
    columns=(
        Column("id", "ID", lambda p: p.id),
        Column("state", "STATE", lambda p: p.state, "state", shown=lambda p: state_words(p.state, p.order)),
        Column("source", "SOURCE", source_of, priority=1, least=14),
        Column("encoding", "ENCODING", encoding_of, priority=2, least=24),
        Column("output", "OUTPUT", output_of, priority=3, least=14, shown=mount_of),
        Column("order", "ORDER", lambda p: p.order, priority=4, wide=True),
        Column("on_demand", "ON DEMAND", lambda p: p.on_demand, "bool", priority=5, wide=True),
        Column("mode", "MODE", lambda p: p.mode, priority=6, wide=True),
        Column("created_at", "CREATED", lambda p: p.created_at, "age", priority=7, wide=True),
        Column("updated_at", "UPDATED", lambda p: p.updated_at, "age", priority=8, wide=True),
    ),
    details=_details,
    name=lambda p: p.id,
    data=json_of,
)


def _stat(name: str) -> Any:
    return lambda status: getattr(status.stats, name, None)


def _status_details(status: PipelineStatus) -> list[Part]:
    stats, place = status.stats, status.geolocation
    measured: tuple[Field, ...] = ()
    if stats:
        measured = _given(
            Field("FPS", stats.fps, "fps"),
            Field("Bitrate", stats.bitrate_kbps, "kbps"),
            Field("Frames", stats.frames),
            Field("Dropped", stats.dropped),
            Field("Latency", stats.latency_ms, "ms"),
            Field("CPU", stats.cpu_percent, "percent"),
            Field("Memory", stats.rss_bytes, "bytes"),
        )
    return [
        Part(
            "",
            _given(
                Field("Id", status.id),
                Field("State", state_words(status.state, status.order), "state"),
                Field("Order", status.order),
                Field("Reason", status.reason or None),
                Field("Since", status.since, "age"),
                Field("Uptime", status.uptime_seconds, "seconds"),
                Field("Restarts", status.restarts),
                Field("Next try", status.next_retry_at),
                Field("Readers", status.readers),
                Field("Watch", status.output_uri),
                Field("Publisher", _publisher(status)),
                Field("Place", f"{place.latitude}, {place.longitude}" if place else None),
            ),
        ),
        Part("Encode", measured),
        Part("Framegrabs", _framegrabs(status)),
    ]


def _publisher(status: PipelineStatus) -> str | None:
    """Who pushes the source to the box."""
    if (who := status.publisher) is None:
        return None
    return f"{who.path} by {who.protocol.upper()} from {who.address}"


def _framegrabs(status: PipelineStatus) -> tuple[Field, ...]:
    grabs = status.framegrab
    if grabs is None:
        return ()
    return _given(
        Field("Newest", grabs.last_file),
        Field("Files", grabs.files),
        Field("Every", None if grabs.interval_seconds is None else f"{grabs.interval_seconds:.1f} s"),
        Field("Reason", grabs.reason),
    )


STATUS: View[PipelineStatus] = View(
    columns=(
        Column("id", "ID", lambda s: s.id),
        Column("state", "STATE", lambda s: s.state, "state", shown=lambda s: state_words(s.state, s.order)),
        Column("fps", "FPS", _stat("fps"), "fps", priority=2),
        Column("bitrate_kbps", "BITRATE", _stat("bitrate_kbps"), "kbps", priority=3),
        Column("readers", "READERS", lambda s: s.readers, "count", priority=4),
        Column("uptime_seconds", "UPTIME", lambda s: s.uptime_seconds, "seconds", priority=5),
        Column("restarts", "RESTARTS", lambda s: s.restarts, "count", priority=6, wide=True),
        Column("dropped", "DROPPED", _stat("dropped"), "count", priority=7, wide=True),
        Column("latency_ms", "LATENCY", _stat("latency_ms"), "ms", priority=8, wide=True),
        Column("cpu_percent", "CPU", _stat("cpu_percent"), "percent", priority=9, wide=True),
        Column("rss_bytes", "MEMORY", _stat("rss_bytes"), "bytes", priority=10, wide=True),
        Column("output_uri", "WATCH", lambda s: s.output_uri, priority=1, least=14),
        Column("reason", "REASON", lambda s: s.reason or None, priority=11, least=14, wide=True),
    ),
    details=_status_details,
    name=lambda s: s.id,
    data=json_of,
)


def _watched(row: Row) -> str | None:
    """Where to watch it: the box's own word for it, and until that comes the mount."""
    if row.status and row.status.output_uri:
        return row.status.output_uri
    return mount_of(row.pipeline) if row.pipeline else None


def _row_state(row: Row) -> str:
    """The state, for people: an event may know of it before the document does."""
    known = row.status or row.pipeline
    return state_words(row.state, known.order if known else None)


def _live(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.status, name, None)


def _measured(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(getattr(row.status, "stats", None), name, None)


ROW: View[Row] = View(
    columns=(
        Column("id", "ID", lambda r: r.id),
        Column("state", "STATE", lambda r: r.state, "state", shown=_row_state),
        Column("fps", "FPS", _measured("fps"), "fps", priority=2),
        Column("bitrate_kbps", "BITRATE", _measured("bitrate_kbps"), "kbps", priority=4),
        Column("readers", "READERS", _live("readers"), "count", priority=3),
        Column("uptime_seconds", "UPTIME", _live("uptime_seconds"), "seconds", priority=5),
        Column("cpu_percent", "CPU", _measured("cpu_percent"), "percent", priority=6, wide=True),
        Column("restarts", "RESTARTS", _live("restarts"), "count", priority=8, wide=True),
        Column("source", "SOURCE", lambda r: source_of(r.pipeline) if r.pipeline else None, "text", 9, 14, wide=True),
        Column("output", "WATCH", _watched, priority=1, least=14),
        Column("reason", "REASON", lambda r: (r.status and r.status.reason) or None, priority=7, least=16, if_any=True),
    ),
    details=lambda r: _status_details(r.status) if r.status else [],
    name=lambda r: r.id,
    data=lambda r: json_of(r.pipeline) if r.pipeline else {"id": r.id, "state": str(r.state)},
)
"""A pipeline in the live table: document and status joined."""
