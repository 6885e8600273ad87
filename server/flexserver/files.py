"""What the store, the ring of events and the certificate ask of the file system."""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import stat
from pathlib import Path

DATABASE_FILES = ("", "-wal", "-shm")
"""What SQLite adds to a database's name for the files beside it."""
_NO_ROOM = 1024 * 1024
"""With fewer free bytes SQLite calls it an I/O error when its files cannot grow."""

log = logging.getLogger(__name__)


def tighten(path: Path, mode: int) -> None:
    """Take away what a file or folder allows beyond `mode`: a copy or a restore may have opened it to others."""
    try:
        now = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    if now & ~mode:
        path.chmod(now & mode)
        log.warning("a file was open to others", extra={"fields": {"file": str(path), "mode": f"{now:o}"}})


def tighten_database(path: Path) -> None:
    """`tighten` a SQLite database and the files beside it to their owner."""
    for suffix in DATABASE_FILES:
        tighten(path.with_name(path.name + suffix), 0o600)


def is_full(path: Path, error: OSError | sqlite3.Error) -> bool:
    """Whether the disk that holds `path` being full is what the error is about."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says where in SQLite
    return code == sqlite3.SQLITE_FULL or (
        code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < _NO_ROOM
    )
