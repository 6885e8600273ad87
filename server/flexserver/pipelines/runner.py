"""One pipeline's run: holds its life, does what the state machine says, and hears its worker."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from flexclient.models import Order, PipelineSpec, State, Stats
from flexserver import protocol
from flexserver.logs import LogRing
from flexserver.media import graph
from flexserver.pipelines import grabs, lifecycle, watchdog
from flexserver.pipelines.child import Child, ChildGone
from flexserver.pipelines.engine import Engine
from flexserver.pipelines.grabs import Grabs
from flexserver.pipelines.lifecycle import Action, Fault, Happening, Life, Policy
from flexserver.pipelines.meter import Meter

ANSWER_SECONDS = 5.0
"""How long a worker may take to answer."""

Planner: TypeAlias = Callable[[PipelineSpec], "graph.Graph | Fault"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a runner tells about itself: its state changed, or its worker failed."""

    fault: Fault | None = None
    grabbed: protocol.Grabbed | None = None
    """A framegrab was written."""


class Runner:
    """The run of one pipeline. Everything happens on the event loop; only `lifecycle.step` replaces `life`."""

    def __init__(
        self,
        spec: PipelineSpec,
        engine: Engine,
        policy: Policy,
        plan: Planner,
        tell: Callable[[Runner, Told], None],
        fresh: Callable[[Runner], None],
        held: Callable[[Runner], Fault | None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self.mount = graph.mount_of(spec)
        self.codec = codec_of(spec)
        self.life = Life(Order.STOP, luck=random.random())  # noqa: S311  spreads retries, guards nothing
        self.since = datetime.now(UTC)
        self.readers = 0
        self.playing_since: float | None = None
        self.meter = Meter()
        self.grabs = Grabs()
        self._complained = False
        self.ticked_at = 0.0
        """When its statistics were last put in line to be told."""
        self.ring = LogRing()
        self._engine, self._policy, self._plan, self._tell, self._fresh = engine, policy, plan, tell, fresh
        self._held = held
        self._graph: graph.Graph | None = None
        self._child: Child | None = None
        self._watch: watchdog.Watch | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[Callable[[Life], bool], asyncio.Future[Life]]] = []
        self.deleted = False
        """Its pipeline is gone: nothing more is told about it."""

    # What the service does

    def order(self, order: Order) -> None:
        """Pass on the owner's order; the mount goes with it."""
        self.happen(lifecycle.Told(order))
        self._offer()

    def become(self, spec: PipelineSpec) -> None:
        """Run another pipeline from now on, by replacing the worker."""
        self._withdraw(graph.mount_of(spec))
        self.spec, self.mount, self.codec = spec, graph.mount_of(spec), codec_of(spec)
        self.happen(lifecycle.Changed())
        self._offer()

    async def adjust(self, spec: PipelineSpec) -> bool:
        """Turn the running worker into another pipeline without replacing it. False where that cannot be done."""
        if self._graph is None or self._child is None or graph.mount_of(spec) != self.mount:
            return False
        planned = self._plan(spec)
        if isinstance(planned, Fault):
            return False
        settings = graph.changes(self._graph, planned)
        if settings is None or (settings and not await self._set(self._child, settings)):
            return False
        if spec.framegrab != self.spec.framegrab:
            self.grabs.restarted()
            self._child.send(grabs.order(spec, self._engine.config.data_dir))
        self.spec, self._graph = spec, planned
        return True

    async def _set(self, child: Child, settings: Sequence[tuple[str, str, object]]) -> bool:
        if not self.on_air:
            return False
        try:
            answer = await child.ask(lambda seq: protocol.Change(seq, list(settings)), ANSWER_SECONDS)
        except (ChildGone, TimeoutError):
            return False
        return answer.ok

    async def ask(self, what: str, width: int | None = None) -> str:
        """The worker's answer to `snapshot` or `dot`. Raises LookupError that says why there is none."""
        if self._child is None or not self.on_air:
            raise LookupError(f"it is {self.life.state.value}, not playing")
        try:
            answer = await self._child.ask(lambda seq: protocol.Ask(seq, what, width), ANSWER_SECONDS)
        except ChildGone:
            raise LookupError("its worker ended just now") from None
        except TimeoutError:
            raise LookupError("its worker did not answer") from None
        if not answer.ok:
            raise LookupError(answer.data)
        return answer.data

    def watched(self, readers: int, *, wanted: bool) -> None:
        """The front counted the readers of the mount."""
        changed = readers != self.readers
        self.readers = readers
        self.happen(lifecycle.Wanted(wanted))
        if changed:
            self._tell(self, Told())

    async def until(self, done: Callable[[Life], bool]) -> Life:
        """The life at the first moment for which `done` holds; a state that passes quickly is not missed."""
        if done(self.life):
            return self.life
        future: asyncio.Future[Life] = asyncio.get_running_loop().create_future()
        self._waiting.append((done, future))
        return await future

    async def close(self) -> None:
        """End the worker, in good order if it can, and wait until it is gone."""
        self.happen(lifecycle.Closed())
        self._withdraw(None)
        await self.until(lambda life: life.worker is lifecycle.Worker.NONE)
        if self._timer:
            self._timer.cancel()

    def kill(self) -> None:
        """End the worker at once."""
        if self._child:
            self._child.kill()

    @property
    def on_air(self) -> bool:
        """Whether pictures come."""
        return self.life.state == State.PLAYING

    @property
    def running(self) -> bool:
        """Whether there is a worker to change."""
        return self.life.worker is lifecycle.Worker.RUNNING

    @property
    def reason(self) -> str | None:
        """Why it is as it is, or what is wrong while it plays."""
        return self.life.reason or (self.meter.complaint if self.on_air else None)

    @property
    def next_retry(self) -> datetime | None:
        """When the next try is due, on the wall's clock."""
        at = self.life.retry_at
        return None if at is None else datetime.fromtimestamp(time.time() + at - time.monotonic(), UTC)

    @property
    def stats(self) -> Stats | None:
        """The newest statistics of a running worker."""
        return self.meter.stats if self.running else None

    # The machine

    def happen(self, event: Happening) -> None:
        """One step: take the new life, do what it asks for, tell what others can see."""
        before = self.life
        life = replace(before, held=self._held(self))
        self.life, actions = lifecycle.step(life, event, time.monotonic(), self._policy)
        for action in actions:
            self._do(action)
        self._wind()
        if _visible(before) != _visible(self.life):
            self._mark(before.state)
            if not self.deleted:
                self._tell(self, Told())
        self._wake()

    def look(self, now: float) -> None:
        """Let the watchdog judge the worker."""
        if self._watch and self.running and (fault := watchdog.verdict(self._watch, now)):
            self.happen(lifecycle.Faulted(fault))

    def _do(self, action: Action) -> None:
        if action is Action.SPAWN:
            self._spawn()
        elif action is Action.REPORT:
            self.ring.add(f"flexserver: {lifecycle.outlook(self.life, time.monotonic())}")
            if not self.deleted:
                self._tell(self, Told(self.life.fault))
        elif self._child and action is Action.QUIT:
            self._child.send(protocol.Quit())
        elif self._child:
            self._child.kill()

    def _spawn(self) -> None:
        self._child, self._graph, self._watch = None, None, None
        planned = self._plan(self.spec)
        if isinstance(planned, Fault):
            self._never_started(planned)
            return
        try:
            child = self._engine.spawn(
                "flexserver.media.worker", ["--name", self.spec.id], self.ring, self._on_message, self._on_exit
            )
        except OSError as error:
            self._never_started(Fault("media", f"the worker cannot be started: {error.strerror}"))
            return
        link = self._engine.front.link if self.mount else None
        child.send(protocol.Start(self.spec.id, planned.to_json(), link, self.mount))
        self._child, self._graph = child, planned
        self._watch = watchdog.Watch(time.monotonic())
        self.meter = Meter(self.spec.source.latency_ms if self.spec.source else 0)
        self._complained = False
        if self.spec.framegrab:
            self.grabs.restarted()
            child.send(grabs.order(self.spec, self._engine.config.data_dir))

    def _never_started(self, fault: Fault) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self.happen, lifecycle.Faulted(fault))
        loop.call_soon(self.happen, lifecycle.Exited(fault.message))

    def _on_message(self, child: Child, message: protocol.Message) -> None:
        if child is not self._child:
            return
        now = time.monotonic()
        match message:
            case protocol.Playing(fps=fps):
                if self._watch:
                    self._watch = watchdog.playing(self._watch, now, fps)
                self.happen(lifecycle.Played())
            case protocol.Beat():
                if self._watch:
                    self._watch = watchdog.heard(self._watch, message, now)
                self.meter.beat(message, child.usage(), now)
                self._complain()
                self._fresh(self)
            case protocol.Failed(part=part, message=text):
                self.happen(lifecycle.Faulted(Fault(part, text)))
            case protocol.Ended():
                self.happen(lifecycle.Ended())
            case protocol.Grabbed():
                self.grabs.made(message, now)
                self._tell(self, Told(grabbed=message))
            case protocol.GrabFailed(message=text):
                self._grab_failed(text)

    def _grab_failed(self, reason: str) -> None:
        """Said once; the stream goes on."""
        if self.grabs.fault != reason:
            self.grabs.fault = reason
            self.ring.add(f"flexserver: framegrab: {reason}")
            self._tell(self, Told())

    def _complain(self) -> None:
        """Once a worker: a later word would be the same."""
        if self.on_air and not self._complained and (complaint := self.meter.complaint):
            self._complained = True
            self.ring.add(f"flexserver: {complaint}")
            self._tell(self, Told())

    def _on_exit(self, child: Child, how: str) -> None:
        if child is self._child:
            self._child, self._graph, self._watch = None, None, None
            self.happen(lifecycle.Exited(f"the worker {how}"))

    def _wind(self) -> None:
        """Set the one clock of this pipeline to the next thing that is due."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.life.due is not None:
            wait = max(0.0, self.life.due - time.monotonic()) + 0.001
            self._timer = asyncio.get_running_loop().call_later(wait, self.happen, lifecycle.Due())

    def _mark(self, before: State) -> None:
        if self.life.state != before:
            self.since = datetime.now(UTC)
            self.playing_since = time.monotonic() if self.on_air else None

    def _wake(self) -> None:
        for waiting in list(self._waiting):
            done, future = waiting
            if future.done() or done(self.life):
                self._waiting.remove(waiting)
                if not future.done():
                    future.set_result(self.life)

    # The mount

    def _offer(self) -> None:
        if self.mount is None or self.life.closed:
            return
        if self.life.order == Order.STOP:
            self._withdraw(None)
        else:
            self._engine.front.mount(self.mount, self.codec)

    def _withdraw(self, keep: str | None) -> None:
        if self.mount and self.mount != keep:
            self._engine.front.unmount(self.mount)
            self.watched(0, wanted=False)


def codec_of(spec: PipelineSpec) -> str:
    """What it is encoded as."""
    return spec.encoding.codec.value if spec.encoding else "h264"


def _visible(life: Life) -> tuple[object, ...]:
    return life.state, life.order, life.reason, life.retry_at, life.restarts
