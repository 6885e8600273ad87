"""`flexctl play`: a player on this machine. What has a box encode is `flexctl pipeline play`."""

import shlex
import signal
import subprocess
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from flexctl.errors import Stop
from flexctl.exits import Exit
from flexctl.options import Id
from flexctl.players import command_of, playable
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexclient.models import PipelineStatus


def play(
    ctx: typer.Context,
    id: Id,  # noqa: A002
    player: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="ffplay, mpv, vlc, gst-launch-1.0 or another one (default: the first)."),
    ] = None,
    print_: Annotated[bool, typer.Option("--print", help="Only print the address, and start nothing.")] = False,
) -> None:
    """Watch a pipeline here: start a player on this machine, and come back when it ends, with its exit code.

    This is not `flexctl pipeline play`, which has the box encode whether or not somebody watches. A pipeline that is on
    demand begins by itself when the player asks for it; one that was stopped is armed first.

    flexctl play cam1
    flexctl play cam1 --player 'mpv --fs'
    flexctl play cam1 --print
    """
    run = state_of(ctx)
    status = run.client.pipelines.status(id)
    if not status.output_uri:
        raise Stop(f"the box does not say where {id} is to be watched", f"look at it: flexctl pipeline get {id}")
    uri = playable(status.output_uri, urlsplit(run.client.url).hostname or "")
    if print_:
        run.out.data({"uri": uri}) if run.out.form in {"json", "yaml", "ndjson"} else run.out.write(uri)
        return
    command = command_of(player, uri, id)
    if status.order == "stop":
        _arm(run, id)
    elif status.state in {"error", "reconnecting"}:
        run.out.warn(f"{id} is {status.state}: {_why(status)}", f"more: flexctl pipeline logs {id}")
    run.out.say(f"Playing {uri} with {command[0]}; Ctrl-C ends it.")
    raise typer.Exit(_ran(command))


def _why(status: "PipelineStatus") -> str:
    return status.reason or "the box does not say why"


def _arm(run: State, name: str) -> None:
    """Let readers in again. One that always encodes has to be told to, which is no mere watching."""
    if not run.client.pipelines.get(name).on_demand:
        hint = f"have the box encode it: flexctl pipeline play {name}"
        raise Stop(f"{name} is stopped, and does not begin by itself", hint, Exit.REFUSED)
    run.client.pipelines.patch(name, {"on_demand": True})
    run.out.say(f"{name} was stopped; it is armed now, and encodes while somebody watches.")


def _ran(command: list[str]) -> int:
    """Run the player to its end; its exit code, as a shell would have it. Ctrl-C is the player's own."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  the user's own player
    except OSError as error:
        raise Stop(f"{shlex.join(command[:1])} cannot be started: {error.strerror}") from None
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return 128 - code if code < 0 else code
