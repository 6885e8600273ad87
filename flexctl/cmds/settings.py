"""`flexctl settings get|set|edit`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flexctl.cmds.reading import show
from flexctl.cmds.sending import shown
from flexctl.editing import Draft, chosen
from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.manifest import assign
from flexctl.meant import meant
from flexctl.options import Curl, DryRun, Yes
from flexctl.state import State, state_of
from flexctl.views.pipeline import json_of
from flexctl.views.settings import NAMES, SETTINGS, compared, editable, only

if TYPE_CHECKING:
    from flexclient import Reply
    from flexclient.models import Settings

GO_ON = "flexctl settings edit --from"


def get(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Only these settings.")] = None,
    curl: Curl = False,
) -> None:
    """Show what the box is set to, each setting as `settings set` takes it.

    flexctl settings get
    flexctl settings get name cot_address
    flexctl settings get -o json --query cot_address
    """
    run = state_of(ctx)
    if curl or not names:
        show(run, run.client.settings.get.plan(), SETTINGS, curl=curl)
        return
    settings = run.client.settings.get()
    there = list(dict.fromkeys((*NAMES, *json_of(settings))))
    for name in names:
        if name not in there:
            raise Misuse(f"there is no setting '{name}'{meant(name, there)}", f"names are {', '.join(there)}")
    run.out.one(settings, only(names))


def set_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE...", help="Settings; a list has commas.")
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="NAME", help="Put its default back; again for more.")
    ] = None,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Change settings. What is not named stays; NAME= puts the default back.

    `flexctl settings edit` says what each one means.

    flexctl settings set cot_enabled=true cot_interval_seconds=10
    flexctl settings set webhook_allowed_networks=10.0.0.0/8,192.168.0.0/16 --unset name
    """
    from flexclient.models import Settings

    run = state_of(ctx)
    changes = assign.assigned(Settings, words or (), unset or ())
    if not changes:
        raise Misuse("there is nothing to change", f"flexctl settings set NAME=VALUE; names are {', '.join(NAMES)}")
    _check(changes)
    if shown(run, run.client.settings.update.plan(changes), dry_run=dry_run, curl=curl):
        return
    before = run.client.settings.get()
    _told(run, before, run.client.settings.update(changes))


def _check(changes: dict[str, Any]) -> None:
    """Raises Misuse for what no box would take: then nothing is sent."""
    from flexclient.models import InvalidDocument, Settings, check

    try:
        check(Settings, json.dumps({name: value for name, value in changes.items() if value is not None}))
    except InvalidDocument as error:
        details = tuple((fault.field, fault.message) for fault in error.details)
        raise Misuse("these settings cannot be; nothing was sent", details=details) from None


def _told(run: State, before: "Settings", after: "Settings") -> None:
    changed = assign.difference(json_of(before), json_of(after), NAMES)
    words = [f"{name} is {assign.shown(value) or 'not set'}" for name, value in changed.items()]
    sentence = f"Changed: {', '.join(words)}." if words else "Nothing changed: it was set so already."
    run.out.changed_one(sentence, after, SETTINGS)


def edit(
    ctx: typer.Context,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Begin with this text: one that was kept.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Change settings in an editor, that of VISUAL or EDITOR.

    Shows what is different and asks before it is sent. Nobody else's change is lost: one that came in between is an
    error (exit 5). What was written and not sent is kept in a file.

    flexctl settings edit
    """
    run = state_of(ctx)
    _can_edit(run, asks=not (yes or dry_run or curl))
    before = run.client.settings.get.raw()
    settings = json_of(before.data)
    draft = Draft(_kept_text(from_) if from_ else editable(settings, run.url), "flexctl-settings")
    with draft.kept(run.out, GO_ON):
        changes = assign.difference(settings, _edited(run, draft, settings), NAMES)
        if not changes:
            run.out.say("Nothing is different, and nothing was sent.")
            return
        etag = {"if_match": before.etag} if before.etag else {}
        if shown(run, run.client.settings.update.plan(changes, **etag), dry_run=dry_run, curl=curl):
            return
        run.out.lines(compared(settings, changes))
        if not run.out.confirm("Send this?", yes=yes):
            raise Stop("nothing was sent")
        _told(run, before.data, _sent(run, changes, before))


def _can_edit(run: State, *, asks: bool) -> None:
    """Raises Misuse where an editor would wait for nobody, or what it wrote could not be sent."""
    if not (run.out.terminal.stdin and run.out.terminal.stdout) and not chosen():
        raise Misuse("there is no terminal for an editor", "change settings by words: flexctl settings set NAME=VALUE")
    if asks and not run.out.can_ask:
        raise Misuse("there is no terminal to ask whether to send it", "say --yes to send it without a question")


def _kept_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Misuse(f"{path} is not text") from None


def _edited(run: State, draft: Draft, settings: dict[str, Any]) -> dict[str, Any]:
    """What the text says once it is one that can be. Where there is a person, he may mend it."""
    from flexclient.models import Settings
    from flexctl.manifest.load import load_one

    while True:
        draft.edit(run.out)
        try:
            document = load_one(str(draft.path))
            said = {name: value for name, value in document.value.items() if value is not None}
            # What a newer box has set and this flexctl does not know is the box's to judge.
            ours = {n: value for n, value in said.items() if n in Settings.model_fields or n not in settings}
            document.having(ours).read(Settings)
        except Misuse as error:
            if not run.out.can_ask:
                raise
            run.out.problem(error.problem)
            if not run.out.confirm("Mend it in the editor?", yes=False):
                raise Stop("nothing was sent", code=Exit.USAGE) from None
        else:
            return said


def _sent(run: State, changes: dict[str, Any], before: "Reply[Settings]") -> "Settings":
    """Send them where the box still has what was read; a box without ETags is looked at once more."""
    from flexclient.errors import PreconditionFailed

    if before.etag:
        try:
            return run.client.settings.update(changes, if_match=before.etag)
        except PreconditionFailed:
            pass
    elif run.client.settings.get() == before.data:
        return run.client.settings.update(changes)
    raise Stop("somebody else changed the settings meanwhile; nothing was sent", code=Exit.REFUSED)
