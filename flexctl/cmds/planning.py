"""What `apply`, `diff` and `delete -f` share: their options, from files to a plan, and how a plan is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.errors import Misuse

if TYPE_CHECKING:
    from flexctl.manifest.plan import Action, Plan, Snapshot, Wish
    from flexctl.manifest.runner import Outcome, Runner
    from flexctl.out.table import Look
    from flexctl.state import State

Files = Annotated[
    list[str],
    typer.Option(
        "--file", "-f", metavar="FILE", help="YAML or JSON, a folder of them, or - for stdin; again for more."
    ),
]
SetName = Annotated[
    str | None,
    typer.Option("--set", metavar="NAME", help="Name of what is applied together (default: that of the one file)."),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Also delete what this set made before and the files have no more.")
]
SendSecrets = Annotated[
    bool,
    typer.Option("--send-secrets", help="Send passwords and headers again: they cannot be compared."),
]


@dataclass(frozen=True, slots=True)
class Job:
    """A plan, and what it was made of."""

    plan: Plan
    box: Snapshot
    wish: Wish
    state: State

    def runner(self, agreed: Callable[[Action], bool]) -> Runner:
        """What carries it out."""
        from flexctl.manifest.runner import Runner

        return Runner(self.state.client, self.wish, self.state.problem_of, agreed)

    def remember(self, run: State, outcomes: Sequence[Outcome]) -> None:
        """Note which webhooks are this set's now. Where that cannot be, it is told."""
        from flexctl.manifest import sets

        if not self.wish.set:
            return
        gone = {name for o in outcomes if o.result in {"deleted", "replaced"} for name in o.action.ids}
        made = {outcome.webhook.id for outcome in outcomes if outcome.webhook}
        now = (self.wish.webhooks - gone) | made
        if now == self.wish.webhooks:
            return
        try:
            sets.note(run.url, self.wish.set, frozenset(now))
        except OSError as error:
            why = error.strerror or error
            run.out.warn(f"which webhooks the set made cannot be noted: {why}", "--prune will leave them alone")


def prepared(
    run: State, files: Sequence[str], set_name: str | None, *, prune: bool, send_secrets: bool, versions: bool
) -> Job:
    """From files to a plan. `versions`: it is to be carried out, so that what is changed is read once more, alone."""
    from flexctl.manifest import sets
    from flexctl.manifest.desired import wanted
    from flexctl.manifest.load import load_all
    from flexctl.manifest.plan import Wish, planned
    from flexctl.manifest.runner import snapshot, versioned

    name = set_name or default_set(files)
    if prune and not name:
        raise Misuse("--prune has to know what was applied together", "name it: --set NAME")
    items = wanted(load_all(files), os.environ)
    wish = Wish(name, prune, send_secrets, sets.webhooks_of(run.url, name) if name else frozenset())
    box = snapshot(run.client, items, wish)
    plan = planned(items, box, wish)
    if versions:
        box = versioned(run.client, box, plan)
        plan = planned(items, box, wish)
    return Job(plan, box, wish, run)


def default_set(files: Sequence[str]) -> str | None:
    """The name of the one file or folder; None of several, and of standard input."""
    if len(files) != 1 or files[0] == "-":
        return None
    path = Path(files[0])
    return (path.resolve().name if path.is_dir() else path.stem) or None


def show_plan(run: State, plan: Plan) -> None:
    """The plan as data."""
    from flexctl.out.style import paint
    from flexctl.views import plan as view

    out = run.out
    if out.form in {"json", "yaml"}:
        out.data(view.plan_data(plan))
    elif out.form in {"table", "wide"} and not out.columns:
        out.write("\n".join(paint(line, out.terminal.color) for line in view.lines(plan, out.look)))
    else:
        out.list(plan.actions, view.PLAN)


def stderr_look(run: State) -> Look:
    """How lines are drawn among the talk."""
    from dataclasses import replace

    return replace(run.out.look, width=run.out.terminal.width_err)
