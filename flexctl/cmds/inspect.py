"""`flexctl pipeline snapshot|logs|graph`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flexctl.errors import Misuse
from flexctl.options import Id
from flexctl.state import state_of


def snapshot(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Where to save it (default: ID.jpg); - is standard output.")
    ] = None,
    width: Annotated[int | None, typer.Option(metavar="PIXELS", help="Scale it to this width.")] = None,
) -> None:
    """Save the newest picture as JPEG.

    A pipe gets the picture itself where no file is named.
    """
    run = state_of(ctx)
    name = file or (f"{id}.jpg" if run.out.terminal.stdout else "-")
    picture = run.client.pipelines.snapshot(id, width=width) if width else run.client.pipelines.snapshot(id)
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
) -> None:
    """Show the last lines that the pipeline's worker wrote."""
    run = state_of(ctx)
    text = run.client.pipelines.logs(id, tail=tail) if tail else run.client.pipelines.logs(id)
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
) -> None:
    """Show a pipeline's GStreamer graph.

    flexctl pipeline graph cam1 --format dot | dot -Tsvg > cam1.svg
    """
    run = state_of(ctx)
    run.out.text(run.client.pipelines.graph(id, format=format))
