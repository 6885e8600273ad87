"""Publishers and triggers of one pipeline take turns."""

# ruff: noqa: A002 - what the API calls id is called so here

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """One lock an id, for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, id: str) -> asyncio.Lock:
        """`async with turns.of(id):`. First come, first served."""
        return self._locks.setdefault(id, asyncio.Lock())
