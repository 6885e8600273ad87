"""`flexctl health|metrics|openapi|version`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flexctl import __version__
from flexctl.cmds.sending import shown
from flexctl.errors import Stop
from flexctl.options import Curl
from flexctl.state import State, state_of
from flexctl.views.metrics import METRICS, samples
from flexctl.views.pipeline import json_of
from flexctl.views.system import HEALTH_PARTS, PROBED, VERSIONS, Probed, Versions, parts_of

if TYPE_CHECKING:
    from flexclient import Call
    from flexclient.models import Probe


def health(
    ctx: typer.Context,
    probe: Annotated[
        Literal["live", "ready", "startup"] | None,
        typer.Option(help="Ask one question only, as Kubernetes does: live, ready or startup."),
    ] = None,
    curl: Curl = False,
) -> None:
    """Show whether the box and its parts are well. Exit 1 when they are not.

    flexctl health
    flexctl health --query parts.disk.message
    flexctl health --probe ready --quiet && echo "the box takes work"
    """
    run = state_of(ctx)
    if probe:
        _probe(run, probe, curl=curl)
        return
    call = run.client.system.health.plan()
    if shown(run, call, dry_run=False, curl=curl):
        return
    found = run.client.send(call).data
    if run.out.form in {"table", "wide", "csv", "name"}:
        run.out.list(parts_of(found), HEALTH_PARTS, (f"The box is {found.status}; it names no parts.", ""))
    else:
        run.out.data(json_of(found))
    if found.status == "failed":
        raise Stop("the box is not well", "the table says which part, and why")


_NOT = {"live": "is not alive", "ready": "takes no work now", "startup": "has not come up yet"}


def _probe(run: State, question: str, *, curl: bool) -> None:
    """One question, asked once: whoever probes decides when to ask again."""
    from flexclient.errors import ApiError

    system = run.client.system
    calls: dict[str, Call[Probe]] = {
        "live": system.live.plan(),
        "ready": system.ready.plan(),
        "startup": system.startup.plan(),
    }
    if shown(run, calls[question], dry_run=False, curl=curl):
        return
    try:
        run.client.with_options(retries=0).send(calls[question])
    except ApiError as error:
        if error.status != _UNAVAILABLE:
            raise
        run.out.one(Probed(question, "failed", error.message or None), PROBED)
        raise Stop(f"the box {_NOT[question]}", "more: flexctl health") from error
    run.out.one(Probed(question, "ok"), PROBED)


_UNAVAILABLE = 503


def metrics(ctx: typer.Context, curl: Curl = False) -> None:
    """Show the box's figures as Prometheus reads them; other forms of output have one object, or one line, a figure.

    flexctl metrics
    flexctl metrics -o json --query "[?contains(name, 'pipeline')]"
    """
    run = state_of(ctx)
    call = run.client.system.metrics.plan()
    if shown(run, call, dry_run=False, curl=curl):
        return
    text = run.client.send(call).data
    if run.out.form in {"table", "wide"} and not (run.out.columns or run.out.sort_by):
        run.out.text(text)
    else:
        run.out.list(list(samples(text)), METRICS, ("The box told no figures.", ""))


def openapi(ctx: typer.Context, curl: Curl = False) -> None:
    """Show the API's own description, OpenAPI 3.1: for generators, and to look a field up.

    flexctl openapi > flex.json
    flexctl openapi -o yaml --query 'components.schemas.Encoding.properties'
    """
    run = state_of(ctx)
    call = run.client.system.openapi.plan()
    if not shown(run, call, dry_run=False, curl=curl):
        anything: Any = Any
        run.out.data(run.client.send(replace(call, returns=anything)).data)  # nothing is read into models


def version(
    ctx: typer.Context,
    client: Annotated[bool, typer.Option("--client", help="Only flexctl's own; ask no box.")] = False,
) -> None:
    """Show the versions of flexctl and of the box.

    flexctl version
    flexctl version --client -o name
    """
    run = state_of(ctx)
    if client:
        run.out.one(Versions(__version__, None), VERSIONS)
        return
    try:
        box = run.client.system.version()
    except Exception:
        run.out.one(Versions(__version__, None), VERSIONS)
        raise
    run.out.one(Versions(__version__, box), VERSIONS)
