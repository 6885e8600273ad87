"""`flexctl pipeline list|get|create|update|delete`."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flexctl.cmds.password import with_password
from flexctl.cmds.reading import show, show_all
from flexctl.cmds.sending import each, shown, watch_hint
from flexctl.errors import Misuse, Stop
from flexctl.lazy import takes
from flexctl.manifest import flags
from flexctl.options import Count, Curl, DryRun, For, Id, Ids, SaveSvg, Yes, some_time
from flexctl.state import State, state_of
from flexctl.views.pipeline import PIPELINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flexclient import Reply, Row
    from flexclient.models import Pipeline, PipelineSpec
    from flexctl.manifest.load import Document

File = Annotated[str | None, typer.Option("--file", "-f", metavar="FILE", help="YAML or JSON; - is standard input.")]
NONE_YET = ("There are no pipelines yet.", "Make one: flexctl pipeline create cam1 --source test://smpte --play")


def list_(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only those in this state.")] = None,
    mode: Annotated[str | None, typer.Option(metavar="MODE", help="Only simple, multiview or advanced ones.")] = None,
    on_demand: Annotated[
        bool | None, typer.Option("--on-demand/--always-on", help="Only those that encode on demand, or always.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Stay, and keep the table up to date.")] = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
    curl: Curl = False,
) -> None:
    """Show all pipelines.

    With --watch a terminal shows a live table with rates and readers; a pipe gets one JSON object a line, first the
    list, then each event as it happens, and the list again where events were lost:

      {"id": null, "event": "sync", "data": [{"id": "cam1", ...}, ...]}
      {"id": 17, "event": "pipeline_status", "data": {"id": "cam1", ...}}

    It goes on by itself when the box was away.

    flexctl pipeline list --state playing --sort-by id
    flexctl pipeline list --watch
    flexctl pipeline list -o json --query "[?state=='error'].id"
    """
    run = state_of(ctx)
    if watch and not curl:
        from flexctl.live.watch import watch_pipelines

        watch_pipelines(run, _keep(state, mode, on_demand), seconds=for_, count=count, svg=save_svg)
        return
    given = {"state": state, "mode": mode, "on_demand": on_demand}
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    empty = ("No pipeline is like that.", "") if wanted else NONE_YET
    show_all(run, run.client.pipelines.list.plan(**wanted), PIPELINE, empty, curl=curl)


def _keep(state: str | None, mode: str | None, on_demand: bool | None) -> "Callable[[Row], bool]":
    """The filters of the list, held against a row of the live table."""

    def keep(row: "Row") -> bool:
        made = row.pipeline
        return (
            (state is None or row.state == state)
            and (mode is None or made is None or made.mode == mode)
            and (on_demand is None or made is None or made.on_demand == on_demand)
        )

    return keep


def get(ctx: typer.Context, id: Id, curl: Curl = False) -> None:  # noqa: A002
    """Show one pipeline as it is configured.

    `-o yaml` gives a document that `pipeline update -f` takes back.

    flexctl pipeline get cam1
    flexctl pipeline get cam1 -o yaml > cam1.yaml
    """
    run = state_of(ctx)
    show(run, run.client.pipelines.get.plan(id), PIPELINE, curl=curl)


@takes(*flags.SETTINGS)
def create(
    ctx: typer.Context,
    id: Annotated[str | None, typer.Argument(metavar="ID", help="The new pipeline's id.")] = None,  # noqa: A002
    file: File = None,
    play: Annotated[bool, typer.Option("--play", help="Encode from now on, readers or not.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Come back when it plays.")] = False,
    wait_timeout: Annotated[
        float,
        typer.Option(metavar="DURATION", parser=some_time, show_default=False, help="Longest wait (default: 30s)."),
    ] = 30.0,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Make a pipeline, from options or a file.

    A file may hold several; options are put on top of it when it holds one. One that does not start yet, such as of a
    camera that is off, is exit 8: it is made, and the box keeps trying.

    On a terminal and with nothing said, it asks.

    flexctl pipeline create cam1 --source rtsp://camera/1 --bitrate 2M --size 1280x720 --play
    flexctl pipeline create -f cam1.yaml
    """
    from flexctl.cmds import wizard

    run = state_of(ctx)
    if wizard.wanted(run, id, file):
        id, answers = wizard.ask(run, sent=not (dry_run or curl))  # noqa: A001
        run.given.update(answers)
    for spec, document in _specs(run, id, file, sent=not (dry_run or curl)):
        if wait and not play and spec.on_demand:
            raise Misuse(
                "--wait would wait for ever: on demand it plays only while somebody watches",
                "add --play or --no-on-demand",
            )
        call = run.client.pipelines.create.plan(spec)
        if shown(run, call, dry_run=dry_run, curl=curl):
            if play:
                shown(run, run.client.pipelines.play.plan(spec.id), dry_run=dry_run, curl=curl)
            continue
        made = _create(run, spec, document)
        if play and made.order != "play":
            made = run.client.pipelines.play(spec.id)
        if wait and made.state != "playing":
            run.client.pipelines.wait(spec.id, timeout=wait_timeout)
            made = run.client.pipelines.get(spec.id)
        run.out.changed(f"Created {made.id}: {_now(made)}.", [made], PIPELINE, watch_hint(run, made.id))


def _specs(
    run: State, name: str | None, file: str | None, *, sent: bool
) -> "list[tuple[PipelineSpec, Document | None]]":
    """What is to be made: from the flags, or from a file with the flags put on top."""
    from flexclient.models import PipelineSpec
    from flexctl.manifest.load import load

    patch = with_password(run, flags.document(run.given), sent=sent)
    if file is None:
        if name is None:
            raise Misuse("ID is missing", "flexctl pipeline create ID --source URI, or -f FILE")
        if "source" not in patch and "raw_pipeline" not in patch:
            raise Misuse("a pipeline needs a source", "name one: --source rtsp://camera/1, or --source test://smpte")
        return [(flags.read_spec({"id": name, **patch}), None)]
    documents = load(file)
    patch = {"id": name, **patch} if name else patch
    if patch and len(documents) > 1:
        raise Misuse(f"{file} holds {len(documents)} pipelines; an id or options can be given for one only")
    merged = [d.having(flags.merge(d.value, patch)) for d in map(_body, documents)]
    return [(document.read(PipelineSpec), document) for document in merged]


def _body(document: "Document") -> "Document":
    """The API's body in a document, with its variables filled in."""
    from flexctl.manifest.desired import body_of
    from flexctl.manifest.variables import fill

    kind = document.value.get("kind", "Pipeline")
    if kind != "Pipeline":
        raise document.misuse([("kind", f"'{kind}' is not Pipeline; `flexctl apply -f` takes every kind")])
    return fill(body_of(document), os.environ)


def _create(run: State, spec: "PipelineSpec", document: "Document | None") -> "Pipeline":
    """Create it; what the box finds wrong with a file gets its line too."""
    from flexclient.errors import ValidationError_

    try:
        return run.client.pipelines.create(spec)
    except ValidationError_ as error:
        if document is None or not error.details:
            raise
        faults = [(fault.field, fault.message) for fault in error.details]
        raise document.misuse(faults) from error


_READY = {
    "armed": "it is armed, and encodes while somebody watches",
    "stop": "it is stopped",
    "play": "it has ended",
}


def _now(pipeline: "Pipeline") -> str:
    rests = pipeline.state == "ready" or (pipeline.order == "armed" and pipeline.state == "stopping")
    told = _READY.get(str(pipeline.order)) if rests else None
    return told or f"it is {pipeline.state}"


@takes(*flags.SETTINGS)
def update(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    file: File = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="FIELD", help="Take a part out, such as overlay or crop.")
    ] = None,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Change a pipeline: single fields by options, all of it by a file.

    --on-demand arms it: it encodes while somebody watches; --no-on-demand plays it. Nothing else changes whether it
    runs. Exit 8 says that it is changed and does not play yet: the box keeps trying.

    Nobody else's change is lost: one that came in between is an error (exit 5).

    flexctl pipeline update cam1 --bitrate 4M --overlay-text 'Gate 2' --remove crop
    flexctl pipeline update cam1 -f cam1.yaml
    """
    run = state_of(ctx)
    patch = with_password(run, flags.document(run.given), sent=not (dry_run or curl))
    for field in remove or ():
        patch = flags.without(patch, field)
    if file is not None:
        if patch:
            raise Misuse("options and a file at once: a file is the whole pipeline")
        _replace(run, id, file, dry_run=dry_run, curl=curl)
    elif patch:
        _patch(run, id, patch, dry_run=dry_run, curl=curl)
    else:
        raise Misuse("there is nothing to change", "give options such as --bitrate 4M, or -f FILE")


def _replace(run: State, name: str, file: str, *, dry_run: bool, curl: bool) -> None:
    from flexclient.models import PipelineSpec
    from flexctl.manifest.load import load_one

    document = _body(load_one(file))
    body = {"id": name, **document.value}
    if body["id"] != name:
        raise document.misuse([("id", f"'{body['id']}' is not '{name}': an id cannot be changed")])
    spec = document.having(body).read(PipelineSpec)
    if not shown(run, run.client.pipelines.replace.plan(name, spec), dry_run=dry_run, curl=curl):
        before = run.client.pipelines.get.raw(name)
        _told(run, before, run.client.pipelines.replace.raw(name, spec))


def _patch(run: State, name: str, patch: dict[str, Any], *, dry_run: bool, curl: bool) -> None:
    """Change single fields: by PATCH where the box has it, otherwise by reading, changing and putting back."""
    from flexclient.errors import MethodNotAllowed, UnsupportedMediaType

    if shown(run, run.client.pipelines.patch.plan(name, patch), dry_run=dry_run, curl=curl):
        return
    before = run.client.pipelines.get.raw(name)
    try:
        reply = run.client.pipelines.patch.raw(name, patch)
    except (MethodNotAllowed, UnsupportedMediaType):
        spec = flags.read_spec(flags.merge(before.data.spec().body(), patch))
        etag = {"if_match": before.headers["etag"]} if before.headers.get("etag") else {}
        reply = run.client.pipelines.replace.raw(name, spec, **etag)
    _told(run, before, reply)


_RUNS = {"playing", "starting", "reconnecting"}
_APPLIED = {
    ("live", True): "; the change took effect at once, in the running picture",
    ("restart", True): "; the encoder was started anew for the change",
    ("stored", False): "; the change takes effect when it runs",
}
"""How a change was applied, and whether the pipeline runs now -> what to say of it."""


def _told(run: State, before: "Reply[Pipeline]", after: "Reply[Pipeline]") -> None:
    made = after.data
    how = _APPLIED.get((after.applied or "", made.state in _RUNS), "") if made.order == before.data.order else ""
    sentence = f"Changed {made.id}: {_now(made)}{how}."
    if _same(before, after):
        sentence = f"Nothing changed: {made.id} was so already. {_now(made).capitalize()}."
    run.out.changed(sentence, [made], PIPELINE)


def _same(before: "Reply[Pipeline]", after: "Reply[Pipeline]") -> bool:
    """Whether the box has what it had. Its ETag knows of a password too, which no document shows."""
    if before.etag and after.etag:
        return before.etag == after.etag
    return before.data.spec() == after.data.spec() and before.data.order == after.data.order


def delete(ctx: typer.Context, ids: Ids, yes: Yes = False, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Remove pipelines. One that plays is stopped, and its readers are sent away.

    flexctl pipeline delete cam1
    flexctl pipeline delete cam1 cam2 --yes
    """
    run = state_of(ctx)
    if not (dry_run or curl):
        for name in [] if yes else ids:
            run.client.pipelines.get(name)  # nobody is asked about what is not there
        what = f"pipeline {ids[0]}" if len(ids) == 1 else f"{len(ids)} pipelines ({', '.join(ids)})"
        if not run.out.confirm(f"Delete {what}?", yes=yes):
            raise Stop("nothing was deleted")

    def act(name: str) -> None:
        if not shown(run, run.client.pipelines.delete.plan(name), dry_run=dry_run, curl=curl):
            run.client.pipelines.delete(name)
            run.out.done(f"Deleted {name}.")

    each(run, ids, act, PIPELINE)
