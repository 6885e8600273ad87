"""`flexctl webhook list|create|delete|test|deliveries`."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flexctl.cmds.reading import show_all
from flexctl.cmds.sending import each, shown
from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.options import Curl, DryRun, Yes, names
from flexctl.state import State, state_of
from flexctl.views.webhook import DELIVERY, EVENTS, NEW, WEBHOOK

if TYPE_CHECKING:
    from flexclient.models import Webhook

HookId = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id, wh_ and eight letters.")]
HookIds = Annotated[list[str], typer.Argument(metavar="ID...", help="The webhooks' ids.")]
Events = Annotated[
    str | None,
    typer.Option("--events", metavar="A,B,..", help=f"What to tell: {', '.join(EVENTS)}; or all."),
]
NONE_YET = (
    "Nobody is told anything yet.",
    "Tell somebody: flexctl webhook create https://example.com/hook --events pipeline.started",
)
KEEP_IT = "Keep the secret: it checks the signatures, and is shown only this once."


def list_(ctx: typer.Context, curl: Curl = False) -> None:
    """Show the addresses that are told what happens.

    One whose receiver answered 410 is off, and the table says since when.

    flexctl webhook list
    flexctl webhook list -o name
    """
    run = state_of(ctx)
    show_all(run, run.client.webhooks.list.plan(), WEBHOOK, NONE_YET, curl=curl)


def create(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="URL", help="Where to POST: http:// or https://.")],
    events: Events = None,
    header_file: Annotated[
        str | None,
        typer.Option(
            "--header-file", metavar="FILE", help="Headers to send along, a line each: 'Name: value'; - is stdin."
        ),
    ] = None,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Tell an address what happens, from now on.

    Messages are signed (Standard Webhooks). The secret that checks them is shown once, here: keep it. Headers such as
    a token come from a file or a pipe, because everyone on a machine can read its command lines. Private and loopback
    addresses need `flexctl settings set webhook_allowed_networks=NETWORK` first.

    flexctl webhook create https://example.com/hook --events pipeline.started,pipeline.stopped
    flexctl webhook create https://example.com/hook --events all --header-file token.txt
    flexctl webhook create https://example.com/hook --events all -o json --query secret
    """
    run = state_of(ctx)
    body: dict[str, Any] = {"url": address, "events": events_of(events)}
    if header_file is not None:
        body["headers"] = _headers(header_file)
    _check(body)
    call = run.client.webhooks.create.plan(body)
    if shown(run, call, dry_run=dry_run, curl=curl):
        return
    made = run.client.send(call).data
    run.out.done(f"Created {made.id}.", f"Try it: flexctl webhook test {made.id}")
    _show_once(run, made)


def _show_once(run: State, made: "Webhook") -> None:
    chosen = run.out.query or " ".join(run.out.columns)
    if run.out.form == "name" or (chosen and "secret" not in chosen):
        run.out.say("Its secret cannot be shown again.")
    elif made.secret:
        run.out.warn(KEEP_IT)
    run.out.one(made, NEW)


def events_of(text: str | None) -> list[str]:
    """The events that `--events` names. Raises Misuse for none, and for one that is none."""
    given = list(dict.fromkeys(names(text or "")))
    if given == ["all"]:
        return list(EVENTS)
    known = ", ".join(EVENTS)
    if not given:
        raise Misuse("--events is missing", f"name some of {known}; or say --events all")
    for name in given:
        if name not in EVENTS:
            raise Misuse(f"--events: there is no event '{name}'", f"there are {known}")
    return given


def _headers(file: str) -> dict[str, str]:
    """The headers in a file. What is wrong is told by its line, never by what stands there."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"--header-file: {file}: {getattr(error, 'strerror', None) or 'it is no text'}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = re.fullmatch(r"([^\s:]+):\s*(.*?)\s*", line)
        if match is None:
            raise Misuse(f"--header-file: {file}, line {number}: a header is 'Name: value'")
        if match[1].lower() in map(str.lower, found):
            raise Misuse(f"--header-file: {file}, line {number}: {match[1]} stands twice")
        found[match[1]] = match[2]
    if not found:
        raise Misuse(f"--header-file: {file} holds no header")
    return found


def _check(body: dict[str, Any]) -> None:
    """Raises Misuse for what no box would take: then nothing is sent."""
    import json

    from flexclient.models import InvalidDocument, WebhookSpec, check

    try:
        check(WebhookSpec, json.dumps(body))
    except InvalidDocument as error:
        details = tuple((fault.field, fault.message) for fault in error.details)
        raise Misuse("this webhook cannot be; nothing was sent", details=details) from None


def delete(ctx: typer.Context, ids: HookIds, yes: Yes = False, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Tell addresses nothing more. What waits for them is not sent.

    flexctl webhook delete wh_1a2b3c4d
    flexctl webhook delete wh_1a2b3c4d wh_5e6f7g8h --yes
    """
    run = state_of(ctx)
    if not (dry_run or curl or yes):
        known = {hook.id for hook in run.client.webhooks.list()}
        for name in ids:
            if name not in known:  # nobody is asked about what is not there
                raise Stop(f"there is no webhook '{name}'", "`flexctl webhook list` shows them", Exit.NOT_FOUND)
    what = f"webhook {ids[0]}" if len(ids) == 1 else f"{len(ids)} webhooks ({', '.join(ids)})"
    if not (dry_run or curl) and not run.out.confirm(f"Delete {what}?", yes=yes):
        raise Stop("nothing was deleted")

    def act(name: str) -> None:
        if not shown(run, run.client.webhooks.delete.plan(name), dry_run=dry_run, curl=curl):
            run.client.webhooks.delete(name)
            run.out.done(f"Deleted {name}.")

    each(run, ids, act, WEBHOOK)


def send_test(ctx: typer.Context, id: HookId, dry_run: DryRun = False, curl: Curl = False) -> None:  # noqa: A002
    """Send a test message now, and say what came of it.

    The message is of type `test`, and sent once. One that is not delivered is exit 1.

    flexctl webhook test wh_1a2b3c4d
    """
    run = state_of(ctx)
    call = run.client.webhooks.test.plan(id)
    if shown(run, call, dry_run=dry_run, curl=curl):
        return
    sent = run.client.send(call).data
    if sent.state == "delivered":
        took = f" in {sent.duration_ms:.0f} ms" if sent.duration_ms is not None else ""
        run.out.changed(f"Delivered: the receiver answered {sent.status}{took}.", [sent], DELIVERY)
        return
    run.out.results([sent], DELIVERY)
    raise Stop(f"the test was not delivered: {sent.error or 'nobody says why'}", _advice(sent.error or ""))


def _advice(error: str) -> str:
    """What to do about a message that was not delivered, where that is known."""
    if " is " in error or " leads to " in error:
        return "`flexctl settings set webhook_allowed_networks=NETWORK` allows a network that is not public"
    return "a receiver answers 2xx within 5 s; `flexctl webhook listen` is one to try with"


def deliveries(ctx: typer.Context, id: HookId, curl: Curl = False) -> None:  # noqa: A002
    """Show what was sent to an address and how it fared, the newest first.

    A message that fails is tried again nine times, for three days.

    flexctl webhook deliveries wh_1a2b3c4d
    flexctl webhook deliveries wh_1a2b3c4d -o json --query "[?state=='failed'].error"
    """
    run = state_of(ctx)
    empty = ("Nothing was sent there yet.", f"Try it: flexctl webhook test {id}")
    show_all(run, run.client.webhooks.deliveries.plan(id), DELIVERY, empty, curl=curl)
