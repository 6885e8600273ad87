"""Webhooks and their messages on disk. Each change is a job for the store; nothing here waits or sends."""

# ruff: noqa: A002 - what the API calls id is called so here

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from flexserver.store import Job
from flexserver.webhooks import derive
from flexserver.webhooks.derive import Memory

MAX_PENDING = 1_000
"""Messages that wait for one webhook; the oldest is dropped for one more."""
MAX_DONE = 100
"""Messages that are remembered of one webhook when they are through."""
MAX_SHOWN = 100

State = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Row:
    """One webhook. Its address may hold a secret in its path, so that no repr shows it."""

    id: str
    url: str = field(repr=False)
    events: tuple[str, ...]
    headers: Mapping[str, str] = field(repr=False)
    secret: str = field(repr=False)
    created_at: str
    since: int
    """The box's event that was the newest when it was made: it is told what came after."""
    disabled_at: str | None = None
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One message to one webhook. Times are seconds since 1970."""

    id: str
    webhook: str
    event: str
    body: str = field(repr=False)
    created_at: float
    next_at: float
    state: State = "pending"
    attempts: int = 0
    last_at: float | None = None
    status: int | None = None
    seconds: float | None = None
    error: str | None = None


class Reads(Protocol):
    """What reading needs of the store."""

    def read(self, query: str, *values: str | float) -> list[tuple[object, ...]]:
        """The rows of a query."""
        ...


def load(store: Reads) -> tuple[list[Row], tuple[int, Memory] | None]:
    """Every webhook, and how far the box's events were heard."""
    names = "id, url, events, headers, secret, created_at, since, disabled_at, disabled_reason"
    found = store.read(f"SELECT {names} FROM webhooks ORDER BY rowid")  # noqa: S608
    rows = [Row(r[0], r[1], tuple(json.loads(r[2])), json.loads(r[3]), *r[4:]) for r in found]  # type: ignore[arg-type]
    marks = store.read("SELECT position, memory FROM webhook_mark")
    return rows, (int(str(marks[0][0])), derive.of_json(str(marks[0][1]))) if marks else None


_ITEM = "id, webhook, event, body, created_at, next_at, state, attempts, last_at, status, seconds, error"


def next_item(store: Reads, webhook: str) -> Item | None:
    """The message to send next to a webhook, due or not."""
    query = f"SELECT {_ITEM} FROM webhook_queue WHERE webhook = ? AND state = 'pending' ORDER BY next_at, seq LIMIT 1"  # noqa: S608
    found = store.read(query, webhook)
    return Item(*found[0]) if found else None  # type: ignore[arg-type]


def newest(store: Reads, webhook: str) -> list[Item]:
    """The newest messages of a webhook, the newest first."""
    query = f"SELECT {_ITEM} FROM webhook_queue WHERE webhook = ? ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [Item(*row) for row in store.read(query, webhook, MAX_SHOWN)]  # type: ignore[arg-type]


def added(row: Row, position: int, memory: Memory) -> Job:
    """Keep a new webhook; from the first one on a crash must not lose the place, and what is known there."""
    mark = (position, derive.to_json(memory))
    values = (
        row.id,
        row.url,
        json.dumps(row.events),
        json.dumps(dict(row.headers)),
        row.secret,
        row.created_at,
        row.since,
    )

    def job(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", values)
        db.execute("INSERT OR IGNORE INTO webhook_mark VALUES (1, ?, ?)", mark)

    return job


def removed(id: str) -> Job:
    """Forget a webhook and all its messages."""

    def job(db: sqlite3.Connection) -> None:
        db.execute("DELETE FROM webhook_queue WHERE webhook = ?", (id,))
        db.execute("DELETE FROM webhooks WHERE id = ?", (id,))
        db.execute("DELETE FROM webhook_mark WHERE NOT EXISTS (SELECT 1 FROM webhooks)")

    return job


def heard(position: int, memory: Memory, items: Sequence[Item], dropped: dict[str, int]) -> Job:
    """Queue messages and remember how far the events were heard, both or neither.

    `dropped` is filled: webhook -> how many of its oldest messages made room.
    """
    mark = (position, derive.to_json(memory))
    keep_mark = "INSERT OR REPLACE INTO webhook_mark SELECT 1, ?, ? WHERE EXISTS (SELECT 1 FROM webhooks)"
    # A webhook that was deleted or switched off meanwhile gets nothing.
    insert = f"INSERT INTO webhook_queue ({_ITEM}) SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM webhooks WHERE id = ? AND disabled_at IS NULL"  # noqa: S608, E501

    def job(db: sqlite3.Connection) -> None:
        dropped.clear()
        for item in items:
            db.execute(insert, (item.id, *_values(item)[2:], item.webhook))
        for webhook in {item.webhook for item in items}:
            if count := _make_room(db, webhook):
                dropped[webhook] = count
        db.execute(keep_mark, mark)

    return job


def tried(item: Item, disabled: Row | None = None) -> Job:
    """Remember how a message fared; with `disabled`, that its webhook is switched off and gets nothing more."""

    def job(db: sqlite3.Connection) -> None:
        _update(db, item)
        if disabled is not None:
            switch = "UPDATE webhooks SET disabled_at = ?, disabled_reason = ? WHERE id = ?"
            db.execute(switch, (disabled.disabled_at, disabled.disabled_reason, disabled.id))
            _fail(db, "webhook = ? AND state = 'pending'", "the webhook was switched off", disabled.id)
        _trim(db, item.webhook)

    return job


def through(item: Item, state: State) -> Item:
    """A message that is done with; what it said is not needed any more."""
    return replace(item, state=state, body="")


def _values(item: Item) -> tuple[object, ...]:
    return (
        *(item.id, item.webhook, item.event, item.body, item.created_at, item.next_at, item.state),
        *(item.attempts, item.last_at, item.status, item.seconds, item.error),
    )


def _update(db: sqlite3.Connection, item: Item) -> None:
    columns = ("state", "body", "next_at", "attempts", "last_at", "status", "seconds", "error")
    assign = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE webhook_queue SET {assign} WHERE id = ?", (*(getattr(item, c) for c in columns), item.id))  # noqa: S608


def _fail(db: sqlite3.Connection, where: str, error: str, *values: str | int) -> int:
    update = f"UPDATE webhook_queue SET state = 'failed', body = '', error = ? WHERE {where}"  # noqa: S608
    return db.execute(update, (error, *values)).rowcount


def _make_room(db: sqlite3.Connection, webhook: str) -> int:
    """Drop what waits longest where too much waits; how many went."""
    surplus = (
        "seq IN (SELECT seq FROM webhook_queue WHERE webhook = ? AND state = 'pending' "
        "ORDER BY seq DESC LIMIT -1 OFFSET ?)"
    )
    count = _fail(db, surplus, f"dropped: more than {MAX_PENDING} messages waited", webhook, MAX_PENDING)
    if count:
        _trim(db, webhook)
    return count


def _trim(db: sqlite3.Connection, webhook: str) -> None:
    old = (
        "DELETE FROM webhook_queue WHERE webhook = ? AND state != 'pending' AND seq <= (SELECT seq FROM webhook_queue "
        "WHERE webhook = ? AND state != 'pending' ORDER BY seq DESC LIMIT 1 OFFSET ?)"
    )
    db.execute(old, (webhook, webhook, MAX_DONE))
