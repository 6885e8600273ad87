"""Framegrabs as the API sees them: list, read, delete (API.md, Endpoints: files/framegrabs).

The files are the only truth: nothing is kept about them but what their heads said. Everything here looks at the disk;
call it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flexclient.models import FramegrabFile, FramegrabKind
from flexserver import grabfiles
from flexserver.errors import not_found
from flexserver.grabfiles import FOLDER, Grab
from flexserver.pipelines.grabs import moment

MEDIA_TYPES = {"avif": "image/avif", "avifs": "image/avif-sequence"}
_HEAD = 4096
"""Bytes at the beginning of a file that say how large its picture is."""
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file. What is deleted meanwhile is still read to its end."""

    name: str
    descriptor: int
    size: int
    etag: str
    modified: float

    @property
    def media_type(self) -> str:
        """What it holds."""
        return MEDIA_TYPES[self.name.rpartition(".")[2]]


class Framegrabs:
    """The folder with all pipelines' files. They outlive their pipeline, until somebody deletes them."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / FOLDER
        self._sizes: dict[tuple[str, int, int], tuple[int, int] | None] = {}
        """Width and height, by name, time and inode."""

    def clean(self) -> None:
        """Delete what was left half-written when the box went down."""
        with contextlib.suppress(OSError):
            for folder in grabfiles.folders(self._root):
                grabfiles.clean(folder)

    def list(self, pipeline: str | None = None) -> list[FramegrabFile]:
        """Every file, or those of one pipeline; by pipeline, the newest last."""
        folders = grabfiles.folders(self._root) if pipeline is None else [self._root / pipeline]
        known, found = self._sizes, []
        sizes = {} if pipeline is None else dict(known)
        for folder in folders:
            for grab, status in _files(folder):
                key = grab.name, status.st_mtime_ns, status.st_ino
                sizes[key] = known[key] if key in known else _size_of(folder / grab.name)
                found.append(_document(grab, status, sizes[key]))
        self._sizes = sizes
        return found

    def open(self, name: str) -> Opened:
        """Open one for reading. Raises `Refusal` (404)."""
        path = self._path(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _missing(name, error) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise _missing(name, None)
        etag = f'"{status.st_ino:x}-{status.st_ctime_ns:x}-{status.st_size:x}"'
        return Opened(name, descriptor, status.st_size, etag, status.st_mtime)

    def delete(self, name: str) -> None:
        """Delete one. Raises `Refusal` (404)."""
        try:
            self._path(name).unlink()
        except OSError as error:
            raise _missing(name, error) from None

    def delete_all(self, pipeline: str) -> int:
        """Delete those of one pipeline; how many went."""
        folder, gone = self._root / pipeline, 0
        for grab in _grabs(folder):
            with contextlib.suppress(FileNotFoundError):
                (folder / grab.name).unlink()
                gone += 1
        with contextlib.suppress(OSError):  # there is more in it, or another picture came
            folder.rmdir()
        return gone

    def _path(self, name: str) -> Path:
        """Where a file lies: the name decides, and no part of it is ever a path. Raises `Refusal` (404)."""
        grab = grabfiles.read_name(name)
        if grab is None or (self._root / grab.pipeline).is_symlink():
            raise _missing(name, None)
        return self._root / grab.pipeline / grab.name


def _missing(name: str, error: OSError | None) -> Exception:
    """What is said of a file that cannot be had: only what is not there is the caller's fault."""
    if error is not None and error.errno not in _GONE:
        return error
    return not_found(f"the file '{name}'", "GET /flex/files/framegrabs lists those that do.")


def _grabs(folder: Path) -> list[Grab]:
    """What lies in a folder that is one."""
    return [] if folder.is_symlink() else grabfiles.grabs(folder)


def _files(folder: Path) -> Iterator[tuple[Grab, os.stat_result]]:
    """The files of one pipeline, without those that go while we look, and without what is no file."""
    for grab in _grabs(folder):
        with contextlib.suppress(FileNotFoundError):
            status = (folder / grab.name).lstat()
            if stat.S_ISREG(status.st_mode):
                yield grab, status


def _document(grab: Grab, status: os.stat_result, size: tuple[int, int] | None) -> FramegrabFile:
    known = {} if size is None else {"width": size[0], "height": size[1]}
    return FramegrabFile(
        file=grab.name,
        pipeline_id=grab.pipeline,
        size_bytes=status.st_size,
        created_at=moment(status.st_mtime),
        kind=FramegrabKind.CLIP if grab.ending == "avifs" else FramegrabKind.STILL,
        **known,
    )


def _size_of(path: Path) -> tuple[int, int] | None:
    """Width and height as the file's head says: the box `ispe` (ISO/IEC 23008-12)."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    at = head.find(b"ispe")
    numbers = head[at + 8 : at + 16]
    if at < 0 or len(numbers) < 8:
        return None
    return int.from_bytes(numbers[:4]), int.from_bytes(numbers[4:])
