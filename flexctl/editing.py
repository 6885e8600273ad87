"""A text in the user's own editor: written to a file, and kept there for as long as it has not been taken."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flexctl.errors import Misuse, Stop

if TYPE_CHECKING:
    from flexctl.out.out import Out

EDITORS = ("sensible-editor", "nano", "vi")
"""What is tried where nobody says which editor to take."""


class Draft:
    """A file with the text, which only its owner can read."""

    def __init__(self, text: str, name: str) -> None:
        """Writes it. `name` is a part of the file's name."""
        descriptor, path = tempfile.mkstemp(".yaml", f"{name}-")
        self.path = Path(path)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        self._begun = text

    @contextmanager
    def kept(self, out: Out, how: str) -> Iterator[None]:
        """Remove the file at the end. What was written in it stays where something goes wrong, and `out` says where;
        `how` is the beginning of the command that goes on with it.
        """
        try:
            yield
        except BaseException:
            if self._written():
                out.warn(f"What you wrote is in {self.path}", f"go on with it: {how} {shlex.quote(str(self.path))}")
            else:
                self._remove()
            raise
        self._remove()

    def edit(self, out: Out, environ: Mapping[str, str] = os.environ) -> None:
        """Open it in the editor, and wait. Raises Stop where there is none, and where it fails."""
        command = [*editor(environ), str(self.path)]
        try:
            # What the editor draws is no data: in a pipe it goes where the talk goes.
            ended = subprocess.run(command, stdout=None if out.terminal.stdout else 2, check=False)  # noqa: S603  the user's own
        except OSError as error:
            raise Misuse(f"the editor {command[0]} cannot be started: {error.strerror}", _CHOOSE) from None
        if ended.returncode:
            raise Stop(f"the editor {command[0]} ended with exit code {ended.returncode}; nothing was sent")

    def _written(self) -> bool:
        try:
            return self.path.read_bytes() != self._begun.encode()
        except OSError:
            return False

    def _remove(self) -> None:
        with suppress(OSError):
            self.path.unlink()


_CHOOSE = "name another in EDITOR: export EDITOR=nano"


def chosen(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody said which editor to take."""
    return bool(environ.get("VISUAL") or environ.get("EDITOR"))


def editor(environ: Mapping[str, str]) -> Sequence[str]:
    """The command of the user's editor. Raises Misuse where there is none."""
    wish = environ.get("VISUAL") or environ.get("EDITOR") or ""
    try:
        words = shlex.split(wish)
    except ValueError:
        raise Misuse(f"VISUAL or EDITOR is no command: {wish}") from None
    if words:
        return words
    for name in EDITORS:
        if shutil.which(name, path=environ.get("PATH")):
            return [name]
    raise Misuse("there is no editor", _CHOOSE)
