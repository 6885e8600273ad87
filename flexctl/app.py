"""The map of flexctl: every command with its help line. Help and completion import nothing else."""

from __future__ import annotations

from typing import Annotated

import typer

from flexctl.lazy import Entry, Group, LazyGroup, root

PIPELINE = {
    "list": Entry("flexctl.cmds.pipeline:list_", "Show all pipelines; --watch keeps the table up to date"),
    "get": Entry("flexctl.cmds.pipeline:get", "Show one pipeline as it is configured"),
    "create": Entry("flexctl.cmds.pipeline:create", "Make a pipeline, from options or a file"),
    "update": Entry("flexctl.cmds.pipeline:update", "Change a pipeline"),
    "delete": Entry("flexctl.cmds.pipeline:delete", "Remove pipelines"),
    "play": Entry("flexctl.cmds.run:play", "Encode now, readers or not"),
    "stop": Entry("flexctl.cmds.run:stop", "Stop encoding and refuse readers"),
    "status": Entry("flexctl.cmds.run:status", "Show how a pipeline fares: state, rate, readers"),
    "wait": Entry("flexctl.cmds.run:wait", "Wait until pipelines reach a state"),
    "events": Entry("flexctl.cmds.events:pipeline_events", "Follow what happens to one pipeline"),
    "snapshot": Entry("flexctl.cmds.inspect:snapshot", "Save the newest picture"),
    "logs": Entry("flexctl.cmds.inspect:logs", "Show the last lines of its worker"),
    "graph": Entry("flexctl.cmds.inspect:graph", "Show its GStreamer graph"),
}

TABLE: dict[str, Entry | Group] = {
    "pipeline": Group("Make, change, run and watch pipelines", PIPELINE),
    "events": Entry("flexctl.cmds.events:events", "Follow everything that happens on the box"),
    "health": Entry("flexctl.cmds.system:health", "Show whether the box and its parts are well"),
    "version": Entry("flexctl.cmds.system:version", "Show the versions of flexctl and of the box"),
    "completion": Entry("flexctl.cmds.completion:completion", "Print what makes a shell complete flexctl's commands"),
    "api": Entry("flexctl.cmds.api:api", "Send any request to the box"),
}

HELP = """Command line of a Flex Video encoder.

A variable in brackets says the same as its option. FLEX_TOKEN and FLEX_API_KEY say who asks; they have no option,
because everyone on a machine can read its command lines.
"""


def _version(value: bool) -> None:
    if value:
        from flexctl import __version__

        typer.echo(f"flexctl {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show flexctl's version.")
    ] = False,
) -> None:
    """Only its signature is used."""


def app() -> LazyGroup:
    """The whole command line."""
    return root(HELP, TABLE, _root)
