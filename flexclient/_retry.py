"""What happened -> whether to try again, and when. Pure: time and chance come in as arguments."""

from __future__ import annotations

from dataclasses import dataclass

from flexclient._codes import ErrorCode
from flexclient.errors import ApiError, CallTimeout, ConnectError, FlexError, TlsError, Unreachable

BUSY = frozenset({429, 503})
"""Statuses with which a server refuses before it has done anything; `Retry-After` is its word on when to come back."""

PASSING = frozenset({502, 503, 504})
"""Statuses of proxies, and of servers that come up: worth another try where a second one does no harm."""

RETRIED_CODES = frozenset({ErrorCode.RATE_LIMITED, ErrorCode.OVERLOADED})
"""The codes of the contract that pass by themselves. All others are the box's final answer, 503 and 504 included."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Growing pauses with jitter: `first`, doubled each time up to `cap` seconds, of which chance takes up to half."""

    first: float = 0.25
    cap: float = 5.0

    def delay(self, attempt: int, chance: float) -> float:
        """Seconds to wait after the failed attempt of that number (from 1); `chance` is from 0 to 1."""
        return min(self.cap, self.first * 2.0 ** min(attempt - 1, 32)) * (1.0 - chance / 2)


BACKOFF = Backoff()


def next_delay(
    error: FlexError, *, attempt: int, retries: int, idempotent: bool, remaining: float, chance: float
) -> float | None:
    """Seconds to wait before the call is tried again, or None: raise this error.

    In this order: the server's word, then errors that happened before the request left, then methods that may be
    repeated. A wait that does not fit into the `remaining` seconds of the call's deadline is no wait at all.
    """
    if attempt > retries:
        return None
    if (told := _told(error)) is not None:
        # Never before the time; a little after it, so that not everyone comes back at once.
        delay = told + chance * min(1.0, told / 10)
    elif isinstance(error, Unreachable) or (idempotent and _passing(error)):
        delay = BACKOFF.delay(attempt, chance)
    else:
        return None
    return delay if delay < remaining else None


def _told(error: FlexError) -> float | None:
    if isinstance(error, ApiError) and error.status in BUSY and not _final(error):
        return error.retry_after
    return None


def _passing(error: FlexError) -> bool:
    if isinstance(error, ApiError):
        return (error.status in PASSING or error.code in RETRIED_CODES) and not _final(error)
    return isinstance(error, (CallTimeout, ConnectError)) and not isinstance(error, TlsError)


def _final(error: ApiError) -> bool:
    return error.code.known and error.code not in RETRIED_CODES
