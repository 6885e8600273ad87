"""`flexctl discover`."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.options import some_time
from flexctl.state import State, state_of
from flexctl.views.found import FOUND, Found, trust_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flexctl.live.discovery import Heard
    from flexctl.out.table import Line

WHAT_TO_CHECK = """\
Is this machine on their network? mDNS does not leave one.
Does a firewall let UDP port 5353 through?
Is its mdns_enabled off, or is it on 127.0.0.1 alone?
A box whose address is known needs no search: --url"""
SHOWN = 3
"""Boxes whose fingerprints are printed for copying; of more, only with -o wide or json."""


def discover(
    ctx: typer.Context,
    timeout: Annotated[
        float,
        typer.Option(metavar="DURATION", parser=some_time, show_default=False, help="How long to look (default: 3s)."),
    ] = 3.0,
    count: Annotated[
        int | None, typer.Option("--count", metavar="N", help="Stop by itself after so many boxes.")
    ] = None,
) -> None:
    """Find the boxes on this network, by mDNS.

    A fingerprint that came over the network is only a claim: compare it with what the box prints when it starts.

    flexctl discover
    flexctl discover --count 1 -o name
    flexctl discover --timeout 10s -o json --query '[].url'
    """
    run = state_of(ctx)
    boxes = _search(run, timeout, count)
    run.out.list(boxes, FOUND, ("No box was found.", WHAT_TO_CHECK))
    if boxes and run.out.form == "table":
        _tell_trust(run, boxes)


def _search(run: State, seconds: float, count: int | None) -> list[Found]:
    """Look until the time is up or enough were found; meanwhile a terminal shows them."""
    from flexctl.live.discovery import Discovery
    from flexctl.live.feed import Feed
    from flexctl.live.follow import in_place

    boxes: dict[str, Found] = {}
    with Feed["Heard"](lambda _put: Discovery()) as feed:
        items = _until(feed.items(seconds), boxes, count)
        with suppress(KeyboardInterrupt):  # whoever has seen enough need not wait
            if in_place(run):
                _draw(run, items, boxes, seconds)
            for _ in items:
                run.out.still_read()
    return [boxes[name] for name in sorted(boxes, key=str.casefold)]


def _until(items: "Iterator[Heard | None]", boxes: dict[str, Found], count: int | None) -> "Iterator[None]":
    """Take in what is heard, until there are so many."""
    for heard in items:
        if heard and heard.box:
            boxes[heard.name] = heard.box
        elif heard:
            boxes.pop(heard.name, None)
        if count is not None and len(boxes) >= count:
            return
        yield


def _draw(run: State, items: "Iterator[None]", boxes: dict[str, Found], seconds: float) -> None:
    """The table as it grows. It goes at the end: the last one is printed, and stays."""
    from flexctl.live.screen import Screen
    from flexctl.out.style import Span
    from flexctl.out.table import Look, choose, table

    end = time.monotonic() + seconds

    def lines() -> "list[Line]":
        width, height = screen.size
        look = Look(run.out.clock(), True, width, run.out.terminal.unicode)
        rows = [boxes[name] for name in sorted(boxes, key=str.casefold)]
        found = table(choose(FOUND, wide=run.out.form == "wide", names=run.out.columns), rows, look) if rows else []
        left = max(round(end - time.monotonic()), 0)
        return [*found[: height - 2], [Span(f"looking, {left}s left  Ctrl-C ends", "dim")]]

    with Screen(run.out.terminal) as screen:
        try:
            for _ in items:
                screen.draw(lines())
        finally:
            screen.draw([])


def _tell_trust(run: State, boxes: list[Found]) -> None:
    if len(boxes) > SHOWN:
        run.out.say(f"{len(boxes)} boxes. Their fingerprints: flexctl discover -o wide")
        return
    which = "it" if len(boxes) == 1 else "one"
    known = any(box.fingerprint for box in boxes)
    if_it_is = ", if its fingerprint is what the box itself prints when it starts" if known else ""
    run.out.say(f"Use {which}{if_it_is}:", "\n".join(trust_lines(box) for box in boxes))
