"""`flexctl context add|use|list|show|rename|remove|trust`."""

import os
import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from flexctl import contexts, secrets
from flexctl.contexts import Box, Contexts
from flexctl.errors import Misuse, Problem, Stop
from flexctl.exits import Exit
from flexctl.options import Yes
from flexctl.out.human import local
from flexctl.pin import Seen, look
from flexctl.state import State, now, state_of
from flexctl.views.context import CONTEXT, Saved

Name = Annotated[str, typer.Argument(metavar="NAME", help="The context's name.")]
MaybeName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="The context's name (default: the current one).", show_default=False),
]
TrustFirst = Annotated[
    bool, typer.Option("--trust-on-first-use", help="Trust whoever answers now, without a question.")
]
LOOK_SECONDS = 10.0
"""Longest wait for a handshake, unless --timeout says otherwise."""


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it: letters, digits, dot, dash.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Its address, such as https://10.0.0.5:3539.")],
    trust_on_first_use: TrustFirst = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Do not ask the box: it is off.")] = False,
    token_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="A program whose first line is the token, such as 'pass show flex/lab'."),
    ] = None,
    use_it: Annotated[
        bool, typer.Option("--use", help="Take it where none is named; the first one is, anyway.")
    ] = False,
) -> None:
    """Save a box: its address under a name, and whom to trust there.

    Shows the certificate that the box has, asks whether it is the right one, and pins it: from then on no other one is
    taken. The box prints its fingerprint when it starts. Without a terminal --fingerprint says which one is right, or
    --trust-on-first-use that any is. --ca-file trusts what it has signed instead, and --read-only is kept, too.

    flexctl context add lab 10.0.0.5
    flexctl context add roof https://roof.local:3539 --fingerprint AA:BB:CC... --use
    flexctl context add gate 10.0.0.7 --read-only --trust-on-first-use
    """
    run = state_of(ctx)
    if not contexts.good_name(name):
        raise Misuse(f"'{name}' can be no context's name", "letters, digits, dot, dash and underscore, at most 63")
    if name in run.saved.names:
        hint = f"trust its certificate anew: flexctl context trust {name}\nforget it: flexctl context remove {name}"
        raise Stop(f"there is a context '{name}' already: {run.saved.box(name).url}", hint, Exit.REFUSED)
    if run.given.get("insecure"):
        raise Misuse("--insecure is nothing to be saved", "pin the certificate: leave --insecure out")
    address = full_url(url)
    values = {
        "url": address,
        "ca_file": _absolute(run.given.get("ca_file")),
        "read_only": True if run.given.get("read_only") else None,
        "token_command": token_command,
        "fingerprint": _pin(run, name, address, first=trust_on_first_use, no_check=no_check),
    }
    if not no_check:
        _answers(run, address, values)
    after = contexts.change(lambda saved: _added(saved, name, values, use=use_it))
    current = ", the current one" if after.current == name else f". Use it: flexctl context use {name}"
    run.out.changed(f"Added {name}{current}", [_saved(after, name)], CONTEXT)


def _absolute(file: str | None) -> str | None:
    return os.path.abspath(file) if file else None  # noqa: PTH100  it is kept for runs in other folders


def full_url(text: str) -> str:
    """An address as it is saved. What is left out is https, and the API's port.

    Raises Misuse for what is no address.
    """
    from urllib.parse import urlsplit

    from flexclient._config import _url
    from flexclient.errors import UsageError

    try:
        url = _url(text)
    except UsageError as error:
        raise Misuse(error.message, error.hint or "") from None
    parts = urlsplit(url)
    if "://" in text or parts.port or parts.path:
        return url
    return f"{url}:3539"


def _added(saved: Contexts, name: str, values: dict[str, Any], *, use: bool) -> Contexts:
    made = saved.with_box(name, values)
    return made.using(name) if use or len(made.names) == 1 else made


def _pin(run: State, name: str, url: str, *, first: bool, no_check: bool) -> str | None:
    """The fingerprint to pin; None where there is none to pin. Raises Stop where nobody trusts it."""
    if no_check or not url.startswith("https://") or run.given.get("ca_file"):
        return _normal(run.given["fingerprint"]) if run.given.get("fingerprint") else None
    seen = _look(run, url, "save it as it is, and trust it later: --no-check")
    run.out.say(f"{url} shows this certificate:", "\n".join(_lines(seen, url)))
    return _agreed(run, seen, f"Is it the one of {name}, and to be trusted?", first=first)


def _look(run: State, url: str, hint: str) -> Seen:
    """The certificate that the box shows. Raises Stop."""
    try:
        return look(url, run.settings.get("timeout") or LOOK_SECONDS)
    except ssl.SSLError as error:
        sentence = f"{url} does not speak TLS as it should: {error.reason or error}"
        raise Stop(sentence, "is this the API's port (3539 unless it was changed)?", Exit.UNREACHABLE) from None
    except OSError as error:
        why = error.strerror or str(error) or "it did not answer"
        raise Stop(
            f"cannot reach {url}: {why}", f"is it on, and the address right?\n{hint}", Exit.UNREACHABLE
        ) from None


def _lines(seen: Seen, url: str) -> list[str]:
    """What a person has to know of a certificate."""
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname
    names = ", ".join(dict.fromkeys(seen.names)) or "nobody"
    fits = f"yes, for {host}" if seen.named else f"not for {host}, but for {names}; a pin does not mind"
    ends = f"{'ended' if seen.ends <= now() else 'until'} {local(seen.ends)}" if seen.ends else "it does not say"
    return [f"SHA-256  {seen.fingerprint}", f"name     {fits}", f"valid    {ends}"]


def _agreed(run: State, seen: Seen, question: str, *, first: bool) -> str:
    """The fingerprint, once somebody has said that it is right. Raises Stop where nobody has."""
    if wanted := run.given.get("fingerprint"):
        if _normal(wanted) != seen.fingerprint:
            sentence = "the box shows another certificate than --fingerprint says"
            details = (("shown", seen.fingerprint), ("wanted", _normal(wanted)))
            raise Stop(sentence, "nothing was saved; is it the right box?", Exit.UNREACHABLE, details)
        return seen.fingerprint
    if not first and not run.out.can_ask:
        hint = f"compare it with what the box prints when it starts, then say so:\n--fingerprint {seen.fingerprint}\n"
        raise Misuse("there is no terminal to ask whether to trust it", hint + "or any, unseen: --trust-on-first-use")
    if not run.out.confirm(question, yes=first):
        raise Stop("nothing was saved")
    return seen.fingerprint


def _normal(text: str) -> str:
    from flexclient._tls import normal_fingerprint, pretty_fingerprint
    from flexclient.errors import UsageError

    try:
        return pretty_fingerprint(normal_fingerprint(text))
    except UsageError as error:
        raise Misuse(f"--fingerprint: {error.message}", error.hint or "") from None


def _answers(run: State, url: str, values: dict[str, Any]) -> None:
    """Ask what was pinned whether it is a box at all. Raises what it says instead of a version."""
    from flexclient.errors import FlexError
    from flexctl.state import connect

    limit = {"timeout": run.settings["timeout"]} if run.settings.get("timeout") else {}
    trust = {"fingerprint": values["fingerprint"], "ca_file": values["ca_file"]}
    try:
        with connect(url=url, retries=0, **trust, **limit) as client:
            client.with_options(token=None, api_key=None).system.version()
    except FlexError as error:
        from flexctl.errors import problem_of

        problem = problem_of(error, url) or Problem(error.message)
        hint = f"{problem.hint}\nsave it as it is: --no-check".strip()
        raise Stop(problem.sentence, hint, problem.code, problem.details) from None


def use(ctx: typer.Context, name: Name) -> None:
    """Take this box where none is named: no --context, --url, FLEX_CONTEXT or FLEX_URL.

    flexctl context use lab
    """
    run = state_of(ctx)
    run.saved.box(name)
    after = contexts.change(lambda saved: saved.using(name))
    run.out.changed(f"The current context is {name}: {after.box(name).url}", [_saved(after, name)], CONTEXT)
    for variable in ("url", "context"):
        if run.settings.get(variable):
            run.out.warn(f"FLEX_{variable.upper()} is set, and goes before it")


def list_(ctx: typer.Context) -> None:
    """Show the saved boxes. No box is asked anything.

    flexctl context list
    flexctl context list -o name
    """
    run = state_of(ctx)
    rows = [_saved(run.saved, name) for name in run.saved.names]
    run.out.list(rows, CONTEXT, ("There are no contexts yet.", "Save a box: flexctl context add NAME URL"))


def show(ctx: typer.Context, name: MaybeName = None) -> None:
    """Show what is saved of a box: no secrets, and the box is asked nothing.

    flexctl context show lab
    flexctl context show --query url
    """
    run = state_of(ctx)
    found = _named(run, name)
    run.saved.box(found)
    run.out.one(_saved(run.saved, found), CONTEXT)


def rename(
    ctx: typer.Context,
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
) -> None:
    """Give a saved box another name. Its token goes along.

    flexctl context rename lab bench
    """
    run = state_of(ctx)
    old = run.saved.box(name)
    if not contexts.good_name(new):
        raise Misuse(f"'{new}' can be no context's name", "letters, digits, dot, dash and underscore, at most 63")
    if new in run.saved.names:
        raise Stop(f"there is a context '{new}' already", "flexctl context list", Exit.REFUSED)
    after = run.saved.renamed(name, new)
    try:
        secrets.move(old.account, after.box(new).account)
    except (secrets.NoKeyring, OSError) as error:
        hint = "unlock the keyring and try again, or end the session first: flexctl auth logout --context " + name
        raise Stop(f"the token of {name} cannot be moved: {error}", hint) from None
    after = contexts.change(lambda saved: saved.renamed(name, new))
    run.out.changed(f"{name} is {new} now.", [_saved(after, new)], CONTEXT)


def remove(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The contexts' names.")],
    yes: Yes = False,
) -> None:
    """Forget a box, and its token. Nothing changes on the box.

    flexctl context remove lab
    """
    run = state_of(ctx)
    boxes = [run.saved.box(name) for name in dict.fromkeys(names)]
    if not run.out.confirm(f"Forget {_listed(boxes)}?", yes=yes):
        raise Stop("nothing was forgotten")
    for box in boxes:
        _forget(box)
        after = contexts.change(lambda saved, name=str(box.context): saved.without(name))  # type: ignore[misc]
        run.out.done(f"Forgot {box.context}.")
        if not after.current and run.saved.current == box.context and after.names:
            run.out.say("No context is the current one now.", f"flexctl context use {after.names[0]}")


def _listed(boxes: Sequence[Box]) -> str:
    return ", ".join(f"{box.context} ({box.url})" for box in boxes)


def _forget(box: Box) -> None:
    try:
        secrets.forget(box.account)
    except (secrets.NoKeyring, OSError) as error:
        note = secrets.note_file(box.account)
        hint = f"unlock the keyring and try again; or leave the token there: rm {note}"
        raise Stop(f"the token of {box.context} cannot be removed: {error}", hint) from None


def trust(ctx: typer.Context, name: MaybeName = None, trust_on_first_use: TrustFirst = False) -> None:
    """Trust the certificate that a box shows now, after a look at the old one and the new one.

    A box that was installed anew, or whose certificate was renewed, has another one. So has somebody who answers in its
    place: compare with what the box prints when it starts. Without a terminal --fingerprint says which one is right.

    flexctl context trust lab
    flexctl context trust lab --fingerprint AA:BB:CC...
    """
    run = state_of(ctx)
    found = _named(run, name)
    box = run.saved.box(found)
    if not box.url.startswith("https://"):
        raise Stop(f"{box.url} has no TLS, and so no certificate to trust", "save it with https:// instead")
    seen = _look(run, box.url, "nothing was changed")
    if box.fingerprint and _normal(box.fingerprint) == seen.fingerprint:
        run.out.changed(f"{found} shows the certificate that is pinned.", [_saved(run.saved, found)], CONTEXT)
        return
    before = box.fingerprint or "none was pinned"
    run.out.say(f"{box.url} shows another certificate:", "\n".join([f"before   {before}", *_lines(seen, box.url)]))
    pin = _agreed(run, seen, f"Trust the new one of {found}?", first=trust_on_first_use)
    after = contexts.change(lambda saved: saved.with_box(found, {"fingerprint": pin, "ca_file": None}))
    run.out.changed(f"{found} is trusted with its new certificate.", [_saved(after, found)], CONTEXT)


def _named(run: State, name: str | None) -> str:
    """The context that a command is about: the one that is named, or the current one. Raises Misuse."""
    found = name or (run.contexts[0] if len(run.contexts) == 1 else None) or run.saved.current
    if not found:
        raise Misuse("NAME is missing, and no context is the current one", "flexctl context list")
    return found


def _saved(saved: Contexts, name: str) -> Saved:
    box = saved.box(name)
    note = secrets.noted(box.account)
    place = "token_command" if box.token_command else note.place if note else None
    ends = datetime.fromisoformat(note.expires_at) if note and place == note.place else None
    return Saved(name, box, saved.current == name, place, ends, bool(note and note.password))
