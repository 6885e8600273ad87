"""How live pictures and the slate become one unbroken stream. Pure: units and times in, units out.

The rules that make a cut invisible to decoders: what was silent comes back only at a key unit; output time never steps
back, by one constant shift for each live segment and never picture by picture; the slate's clock runs as far behind as
live did; a key unit that is too old (a worker's backlog after a stall) is refused and a fresh one asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from flexserver.media.units import Unit
from flexserver.protocol import Kind

STARTING = 1_500_000_000
"""Nanoseconds that a stream may take to begin before the slate is shown."""
HOLD = 800_000_000
"""Nanoseconds without a unit, from a worker that is still there."""
HOLD_GONE = 300_000_000
"""The same once it has left."""
_STEP = 1_000_000
_MAX_SHIFT = 100_000_000


class Out(NamedTuple):
    """A unit for the readers."""

    is_key: bool
    pts: int
    data: bytes


@dataclass(slots=True)
class Splice:
    """The stream of one mount. Times are nanoseconds of CLOCK_MONOTONIC; a worker is any number that tells it apart."""

    slates: list[bytes] = field(default_factory=list)
    active: int | None = None
    """The worker whose units go out."""
    cuts: int = 0
    on_slate: bool = True
    _heard: int = 0
    _patience: int = STARTING
    _last: int = 0
    _shift: int = 0
    _lag: int = 0
    _turn: int = 0

    def begin(self, now: int) -> None:
        """Readers came after nobody did: what is running gets time to send its first unit."""
        self._heard, self._patience, self.on_slate = now, STARTING, True

    def keep_slate(self, unit: Unit) -> None:
        """A slate unit that a worker handed over; the newest two are shown in turn."""
        self.slates = [*self.slates, unit.data][-2:]

    def live(self, worker: int, unit: Unit, now: int) -> Out | None:
        """What becomes of a live unit; None where it may not go out and a key unit should be asked for."""
        if self.on_slate or worker != self.active:
            shift = max(0, self._last + _STEP - unit.pts)
            if unit.kind is not Kind.KEY or shift > _MAX_SHIFT:
                return None
            self.active, self.on_slate, self._shift = worker, False, shift
            self.cuts += 1
        self._heard, self._patience = now, HOLD
        self._lag = max(0, now - unit.pts)
        return self._out(unit.kind is Kind.KEY, unit.pts + self._shift, unit.data)

    def gone(self, worker: int) -> None:
        """A worker left."""
        if worker == self.active:
            self.active, self._patience = None, HOLD_GONE

    def is_due(self, now: int) -> bool:
        """Whether readers should see the slate now."""
        return now - self._heard >= self._patience

    def slate(self, now: int) -> Out | None:
        """The next slate picture, if it is time for one."""
        if not self.slates or not self.is_due(now):
            return None
        self.on_slate = True
        self._turn += 1
        return self._out(True, max(now - self._lag, self._last + _STEP), self.slates[self._turn % len(self.slates)])

    def _out(self, is_key: bool, pts: int, data: bytes) -> Out:
        self._last = max(self._last, pts)
        return Out(is_key, pts, data)
