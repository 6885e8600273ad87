"""Programs named `flexctl-foo`: they run as `flexctl foo`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

from flexctl.contexts import TRUST
from flexctl.errors import Stop
from flexctl.options import GLOBALS

if TYPE_CHECKING:
    from flexctl.state import State

PREFIX = "flexctl-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def path_of(name: str) -> str | None:
    """The program that runs as this command, if there is one. A name with a slash is none: PATH alone counts."""
    if not _NAME.fullmatch(name):
        return None
    paths = (os.path.join(folder, PREFIX + name) for folder in _folders(os.environ))  # noqa: PTH118  as it is in PATH
    return next(filter(_is_program, paths), None)


def _folders(environ: Mapping[str, str]) -> list[str]:
    return [folder for folder in environ.get("PATH", "").split(os.pathsep) if folder]


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and not os.path.isdir(path)  # noqa: PTH112


def known(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Name -> program of all that are there; the first in PATH wins."""
    found: dict[str, str] = {}
    for folder in _folders(environ):
        try:
            names = sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(PREFIX))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118  as it stands in PATH
            short = name.removeprefix(PREFIX)
            if _NAME.fullmatch(short) and _is_program(path):
                found.setdefault(short, path)
    return found


def settings_of(run: State) -> dict[str, object]:
    """The settings of a run as an extension gets them: the one box that it is about, and whom to trust. None: the
    variable is not there, so that nothing is trusted half by this and half by that.
    """
    if run.many:
        return run.settings
    box = run.box
    trust = {name: getattr(box, name) or None for name in TRUST}
    return {**run.settings, **trust, "url": box.url, "context": box.context, "read_only": box.read_only or None}


def environment(settings: Mapping[str, object], environ: Mapping[str, str]) -> dict[str, str]:
    """What an extension finds in its environment: every global setting that has a variable. Secrets have no setting, so
    a token is there only where it was there before.
    """
    variables = {setting.env: settings[setting.name] for setting in GLOBALS if setting.env and setting.name in settings}
    kept = {name: value for name, value in environ.items() if name not in variables}
    return {**kept, **{name: _text(value) for name, value in variables.items() if value is not None}}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def run(path: str, args: list[str], settings: Mapping[str, object]) -> NoReturn:
    """Become the program: its exit code, its signals and its terminal are then its own."""
    sys.stdout.flush()
    try:
        os.execve(path, [path, *args], environment(settings, os.environ))  # noqa: S606  it is there to be run
    except OSError as error:
        raise Stop(
            f"{path} cannot be run: {error.strerror}", "is it a program, or a script that begins with #!"
        ) from None
