"""`flexctl events` and `flexctl pipeline events`."""

from typing import Annotated, Any, Literal

import typer

from flexctl.cmds.sending import as_curl
from flexctl.errors import Misuse
from flexctl.live.follow import Wanted, follow
from flexctl.live.since import since_of
from flexctl.options import Count, Curl, For, Id, SaveSvg, names
from flexctl.state import State, state_of

Begin = Annotated[
    Any,
    typer.Option(
        "--since",
        metavar="WHEN",
        parser=since_of,
        help="Begin in the past: 10m ago, at a time, or after an event's id.",
    ),
]
Scroll = Annotated[bool, typer.Option("--scroll", help="On a terminal: line after line, not a table in place.")]


def events(
    ctx: typer.Context,
    types: Annotated[str | None, typer.Option("--types", metavar="A,B,..", help="Only these types of event.")] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", metavar="ID,..", help="Only what is about these pipelines.")
    ] = None,
    severity: Annotated[
        Literal["info", "warning", "error"] | None,
        typer.Option("--severity", metavar="LEVEL", help="Only what is so bad or worse: info, warning, error."),
    ] = None,
    since: Begin = None,
    scroll: Scroll = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
    curl: Curl = False,
) -> None:
    """Follow everything that happens on the box, until Ctrl-C, --for or --count.

    A terminal shows a live table; a pipe gets one JSON object a line. It goes on by itself when the box was away,
    with what happened meanwhile: nothing is lost, nothing comes twice.

    --since takes an age (10m, 1h30m), a time (2026-11-01T12:00:00Z, without a zone that of this machine) or an
    event's id. The box keeps its newest events only, and says where they begin.

    flexctl events
    flexctl events --since 10m --severity warning
    flexctl events --types pipeline_error | jq -r .data.message
    flexctl events --pipeline cam1,cam2 --since 0 --for 10s
    """
    wanted = Wanted(
        types=names(types) if types else None,
        pipelines=names(pipeline) if pipeline else None,
        since=since,
        least=severity or "info",
        seconds=for_,
        count=count,
    )
    run = state_of(ctx)
    if curl:
        _as_curl(run, "/flex/events", {**wanted.query, "since": since})
    else:
        follow(run, wanted, svg=save_svg, scroll=scroll)


def pipeline_events(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    since: Begin = None,
    scroll: Scroll = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
    curl: Curl = False,
) -> None:
    """Follow what happens to one pipeline, until Ctrl-C, --for or --count.

    flexctl pipeline events cam1
    flexctl pipeline events cam1 --count 1 -o json
    """
    run = state_of(ctx)
    if curl:
        _as_curl(run, run.client.pipelines.get.plan(id).path + "/events", {"since": since})
        return
    run.client.pipelines.get(id)  # one that does not exist is exit 3 now, not a stream that stays silent
    follow(run, Wanted(pipelines=(id,), since=since, seconds=for_, count=count), svg=save_svg, scroll=scroll)


def _as_curl(run: State, path: str, given: dict[str, Any]) -> None:
    from flexclient.client import free_call

    if given["since"] is not None and not isinstance(given["since"], int):
        raise Misuse("--curl: the wire knows ids only, and --since names a time", "give an event's id: --since 1234")
    query = {k: ",".join(v) if isinstance(v, tuple) else str(v) for k, v in given.items() if v is not None}
    as_curl(run, free_call("GET", path, query=query, headers={"Accept": "text/event-stream"}), "-N")
