"""`flexctl diff`."""

from dataclasses import replace

import typer

from flexctl.cmds.planning import Files, Prune, SendSecrets, SetName, prepared, show_plan
from flexctl.errors import ClosedPipe, Stop
from flexctl.exits import Exit
from flexctl.state import State, state_of

DIFFERS = 1


def diff(
    ctx: typer.Context,
    files: Files,
    set_name: SetName = None,
    prune: Prune = False,
    send_secrets: SendSecrets = False,
) -> None:
    """Show what `apply` would change, and change nothing.

    Exit 0 says that nothing is different, 1 that something is, 2 and up that it could not be told. What stands after +
    comes, after - goes, after ~ changes; a secret is never shown, and what it is on the box nobody knows.

    flexctl diff -f site.yaml
    flexctl diff -f site.yaml -o json --query "actions[?action!='unchanged'].name"
    """
    run = state_of(ctx)
    if _differs(run, files, set_name, prune=prune, send_secrets=send_secrets):
        raise typer.Exit(DIFFERS)


def _differs(run: State, files: list[str], set_name: str | None, *, prune: bool, send_secrets: bool) -> bool:
    """Whether something is different; shows it. What fails never has the exit code that says "different"."""
    try:
        job = prepared(run, files, set_name, prune=prune, send_secrets=send_secrets, versions=False)
        show_plan(run, job.plan)
        run.out.flush()
    except ClosedPipe:
        raise
    except Exception as error:
        problem = run.problem_of(error)
        if problem is None or problem.code != Exit.FAILED:
            raise
        stop = Stop(problem.sentence)
        stop.problem = replace(problem, code=Exit.USAGE)
        raise stop from error
    return bool(job.plan.changing)
