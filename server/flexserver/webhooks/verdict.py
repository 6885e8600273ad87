"""What comes of a try to deliver: delivered, tried again, given up, or nobody wants it any more. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MINUTE, HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
"""Seconds after the first try, the second and so on, as Standard Webhooks recommends: three days altogether."""
MAX_ATTEMPTS = len(PAUSES) + 1
JITTER = 0.2
"""A pause is longer by up to this part of it, so that what failed together is not tried again together."""
LONGEST = PAUSES[-1] * (1 + JITTER)
GONE = 410
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try went."""

    seconds: float
    status: int | None = None
    """None: no answer came."""
    error: str | None = None
    """None: it was delivered."""
    retry_after: float | None = None
    """Seconds that the receiver asked for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do now."""

    kind: Literal["delivered", "again", "given up", "gone"]
    pause: float = 0.0


def judge(outcome: Outcome, attempts: int, luck: float) -> Verdict:
    """What to do after so many `attempts`. `luck` is drawn from 0 to 1."""
    if outcome.error is None:
        return Verdict("delivered")
    if outcome.status == GONE:
        return Verdict("gone")
    if attempts >= MAX_ATTEMPTS:
        return Verdict("given up")
    pause = PAUSES[attempts - 1]
    if outcome.status in _BUSY and outcome.retry_after is not None:
        pause = max(pause, min(outcome.retry_after, PAUSES[-1]))
    return Verdict("again", pause * (1 + JITTER * luck))


def error_of(status: int) -> str | None:
    """What is wrong with an answer."""
    if 200 <= status < 300:
        return None
    if status == GONE:
        return "the receiver answered 410: it wants no more"
    if 300 <= status < 400:
        return f"the receiver answered {status}, and redirects are not followed"
    return f"the receiver answered {status}"
