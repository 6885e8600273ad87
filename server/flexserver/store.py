"""What the box was told, kept in SQLite: written by one thread, durable before anybody hears that it is done."""

# ruff: noqa: A001, A002 - what the API calls id and type is called so here

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from flexclient.models import ErrorCode, Order
from flexserver.errors import Refusal
from flexserver.files import is_full, tighten_database

MIGRATIONS = (
    """
CREATE TABLE pipelines (
  id TEXT PRIMARY KEY,
  spec TEXT NOT NULL,
  told TEXT NOT NULL,
  etag TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID
""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE sessions (digest BLOB PRIMARY KEY, expires REAL NOT NULL) STRICT, WITHOUT ROWID",
    """
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  headers TEXT NOT NULL,
  secret TEXT NOT NULL,
  created_at TEXT NOT NULL,
  since INTEGER NOT NULL,
  disabled_at TEXT,
  disabled_reason TEXT
) STRICT;
CREATE TABLE webhook_queue (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  webhook TEXT NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at REAL NOT NULL,
  next_at REAL NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  last_at REAL,
  status INTEGER,
  seconds REAL,
  error TEXT
) STRICT;
CREATE INDEX webhook_queue_due ON webhook_queue (webhook, state, next_at, seq);
CREATE INDEX webhook_queue_newest ON webhook_queue (webhook, seq);
CREATE TABLE webhook_mark (one INTEGER PRIMARY KEY, position INTEGER NOT NULL, memory TEXT NOT NULL) STRICT;
""",
)
"""What makes the store of each version out of the one before. Only ever added to."""
SCHEMA = len(MIGRATIONS)


class StoreError(Exception):
    """The store cannot be opened; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored pipeline. `spec` is its JSON as written, passwords included."""

    id: str
    spec: str
    order: Order
    etag: str
    created_at: str
    updated_at: str


Job: TypeAlias = Callable[[sqlite3.Connection], None]


class Store:
    """The pipelines on disk. Every change waits until it is on the disk; changes made at once share one sync."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file. Raises `StoreError`."""
        self.problem: str | None = None
        """What went wrong with the last write, None where it went well."""
        self.on_write: Callable[[float], None] = lambda _: None
        """Is told the seconds that each change took."""
        self._database = _open(path)
        self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._reader.execute("PRAGMA query_only=ON")
        self._reading = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Job, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="store", daemon=True)
        self._thread.start()

    def load(self) -> list[Row]:
        """Everything that is stored. For the start, before any change."""
        rows = self.read("SELECT id, spec, told, etag, created_at, updated_at FROM pipelines ORDER BY id")
        return [Row(id, spec, Order(told), etag, made, changed) for id, spec, told, etag, made, changed in rows]

    async def save(self, row: Row) -> None:
        """Add or replace one pipeline. Raises `Refusal` (507), and then nothing has changed."""
        values = (row.id, row.spec, row.order.value, row.etag, row.created_at, row.updated_at)
        await self.run(lambda db: _run(db, "INSERT OR REPLACE INTO pipelines VALUES (?, ?, ?, ?, ?, ?)", *values))

    async def delete(self, id: str) -> None:
        """Remove one pipeline. Raises `Refusal` (507), and then nothing has changed."""
        await self.run(lambda db: _run(db, "DELETE FROM pipelines WHERE id = ?", id))

    def facts(self) -> dict[str, str]:
        """Values of which the box has one each, as JSON by name: settings, password, licence."""
        return dict(self.read("SELECT name, value FROM facts"))

    async def put(self, name: str, value: str | None) -> None:
        """Keep one fact, or forget it. Raises `Refusal` (507), and then nothing has changed."""
        if value is None:
            await self.run(lambda db: _run(db, "DELETE FROM facts WHERE name = ?", name))
        else:
            await self.run(lambda db: _run(db, "INSERT OR REPLACE INTO facts VALUES (?, ?)", name, value))

    def read(self, query: str, *values: str | float) -> list[Any]:
        """Rows that are on the disk. For short questions: it runs on the caller's thread."""
        with self._reading:
            return self._reader.execute(query, values).fetchall()

    async def run(self, job: Job) -> None:
        """Change something; it is on the disk when this returns. Raises `Refusal` (507): nothing has changed then."""
        begun = time.monotonic()
        await self._done(job)
        self.on_write(time.monotonic() - begun)

    def close(self) -> None:
        """Finish what is queued, then close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()
        self._database.close()

    async def _done(self, job: Job) -> None:
        future: Future[None] = Future()
        self._jobs.put((job, future))
        try:
            # Shielded: once queued it will happen, and whoever waits must not be told otherwise by a cancellation.
            await asyncio.shield(asyncio.wrap_future(future))
            self.problem = None
        except sqlite3.Error as error:
            self.problem = str(error)
            hint = "Free some space in the data folder's file system, then try again. Nothing was changed."
            raise Refusal(ErrorCode.INSUFFICIENT_STORAGE, f"the change could not be stored: {error}", hint) from error

    def _write(self) -> None:
        while batch := self._batch():
            _commit(self._database, batch)

    def _batch(self) -> list[tuple[Job, Future[None]]]:
        """Everything that waits, at least one; empty at the end."""
        first = self._jobs.get()
        batch = [first] if first else []
        while batch and not self._jobs.empty():
            following = self._jobs.get()
            if following is None:
                self._jobs.put(None)
                break
            batch.append(following)
        return batch


def _run(database: sqlite3.Connection, statement: str, *values: str) -> None:
    database.execute(statement, values)


def _commit(database: sqlite3.Connection, batch: list[tuple[Job, Future[None]]]) -> None:
    """One transaction for all; when that fails each gets one of its own, so that one fault spoils no other's change."""
    try:
        _transaction(database, [job for job, _ in batch])
    except sqlite3.Error as error:
        if len(batch) == 1:
            batch[0][1].set_exception(error)
            return
        for single in batch:
            _commit(database, [single])
        return
    for _, future in batch:
        future.set_result(None)


def _transaction(database: sqlite3.Connection, jobs: list[Job]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for job in jobs:
            job(database)
        database.execute("COMMIT")
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.touch(mode=0o600)
        tighten_database(path)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        _prepare(database, path)
    except (sqlite3.Error, OSError) as error:
        if is_full(path, error):
            raise no_room(path) from error
        raise StoreError(
            f"the store {path} cannot be used: {error}. Restore it from a backup, or move it away to begin anew."
        ) from error
    return database


def no_room(path: Path) -> StoreError:
    """What is said where the disk leaves no room to open a database."""
    return StoreError(f"the disk that holds {path} is full. Free some space, then start again: nothing is damaged.")


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise StoreError(
            f"the store {path} was written by a newer flexserver (schema {version}, this one knows {SCHEMA}). "
            "Start that version, or use another --data-dir."
        )
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        database.executescript(f"BEGIN; {script}; PRAGMA user_version={number}; COMMIT;")
