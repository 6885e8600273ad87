"""`flexctl export`."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexclient.models import Pipeline
    from flexctl.manifest.export import Exported

WORDS = {"settings": "Settings", "webhook": "Webhook", "pipeline": "Pipeline"}


def export(
    ctx: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="KIND[/NAME]...", help="Only pipeline, pipeline/ID, webhook, webhook/ID or settings."),
    ] = None,
) -> None:
    """Write what the box has as documents that `apply` takes.

    YAML, in an order that stays; -o json is a list. Passwords, headers and signing secrets are told by no box: comments
    say where one is missing, and what came from a variable names it again. Streams that are being pushed to the box
    are left out, because they go with their publisher.

    flexctl export > site.yaml
    flexctl export settings pipeline/cam1
    """
    run = state_of(ctx)
    found = _all(run, [_wish(word) for word in what or WORDS])
    if run.out.query or run.out.form in {"json", "ndjson"}:
        run.out.data([document.data for document in found])
    elif run.out.form in {"csv", "name"}:
        raise Misuse(f"-o {run.out.form}: a manifest is YAML or JSON")
    elif found:
        from flexctl.manifest.export import to_text

        run.out.write(to_text(found))
    else:
        run.out.say("There is nothing of that yet.")


def _wish(word: str) -> tuple[str, str]:
    """Kind and name of `pipelines/cam1`."""
    kind, sign, name = word.partition("/")
    plain = kind.lower() if kind.lower() in WORDS else kind.lower().removesuffix("s")
    if plain not in WORDS:
        near = get_close_matches(plain, WORDS, 1, 0.5)
        guess = f". Did you mean '{near[0]}'?" if near else ""
        raise Misuse(f"there is no kind '{kind}'{guess}", f"there are {', '.join(sorted(WORDS))}")
    if sign and (plain == "settings" or not name):
        raise Misuse(f"'{word}' is not KIND/NAME", "for instance pipeline/cam1")
    return plain, name


def _all(run: State, wishes: list[tuple[str, str]]) -> "list[Exported]":
    """The documents, settings first, because webhooks may need their networks."""
    found: list[Exported] = []
    for kind, read in (("settings", _settings), ("webhook", _webhooks), ("pipeline", _pipelines)):
        names = {name for wished, name in wishes if wished == kind}
        if names:
            found += read(run, set() if "" in names else names)
    return found


def _settings(run: State, names: set[str]) -> "list[Exported]":  # noqa: ARG001  all are read alike
    from flexctl.manifest.export import of_settings

    return [of_settings(run.client.settings.get())]


def _webhooks(run: State, names: set[str]) -> "list[Exported]":
    from flexctl.manifest.export import of_webhooks

    hooks = run.client.webhooks.list()
    _check("webhook", names, {hook.id for hook in hooks})
    return of_webhooks(hook for hook in hooks if not names or hook.id in names)


def _pipelines(run: State, names: set[str]) -> "list[Exported]":
    from flexctl.manifest.export import of_pipelines

    pipelines = run.client.pipelines.list()
    _check("pipeline", names, {pipeline.id for pipeline in pipelines})
    return of_pipelines(p for p in pipelines if p.id in names or (not names and not _pushed(run, p)))


def _check(kind: str, names: set[str], there: set[str]) -> None:
    if missing := sorted(names - there):
        raise Stop(f"there is no {kind} '{missing[0]}'", f"`flexctl {kind} list` shows them", Exit.NOT_FOUND)


def _pushed(run: State, pipeline: "Pipeline") -> bool:
    """Whether a publisher made it. Only its status tells, which is asked of those that look like it."""
    klv = pipeline.klv_config
    looks = not pipeline.on_demand and klv is not None and klv.pass_klv and klv.auto_extract_geolocation
    return looks and run.client.pipelines.status(pipeline.id).publisher is not None
