"""`flexctl framegrab list|download|delete|show`."""

import os
import re
import shlex
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flexctl.cmds.reading import show_all
from flexctl.cmds.sending import as_curl, each, shown
from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.options import Curl, DryRun, Yes
from flexctl.out.drawing import Colors, colors_of, drawn
from flexctl.state import State, state_of
from flexctl.views.framegrab import FRAMEGRAB, SAVED, Saved

if TYPE_CHECKING:
    from PIL.Image import Image

    from flexclient.models import FramegrabFile

Files = Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="Names of files on the box.")]
Owner = Annotated[str | None, typer.Option("--pipeline", "-p", metavar="ID", help="Those of this pipeline.")]
NONE_YET = (
    "There are no framegrabs yet.",
    "Have a pipeline take them while it plays: flexctl pipeline update cam1 --framegrab-interval 5",
)
PIPE_COLUMNS, PIPE_ROWS = 80, 40
"""The size of a picture in a pipe."""
PROMPT_ROWS = 2
"""Rows of the window that are left for the next prompt."""
_FILE = re.compile(r".+-\d{5,}\.avifs?")
_PICTURE = re.compile(r".+\.avifs?")


def list_(ctx: typer.Context, pipeline: Owner = None, curl: Curl = False) -> None:
    """Show the pictures and clips that pipelines left on the box, of each pipeline the newest last.

    flexctl framegrab list
    flexctl framegrab list --pipeline cam1 --sort-by size_bytes
    """
    run = state_of(ctx)
    call = run.client.framegrabs.list.plan(**_of(pipeline))
    empty = (f"There are no framegrabs of {pipeline}.", "") if pipeline else NONE_YET
    show_all(run, call, FRAMEGRAB, empty, curl=curl)


def download(
    ctx: typer.Context,
    files: Files = None,
    pipeline: Owner = None,
    all_: Annotated[bool, typer.Option("--all", help="Every file on the box.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", "-t", metavar="PATH", help="A folder, or a file's name; - is standard output.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are here already.")] = False,
    curl: Curl = False,
) -> None:
    """Save pictures here, under their own names or as --to says.

    A download that was cut off goes on where it ended, and a file that is here already is left as it is: with --all or
    --pipeline it is passed over, where it is named that is an error.

    flexctl framegrab download cam1-00007.avif
    flexctl framegrab download --pipeline cam1 --to pictures/
    flexctl framegrab download cam1-00007.avif --to - | feh -
    """
    run = state_of(ctx)
    known = {} if files else {one.file: one.size_bytes for one in _listed(run, pipeline, all_=all_)}
    names = _one_choice(files, pipeline, all_=all_) or list(known)
    for name in names:
        _check(name)
    target = _target(to, names)
    if curl:
        for name in names:
            where = "-" if target is None else str(_place(target, name))
            as_curl(run, run.client.framegrabs.download.plan(name), "-o", shlex.quote(where))
    elif target is None:
        run.out.raw(run.client.framegrabs.download(names[0]))
    elif not names:
        run.out.list([], SAVED, ("There is nothing to download.", "`flexctl framegrab list` shows what there is."))
    else:
        each(run, names, lambda name: _save(run, name, _place(target, name), known.get(name), overwrite), SAVED)


def _one_choice(files: list[str] | None, pipeline: str | None, *, all_: bool = False) -> list[str]:
    """The files that were named; empty where a pipeline, or everything, is meant."""
    if sum(map(bool, (files, pipeline, all_))) != 1:
        raise Misuse("say which files: their names, or --pipeline ID, or --all", "`flexctl framegrab list` shows them")
    return files or []


def _listed(run: State, pipeline: str | None, *, all_: bool) -> "list[FramegrabFile]":
    _one_choice(None, pipeline, all_=all_)
    return run.client.framegrabs.list(**_of(pipeline))


def _of(pipeline: str | None) -> dict[str, Any]:
    return {"pipeline_id": pipeline} if pipeline else {}


def _check(name: str) -> None:
    """Raises Stop for what is called as a picture and yet can be none: its name lacks the pipeline or the number."""
    if _PICTURE.fullmatch(name) and not _FILE.fullmatch(name):
        raise Stop(f"there is no framegrab '{name}'", "`flexctl framegrab list` shows what there is", Exit.NOT_FOUND)


def _target(to: str | None, names: list[str]) -> Path | None:
    """A folder, a file, or None for standard output."""
    if to == "-":
        if len(names) != 1:
            raise Misuse("standard output takes one file", f"this would be {len(names)}")
        return None
    target = Path(to or ".")
    is_folder = to is None or to.endswith("/") or target.is_dir()
    if len(names) > 1 and not is_folder and target.exists():
        raise Misuse(f"{to} is no folder, and there are {len(names)} files")
    if is_folder or len(names) > 1:
        target.mkdir(parents=True, exist_ok=True)
    return target


def _place(target: Path, name: str) -> Path:
    return target / name if target.is_dir() else target


def _save(run: State, name: str, path: Path, size: int | None, overwrite: bool) -> Saved | None:
    if path.exists() and not overwrite:
        if size is not None and path.stat().st_size == size:
            run.out.say(f"{path} is here already.")
            return None
        raise Stop(f"{path} exists already", "choose another name with --to, or replace it with --overwrite")
    with run.out.progress(name, size=True) as progress:
        run.client.framegrabs.save(name, path, progress=progress, overwrite=overwrite)
    run.out.done(f"Saved {path} ({path.stat().st_size / 1024:.0f} KiB).")
    return Saved(name, str(path), path.stat().st_size)


def delete(
    ctx: typer.Context,
    files: Files = None,
    pipeline: Owner = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Delete pictures from the box: some by name, or all of a pipeline. Deleting the pipeline itself leaves them.

    flexctl framegrab delete cam1-00001.avif cam1-00002.avif
    flexctl framegrab delete --pipeline cam1 --yes
    """
    run = state_of(ctx)
    names = _one_choice(files, pipeline)
    sent = not (dry_run or curl)
    what = f"every framegrab of {pipeline}" if pipeline else _counted(names)
    if sent and not run.out.confirm(f"Delete {what}?", yes=yes):
        raise Stop("nothing was deleted")
    if pipeline:
        if not shown(run, run.client.framegrabs.delete_all.plan(pipeline), dry_run=dry_run, curl=curl):
            gone = run.client.framegrabs.delete_all(pipeline).deleted
            run.out.done(f"Deleted {gone} framegrab{'' if gone == 1 else 's'} of {pipeline}.")
            if run.out.format or run.out.query:
                run.out.data({"deleted": gone})
        return

    def act(name: str) -> None:
        if not shown(run, run.client.framegrabs.delete.plan(name), dry_run=dry_run, curl=curl):
            run.client.framegrabs.delete(name)
            run.out.done(f"Deleted {name}.")

    each(run, names, act, FRAMEGRAB)


def _counted(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} files ({', '.join(names)})"


def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="FILE|ID", help="A file, or a pipeline: its newest one.")],
    curl: Curl = False,
) -> None:
    """Draw a picture in the terminal, as large as the window; of a clip its first one.

    A pipe and NO_COLOR get its brightness alone. -o json shows what the box knows of the file instead.

    flexctl framegrab show cam1
    flexctl framegrab show cam1-00007.avif
    """
    run = state_of(ctx)
    _check(name)
    client = run.client
    owner = name.rpartition("-")[0] if _FILE.fullmatch(name) else name
    if curl:
        is_file = owner != name
        as_curl(run, client.framegrabs.download.plan(name) if is_file else client.framegrabs.list.plan(**_of(name)))
        return
    if run.out.format or run.out.query or run.out.columns:
        run.out.one(_newest(run, owner, name), FRAMEGRAB)
        return
    file = name if owner != name else _newest(run, owner, name).file
    terminal = run.out.terminal
    rows = max(2, terminal.height - PROMPT_ROWS) if terminal.stdout else PIPE_ROWS
    colors: Colors = colors_of(os.environ) if terminal.color else 0
    picture = _opened(client.framegrabs.download(file), file)
    run.out.write(drawn(picture, terminal.width or PIPE_COLUMNS, rows, colors, unicode=terminal.unicode))
    run.out.say(f"{file}, {picture.width}x{picture.height}")


def _newest(run: State, owner: str, name: str) -> "FramegrabFile":
    """The file of that name, or the pipeline's newest one."""
    found = [one for one in run.client.framegrabs.list(pipeline_id=owner) if name in (owner, one.file)]
    if found:
        return found[-1]
    if name != owner:
        raise Stop(f"there is no file '{name}'", "`flexctl framegrab list` shows what there is", Exit.NOT_FOUND)
    hint = f"`flexctl pipeline status {name}` says how it fares, `flexctl framegrab list` shows what there is"
    raise Stop(f"there are no framegrabs of '{name}'", hint, Exit.NOT_FOUND)


def _opened(content: bytes, name: str) -> "Image":
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise Stop("drawing pictures needs Pillow", "install it: pip install 'flex-video[cli]'") from None
    try:
        picture = Image.open(BytesIO(content))
        picture.load()
    except (UnidentifiedImageError, OSError, ValueError) as error:
        why = "it is no picture" if isinstance(error, UnidentifiedImageError) else error
        raise Stop(f"{name} cannot be drawn: {why}", f"save it: flexctl framegrab download {name}") from None
    return picture
