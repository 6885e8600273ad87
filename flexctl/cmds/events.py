"""`flexctl events` and `flexctl pipeline events`."""

from typing import Annotated, Any

import typer

from flexctl.cmds.sending import as_curl
from flexctl.live.follow import follow
from flexctl.options import Count, Curl, For, Id, SaveSvg, names
from flexctl.state import State, state_of

Since = Annotated[
    int | None, typer.Option("--since", metavar="N", help="Begin after the event with this id, not with now.")
]
Scroll = Annotated[bool, typer.Option("--scroll", help="On a terminal: line after line, not a table in place.")]


def events(
    ctx: typer.Context,
    types: Annotated[str | None, typer.Option("--types", metavar="A,B,..", help="Only these types of event.")] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", "-p", metavar="ID,..", help="Only what is about these pipelines.")
    ] = None,
    since: Since = None,
    scroll: Scroll = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
    curl: Curl = False,
) -> None:
    """Follow everything that happens on the box, until Ctrl-C, --for or --count.

    A terminal shows a live table; a pipe gets one JSON object a line. It goes on by itself when the box was away,
    with what happened meanwhile: nothing is lost, nothing comes twice.

    flexctl events
    flexctl events --types pipeline_error | jq -r .data.message
    flexctl events --pipeline cam1,cam2 --since 0 --for 10s
    """
    given = {
        "types": names(types) if types else None,
        "pipeline_id": names(pipeline) if pipeline else None,
        "since": since,
    }
    run = state_of(ctx)
    if curl:
        _as_curl(run, "/flex/events", given)
    else:
        _follow(run, given, for_, count, save_svg, scroll=scroll)


def pipeline_events(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    since: Since = None,
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
    _follow(run, {"pipeline_id": (id,), "since": since}, for_, count, save_svg, scroll=scroll)


def _as_curl(run: State, path: str, given: dict[str, Any]) -> None:
    from flexclient.client import free_call

    query = {k: ",".join(v) if isinstance(v, tuple) else str(v) for k, v in given.items() if v is not None}
    as_curl(run, free_call("GET", path, query=query, headers={"Accept": "text/event-stream"}), "-N")


def _follow(
    run: State, given: dict[str, Any], seconds: float | None, count: int | None, svg: str | None, *, scroll: bool
) -> None:
    follow(run, {k: v for k, v in given.items() if v is not None}, seconds=seconds, count=count, svg=svg, scroll=scroll)
