"""The folder of framegrabs: `<root>/<pipeline id>/<pipeline id>-00001.avif`. Names, numbers, rotation, left-overs.

Only the standard library: the process that encodes uses it as well as the server. One process writes a pipeline's
folder; the server reads and deletes there, so every file may be gone at any time.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = "framegrabs"
"""Below the server's data folder."""
NAME = r"([A-Za-z0-9_-]{1,64})-(0[0-9]{4}|[1-9][0-9]{4,11})\.(avifs?)"
"""A whole file name: the pipeline's id, the number, and what it holds: `avif` a still, `avifs` a clip."""
_NAME = re.compile(NAME)
_PART = ".part"


@dataclass(frozen=True, slots=True, order=True)
class Grab:
    """A file's name, read. They sort by pipeline and number."""

    pipeline: str
    number: int
    ending: str

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.pipeline}-{self.number:05}.{self.ending}"


def read_name(name: str) -> Grab | None:
    """The parts of a file's name; None where it is not one of ours, so that nothing else is ever touched."""
    found = _NAME.fullmatch(name)
    return Grab(found[1], int(found[2]), found[3]) if found else None


def grabs(folder: Path) -> list[Grab]:
    """What lies in one pipeline's folder, the newest last; half-written files are not among it. Raises OSError."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  a Path for each of 100,000 names costs a second
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(grab for grab in map(read_name, names) if grab and grab.pipeline == folder.name)


def folders(root: Path) -> list[Path]:
    """The pipelines' folders. A link is none. Raises OSError."""
    try:
        with os.scandir(root) as entries:
            return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


def clean(folder: Path) -> None:
    """Delete what a process that died left half-written. Raises OSError."""
    for left in folder.glob(f".*{_PART}"):
        left.unlink(missing_ok=True)


class Album:
    """The folder of one pipeline, for the one process that writes it."""

    def __init__(self, folder: Path, max_files: int) -> None:
        """Makes the folder and cleans it. Raises OSError."""
        self._folder, self._max_files = folder, max_files
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        clean(folder)
        self._last = max((grab.number for grab in grabs(folder)), default=0)

    def add(self, ending: str, content: bytes) -> tuple[str, int]:
        """Write one more file, whole or not at all, and delete the oldest beyond the most that may be.

        Its name, and how many files there are now. Raises OSError, and then nothing has changed.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # somebody may have tidied up
        name = Grab(self._folder.name, self._free(), ending).name
        part = self._folder / f".{name}{_PART}"
        try:
            _write(part, content)
            part.replace(self._folder / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return name, self._rotate()

    def _free(self) -> int:
        """The next number that no file has."""
        self._last = max(self._last, *(grab.number for grab in grabs(self._folder)), 0) + 1
        return self._last

    def _rotate(self) -> int:
        found = grabs(self._folder)
        for old in found[: -self._max_files]:
            (self._folder / old.name).unlink(missing_ok=True)
        return min(len(found), self._max_files)


def _write(path: Path, content: bytes) -> None:
    """On the disk when it returns: a name must not show up before its content after the power failed."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
