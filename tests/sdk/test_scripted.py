"""A scripted server that drops, repeats, stalls and forgets, cut at any byte: nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from flexclient import FlexClient

END = {"drop": httpx.ReadError, "stall": httpx.ReadTimeout, "tear": httpx.RemoteProtocolError}


@dataclass(frozen=True)
class Visit:
    """What one connection does."""

    cut: int
    """After so many bytes it ends, wherever that is."""
    size: int
    """Bytes of a chunk."""
    end: str
    repeats: int = 0
    """So many events before the ones that were asked for come again."""
    forgets: bool = False
    """What was asked for is not there any more: a gap and a snapshot."""


@dataclass
class Script(httpx.BaseTransport):
    """Events 1 to `count`, over connections that do as they are told; the last one brings everything."""

    count: int
    visits: list[Visit]
    line_end: bytes
    gaps: list[int] = field(default_factory=list)
    """Up to which event each snapshot stood for what was forgotten."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        since = int(request.headers.get("last-event-id") or request.url.params["since"])
        visit = self.visits.pop(0) if self.visits else Visit(1 << 30, 1 << 16, "")
        return httpx.Response(
            200, headers={"content-type": "text/event-stream"}, stream=Body(visit, self.text(since, visit))
        )

    def text(self, since: int, visit: Visit) -> bytes:
        first, head = since + 1, b""
        if visit.forgets and since < self.count:
            first = min(since + 3, self.count + 1)
            head = self.event(first - 1, "gap", "{}") + self.event(first - 1, "pipeline_deleted", '{"id": "snapshot"}')
        else:
            first = max(1, first - visit.repeats)
        events = (self.event(n, "pipeline_deleted", f'{{"id": "{n} \u00fc"}}') for n in range(first, self.count + 1))
        return head + b"".join(events) + self.event(self.count, "bye", "{}")

    def event(self, number: int, kind: str, data: str) -> bytes:
        lines = [f"id: {number}", f"event: {kind}", f"data: {data}", "", ": beat", ""]
        return b"".join(line.encode() + self.line_end for line in lines)


@dataclass
class Body(httpx.SyncByteStream):
    """One connection."""

    visit: Visit
    text: bytes

    def __iter__(self) -> Iterator[bytes]:
        text = self.text[: self.visit.cut]
        yield from (text[i : i + self.visit.size] for i in range(0, len(text), self.visit.size))
        if self.visit.cut < len(self.text) and self.visit.end in END:
            raise END[self.visit.end]("peer closed connection")


VISITS = st.builds(
    Visit,
    cut=st.integers(0, 500),
    size=st.integers(1, 60),
    end=st.sampled_from(["drop", "stall", "tear", "hang up"]),
    repeats=st.integers(0, 4),
    forgets=st.booleans(),
)


@settings(deadline=None, max_examples=150)
@given(count=st.integers(0, 12), visits=st.lists(VISITS, max_size=8), line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_nothing_is_lost_or_doubled(count: int, visits: list[Visit], line_end: bytes) -> None:
    script = Script(count, [Visit(500, 60, "drop"), *visits] if count else visits, line_end)
    seen: list[int] = []
    missed: set[int] = set()
    with (
        patch("flexclient._resume.RETRY", 0.0),
        FlexClient(transport=script, retries=0) as client,
        client.events.stream(since=0) as stream,
    ):
        for event in stream:
            if event.type == "bye":
                break
            if event.type == "gap":
                assert event.id is not None
                missed |= set(range((seen or [0])[-1] + 1, event.id + 1))
            elif event.data.id != "snapshot":
                assert event.data.id == f"{event.id} \u00fc", "whole, wherever it was cut"
                seen.append(event.id or 0)
    assert seen == sorted(set(seen)), "nothing comes twice"
    assert sorted({*seen, *missed}) == list(range(1, count + 1)), "what is not there was told by a gap"
    assert not set(seen) & missed
