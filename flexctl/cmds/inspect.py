"""`flexctl pipeline snapshot|logs|graph`."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from flexctl.cmds.sending import as_curl, shown
from flexctl.errors import Misuse
from flexctl.options import Curl, Id
from flexctl.state import state_of

OTHER_PICTURES = {".png", ".gif", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".heic", ".svg"}
"""Endings of names that say the file is another kind of picture."""


def snapshot(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Where to save it (default: ID.jpg); - is standard output.")
    ] = None,
    width: Annotated[int | None, typer.Option(metavar="PIXELS", help="Scale it to this width.")] = None,
    curl: Curl = False,
) -> None:
    """Save the newest picture as JPEG.

    A pipe gets the picture itself where no file is named.

    flexctl pipeline snapshot cam1 gate.jpg --width 640
    flexctl pipeline snapshot cam1 | feh -
    """
    run = state_of(ctx)
    name = file or (f"{id}.jpg" if run.out.terminal.stdout else "-")
    if Path(name).suffix.lower() in OTHER_PICTURES:
        raise Misuse(f"{name}: the picture is a JPEG", f"name it so: {Path(name).with_suffix('.jpg')}")
    call = run.client.pipelines.snapshot.plan(id, **({"width": width} if width else {}))
    if curl:
        as_curl(run, call, "-o", shlex.quote(name))
        return
    picture = run.client.send(call).data
    if name == "-":
        run.out.raw(picture)
        return
    try:
        Path(name).write_bytes(picture)
    except OSError as error:
        raise Misuse(f"{name}: {error.strerror}") from None
    run.out.done(f"Saved {name} ({len(picture) / 1024:.0f} KiB).")


def logs(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    tail: Annotated[int | None, typer.Option(metavar="N", help="How many lines (default: 100).")] = None,
    curl: Curl = False,
) -> None:
    """Show the last lines that the pipeline's worker wrote.

    flexctl pipeline logs cam1 --tail 20
    """
    run = state_of(ctx)
    call = run.client.pipelines.logs.plan(id, **({"tail": tail} if tail else {}))
    if shown(run, call, dry_run=False, curl=curl):
        return
    text = run.client.send(call).data
    if text.strip():
        run.out.text(text)
    else:
        run.out.say(f"The worker of {id} has written nothing.", f"How it fares: flexctl pipeline status {id}")


def graph(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    format: Annotated[  # noqa: A002
        Literal["launch", "dot"], typer.Option(help="A gst-launch-1.0 line, or Graphviz of what runs.")
    ] = "launch",
    curl: Curl = False,
) -> None:
    """Show a pipeline's GStreamer graph.

    flexctl pipeline graph cam1
    flexctl pipeline graph cam1 --format dot | dot -Tsvg > cam1.svg
    """
    run = state_of(ctx)
    call = run.client.pipelines.graph.plan(id, format=format)
    if not shown(run, call, dry_run=False, curl=curl):
        run.out.text(run.client.send(call).data)
