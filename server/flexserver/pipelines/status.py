"""What a pipeline looks like from outside: the documents of the API, made from a record. Pure."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING

from flexclient.models import Klv, Pipeline, PipelineError, PipelineStatus
from flexserver.pipelines.documents import without_password

if TYPE_CHECKING:
    from flexserver.pipelines.service import Record

ANY_HOST = b"\0"
"""Stands in an event for the host name that its reader knows the box by."""


def pipeline(record: Record) -> Pipeline:
    """The pipeline as it is answered; a password is left out."""
    return Pipeline.model_validate(
        {
            **without_password(record.spec),
            "state": record.runner.life.state,
            "klv": Klv(available=False),
            "order": record.row.order,
            "created_at": record.row.created_at,
            "updated_at": record.row.updated_at,
        }
    )


def status(record: Record, rtsp_port: int, host: str) -> PipelineStatus:
    """How it fares. `host` is the box as its reader knows it."""
    said = _status(record).model_dump(exclude_unset=True)
    return PipelineStatus.model_validate({**said, "output_uri": output_uri(record, rtsp_port, host)})


def status_event(record: Record, rtsp_port: int) -> bytes:
    """The same as JSON for everybody: the host is filled in where it is sent."""
    said = _status(record).model_dump_json(exclude_none=True).encode()
    uri = json.dumps(output_uri(record, rtsp_port, "\n")).encode().replace(b"\\n", ANY_HOST)
    return said[:-1] + b',"output_uri":' + uri + b"}"


def error_event(record: Record, code: str, part: str, message: str) -> bytes:
    """Data of `pipeline_error`."""
    retry = record.runner.next_retry
    error = PipelineError(message=message, id=record.row.id, code=code, reason=part, next_retry_at=retry)
    return error.model_dump_json(exclude_none=True).encode()


def output_uri(record: Record, rtsp_port: int, host: str) -> str:
    """The address to watch."""
    if record.runner.mount is not None:
        return f"rtsp://{host}:{rtsp_port}/{record.runner.mount}"
    return record.spec.output.uri if record.spec.output else ""


def _status(record: Record) -> PipelineStatus:
    runner = record.runner
    uptime = None if runner.playing_since is None else round(time.monotonic() - runner.playing_since, 3)
    return PipelineStatus(
        id=record.row.id,
        state=runner.life.state,
        order=record.row.order,
        reason=runner.reason,
        since=rounded(runner.since),
        uptime_seconds=uptime,
        restarts=runner.life.restarts,
        next_retry_at=rounded(runner.next_retry) if runner.next_retry else None,
        readers=runner.readers,
        klv=Klv(available=False),
        stats=runner.stats,
        framegrab=runner.grabs.status(record.spec, runner.playing_since, time.monotonic()),
        publisher=record.publisher,
    )


def rounded(at: datetime) -> datetime:
    """To the millisecond: nobody's clock is better."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
