"""`flexctl auth login|logout|status|set-password|remove-password`."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl import secrets
from flexctl.cmds.sending import shown
from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.options import SECRETS, Curl, DryRun, Yes
from flexctl.out.human import local
from flexctl.state import State, now, state_of
from flexctl.views.auth import ACCESS, Access

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient.models import Session

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, not from a question.")
]
_SHOWN = "$" + SECRETS["password"]
"""Stands for a password in what is only shown: stars, or a variable of the shell."""


def login(
    ctx: typer.Context,
    password_stdin: PasswordStdin = False,
    insecure_storage: Annotated[
        bool, typer.Option("--insecure-storage", help="Keep the token in a file that only you can read.")
    ] = False,
    print_token: Annotated[bool, typer.Option("--print-token", help="Print the token, and keep it nowhere.")] = False,
    store_password: Annotated[
        bool, typer.Option("--store-password", help="Keep the password in the keyring too, and log in again by itself.")
    ] = False,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Begin a session of 24 hours. Every command for this box then uses it by itself.

    The token is kept in the system's keyring. A machine without one has the choice: a file that only you can read, or
    the variable FLEX_TOKEN, as in `export FLEX_TOKEN=$(flexctl auth login --print-token)`.

    With --store-password the keyring keeps the password too, and whichever command finds the session ended begins
    another one. A login without it forgets the password again, and so does logout.

    flexctl auth login
    flexctl auth login --store-password
    flexctl auth login --password-stdin < password.txt
    flexctl auth login --insecure-storage
    """
    run = state_of(ctx)
    _check_storage(insecure_storage=insecure_storage, print_token=print_token, store_password=store_password)
    client = run.without_credentials()
    if shown(run, client.auth.login.plan(_SHOWN), dry_run=dry_run, curl=curl):
        return
    if not client.auth.status().auth_enabled:
        hint = "every command works as it is; a password is set by `flexctl auth set-password`"
        raise Stop(f"{run.url} has no password: there is nothing to log in to", hint, Exit.REFUSED)
    if not (insecure_storage or print_token):
        _need_keyring(run)  # before a password is typed and a try is spent
    password = _password(run, f"Password of {run.box.title}: ", from_stdin=password_stdin)
    session = client.auth.login(password)
    if print_token:
        _print(run, session)
        return
    before = _last(run)
    _keep(run, client, session, in_file=insecure_storage, password=password if store_password else None)
    if before:
        _end(client, before)
    place = "file" if insecure_storage else "keyring"
    access = Access(run.url, True, True, place, session.expires_at, run.box.context, renews=store_password)
    more = "It is renewed by itself." if store_password else ""
    run.out.changed(f"Logged in to {run.box.title} until {local(session.expires_at)}.", [access], ACCESS, more)
    _warn_of_others(run)


def _check_storage(*, insecure_storage: bool, print_token: bool, store_password: bool) -> None:
    if insecure_storage and print_token:
        raise Misuse("--insecure-storage and --print-token at once: one keeps the token, the other does not")
    if store_password and (insecure_storage or print_token):
        raise Misuse("a password is kept in the keyring only", "leave out --store-password, or the other one")


def _warn_of_others(run: State) -> None:
    for name in ("token", "api_key"):
        if run.settings.get(name):
            run.out.warn(f"{SECRETS[name]} is set, and goes before the session")
    if run.box.token_command:
        run.out.warn(f"context {run.box.context} has a token_command, and it goes before the session")


def _need_keyring(run: State) -> None:
    try:
        secrets.check_keyring(run.box.account)
    except secrets.NoKeyring as error:
        raise _no_place(run, error) from None


def _no_place(run: State, error: Exception) -> Stop:
    choices = (
        f"--insecure-storage keeps it in {secrets.note_file(run.box.account).parent}, readable by you alone\n"
        "--print-token prints it: export FLEX_TOKEN=$(flexctl auth login --print-token)"
    )
    return Stop(f"the token cannot be kept: {error}", choices)


def _keep(run: State, client: "FlexClient", session: "Session", *, in_file: bool, password: str | None = None) -> None:
    """Keep the token, or end the session: none is left that nobody has the token of."""
    token = session.token.get_secret_value()
    try:
        secrets.keep(run.box.account, token, session.expires_at, in_file=in_file, password=password)
    except (secrets.NoKeyring, OSError) as error:
        _end(client, token)
        raise _no_place(run, error) from None


def _end(client: "FlexClient", token: str) -> None:
    """End a session that is of no use any more; one that cannot be ended ends by itself."""
    from flexclient.errors import FlexError

    try:
        client.with_options(token=token).auth.logout()
    except FlexError:
        return


def _last(run: State) -> str | None:
    """The token of the last login, which the next one replaces."""
    note = secrets.noted(run.box.account)
    try:
        return secrets.token_of(note) if note and not note.ended(now()) else None
    except secrets.NoKeyring:
        return None


def _print(run: State, session: "Session") -> None:
    token = session.token.get_secret_value()
    if run.out.format in {None, "table", "wide", "name"} and not run.out.query:
        run.out.write(token)
    else:
        from flexctl.out.human import moment

        run.out.data({"token": token, "expires_at": moment(session.expires_at)})


def logout(ctx: typer.Context, dry_run: DryRun = False, curl: Curl = False) -> None:
    """End the session, on the box and here. Event streams that it opened end too.

    flexctl auth logout
    """
    run = state_of(ctx)
    if shown(run, run.client.auth.logout.plan(), dry_run=dry_run, curl=curl):
        return
    if run.box.token_command and not _given(run):
        raise Stop(f"the token of context {run.box.context} is its token_command's", "end it where it comes from")
    if _given(run):
        run.client.with_options(api_key=None).auth.logout()
        run.out.done(f"The session of {_given(run)} has ended.")
        return
    note = secrets.noted(run.box.account)
    if note is None:
        run.out.say(f"There is no session with {run.box.title}.")
        return
    ended = note.ended(now()) or not _log_out(run, note)
    secrets.forget(run.box.account)
    run.out.done(f"Logged out of {run.box.title}." + (" The session had ended before." if ended else ""))


def _log_out(run: State, note: secrets.Note) -> bool:
    """End the session of a note on the box; False where it had ended. Raises Stop where its token cannot be read."""
    from flexclient.errors import Unauthorized

    try:
        token = secrets.token_of(note)
    except secrets.NoKeyring as error:
        hint = f"unlock the keyring and try again; the session ends by itself at {local(_ends(note))}"
        raise Stop(f"the token cannot be read: {error}", hint) from None
    try:
        run.client.with_options(token=token, api_key=None).auth.logout()
    except Unauthorized:
        return False
    return token is not None


def status(ctx: typer.Context, curl: Curl = False) -> None:
    """Show whether a password is needed, where your token is, and when it ends.

    Exit 4 says that the box wants a login and this flexctl has none that is good.

    flexctl auth status
    flexctl auth status --query let_in
    """
    run = state_of(ctx)
    call = run.client.auth.status.plan()
    if shown(run, call, dry_run=False, curl=curl):
        return
    found = run.client.send(call).data
    place, note = _place(run), secrets.noted(run.box.account)
    ends = found.expires_at or (_ends(note) if note and place == note.place else None)
    let_in = not found.auth_enabled or (place is not None and (found.expires_at is not None or _answered(run)))
    renews = bool(note and note.password and place == note.place)
    ends = ends if found.auth_enabled else None
    run.out.one(Access(run.url, found.auth_enabled, let_in, place, ends, run.box.context, renews), ACCESS)
    if not let_in:
        raise Stop(f"{run.box.title} wants a login", "log in: flexctl auth login", Exit.FORBIDDEN)


def _place(run: State) -> str | None:
    """Where the token, or the key, of this run comes from."""
    if given := _given(run):
        return given
    if run.settings.get("api_key"):
        return SECRETS["api_key"]
    if run.box.token_command:
        return "token_command"
    note = secrets.noted(run.box.account)
    return note.place if note else None


def _given(run: State) -> str | None:
    """What gave this run a token, None where it is the stored one or there is none."""
    if run.settings.get("token_stdin"):
        return "--token-stdin"
    return SECRETS["token"] if run.settings.get("token") else None


def _ends(note: secrets.Note) -> datetime:
    return datetime.fromisoformat(note.expires_at)


def _answered(run: State) -> bool:
    """Whether the box lets this run in: asked for something, it answers."""
    from flexclient.errors import ApiError, Unauthorized

    try:
        run.client.settings.get()
    except Unauthorized:
        return False
    except ApiError:
        return True  # let in, and refused for another reason
    return True


def set_password(
    ctx: typer.Context, password_stdin: PasswordStdin = False, dry_run: DryRun = False, curl: Curl = False
) -> None:
    """Set or change the box's password. A change ends all sessions but yours.

    From then on everything but the state of the box needs a session or the API key. 1 to 1,024 characters.

    flexctl auth set-password
    flexctl auth set-password --password-stdin < password.txt
    """
    run = state_of(ctx)
    if shown(run, run.client.auth.set_password.plan(_SHOWN), dry_run=dry_run, curl=curl):
        return
    before = run.client.auth.status().auth_enabled
    if before:
        run.client.settings.get()  # who is not let in hears so before a password is typed
    password = _password(run, f"New password of {run.url}: ", from_stdin=password_stdin, twice=True)
    run.client.auth.set_password(password)
    place = _place(run) if before else None
    access = Access(run.url, True, place is not None, place)
    if before:
        run.out.changed(f"Changed the password of {run.url}. All other sessions have ended.", [access], ACCESS)
        return
    _forget(run)
    run.out.changed(f"{run.url} has a password now.", [access], ACCESS, "Log in: flexctl auth login")


def remove_password(ctx: typer.Context, yes: Yes = False, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Ask nobody for a password any more: whoever reaches the box may do everything. All sessions end.

    flexctl auth remove-password --yes
    """
    run = state_of(ctx)
    if shown(run, run.client.auth.remove_password.plan(), dry_run=dry_run, curl=curl):
        return
    if not run.client.auth.status().auth_enabled:
        run.out.changed(f"{run.url} has no password.", [Access(run.url, False, True)], ACCESS)
        return
    if not run.out.confirm(f"Let everybody who reaches {run.url} do everything?", yes=yes):
        raise Stop("the password stays")
    run.client.auth.remove_password()
    _forget(run)
    run.out.changed(f"{run.url} asks nobody for a password any more.", [Access(run.url, False, True)], ACCESS)


def _forget(run: State) -> None:
    """Forget a token that is worth nothing any more."""
    try:
        secrets.forget(run.box.account)
    except (secrets.NoKeyring, OSError) as error:
        run.out.warn(f"the token of the last session stays where it is: {error}")


def _password(run: State, question: str, *, from_stdin: bool, twice: bool = False) -> str:
    """The password: from standard input, the environment or a person. Raises Misuse."""
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif known := run.settings.get("password"):
        password = str(known)
    elif run.out.can_ask:
        password = run.out.ask_secret(question)
        if twice and run.out.ask_secret("The same again: ") != password:
            raise Misuse("the two are not the same", "nothing was changed")
    else:
        raise Misuse("there is no terminal to ask for the password", "give it with --password-stdin")
    if not password:
        raise Misuse("--password-stdin: standard input holds no password" if from_stdin else "the password is empty")
    return password
