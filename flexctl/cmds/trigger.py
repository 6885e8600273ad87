"""`flexctl trigger publish|unpublish`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.sending import shown
from flexctl.errors import Misuse
from flexctl.options import Curl, DryRun
from flexctl.state import State, state_of
from flexctl.views.trigger import TRIGGER

if TYPE_CHECKING:
    from flexclient import Call
    from flexclient.models import TriggerResult

Path = Annotated[str, typer.Argument(metavar="PATH", help="What the stream is published as, such as live/mystream.")]
PipelineId = Annotated[
    str | None, typer.Option("--pipeline", metavar="ID", help="The pipeline, where the path does not name it.")
]


def publish(
    ctx: typer.Context,
    path: Path,
    pipeline: PipelineId = None,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Say that a stream is published: the box plays its pipeline, and makes it where there is none.

    The key that the box was started with is needed, in FLEX_API_KEY. Nobody waits for a picture: `pipeline wait` does.

    flexctl trigger publish live/mystream
    flexctl trigger publish live/mystream --pipeline gate
    """
    run = state_of(ctx)
    call = run.client.triggers.publish.plan(path, **({"pipeline_id": pipeline} if pipeline else {}))
    _tell(run, call, dry_run=dry_run, curl=curl)


def unpublish(
    ctx: typer.Context,
    path: Path,
    pipeline: PipelineId = None,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Say that a stream is published no longer: a pipeline that a trigger made goes, a stored one stops.

    flexctl trigger unpublish live/mystream
    """
    run = state_of(ctx)
    call = run.client.triggers.unpublish.plan(path, **({"pipeline_id": pipeline} if pipeline else {}))
    _tell(run, call, dry_run=dry_run, curl=curl)


def _tell(run: State, call: "Call[TriggerResult]", *, dry_run: bool, curl: bool) -> None:
    if shown(run, call, dry_run=dry_run, curl=curl):
        return
    if not run.settings.get("api_key"):
        raise Misuse("the API key is missing", "set FLEX_API_KEY to the key that the box was started with")
    result = run.client.send(call).data
    if result.action == "stop":
        run.out.changed(f"{result.pipeline_id} has no stream any more.", [result], TRIGGER)
        return
    hint = f"How it fares: flexctl pipeline status {result.pipeline_id}"
    run.out.changed(f"{result.pipeline_id} plays as soon as it gets the stream.", [result], TRIGGER, hint)
