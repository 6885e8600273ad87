"""`flexctl camera list|get|events`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.events import Scroll
from flexctl.cmds.reading import show, show_all
from flexctl.cmds.sending import as_curl
from flexctl.errors import Stop
from flexctl.exits import Exit
from flexctl.live.follow import Wanted, follow
from flexctl.options import Count, Curl, For, SaveSvg
from flexctl.state import State, state_of
from flexctl.views.camera import CAMERA, CAMERA_DETAIL

if TYPE_CHECKING:
    from flexclient.models import Camera

LOOK = "See them all: flexctl camera list"
Since = Annotated[
    int | None, typer.Option("--since", metavar="N", help="Begin after the event with this id, not with now.")
]
NONE = ("No camera is plugged in.", "Plug one into the box; see it come: flexctl camera events")


def list_(ctx: typer.Context, curl: Curl = False) -> None:
    """Show the cameras that are plugged in.

    flexctl camera list
    flexctl camera list -o name
    """
    run = state_of(ctx)
    show_all(run, run.client.cameras.list.plan(), CAMERA, NONE, under="cameras", curl=curl)


def get(
    ctx: typer.Context,
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="Its path, its id, or its name if no other has it.")],
    curl: Curl = False,
) -> None:
    """Show what a camera can do: its formats with sizes and rates, and the best of them.

    A pipeline takes the best one, unless its source says `caps`.

    flexctl camera get /dev/video0
    flexctl camera get 'HD Webcam' -o json --query best_capability.gstreamer_caps
    """
    run = state_of(ctx)
    path = camera if camera.startswith("/") else _path_of(run, camera)
    show(run, run.client.cameras.get.plan(path), CAMERA_DETAIL, curl=curl)


def _path_of(run: State, word: str) -> str:
    """The path of the camera that is called so. Raises Stop where there is none, or more than one."""
    cameras = run.client.cameras.list().cameras
    found = [one for one in cameras if word in _names(one)]
    found = found or [one for one in cameras if one.name.lower() == word.lower()]
    if len(found) == 1:
        return found[0].path
    if found:
        paths = ", ".join(one.path for one in found)
        raise Stop(f"{len(found)} cameras are called '{word}'", f"Say which by its path or id: {paths}", Exit.USAGE)
    raise Stop(f"no camera is called '{word}'", LOOK if cameras else "\n".join(NONE), Exit.NOT_FOUND)


def _names(camera: "Camera") -> tuple[str | None, ...]:
    return camera.id, camera.name, camera.path.removeprefix("/dev/")


def events(
    ctx: typer.Context,
    since: Since = None,
    scroll: Scroll = False,
    for_: For = None,
    count: Count = None,
    save_svg: SaveSvg = None,
    curl: Curl = False,
) -> None:
    """Follow cameras that come and go, until Ctrl-C, --for or --count.

    A terminal shows a live table; a pipe gets one JSON object a line.

    flexctl camera events
    flexctl camera events --for 1h | jq -r .data.device_path
    """
    run = state_of(ctx)
    given = {} if since is None else {"since": since}
    stream = run.client.cameras.events
    if curl:
        query = {name: str(value) for name, value in given.items()}
        as_curl(run, replace(stream.plan(), query=query), "-N")
    else:
        follow(run, Wanted(since=since, seconds=for_, count=count), svg=save_svg, scroll=scroll, stream=stream)
