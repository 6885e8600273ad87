"""What happens on the box, as it happens (API.md, Events)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flexclient._bind import M, Resource, Streaming, streaming
from flexclient._call import Call, params
from flexclient._models import models as m
from flexclient._resume import Follower
from flexclient._stream import OnState
from flexclient._values import UNSET, Unset
from flexclient._watch import Change, Watcher

STREAM_HEADERS = {"Accept": "text/event-stream", "Cache-Control": "no-store"}


class Events(Resource[M]):
    """`client.events`."""

    @streaming
    def stream(
        self,
        *,
        types: Collection[str] | Unset = UNSET,
        pipeline_id: str | Collection[str] | Unset = UNSET,
        since: int | Unset = UNSET,
        resume: bool = True,
        on_state: OnState | None = None,
    ) -> Streaming[m.Event[Any]]:
        """Every event, or those of some `types`, or of some pipelines; those after event number `since` first.

        It opens when it is first read, and with `resume` again by itself whenever the connection is lost: where events
        have ids nothing is lost or doubled, and a `gap` event says where something was. `on_state` is told when the
        connection goes and comes. Raises `FlexError` where it cannot be opened the first time, or never again.
        """
        query = params(types=types, pipeline_id=pipeline_id)
        return followed("/flex/events", query, since=since, resume=resume, on_state=on_state)

    @streaming
    def watch_pipelines(self, *, pipeline_id: str | Collection[str] | Unset = UNSET) -> Streaming[Change]:
        """The table of all pipelines, or of some, and every change of it: the list joined with the events.

        Each `Change` has the whole table after it. It survives restarts of the box; one without events is asked every
        two seconds. Raises `FlexError` where the first list cannot be read, or the box refuses for good.
        """
        query = params(pipeline_id=pipeline_id)
        only = None if isinstance(pipeline_id, Unset) else frozenset(query["pipeline_id"].split(","))
        call = Call("GET", "/flex/events", type(None), query=query, headers=STREAM_HEADERS)
        listing = Call("GET", "/flex/pipeline", lambda: list[m.Pipeline], operation="pipelines.list")
        return Streaming(call, Watcher(listing, Follower(call), only))


def followed(
    path: str, query: dict[str, str], *, since: int | Unset, resume: bool = True, on_state: OnState | None = None
) -> Streaming[m.Event[Any]]:
    """The stream at that path."""
    call = Call("GET", path, type(None), query=query, headers=STREAM_HEADERS)
    begin = None if isinstance(since, Unset) else since
    return Streaming(call, Follower(call, since=begin, resume=resume), on_state)
