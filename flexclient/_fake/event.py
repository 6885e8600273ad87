"""The fake box's event streams. In memory, no I/O."""
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

from flexclient._fake.box import FakeAnswer, FakeBox, Seen
from flexclient._fake.events import Wanted
from flexclient._fake.route import Route


def events(box: FakeBox, seen: Seen, id: str | None = None) -> FakeAnswer:
    """The stream of everything, or of one pipeline."""
    if id is not None:
        box.find(id)
    asked = {name: set(filter(None, seen.query.get(name, "").split(","))) for name in ("types", "pipeline_id")}
    return followed(box, seen, Wanted(asked["types"], {id} if id is not None else asked["pipeline_id"]))


def followed(box: FakeBox, seen: Seen, wanted: Wanted) -> FakeAnswer:
    """A stream of what is wanted, from where the request says."""
    since = seen.headers.get("last-event-id") or seen.query.get("since")
    snapshot = [box.status(kept) for kept in box.kept.values()]
    feed = box.ring.listen(wanted, int(since) if since else None, snapshot)
    feed.token = box.bearer(seen)
    return FakeAnswer(200, {"content-type": "text/event-stream", "cache-control": "no-store"}, feed)


ROUTES = (Route("GET", "/flex/events", events, query=("types", "pipeline_id", "since"), ours=True),)
