"""Waits until things are as they should be: by events where the box has some, by looking again where not."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flexctl.errors import Stop
from flexctl.exits import Exit
from flexctl.live.conditions import GONE, THERE, Condition, Document, seen
from flexctl.live.feed import Feed
from flexctl.live.follow import is_event
from flexctl.live.things import Found, Thing, check

if TYPE_CHECKING:
    from flexclient import FlexClient

LOOK, LOOK_LIVE = 0.5, 5.0
"""Seconds between two looks at a box without events, and at one whose events would have told."""
CALM = 0.25
"""Seconds between two looks that events ask for."""
TELL = 2.0
"""Seconds between two remarks on what is seen."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How things should be: all of `wanted`, and none of `failing`."""

    wanted: tuple[Condition, ...]
    failing: tuple[Condition, ...] = ()

    @property
    def all(self) -> tuple[Condition, ...]:
        """Every condition."""
        return (*self.wanted, *self.failing)

    @property
    def bears_absence(self) -> bool:
        """Whether a thing may be missing meanwhile."""
        return any(condition.path in {GONE, THERE} and not condition.sign for condition in self.wanted)

    @property
    def words(self) -> str:
        """What is waited for."""
        return " and ".join(map(str, self.wanted))


@dataclass(slots=True)
class Course:
    """How far a wait has come. Pure: documents in, problems out."""

    wish: Wish
    things: Sequence[Thing]
    documents: dict[Thing, Document | None] = field(default_factory=dict)
    found: dict[Thing, Found] = field(default_factory=dict)

    @property
    def open(self) -> list[Thing]:
        """What is not yet as it should be."""
        return [thing for thing in self.things if thing not in self.found]

    def saw(self, thing: Thing, document: Document | None) -> None:
        """Take in how a thing is. What was as it should be once is done. Raises Stop where waiting is in vain."""
        if thing in self.found:
            return
        if document is not None and not self.documents.get(thing):
            check(self.wish.all, thing.kind, document)
        self.documents[thing] = document
        if all(condition.holds(document) for condition in self.wish.wanted):
            self.found[thing] = Found(thing, document, self.seen(thing))
        elif any(condition.holds(document) for condition in self.wish.failing):
            raise _failed(thing, self.wish, document)
        elif document is None and not self.wish.bears_absence:
            raise Stop(f"there is no {thing.words}", _to_list(thing), Exit.NOT_FOUND)

    def seen(self, thing: Thing) -> str:
        """What a thing was when it was last seen."""
        if thing not in self.documents:
            return "the box did not answer"
        return seen(self.documents[thing], self.wish.wanted)

    def late(self, timeout: float) -> Stop:
        """The time is up."""
        first, *rest = self.open
        sentence = f"{first.words} {unmet(self.wish)} within {timeout:g} s: {self.seen(first)}"
        details = tuple((str(thing), self.seen(thing)) for thing in rest)
        return Stop(sentence, "Allow more time with --timeout", Exit.TIMED_OUT, details)


def unmet(wish: Wish) -> str:
    """That it did not come about, as a predicate."""
    if [condition.path for condition in wish.wanted] == ["state"] and wish.wanted[0].sign == "=":
        return f"was not {' or '.join(sorted(wish.wanted[0].values))}"
    return f"did not come to {wish.words}"


def _failed(thing: Thing, wish: Wish, document: Document | None) -> Stop:
    held = next(condition for condition in wish.failing if condition.holds(document))
    state = document.get("state") if document and held.path == "state" else None
    reason = f": {document['reason']}" if state and document and document.get("reason") else ""
    what = f"is in state {state}{reason}" if state else f"came to {held}: {seen(document, [held])}"
    hint = f"why: flexctl pipeline logs {thing.name}" if thing.kind == "pipeline" else ""
    return Stop(f"{thing.words} {what}", hint)


def _to_list(thing: Thing) -> str:
    return "" if thing.kind == "settings" else f"`flexctl {thing.kind} list` shows what there is"


def wait(
    client: FlexClient,
    things: Sequence[Thing],
    wish: Wish,
    timeout: float,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Found]:
    """Wait for all of them. Raises Stop: one failed, one is not there, or the time is up; FlexError for a box that
    cannot be asked at all. One that was reached, and is away for a while, is waited for.
    """
    return _Wait(client, Course(wish, things), timeout, tell).run()


class _Wait:
    def __init__(self, client: FlexClient, course: Course, timeout: float, tell: Callable[[str], None]) -> None:
        self._client, self._course, self._timeout, self._tell = client, course, timeout, tell
        self._end = time.monotonic() + timeout
        self._looked, self._told_at, self._told = 0.0, 0.0, ""
        self._live = False

    def run(self) -> list[Found]:
        """Look, then listen and look."""
        self._look(patient=False)
        if self._course.open:
            self._listen()
        return [self._course.found[thing] for thing in self._course.things]

    def _listen(self) -> None:
        from flexclient.errors import FlexError

        names = {thing.name for thing in self._course.things if thing.kind == "pipeline"}
        only: dict[str, Any] = {"pipeline_id": sorted(names)} if len(names) == len(set(self._course.things)) else {}
        with Feed[Any](lambda put: self._client.events.stream(**only, on_state=put)) as feed:
            items: Iterator[Any] = feed.items(tick=CALM)
            while self._course.open:
                self._remark()
                if time.monotonic() >= self._end:
                    raise self._course.late(self._timeout)
                try:
                    item = next(items, None)
                except FlexError:  # it has no events
                    items, self._live = _ticks(), False
                    continue
                self._take(item)

    def _take(self, item: Any) -> None:
        """What an item of the stream means: news of a thing, a reason to look, or only that time goes by."""
        if item is not None and not is_event(item):
            self._live = item.kind == "live"
        elif item is not None and item.type == "pipeline_status":
            for thing in self._course.open:
                if (thing.kind, thing.name) == ("pipeline", item.data.id):
                    self._course.saw(thing, thing.after(self._course.documents.get(thing), item.data))
            return
        pause = CALM if item is not None else LOOK_LIVE if self._live else LOOK
        if time.monotonic() - self._looked >= pause or (item is not None and not is_event(item) and self._live):
            self._look(patient=True)
        elif item is not None:
            self._looked -= LOOK_LIVE  # soon

    def _look(self, *, patient: bool) -> None:
        """Read what is still open. `patient`: a box that does not answer now may do so later."""
        from flexclient._resume import passing
        from flexclient.errors import CallTimeout, FlexError

        for thing in self._course.open:
            left = max(self._end - time.monotonic(), 0.05)
            client = self._client.with_options(timeout=min(left, 10.0), deadline=left)
            try:
                self._course.saw(thing, thing.read(client))
            except FlexError as error:
                if not (patient and passing(error)) and not isinstance(error, CallTimeout):
                    raise
                break
        self._looked = time.monotonic()

    def _remark(self) -> None:
        """Say what is waited for, and what is seen of it: when that changes, and not too often."""
        now, first = time.monotonic(), self._course.open[0]
        others = f", and for {len(self._course.open) - 1} more" if len(self._course.open) > 1 else ""
        text = f"Waiting for {first.words}, {self._course.wish.words}{others}: {self._course.seen(first)}."
        if text != self._told and now - self._told_at >= TELL:
            self._told, self._told_at = text, now
            self._tell(text)


def _ticks() -> Iterator[None]:
    while True:
        time.sleep(CALM)
        yield None


def conditions_of(texts: Collection[str]) -> tuple[Condition, ...]:
    """The conditions that options name. Raises Misuse."""
    from flexctl.live.conditions import condition

    return tuple(condition(text) for text in texts)
