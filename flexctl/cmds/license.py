"""`flexctl license show|install|remove`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds import reading
from flexctl.cmds.sending import shown
from flexctl.errors import Misuse, Stop
from flexctl.options import Curl, DryRun, Yes
from flexctl.state import state_of
from flexctl.views.license import LICENSE, codecs_of, streams_of

if TYPE_CHECKING:
    from flexclient.models import License

LARGEST = 64 * 1024
"""Bytes of a file that may be a licence; the box takes fewer."""


def show(ctx: typer.Context, curl: Curl = False) -> None:
    """Show what the box is licensed for.

    flexctl license show
    """
    run = state_of(ctx)
    reading.show(run, run.client.license.get.plan(), LICENSE, curl=curl)


def install(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The licence, as it came; - is standard input.")],
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Install a licence, in the place of any other.

    flexctl license install gate.lic
    flexctl license install - < gate.lic
    """
    run = state_of(ctx)
    text = _text(file)
    if not shown(run, run.client.license.install.plan(text), dry_run=dry_run, curl=curl):
        held = run.client.license.install(text)
        run.out.changed_one(f"Installed {held.serial_number or 'the licence'}: {_holds(held)}.", held, LICENSE)


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Misuse(f"{file}: {error.strerror}") from None
    name = "standard input" if file == "-" else file
    text = data.decode("ascii", errors="replace").strip()
    if not text:
        raise Misuse(f"{name} is empty")
    if len(data) > LARGEST or not text.isascii():
        raise Misuse(f"{name} is no licence", "a licence is a short text of letters and digits, as the vendor gave it")
    return text


def _holds(held: "License") -> str:
    """What may be encoded, and until when."""
    ends = f", until {held.expiration_date:%Y-%m-%d}" if held.licensed and held.expiration_date else ""
    return f"streams {streams_of(held)}, codecs {codecs_of(held)}{ends}"


def remove(ctx: typer.Context, yes: Yes = False, dry_run: DryRun = False, curl: Curl = False) -> None:
    """Remove the licence. Streams that the box may not play without one end.

    flexctl license remove --yes
    """
    run = state_of(ctx)
    if shown(run, run.client.license.remove.plan(), dry_run=dry_run, curl=curl):
        return
    before = run.client.license.get()
    serial = before.serial_number
    if serial and not run.out.confirm(f"Remove the licence {serial}?", yes=yes):
        raise Stop("nothing was removed")
    held = run.client.license.remove()
    told = f"Removed {serial}" if serial else "There is no licence"
    run.out.changed_one(f"{told}: {_holds(held)}.", held, LICENSE)
