"""`flexctl delete -f`."""

import os

import typer

from flexctl.cmds.apply import finish, tell
from flexctl.cmds.planning import Files, show_plan
from flexctl.errors import Stop
from flexctl.manifest.plan import Wish
from flexctl.options import DryRun, Yes
from flexctl.state import state_of


def delete(ctx: typer.Context, files: Files, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Delete what files describe.

    Pipelines by their id, webhooks by their address and events; settings stay as they are. What is not there any more
    is no error. Variables are needed only where they stand in a name.

    flexctl delete -f site.yaml
    flexctl delete -f site.yaml --yes
    """
    from flexctl.manifest.desired import named
    from flexctl.manifest.load import load_all
    from flexctl.manifest.plan import deletions
    from flexctl.manifest.runner import Runner, snapshot, versioned

    run = state_of(ctx)
    items = named(load_all(files), os.environ)
    box = snapshot(run.client, [item for item in items if item.kind != "Settings"], Wish())
    plan = deletions(items, box)
    if dry_run:
        show_plan(run, plan)
        run.once("Nothing was sent.")
        return
    plan = deletions(items, versioned(run.client, box, plan))
    if any(item.kind == "Settings" for item in items):
        run.out.say("Settings stay as they are: no box is without them.")
    titles = [action.title for action in plan.changing]
    what = titles[0] if len(titles) == 1 else f"{len(titles)} things ({', '.join(titles)})"
    if titles and not run.out.confirm(f"Delete {what}?", yes=yes):
        raise Stop("nothing was deleted")
    outcomes = []
    for outcome in Runner(run.client, Wish(), run.problem_of, lambda _: False).run(plan.actions):
        outcomes.append(outcome)
        tell(run, outcome)
    finish(run, plan, outcomes)
