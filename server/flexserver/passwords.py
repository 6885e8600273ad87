"""Hashing of passwords with argon2: slow on purpose, so it has a thread of its own and a short queue."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from flexclient.models import ErrorCode
from flexserver.errors import Refusal

T = TypeVar("T")

MAX_WAITING = 64
"""Hashes that wait or are made; one takes about 30 ms of one core, and only one is made at a time."""
MAX_OF_NETWORK = 8
"""So many of them for one network: who knocks with many addresses takes no place from others."""


class Hasher:
    """Makes and checks hashes. Of both cores of a small box it never takes more than one, whoever knocks."""

    def __init__(self) -> None:
        # OWASP's setting for machines with other work to do: 19 MiB, two passes, one lane.
        self._argon = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._thread = ThreadPoolExecutor(1, "password")
        self._waiting: Counter[str] = Counter()

    async def hash(self, password: str) -> str:
        """A hash of a password, salted: never the same twice. Raises `Refusal` (503)."""
        return await self._in_turn("", lambda: self._argon.hash(_letters(password)))

    async def matches(self, made: str, password: str, network: str = "") -> bool:
        """Whether a hash was made of this password. `network` asks. Raises `Refusal` (503)."""
        return await self._in_turn(network, lambda: self._verify(made, password))

    def _verify(self, made: str, password: str) -> bool:
        try:
            return self._argon.verify(made, _letters(password))
        except VerifyMismatchError:
            return False

    async def _in_turn(self, network: str, work: Callable[[], T]) -> T:
        if self._waiting.total() >= MAX_WAITING or self._waiting[network] >= MAX_OF_NETWORK:
            message = "too many passwords wait to be checked"
            raise Refusal(ErrorCode.OVERLOADED, message, "Try again.", headers={"Retry-After": "1"})
        self._waiting[network] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting[network] -= 1
            self._waiting += Counter()  # forgets who waits no more


def _letters(password: str) -> bytes:
    """The same bytes for the same letters: keyboards differ in how they write an accent (RFC 8265, 4.2)."""
    return unicodedata.normalize("NFC", password).encode()
