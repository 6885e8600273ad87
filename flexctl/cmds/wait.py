"""`flexctl wait`."""

from typing import Annotated

import typer

from flexctl.options import some_time
from flexctl.state import state_of

Timeout = Annotated[
    float,
    typer.Option(
        metavar="DURATION", parser=some_time, show_default=False, help="Longest wait for all of them (default: 30s)."
    ),
]


def wait(
    ctx: typer.Context,
    things: Annotated[list[str], typer.Argument(metavar="KIND/NAME...", help="What to wait for, as pipeline/cam1.")],
    for_: Annotated[
        list[str], typer.Option("--for", metavar="CONDITION", help="How it should be. Several must all come true.")
    ],
    or_fail: Annotated[
        list[str] | None, typer.Option("--or-fail", metavar="CONDITION", help="What ends the wait with exit 1.")
    ] = None,
    timeout: Timeout = 30.0,
) -> None:
    """Wait until things are as they should be.

    Things: pipeline/ID, webhook/ID, camera//dev/video0 (its path, id or name), framegrab/FILE (* stands for anything),
    settings.

    Conditions: FIELD=A,B (one of them), FIELD!=A, FIELD>=N, <=, >, <, FIELD~REGEX on any field of the JSON, a
    pipeline's joined with its status; nested ones with dots. FIELD= is one without a value. `delete` waits until it
    is gone, `exists` until it is there; anything else that is not there is exit 3.

    Exit 0 when all came true, each at its time; 1 when one of --or-fail did, 6 when the time ran out.

    flexctl wait pipeline/cam1 pipeline/cam2 --for state=playing --or-fail state=error --timeout 1m
    flexctl wait pipeline/cam1 --for 'stats.fps>=25' --for 'readers>0'
    flexctl wait pipeline/cam1 --for delete
    flexctl wait 'framegrab/cam1-*' --for exists -o json
    """
    from flexctl.live.things import FOUND, thing
    from flexctl.live.waiting import Wish, conditions_of
    from flexctl.live.waiting import wait as waited

    run = state_of(ctx)
    named = list(dict.fromkeys(map(thing, things)))
    wish = Wish(conditions_of(for_), conditions_of(or_fail or ()))
    found = waited(run.client, named, wish, timeout, run.out.say)
    for item in found:
        run.out.done(f"{item.thing.words}: {item.seen}.")
    run.out.results(found, FOUND)
