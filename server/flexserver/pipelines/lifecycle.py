"""The life of one pipeline as a pure state machine: `step` takes what happened and says what it is now and what to do.

Two axes. The **order** is what the owner wants: armed, play, stop. The **state** is what is so: ready, starting,
playing, reconnecting, stopping, error. Times are seconds of one monotonic clock that the caller reads; nothing here
waits, draws or sends.

    ready --goal--> starting --Played--> playing --Exited--> reconnecting --Played--> playing
                       |  ^                 |                     |
                    Exited |              no goal           too many failures
                       v  |                 v                     v
                      error <---------   stopping --Exited--> ready / error
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeAlias

from flexclient.models import Order, State


@dataclass(frozen=True, slots=True)
class Policy:
    """The times of the machine, seconds, and the crash-loop breaker."""

    start: float = 30.0
    """A worker has this long to its first picture; it has a shorter patience of its own with its source."""
    stable: float = 10.0
    """Playing this long forgives earlier failures."""
    linger: float = 1.0
    """An armed pipeline encodes this much longer than the front wants it: a front that died is back by then."""
    quit: float = 1.5
    """A worker has this long to end in good order."""
    first_delay: float = 0.5
    max_delay: float = 30.0
    breaker: int = 8
    """So many failures in a row, and the state is `error` and every retry waits `max_delay`."""


class Worker(Enum):
    """Whether there is a process."""

    NONE = auto()
    RUNNING = auto()
    ENDING = auto()
    """It was asked to end; the next one starts only when it is gone."""
    DOOMED = auto()
    """It failed and is being killed: nothing it says is heard, and how it dies is no cause."""


class Action(Enum):
    """What the caller has to do, in order."""

    SPAWN = auto()
    QUIT = auto()
    KILL = auto()
    REPORT = auto()
    """Tell the world about `Life.fault`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a worker is of no use."""

    part: str
    """`source`, `output`, `graph`, `internal`: its words; `start`, `stall`, `crash`: ours; `media`: no GStreamer;
    `license`, `codec`: the licence does not allow it now."""
    message: str

    @property
    def lasting(self) -> bool:
        """Whether trying again soon is pointless."""
        return self.part == "media"

    @property
    def licensing(self) -> bool:
        """Whether nothing is broken, and the licence alone stands in the way."""
        return self.part in {"license", "codec"}

    @property
    def final(self) -> bool:
        """Whether trying again is pointless until the pipeline is another one, or is ordered once more."""
        return self.part == "graph"


@dataclass(frozen=True, slots=True)
class Life:
    """Everything that is known about one pipeline's run."""

    order: Order
    luck: float = 0.5
    """Drawn once, 0 to 1: spreads the retries of many pipelines."""
    state: State = State.READY
    worker: Worker = Worker.NONE
    wanted: bool = False
    """Somebody watches, or asks to."""
    played: bool = False
    """There were pictures since the last order or change."""
    over: bool = False
    """The source came to its end; wait for a new order or a new reader."""
    closed: bool = False
    """The box shuts down or the pipeline is deleted: never start again."""
    failures: int = 0
    restarts: int = 0
    fault: Fault | None = None
    """Why a worker failed last; None once one plays."""
    reason: str | None = None
    deadline: float | None = None
    """When the worker must have got further: first picture, stable, or gone."""
    retry_at: float | None = None
    idle_at: float | None = None
    held: Fault | None = None
    """Why the licence does not let it run now; looked at anew before each step."""

    @property
    def due(self) -> float | None:
        """When to say `Due`."""
        return min((at for at in (self.deadline, self.retry_at, self.idle_at) if at is not None), default=None)

    @property
    def hopeless(self) -> bool:
        """Whether it failed for good: it rests in `error` until an order or a change."""
        final = self.fault is not None and self.fault.final
        return final and self.worker is Worker.NONE and not self.closed

    @property
    def wish(self) -> bool:
        """Whether the owner wants a worker to run."""
        watched = self.wanted or self.idle_at is not None
        ordered = self.order == Order.PLAY or (self.order == Order.ARMED and watched)
        return ordered and not self.over and not self.closed

    @property
    def goal(self) -> bool:
        """Whether a worker should run."""
        return self.wish and self.held is None

    @property
    def seated(self) -> bool:
        """Whether it counts as a playing stream: it runs, or tries to."""
        return self.goal and not self.hopeless


@dataclass(frozen=True, slots=True)
class Told:
    """The owner gave this order."""

    order: Order


@dataclass(frozen=True, slots=True)
class Changed:
    """The pipeline is another one now: a running worker must be replaced."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first reader came, or the last one left."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class Played:
    """The first picture of this worker came out."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The source came to its end."""


@dataclass(frozen=True, slots=True)
class Faulted:
    """The worker is of no use any more: its own word, or the watchdog's."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone; `how` it went, in words."""

    how: str


@dataclass(frozen=True, slots=True)
class Due:
    """`Life.due` has come."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """`Life.held` may be another than it was."""


@dataclass(frozen=True, slots=True)
class Hurried:
    """What the next try would wait for is here."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The end."""


Happening: TypeAlias = Told | Changed | Wanted | Played | Ended | Faulted | Exited | Due | Reviewed | Hurried | Closed
Next: TypeAlias = tuple[Life, tuple[Action, ...]]


def step(life: Life, event: Happening, now: float, policy: Policy) -> Next:
    """The life after `event`, and what to do about it."""
    match event:
        case Told(order):
            return _settle(_fresh(replace(life, order=order, idle_at=None)), now, policy)
        case Changed():
            return _change(_fresh(life), now, policy)
        case Wanted(wanted):
            return _want(life, wanted, now, policy)
        case Closed():
            return _settle(replace(life, closed=True), now, policy)
        case Due():
            return _due(life, now, policy)
        case Reviewed():
            return _settle(life, now, policy)
        case Hurried():
            return _settle(replace(life, retry_at=None), now, policy)
        case Exited(how):
            return _exited(life, how, now, policy)
        case _:
            return _worker_says(life, event, now, policy)


def _fresh(life: Life) -> Life:
    """A new order or change wipes the slate; a worker that plays goes on, and one that is dying just ends."""
    running = life.worker is Worker.RUNNING
    return replace(
        life,
        worker=Worker.ENDING if life.worker is Worker.DOOMED else life.worker,
        over=False,
        failures=0,
        retry_at=None,
        reason=life.reason if running else None,
        fault=life.fault if running else None,
        played=life.played and running,
    )


def _want(life: Life, wanted: bool, now: float, policy: Policy) -> Next:
    if wanted == life.wanted:
        return life, ()
    if wanted:
        return _settle(replace(life, wanted=True, idle_at=None, over=False), now, policy)
    idle_at = now + policy.linger if life.order == Order.ARMED else None
    return _settle(replace(life, wanted=False, idle_at=idle_at), now, policy)


def _change(life: Life, now: float, policy: Policy) -> Next:
    if life.worker is not Worker.RUNNING or not life.goal:
        return _settle(life, now, policy)
    quitting = replace(life, worker=Worker.ENDING, state=State.STARTING, played=False, deadline=now + policy.quit)
    return quitting, (Action.QUIT,)


def _settle(life: Life, now: float, policy: Policy) -> Next:
    """Move towards the goal, as far as can be done now."""
    if life.hopeless:
        return replace(life, state=State.ERROR, deadline=None, retry_at=None, idle_at=None), ()
    if life.goal:
        if life.worker is Worker.NONE and life.retry_at is None:
            return _spawn(life, now, policy), (Action.SPAWN,)
        if life.worker is Worker.ENDING:
            return replace(life, state=State.STARTING), ()
        return life, ()
    if life.worker is Worker.RUNNING:
        return replace(life, worker=Worker.ENDING, state=State.STOPPING, deadline=now + policy.quit), (Action.QUIT,)
    if life.worker is not Worker.NONE:
        return replace(life, worker=Worker.ENDING, state=State.STOPPING), ()
    return _rest(replace(life, played=False, failures=0, deadline=None, retry_at=None))


def _rest(life: Life) -> Next:
    """There is no worker, and none is wanted, or none is allowed: that is told once."""
    if life.held and life.wish:
        again = life.state == State.ERROR and life.fault is not None and life.fault.part == life.held.part
        waiting = replace(life, state=State.ERROR, fault=life.held, reason=life.held.message)
        return waiting, () if again else (Action.REPORT,)
    return _without_licensing(replace(life, state=State.READY, idle_at=None)), ()


def _without_licensing(life: Life) -> Life:
    """The licence is no reason any more."""
    return replace(life, fault=None, reason=None) if life.fault and life.fault.licensing else life


def _spawn(life: Life, now: float, policy: Policy) -> Life:
    return replace(
        _without_licensing(life),
        worker=Worker.RUNNING,
        state=State.RECONNECTING if life.played else State.STARTING,
        deadline=now + policy.start,
        retry_at=None,
    )


def _worker_says(life: Life, event: Happening, now: float, policy: Policy) -> Next:
    if life.worker is not Worker.RUNNING:
        return life, ()  # an old worker's last words
    match event:
        case Played():
            playing = replace(life, state=State.PLAYING, played=True, reason=None, fault=None)
            return replace(playing, deadline=now + policy.stable), ()
        case Ended() if life.state == State.PLAYING:
            return _settle(replace(life, over=True, reason="the source came to its end"), now, policy)
        case Ended():
            return _give_up(life, Fault("source", "the source ended before its first picture"))
        case Faulted(fault):
            return _give_up(life, fault)
        case _:
            return life, ()


def _give_up(life: Life, fault: Fault) -> Next:
    """The first fault is the cause: what follows it is noise, the kill that it earns included."""
    state = State.RECONNECTING if life.state == State.PLAYING else life.state
    doomed = replace(life, worker=Worker.DOOMED, state=state, fault=fault, reason=fault.message, deadline=None)
    return doomed, (Action.KILL,)


def _exited(life: Life, how: str, now: float, policy: Policy) -> Next:
    if life.worker is Worker.NONE:
        return life, ()
    gone = replace(life, worker=Worker.NONE, deadline=None)
    if life.worker is Worker.ENDING:
        return _settle(gone, now, policy)
    doomed = life.worker is Worker.DOOMED
    return _failed(gone, life.fault if doomed and life.fault else Fault("crash", how), now, policy)


def _failed(life: Life, fault: Fault, now: float, policy: Policy) -> Next:
    failures = life.failures + 1
    played = life.played and failures < policy.breaker and not (fault.lasting or fault.final)
    wait = _delay(failures, played, fault, life.luck, policy)
    failed = replace(
        life,
        failures=failures,
        restarts=life.restarts + 1,
        played=played,
        fault=fault,
        reason=fault.message,
        state=State.RECONNECTING if played else State.ERROR,
        retry_at=now + wait if wait and not fault.final else None,
    )
    settled, actions = _settle(failed, now, policy)
    return settled, (Action.REPORT, *actions)


def outlook(life: Life, now: float) -> str:
    """Why there is no worker and what comes next, in a sentence for the log."""
    if life.fault and life.fault.licensing:
        after = "started when the licence allows it"
    elif life.worker is Worker.RUNNING:
        after = "started again at once"
    elif life.retry_at is not None:
        after = f"started again in {max(0.0, life.retry_at - now):.1f} s"
    else:
        after = "not started again"
    return f"{life.fault.message if life.fault else life.reason}; {after}"


def _delay(failures: int, played: bool, fault: Fault, luck: float, policy: Policy) -> float:
    """At once after the first failure of what had played; then twice as long each time, a quarter more or less."""
    if failures == 1 and played:
        return 0.0
    doubled = policy.first_delay * 2.0 ** min(failures - 1, 16)
    lasting = fault.lasting or failures >= policy.breaker
    spread = 0.75 + (luck + failures * 0.618) % 1 / 2
    return (policy.max_delay if lasting else min(policy.max_delay, doubled)) * spread


def _due(life: Life, now: float, policy: Policy) -> Next:
    late = life.deadline is not None and life.deadline <= now
    life, actions = _late(life, policy) if late else (life, ())
    if life.retry_at is not None and life.retry_at <= now:
        life = replace(life, retry_at=None)
    if life.idle_at is not None and life.idle_at <= now:
        life = replace(life, idle_at=None)
    life, more = _settle(life, now, policy)
    return life, actions + more


def _late(life: Life, policy: Policy) -> Next:
    if life.worker is Worker.ENDING:
        return replace(life, deadline=None), (Action.KILL,)
    if life.state == State.PLAYING:
        return replace(life, deadline=None, failures=0), ()
    return _give_up(life, Fault("start", f"there was no picture within {policy.start:g} seconds"))
