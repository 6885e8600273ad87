"""The store: durable, shared syncs, all or nothing, and clear words where it cannot be used."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from flexclient.models import ErrorCode, Order
from flexserver.errors import Refusal
from flexserver.ring import Ring
from flexserver.store import SCHEMA, Row, Store, StoreError

ROW = Row("cam1", '{"id":"cam1"}', Order.ARMED, "e1", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")


def reopened(path: Path) -> list[Row]:
    store = Store(path)
    try:
        return store.load()
    finally:
        store.close()


async def test_what_is_saved_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "flex.db")
    await store.save(ROW)
    await store.save(replace(ROW, id="cam2"))
    await store.save(replace(ROW, order=Order.PLAY, etag="e2"))
    await store.delete("cam2")
    store.close()
    assert reopened(tmp_path / "flex.db") == [replace(ROW, order=Order.PLAY, etag="e2")]


async def test_it_is_on_disk_before_save_returns(tmp_path: Path) -> None:
    store = Store(tmp_path / "flex.db")
    await store.save(ROW)
    other = sqlite3.connect(tmp_path / "flex.db")
    assert other.execute("SELECT id FROM pipelines").fetchall() == [("cam1",)]
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    store.close()


async def test_many_at_once_all_arrive(tmp_path: Path) -> None:
    store = Store(tmp_path / "flex.db")
    await asyncio.gather(*(store.save(replace(ROW, id=f"cam{number}")) for number in range(200)))
    store.close()
    assert len(reopened(tmp_path / "flex.db")) == 200


async def test_a_full_disk_is_507_and_leaves_the_old_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "flex.db")
    await store.save(ROW)
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count={pages}")
    big = replace(ROW, spec='{"metadata":"%s"}' % ("x" * 100_000))
    small = replace(ROW, id="cam2")
    outcomes = await asyncio.gather(store.save(big), store.save(small), return_exceptions=True)
    assert isinstance(outcomes[0], Refusal)
    assert outcomes[0].code == ErrorCode.INSUFFICIENT_STORAGE
    assert outcomes[1] is None, "one fault spoiled another's change"
    store._database.execute("PRAGMA max_page_count=1000000")
    await store.save(replace(ROW, id="cam3"))
    assert store.problem is None
    store.close()
    assert reopened(tmp_path / "flex.db") == [ROW, small, replace(ROW, id="cam3")]


async def test_a_cancelled_waiter_does_not_unmake_the_change(tmp_path: Path) -> None:
    store = Store(tmp_path / "flex.db")
    task = asyncio.ensure_future(store.save(ROW))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.close()
    assert reopened(tmp_path / "flex.db") == [ROW]


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "ENOSPC"])
def test_a_full_disk_at_the_start_is_called_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """SQLite calls it an I/O error when the file beside the database that it maps cannot grow."""
    full: sqlite3.Error | OSError = OSError(errno.ENOSPC, "No space left on device")
    if name != "ENOSPC":
        full = sqlite3.OperationalError("disk I/O error")
        full.sqlite_errorcode = getattr(sqlite3, name)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))

    def refuse(*_: object, **__: object) -> None:
        raise full

    Ring(tmp_path / "events.db").close()
    monkeypatch.setattr(sqlite3, "connect", refuse)
    for kind, file in ((Store, "flex.db"), (Ring, "events.db")):
        with pytest.raises(StoreError, match="is full") as caught:
            kind(tmp_path / file)
        assert "backup" not in str(caught.value)
    assert list(tmp_path.glob("*.damaged")) == [], "a ring that is whole is not put aside"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "flex.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match=r"flex\.db cannot be used.*Restore it from a backup"):
        Store(tmp_path / "flex.db")
    assert (tmp_path / "flex.db").read_bytes().startswith(b"this is not")


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    path = tmp_path / "flex.db"
    reopened(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 2048)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flex.db"
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version={SCHEMA + 1}")
    database.commit()
    database.close()
    with pytest.raises(StoreError, match="newer flexserver"):
        Store(path)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    reopened(tmp_path / "flex.db")
    assert (tmp_path / "flex.db").stat().st_mode & 0o777 == 0o600
