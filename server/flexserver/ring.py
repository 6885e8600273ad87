"""The newest events on disk, in a SQLite file of their own, so that readers can resume after a restart or a crash.

A `kill -9` loses nothing that was written; a power cut may lose the last events (`synchronous=NORMAL`), but no id is
ever given twice: ids are reserved in blocks ahead of their use.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flexserver.files import DATABASE_FILES, is_full, tighten_database
from flexserver.store import StoreError, no_room

RING_SIZE = 20_000
BLOCK = 1_000
_TABLES = """
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY, type TEXT NOT NULL, pipeline TEXT, data BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS told (pipeline TEXT PRIMARY KEY, etag TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (one INTEGER PRIMARY KEY, reserved INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as it is kept and sent."""

    id: int
    type: str
    pipeline: str | None
    data: bytes
    """JSON; a NUL byte, which JSON cannot hold, stands for the host name that the reader knows the box by."""
    keep: bool = True
    etag: str | None = None


class Ring:
    """The file. Made on one thread and written on one other."""

    def __init__(self, path: Path) -> None:
        self.problem: str | None = None
        """Why the last events were not kept, None where they were."""
        self._database, base = _open(path)
        self.frames = [
            Frame(*row) for row in self._database.execute("SELECT id, type, pipeline, data FROM events ORDER BY id")
        ]
        self.told: dict[str, str] = dict(self._database.execute("SELECT pipeline, etag FROM told"))
        marks = self._database.execute("SELECT reserved, floor FROM marks").fetchone()
        self._reserved, self.floor = (int(marks[0]), int(marks[1])) if marks else (base, base)
        """Every event above the floor is here, if it was one to keep."""
        self.newest = self._reserved

    def add(self, frames: list[Frame]) -> None:
        """Keep these. A disk that is full costs the ring its memory of them, and nobody anything else."""
        if not frames:
            return
        try:
            with _transaction(self._database):
                self._add(frames)
            self.problem = None
        except sqlite3.Error as error:
            if self.problem is None:
                log.error("events are not kept", extra={"fields": {"error": str(error)}})
            self.problem = str(error)
            self.floor = frames[-1].id

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _add(self, frames: list[Frame]) -> None:
        newest = frames[-1].id
        if newest > self._reserved or self.problem:
            self._trim()
            self._database.execute("INSERT OR REPLACE INTO marks VALUES (1, ?, ?)", (newest + BLOCK, self.floor))
            self._reserved = newest + BLOCK
        kept = [(frame.id, frame.type, frame.pipeline, frame.data) for frame in frames if frame.keep]
        self._database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", kept)
        for frame in frames:
            if frame.type == "pipeline_deleted":
                self._database.execute("DELETE FROM told WHERE pipeline = ?", (frame.pipeline,))
            elif frame.etag:
                self._database.execute("INSERT OR REPLACE INTO told VALUES (?, ?)", (frame.pipeline, frame.etag))

    def _trim(self) -> None:
        """Forget what no longer fits; done once a block, so the file holds at most a block more than the ring."""
        query = "SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?"
        if last := self._database.execute(query, (RING_SIZE,)).fetchone():
            self._database.execute("DELETE FROM events WHERE id <= ?", last)
            self.floor = max(self.floor, last[0])


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _open(path: Path) -> tuple[sqlite3.Connection, int]:
    """The database, and an id that no earlier event had: a damaged ring is put aside, the pipelines do not need it.

    Raises `StoreError` where the disk is full, or the file is not ours.
    """
    try:
        return _connect(path), 0
    except (sqlite3.Error, OSError) as error:
        if is_full(path, error):
            raise no_room(path) from error
        if isinstance(error, OSError):
            raise StoreError(f"the events in {path} cannot be used: {error.strerror}") from error
        log.error("the ring of events is damaged and begins anew", extra={"fields": {"error": str(error)}})
    for suffix in DATABASE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(path.with_name(path.name + suffix + ".damaged"))
    return _connect(path), time.time_ns() // 1_000_000


def _connect(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    tighten_database(path)
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(_TABLES)
    database.execute("SELECT count(*) FROM events").fetchone()
    return database
