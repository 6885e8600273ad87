"""`flexctl pipeline play|stop|status|wait`."""

from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.reading import show
from flexctl.cmds.sending import each, shown, watch_hint
from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.options import Curl, DryRun, Id, Ids, names, some_time
from flexctl.state import state_of
from flexctl.views.pipeline import PIPELINE, STATUS, state_words

if TYPE_CHECKING:
    from flexclient.models import Pipeline, PipelineStatus


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
    from flexclient.errors import WaitTimeout

    run = state_of(ctx)
    states, fail_states = _states(for_), _states(or_fail)
    end = monotonic() + timeout

    def reached(name: str) -> "PipelineStatus":
        left = max(end - monotonic(), 0.001)
        try:
            return run.client.pipelines.wait(name, states=states, fail_states=fail_states - states, timeout=left)
        except WaitTimeout as error:
            seen = _seen(error.status) if error.status else "the box did not answer"
            wanted = " or ".join(sorted(states))
            sentence = f"pipeline {name} was not {wanted} within {timeout:g} s: {seen}"
            raise Stop(sentence, "Allow more time with --timeout", Exit.TIMED_OUT) from None

    found = [reached(name) for name in ids]
    seen = ", ".join(f"{status.id} is {status.state}" for status in found)
    run.out.changed(f"{seen}.", found, STATUS)


def _seen(status: "PipelineStatus") -> str:
    return f"it is {state_words(status.state, status.order)}" + (f" ({status.reason})" if status.reason else "")


def _states(text: str) -> set[str]:
    """The states of `playing,ready`; `state=playing` says the same."""
    states = {word.removeprefix("state=") for word in names(text)}
    known = ("ready", "starting", "playing", "reconnecting", "stopping", "error")
    for state in states:
        if state not in known:
            raise Misuse(f"'{state}' is no state", f"the states are {', '.join(known)}")
    return states
