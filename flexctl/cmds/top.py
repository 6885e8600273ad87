"""`flexctl top`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.errors import Misuse
from flexctl.options import Count, For, SaveSvg, some_time
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexctl.live.panel import Panel

NO_KEYS = "--once prints one picture, `flexctl pipeline list --watch` needs no keys"


def top(
    ctx: typer.Context,
    filter: Annotated[  # noqa: A002
        str, typer.Option("--filter", metavar="TEXT", help="Only pipelines that have this text in id, state or reason.")
    ] = "",
    interval: Annotated[
        float,
        typer.Option(
            metavar="DURATION", parser=some_time, show_default=False, help="Between pictures (default: 500ms)."
        ),
    ] = 0.5,
    once: Annotated[bool, typer.Option("--once", help="Look once, print a table, and end.")] = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
) -> None:
    """Watch all pipelines: state, rates, readers, what they cost, and when they were last heard of.

    Keys: arrows or j k select, p plays, s stops, l shows the log, / filters, o sorts, ? explains, q quits. It goes on
    by itself when the box was away, and says since when what it shows is old.

    A pipe gets one JSON object a line for each pipeline, and another one whenever it changes.

    flexctl top
    flexctl top --sort-by bitrate_kbps --filter cam
    flexctl top --once -o json --query '[?stats.fps < `25`].id'
    flexctl top --for 10s | jq -c '[.id, .state, .stats.fps]'
    """
    from flexctl.live import top as live
    from flexctl.live.boxes import boxes_of
    from flexctl.live.follow import check_form, in_place

    run = state_of(ctx)
    panel = _panel(run, filter)
    if once:
        live.once(run, boxes_of(run), panel, ("There are no pipelines.", ""))
        return
    check_form(run)
    if not in_place(run):
        live.print_rows(run, boxes_of(run), filter, interval, for_, count)
    elif not run.out.terminal.stdin:
        raise Misuse("top reads keys, and standard input is no terminal", NO_KEYS)
    else:
        live.draw(run, boxes_of(run), panel, interval, for_, save_svg)


def _panel(run: State, text: str) -> "Panel":
    """What is shown first. Raises Misuse for an order that is none."""
    from flexctl.live.panel import Panel, downward
    from flexctl.out.table import choose
    from flexctl.views.top import TOP

    by = run.out.sort_by
    if not by:
        return Panel(filter=text)
    [column] = choose(TOP, wide=True, names=[by.removeprefix("-")])
    panel = Panel(filter=text, order=column.key)
    run.out.sort_by = None  # here it is the panel's
    return Panel(filter=text, order=column.key, turned=downward(panel) != by.startswith("-"))
