"""`flexctl health|version`."""

from typing import Annotated

import typer

from flexctl import __version__
from flexctl.cmds.sending import shown
from flexctl.errors import Stop
from flexctl.options import Curl
from flexctl.state import state_of
from flexctl.views.pipeline import json_of
from flexctl.views.system import HEALTH_PARTS, VERSIONS, Versions, parts_of


def health(ctx: typer.Context, curl: Curl = False) -> None:
    """Show whether the box and its parts are well. Exit 1 when they are not.

    flexctl health
    flexctl health --query parts.disk.message
    """
    run = state_of(ctx)
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
