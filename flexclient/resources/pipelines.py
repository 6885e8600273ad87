"""Pipelines: make, change, play, stop, look at (API.md, Pipeline)."""
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from types import NoneType
from typing import Any, Literal

from flexclient._bind import M, Resource, Streaming, endpoint, flow, streaming
from flexclient._call import MERGE_PATCH_TYPE, Call, Flow, Pause, Reply, params, segment
from flexclient._ensure import Ensured, ensured
from flexclient._models import models as m
from flexclient._stream import OnState
from flexclient._values import UNSET, Unset
from flexclient.errors import CallTimeout, UnexpectedState, WaitTimeout
from flexclient.resources.events import followed

START_PATIENCE = 30.0
"""Seconds that the box may take to start a pipeline before it answers; its own limit is 10 as a rule."""

FIRST_LOOK, SLOWEST_LOOK = 0.1, 1.0
"""Seconds between looks of `wait`: each pause is half longer than the last."""


class Pipelines(Resource[M]):
    """`client.pipelines`."""

    @endpoint
    def list(
        self,
        *,
        mode: m.Mode | str | Unset = UNSET,
        on_demand: bool | Unset = UNSET,
        state: m.State | str | Unset = UNSET,
    ) -> Call[list[m.Pipeline]]:
        """Every pipeline, or those that match all that was given."""
        return Call("GET", "/flex/pipeline", _pipelines, query=params(mode=mode, on_demand=on_demand, state=state))

    @endpoint
    def get(self, id: str) -> Call[m.Pipeline]:
        """One pipeline. Raises `NotFound`."""
        return Call("GET", _path(id), _pipeline)

    @endpoint
    def create(self, spec: m.PipelineSpec | Mapping[str, Any]) -> Call[m.Pipeline]:
        """Make a pipeline. With `on_demand` false it is answered once it plays.

        Raises `ValidationError_`, `Conflict` (id or mount taken); `PipelineStartTimeout` or `GstreamerError` where it
        does not start: it is stored then and keeps trying.
        """
        return Call("POST", "/flex/pipeline", _pipeline, json=_body(spec), patience=START_PATIENCE)

    @endpoint
    def replace(
        self, id: str, spec: m.PipelineSpec | Mapping[str, Any], *, if_match: str | Unset = UNSET
    ) -> Call[m.Pipeline]:
        """Put a whole pipeline in place of the one of that id. A source password that is left out is kept.

        `if_match`: the `etag` of the reply that was read; raises `PreconditionFailed` where it was changed since.
        Raises `NotFound`, `ValidationError_`, `Conflict`.
        """
        return Call("PUT", _path(id), _pipeline, json=_body(spec), headers=_if_match(if_match), patience=START_PATIENCE)

    @endpoint
    def patch(self, id: str, changes: Mapping[str, Any], *, if_match: str | Unset = UNSET) -> Call[m.Pipeline]:
        """Change some of a pipeline: a JSON merge patch (RFC 7396), where `None` takes a field away.

        `if_match`: the `etag` of the reply that was read; raises `PreconditionFailed` where it was changed since.
        Raises `NotFound`, `ValidationError_`, `Conflict`.
        """
        headers = {"Content-Type": MERGE_PATCH_TYPE, **_if_match(if_match)}
        return Call("PATCH", _path(id), _pipeline, json=dict(changes), headers=headers, patience=START_PATIENCE)

    @endpoint
    def delete(self, id: str, *, if_match: str | Unset = UNSET) -> Call[None]:
        """Stop a pipeline and forget it. Raises `NotFound`; `PreconditionFailed` with `if_match`."""
        return Call("DELETE", _path(id), NoneType, headers=_if_match(if_match))

    @endpoint
    def play(self, id: str) -> Call[m.Pipeline]:
        """Run it, readers or not; answered once it plays.

        Raises `NotFound`, `PipelineStartTimeout`, `GstreamerError`, `GstreamerUnavailable`, `LicenseLimitExceeded`.
        """
        return Call("PUT", _path(id, "play"), _pipeline, patience=START_PATIENCE)

    @endpoint
    def stop(self, id: str) -> Call[m.Pipeline]:
        """Stop it, and refuse readers. Raises `NotFound`."""
        return Call("PUT", _path(id, "stop"), _pipeline)

    @endpoint
    def status(self, id: str) -> Call[m.PipelineStatus]:
        """How it fares. Raises `NotFound`."""
        return Call("GET", _path(id, "status"), _status)

    @endpoint
    def snapshot(self, id: str, *, width: int | Unset = UNSET) -> Call[bytes]:
        """The newest picture as JPEG, `width` pixels wide or as it is. Raises `Conflict` where it does not play."""
        return Call(
            "GET", _path(id, "snapshot.jpg"), bytes, query=params(width=width), headers={"Accept": "image/jpeg"}
        )

    @endpoint
    def graph(self, id: str, *, format: Literal["launch", "dot"] = "launch") -> Call[str]:
        """What it is built of: a `gst-launch-1.0` line that does the same, or the running graph in Graphviz's language.

        Raises `Conflict` for `dot` where it does not run.
        """
        return Call("GET", _path(id, "graph"), str, query=params(format=format), headers={"Accept": "text/plain"})

    @endpoint
    def logs(self, id: str, *, tail: int | Unset = UNSET) -> Call[str]:
        """The last lines of its worker: 1 to 1000, 100 where nothing is said."""
        return Call("GET", _path(id, "logs"), str, query=params(tail=tail), headers={"Accept": "text/plain"})

    @streaming
    def events(
        self, id: str, *, since: int | Unset = UNSET, resume: bool = True, on_state: OnState | None = None
    ) -> Streaming[m.Event[Any]]:
        """The events of one pipeline; those after event number `since` first. See `client.events.stream`."""
        return followed(_path(id, "events"), {}, since=since, resume=resume, on_state=on_state)

    @flow
    def ensure(self, spec: m.PipelineSpec | Mapping[str, Any]) -> Flow[Ensured]:
        """Have a pipeline be as `spec` says: created, replaced where it differs, or left alone; which of them.

        Defaults that one side leaves out are no difference, nor is a password, which no box tells: `replace` sends it.
        What somebody else writes in between is not lost: it is read and compared again (`If-Match`). Raises what
        `create` and `replace` raise.
        """
        body = _body(spec)
        id = str(body.get("id", ""))  # noqa: A001 - the API's word
        create, get = Pipelines.create.plan(self, body), Pipelines.get.plan(self, id)
        return ensured(
            get, create, lambda etag: Pipelines.replace.plan(self, id, body, if_match=etag), _read_spec(body)
        )

    @flow
    def wait(
        self,
        id: str,
        *,
        states: Collection[m.State | str] = frozenset({"playing"}),
        fail_states: Collection[m.State | str] = frozenset({"error"}),
        until: Callable[[m.PipelineStatus], object] | None = None,
        timeout: float = 30.0,
    ) -> Flow[m.PipelineStatus]:
        """Look until it is in one of `states`, or until `until` says yes to its status, for at most `timeout` seconds.

            client.pipelines.wait("gate", until=lambda status: status.readers)

        Raises `UnexpectedState` once it is in one of `fail_states`, `WaitTimeout`, `NotFound`.
        """
        met = until or (lambda status: status.state in states)
        end = time.monotonic() + timeout
        pause = FIRST_LOOK
        last: m.PipelineStatus | None = None
        while (left := end - time.monotonic()) > 0:
            try:
                reply: Reply[m.PipelineStatus] = yield replace(Pipelines.status.plan(self, id), deadline=left)
                last = reply.data
            except CallTimeout:
                break
            if met(last):
                return last
            if last.state in fail_states:
                raise _unexpected(last)
            yield Pause(min(pause, max(0.0, end - time.monotonic())))
            pause = min(pause * 1.5, SLOWEST_LOOK)
        raise _not_in_time(id, "as wanted" if until else _either(states), timeout, last)


def _pipeline() -> type[m.Pipeline]:
    return m.Pipeline


def _pipelines() -> type[list[m.Pipeline]]:
    return list[m.Pipeline]


def _status() -> type[m.PipelineStatus]:
    return m.PipelineStatus


def _path(id: str, *rest: str) -> str:
    return "/".join(("/flex/pipeline", segment(id), *rest))


def _body(spec: m.PipelineSpec | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(spec, m.Pipeline):
        spec = spec.spec()
    return spec.body() if isinstance(spec, m.PipelineSpec) else dict(spec)


def _if_match(etag: str | Unset) -> dict[str, str]:
    return {} if isinstance(etag, Unset) else {"If-Match": etag}


def _read_spec(body: Mapping[str, Any]) -> m.PipelineSpec | None:
    """A body as a spec; None for one that is none, which the box refuses with the fields' names."""
    try:
        return m.PipelineSpec.model_validate({name: body[name] for name in body if name not in m.READ_ONLY})
    except ValueError:
        return None


def _unexpected(status: m.PipelineStatus) -> UnexpectedState:
    reason = f": {status.reason}" if status.reason else ""
    error = UnexpectedState(
        f"pipeline {status.id} is in state {status.state}{reason}",
        hint="Its log says more: pipelines.logs(), flexctl pipeline logs.",
    )
    error.status = status
    return error


def _either(states: Collection[m.State | str]) -> str:
    return " or ".join(sorted(map(str, states)))


def _not_in_time(id: str, wanted: str, timeout: float, last: m.PipelineStatus | None) -> WaitTimeout:
    seen = f"it is {last.state}" + (f" ({last.reason})" if last.reason else "") if last else "the box did not answer"
    error = WaitTimeout(f"pipeline {id} was not {wanted} within {timeout:g} s: {seen}")
    error.status = last
    return error
