"""`flexctl apply`."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.planning import Files, Prune, SendSecrets, SetName, prepared, show_plan, stderr_look
from flexctl.errors import Misuse, Problem, Stop
from flexctl.exits import Exit
from flexctl.options import Yes, some_time
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexctl.manifest.plan import Action, Plan
    from flexctl.manifest.runner import Outcome


def apply(
    ctx: typer.Context,
    files: Files,
    set_name: SetName = None,
    prune: Prune = False,
    send_secrets: SendSecrets = False,
    save_secrets: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Keep the signing secrets of new webhooks in a new file of your own."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Come back when every pipeline plays, or is armed where it is on demand.")
    ] = False,
    wait_timeout: Annotated[
        float,
        typer.Option(metavar="DURATION", parser=some_time, show_default=False, help="Longest wait (default: 30s)."),
    ] = 30.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and send nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Make the box as files say.

    Documents of kind Pipeline, Settings and Webhook, each otherwise what the API takes; ${env:NAME} is filled in. Shows
    what is different, asks on a terminal, and changes that alone: applying twice changes nothing. What is not named
    stays, but for the fields of a pipeline: it becomes what its document says, defaults for the rest.

    --prune also deletes what an earlier apply of the same set made and the files have no more. A password cannot be
    compared; it is sent where its pipeline changes, where it comes from elsewhere, and with --send-secrets.

    flexctl apply -f site.yaml
    flexctl apply -f site/ --set site --prune --yes --wait --wait-timeout 1m
    flexctl --url https://other:3539 export | flexctl apply -f - --dry-run
    """
    run = state_of(ctx)
    job = prepared(run, files, set_name, prune=prune, send_secrets=send_secrets, versions=not dry_run)
    if dry_run:
        show_plan(run, job.plan)
        run.once("Nothing was sent.")
        return
    _agree(run, job.plan, yes=yes, kept=save_secrets is not None)
    keep = _keeper(save_secrets) if save_secrets else None
    outcomes: list[Outcome] = []
    try:
        for outcome in job.runner(lambda action: _agreed_anew(run, action, yes=yes)).run(job.plan.actions):
            outcomes.append(outcome)
            tell(run, outcome)
    finally:
        job.remember(run, outcomes)
        if keep:
            keep(outcomes)
    if wait:
        outcomes = _awaited(run, outcomes, wait_timeout)
    finish(run, job.plan, outcomes)


def _agree(run: State, plan: "Plan", *, yes: bool, kept: bool) -> None:
    """Show the plan, and ask where there is somebody to ask; what deletes wants a word from nobody's too."""
    from flexctl.views import plan as view

    if not plan.changing:
        return
    run.out.lines(view.lines(plan, stderr_look(run)))
    if not kept and any(action.kind == "Webhook" and action.verb in {"create", "replace"} for action in plan.actions):
        run.out.warn("The signing secret of a new webhook is told only once", "keep it: --save-secrets FILE")
    deletes = any(action.verb == "delete" for action in plan.actions)
    if (deletes or run.out.can_ask) and not run.out.confirm(_question(plan), yes=yes):
        raise Stop("nothing was sent")


def _question(plan: "Plan") -> str:
    from flexctl.views.plan import summary

    return f"Apply this: {summary(plan).rstrip('.')}?"


def _agreed_anew(run: State, action: "Action", *, yes: bool) -> bool:
    """Somebody changed the thing since the plan was shown: what would be done now is shown again, and asked again."""
    from flexctl.views.plan import action_lines

    run.out.warn(f"{action.title} was changed by somebody else meanwhile. Now it would be:")
    run.out.lines(action_lines(action, stderr_look(run)))
    return yes or not run.out.can_ask or run.out.confirm("Apply this?", yes=False)


def _keeper(name: str) -> "Callable[[Sequence[Outcome]], None]":
    """What writes the secrets of new webhooks to a file that is there already, and that nobody else can read."""
    import json

    path = Path(name)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Misuse(f"--save-secrets: {name} is there already, and is not written over") from None
    except OSError as error:
        raise Misuse(f"--save-secrets: {name}: {error.strerror}") from None

    def keep(outcomes: "Sequence[Outcome]") -> None:
        made = [outcome.webhook for outcome in outcomes if outcome.webhook and outcome.webhook.secret]
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            kept = [{"id": hook.id, "url": hook.url, "secret": hook.body()["secret"]} for hook in made]
            file.write(json.dumps(kept, indent=2) + "\n")
        if not made:
            with suppress(OSError):
                path.unlink()

    return keep


_SAYS = {"created": "Created", "changed": "Changed", "replaced": "Made anew:", "deleted": "Deleted"}


def tell(run: State, outcome: "Outcome") -> None:
    """Say what came of one action."""
    if outcome.problem:
        run.out.problem(outcome.problem)
    elif outcome.result in _SAYS:
        run.out.done(f"{_SAYS[outcome.result]} {outcome.action.title}.")


def _awaited(run: State, outcomes: "list[Outcome]", seconds: float) -> "list[Outcome]":
    """The outcomes once the pipelines run as they should; one that does not in time has failed."""
    end = monotonic() + seconds
    return [
        _reached(run, outcome, end, seconds)
        if outcome.action.kind == "Pipeline" and outcome.result in {"created", "changed", "unchanged", "pending"}
        else outcome
        for outcome in outcomes
    ]


def _reached(run: State, outcome: "Outcome", end: float, seconds: float) -> "Outcome":
    from dataclasses import replace

    from flexclient.errors import FlexError, WaitTimeout

    name = outcome.action.name
    try:
        pipeline = run.client.pipelines.get(name)
        if pipeline.order == "stop":
            run.out.say(f"{outcome.action.title} was ordered to stop, and is not waited for.")
            return outcome
        armed = pipeline.on_demand if pipeline.order is None else pipeline.order == "armed"
        states = {"playing", "ready"} if armed else {"playing"}
        run.client.pipelines.wait(name, states=states, fail_states=(), timeout=max(end - monotonic(), 0.001))
    except FlexError as error:
        problem = run.problem_of(error) or Problem(error.message)
        if isinstance(error, WaitTimeout):
            seen = f"it is {error.status.state}" if error.status else "the box did not answer"
            why = f": {error.status.reason}" if error.status and error.status.reason else ""
            sentence = f"{outcome.action.title} does not play after {seconds:g} s: {seen}{why}"
            problem = Problem(sentence, "Allow more time with --wait-timeout", Exit.TIMED_OUT)
        run.out.problem(problem)
        return replace(outcome, result="failed", problem=problem)
    result = {"create": "created", "update": "changed"}[outcome.action.verb] if outcome.problem else outcome.result
    return replace(outcome, result=result, problem=None)  # type: ignore[arg-type]


def finish(run: State, plan: "Plan", outcomes: "Sequence[Outcome]") -> None:
    """Show what came of it, and say by the exit code whether all of it did."""
    from flexctl.views.plan import RESULT, result_data

    if run.out.format or run.out.query or not run.out.terminal.stdout:
        if run.out.form in {"json", "yaml"}:
            run.out.data(result_data(plan, outcomes))
        else:
            run.out.list(outcomes, RESULT)
    bad = [outcome for outcome in outcomes if outcome.result in {"failed", "skipped"}]
    late = [outcome for outcome in outcomes if outcome.result == "pending"]
    if bad:
        first = next(outcome.problem for outcome in bad if outcome.problem)
        skipped = sum(outcome.result == "skipped" for outcome in bad)
        tail = f", {skipped} of them not tried" if skipped else ""
        raise Stop(
            f"{len(bad)} of {len(outcomes)} failed{tail}",
            "what was done stays; the same command again does the rest",
            first.code,
        )
    if late:
        raise Stop(
            f"{len(late)} of {len(outcomes)} {'does' if len(late) == 1 else 'do'} not play yet; the box keeps trying",
            "wait for it: flexctl pipeline wait " + " ".join(outcome.action.name for outcome in late),
            Exit.PENDING,
        )
    if not plan.changing:
        run.out.say("Nothing is different, and nothing was sent.")
