"""What webhooks are told, made of the box's events. Pure: what was known and a frame give what is known, and news.

A pipeline runs from the moment it plays until it rests (`ready`) or is deleted: a reconnect and a restart for a change
are part of one run. One that failed (`error`) and plays again has started again. The same trouble is told once, until
the pipeline has played or rested.
"""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from flexclient.models import State, WebhookEvent
from flexserver.ring import Frame

PASSED_ON = {
    "camera_added": WebhookEvent.CAMERA_ADDED,
    "camera_removed": WebhookEvent.CAMERA_REMOVED,
    "framegrab_created": WebhookEvent.FRAMEGRAB_CREATED,
}
"""Events that webhooks are told as they are."""
HEARD = frozenset({"pipeline_status", "pipeline_error", "pipeline_deleted", *PASSED_ON})
"""All events that news can be made of."""
RESTARTED = "the box was restarted"


@dataclass(frozen=True, slots=True)
class Run:
    """What was told about a pipeline. One that rests is not remembered."""

    phase: Literal["idle", "on", "failed"] = "idle"
    trouble: str | None = None


Memory: TypeAlias = Mapping[str, Run]


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell."""

    event: WebhookEvent
    data: Mapping[str, Any]
    at: str | None = None
    """When it happened, where the event says so."""


def derive(memory: Memory, frame: Frame, host: str) -> tuple[Memory, tuple[News, ...]]:
    """What is known after an event, and the news in it. `host` is the box's name, for the addresses in its data."""
    if frame.type not in HEARD:
        return memory, ()
    data = json.loads(frame.data.replace(b"\0", host.encode()))
    if frame.type in PASSED_ON:
        return memory, (News(PASSED_ON[frame.type], data, data.get("created_at")),)
    id = str(frame.pipeline or data.get("id", ""))
    run = memory.get(id, Run())
    if frame.type == "pipeline_error":
        return _troubled(memory, id, run, data)
    return _moved(memory, id, run, State.READY if frame.type == "pipeline_deleted" else data["state"], data)


def _troubled(memory: Memory, id: str, run: Run, data: Mapping[str, Any]) -> tuple[Memory, tuple[News, ...]]:
    trouble = f"{data.get('code')} {data.get('reason')}"
    if trouble == run.trouble:
        return memory, ()
    return {**memory, id: Run(run.phase, trouble)}, (News(WebhookEvent.PIPELINE_ERROR, data),)


def _moved(memory: Memory, id: str, run: Run, state: str, data: Mapping[str, Any]) -> tuple[Memory, tuple[News, ...]]:
    at = data.get("since")
    if state == State.PLAYING:
        news = () if run.phase == "on" else (News(WebhookEvent.PIPELINE_STARTED, data, at),)
        return {**memory, id: Run("on")}, news
    if state == State.READY:
        news = () if run.phase == "idle" else (News(WebhookEvent.PIPELINE_STOPPED, data, at),)
        return {name: other for name, other in memory.items() if name != id}, news
    if state == State.ERROR and run.phase == "on":
        return {**memory, id: Run("failed", run.trouble)}, ()
    return memory, ()


def ended(memory: Memory, alive: Iterable[str] = (), reason: str | None = None) -> tuple[Memory, tuple[News, ...]]:
    """The runs that ended unseen, all but those `alive`: the box was restarted, or events were lost."""
    kept = set(alive)
    why = {} if reason is None else {"reason": reason}
    news = tuple(
        News(WebhookEvent.PIPELINE_STOPPED, {"id": id, "state": State.READY.value, **why})
        for id, run in memory.items()
        if id not in kept and run.phase != "idle"
    )
    return {id: run for id, run in memory.items() if id in kept}, news


def to_json(memory: Memory) -> str:
    """What is known, for the store."""
    return json.dumps({id: [run.phase, run.trouble] for id, run in memory.items()})


def of_json(text: str) -> Memory:
    """What is known, from the store."""
    return {id: Run(phase, trouble) for id, (phase, trouble) in json.loads(text).items()}
