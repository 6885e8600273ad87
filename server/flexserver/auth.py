"""Who may ask: a password for the whole box, sessions of those who gave it, and a key for machines (API.md, Endpoints).

As long as no password is set, everybody may do everything. A session is a random token of which the box keeps the
SHA-256 only; it is worth nothing to whoever reads the store.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from pydantic import SecretStr
from starlette.requests import Request

from flexclient.models import ErrorCode
from flexserver.errors import Refusal, conflict
from flexserver.passwords import Hasher
from flexserver.rates import network
from flexserver.store import Store

LIFETIME = 24 * 3600.0
"""Seconds from a login to the end of its session."""
MAX_SESSIONS = 1024
"""With one more, the one that would end first ends."""
LOOK_SECONDS = 60.0
"""The longest time between two looks at the clock, which may be set meanwhile."""
LOG_IN = "Log in: POST /flex/auth/login with the password gives a token. Send it as 'Authorization: Bearer TOKEN'."
START_WITH_KEY = "Whoever runs this box starts the server with a key in FLEX_API_KEY."
USE_KEY = "Send the key that the server was started with (FLEX_API_KEY) as 'X-API-Key'."

LOST = "Where it is lost, whoever runs this box sets another with the API key (FLEX_API_KEY)."

log = logging.getLogger(__name__)

OnEnd: TypeAlias = Callable[[str], None]


class Grant:
    """What lets a request in. Who lives on it, as an event stream does, hears when it ends."""

    def __init__(self) -> None:
        self.ended: str | None = None
        """Why it has ended, None while it holds."""
        self._holders: set[OnEnd] = set()

    def hold(self, on_end: OnEnd) -> None:
        """Call this when it ends, or at once where it has ended."""
        if self.ended is not None:
            on_end(self.ended)
        else:
            self._holders.add(on_end)

    def release(self, on_end: OnEnd) -> None:
        """Call this no more."""
        self._holders.discard(on_end)

    def end(self, reason: str) -> None:
        """It holds no longer."""
        self.ended = reason
        holders, self._holders = self._holders, set()
        for on_end in holders:
            on_end(reason)


class Session(Grant):
    """What a login gives."""

    def __init__(self, digest: bytes, expires: float) -> None:
        super().__init__()
        self.digest = digest
        self.expires = expires
        """In seconds since 1970."""


class Auth:
    """The password and the sessions of one box. All methods are for the event loop's thread.

    What changes it is done one after the other and is on disk before it holds. Who was let in when his request came
    must still be let in when his turn comes: of two who set the first password at once, one is refused.
    """

    def __init__(self, store: Store, api_key: SecretStr | None, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._api_key = _digest(api_key.get_secret_value()) if api_key else None
        self._hasher = Hasher()
        self._password: str | None = None
        self._sessions: dict[bytes, Session] = {}
        self._open, self._machine = Grant(), Grant()
        """The grants of everybody while no password is set, and of whoever has the key."""
        self._turn = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._cleaning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Know again what was known, on the running loop."""
        fact = self._store.facts().get("password")
        self._password = json.loads(fact)["hash"] if fact else None
        now = self._clock()
        # One that lasts longer than any can was made while the clock was wrong.
        good = "SELECT digest, expires FROM sessions WHERE expires > ? AND expires <= ?"
        self._sessions = {row[0]: Session(*row) for row in self._store.read(good, now, now + LIFETIME)}
        self._clean()
        self._look_later()

    @property
    def enabled(self) -> bool:
        """Whether a password is set."""
        return self._password is not None

    def admit(self, request: Request, *, key: bool = False) -> Grant:
        """What lets this request in; `key`: only the API key does. Raises `Refusal` (401)."""
        if key:
            if self._api_key is None:
                raise _unauthorized("this needs an API key, and the server has none", START_WITH_KEY, request)
            if not self._has_key(request):
                raise _unauthorized("this needs the API key", USE_KEY, request)
        if grant := self.session(request) or (self._machine if self._has_key(request) else None):
            return grant
        if not self.enabled:
            return self._open
        if "authorization" in request.headers:
            raise _unauthorized("the token is none of this box, or its session has ended", LOG_IN, request)
        if "x-api-key" in request.headers:
            raise _unauthorized("the API key is wrong", USE_KEY, request)
        raise _unauthorized("this box has a password, and the request has no token", LOG_IN, request)

    def session(self, request: Request) -> Session | None:
        """The session whose token a request shows, while it lasts."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        found = self._sessions.get(_digest(token.strip())) if scheme.lower() == "bearer" else None
        return found if found and self._clock() < found.expires else None

    def _has_key(self, request: Request) -> bool:
        shown = _digest(request.headers.get("x-api-key", ""))
        return self._api_key is not None and hmac.compare_digest(shown, self._api_key)

    async def login(self, password: str, address: str = "") -> tuple[str, float]:
        """Begin a session for who asks from `address`: its token and its end. Raises `Refusal` (401, 409, 503, 507)."""
        while True:
            checked = self._password
            if checked is None:
                hint = "Requests need no token. PUT /flex/auth/password sets a password."
                raise conflict("no password is set, so there is nothing to log in to", hint)
            if not await self._hasher.matches(checked, password, network(address)):
                raise _unauthorized("the password is wrong", LOST)
            async with self._turn:
                if checked == self._password:  # else it was changed meanwhile: the new one decides
                    return await self._begin()

    async def _begin(self) -> tuple[str, float]:
        token = secrets.token_urlsafe(32)
        session = Session(_digest(token), self._clock() + LIFETIME)
        many = max(0, len(self._sessions) + 1 - MAX_SESSIONS)
        surplus = sorted(self._sessions.values(), key=lambda one: one.expires)[:many]

        def job(database: sqlite3.Connection) -> None:
            _forget(database, surplus)
            database.execute("INSERT INTO sessions VALUES (?, ?)", (session.digest, session.expires))

        await self._store.run(job)
        self._sessions[session.digest] = session
        self._end(surplus, "too_many_sessions")
        self._look_later()
        return token, session.expires

    async def logout(self, grant: Grant) -> None:
        """End the session that a request came with; the key and an open box have none. Raises `Refusal` (507)."""
        async with self._turn:
            if isinstance(grant, Session) and not grant.ended:
                await self._store.run(lambda database: _forget(database, [grant]))
                self._end([grant], "logged_out")

    async def set_password(self, grant: Grant, password: str) -> None:
        """Set or change the password; all sessions but the caller's end. Raises `Refusal` (401, 503, 507)."""
        made = await self._hasher.hash(password)
        async with self._turn:
            self._still(grant)
            first = self._password is None
            others = [session for session in self._sessions.values() if session is not grant]
            await self._store.run(lambda database: _write(database, made, others))
            self._password = made
            if first:
                self._open.end("password_set")
                self._open = Grant()
            self._end(others, "password_changed")
        log.info("the password was %s", "set" if first else "changed")

    async def remove_password(self, grant: Grant) -> None:
        """Let everybody in again; all sessions end. Raises `Refusal` (401, 507)."""
        async with self._turn:
            self._still(grant)
            if self._password is None:
                return
            everyone = list(self._sessions.values())
            await self._store.run(lambda database: _write(database, None, everyone))
            self._password = None
            self._end(everyone, "password_removed")
        log.info("the password was removed")

    def _still(self, grant: Grant) -> None:
        """Raises `Refusal` where what let the request in ended before its turn came."""
        if grant.ended is not None:
            raise _unauthorized("what let this request in ended meanwhile", LOG_IN)

    def _end(self, sessions: Iterable[Session], reason: str) -> None:
        for session in sessions:
            self._sessions.pop(session.digest, None)
            session.end(reason)

    # Sessions whose time is over

    def _look_later(self) -> None:
        self.close()
        if self._sessions:
            left = min(session.expires for session in self._sessions.values()) - self._clock()
            self._timer = asyncio.get_running_loop().call_later(min(max(left, 0), LOOK_SECONDS), self._look)

    def _look(self) -> None:
        now = self._clock()
        over = [session for session in self._sessions.values() if session.expires <= now]
        if over:
            self._end(over, "session_expired")
            self._clean()
        self._look_later()

    def _clean(self) -> None:
        self._cleaning = asyncio.ensure_future(self._purge(self._clock()))

    async def _purge(self, now: float) -> None:
        """Take off the disk what is over; where that fails, the next time does it."""
        try:
            await self._store.run(lambda database: _purge(database, now))
        except Refusal as refusal:
            log.warning("sessions that are over stay in the store: %s", refusal.message)

    def close(self) -> None:
        """Look at the clock no more."""
        if self._timer:
            self._timer.cancel()


def _digest(token: str | bytes) -> bytes:
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).digest()


def _unauthorized(message: str, hint: str, request: Request | None = None) -> Refusal:
    shown = request is not None and "authorization" in request.headers
    challenge = 'Bearer realm="flex"' + (', error="invalid_token"' if shown else "")
    return Refusal(ErrorCode.UNAUTHORIZED, message, hint, headers={"WWW-Authenticate": challenge})


def _forget(database: sqlite3.Connection, sessions: Iterable[Session]) -> None:
    database.executemany("DELETE FROM sessions WHERE digest = ?", [(session.digest,) for session in sessions])


def _purge(database: sqlite3.Connection, now: float) -> None:
    database.execute("DELETE FROM sessions WHERE expires <= ? OR expires > ?", (now, now + LIFETIME))


def _write(database: sqlite3.Connection, made: str | None, ended: Iterable[Session]) -> None:
    """The password and the sessions that it ends, in one go."""
    if made is None:
        database.execute("DELETE FROM facts WHERE name = 'password'")
    else:
        database.execute("INSERT OR REPLACE INTO facts VALUES ('password', ?)", (json.dumps({"hash": made}),))
    _forget(database, ended)
