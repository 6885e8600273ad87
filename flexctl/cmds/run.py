"""`flexctl pipeline play|stop|status|wait`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.reading import show
from flexctl.cmds.sending import each, shown, watch_hint
from flexctl.errors import Misuse
from flexctl.options import Curl, DryRun, Id, Ids, names, some_time
from flexctl.state import state_of
from flexctl.views.pipeline import PIPELINE, STATUS

if TYPE_CHECKING:
    from flexclient.models import Pipeline


def play(ctx: typer.Context, ids: Ids, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Encode now, readers or not. Comes back when it plays.

    A source that is not there yet is exit 8: the order stands, and the box keeps trying. What can never work as it is,
    such as a launch line with a fault, is exit 1.

    flexctl pipeline play cam1 cam2
    """
    run = state_of(ctx)

    def act(name: str) -> "Pipeline | None":
        if shown(run, run.client.pipelines.play.plan(name), dry_run=dry_run, curl=curl):
            return None
        pipeline = run.client.pipelines.play(name)
        run.out.done(f"{name} is {pipeline.state}.", watch_hint(run, name))
        return pipeline

    each(run, ids, act, PIPELINE)


def stop(ctx: typer.Context, ids: Ids, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Stop encoding and refuse readers, until it is played again.

    flexctl pipeline stop cam1
    flexctl pipeline list -o name | xargs flexctl pipeline stop
    """
    run = state_of(ctx)

    def act(name: str) -> "Pipeline | None":
        if shown(run, run.client.pipelines.stop.plan(name), dry_run=dry_run, curl=curl):
            return None
        pipeline = run.client.pipelines.stop(name)
        run.out.done(f"{name} is {'stopping' if pipeline.state == 'stopping' else 'stopped'}.")
        return pipeline

    each(run, ids, act, PIPELINE)


def status(ctx: typer.Context, id: Id, curl: Curl = False) -> None:  # noqa: A002
    """Show how a pipeline fares: state and why, rate, readers, what it costs.

    flexctl pipeline status cam1
    flexctl pipeline status cam1 --query stats.fps
    """
    run = state_of(ctx)
    show(run, run.client.pipelines.status.plan(id), STATUS, curl=curl)


def wait(
    ctx: typer.Context,
    ids: Ids,
    for_: Annotated[
        str,
        typer.Option(
            "--for", metavar="STATE[,..]", show_default=False, help="The states to wait for (default: playing)."
        ),
    ] = "playing",
    or_fail: Annotated[
        str,
        typer.Option(
            "--or-fail",
            metavar="STATE[,..]",
            show_default=False,
            help="States that end it with exit 1 (default: error).",
        ),
    ] = "error",
    timeout: Annotated[
        float,
        typer.Option(
            metavar="DURATION",
            parser=some_time,
            show_default=False,
            help="Longest wait for all of them (default: 30s).",
        ),
    ] = 30.0,
) -> None:
    """Wait until pipelines reach a state.

    Exit 0 when all did, 1 when one reached a state that --or-fail names, 6 when the time ran out.

    flexctl pipeline wait cam1 cam2 --timeout 1m
    flexctl pipeline wait cam1 --for ready,error --or-fail reconnecting
    """
    from flexclient.models import PipelineStatus
    from flexctl.live.conditions import Condition
    from flexctl.live.things import Thing
    from flexctl.live.waiting import Wish
    from flexctl.live.waiting import wait as waited

    run = state_of(ctx)
    states, fail_states = _states(for_), _states(or_fail)
    failing = (Condition("state", "=", tuple(fail_states - states)),) if fail_states - states else ()
    wish = Wish((Condition("state", "=", tuple(sorted(states))),), failing)
    things = [Thing("pipeline", name, brief=True) for name in dict.fromkeys(ids)]
    found = [PipelineStatus.model_validate(item.document) for item in waited(run.client, things, wish, timeout)]
    seen = ", ".join(f"{status.id} is {status.state}" for status in found)
    run.out.changed(f"{seen}.", found, STATUS)


def _states(text: str) -> set[str]:
    """The states of `playing,ready`; `state=playing` says the same."""
    states = {word.removeprefix("state=") for word in names(text)}
    known = ("ready", "starting", "playing", "reconnecting", "stopping", "error")
    for state in states:
        if state not in known:
            raise Misuse(f"'{state}' is no state", f"the states are {', '.join(known)}")
    return states
