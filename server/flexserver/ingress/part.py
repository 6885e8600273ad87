"""The part of the box that takes publishers: the ingest process, kept as the settings say, and their pipelines."""

# ruff: noqa: A001 - what the API calls id is called so here

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flexclient.models import Condition, Order, PartHealth, Publisher, Settings
from flexserver import protocol
from flexserver.auth import Auth
from flexserver.config import WILDCARDS, Config
from flexserver.errors import Refusal, conflict
from flexserver.ingress import login, names
from flexserver.ingress.triggers import Triggers
from flexserver.ingress.turns import Turns
from flexserver.logs import LogRing
from flexserver.pipelines.child import Child
from flexserver.pipelines.service import Pipelines, Record
from flexserver.pipelines.status import rounded
from flexserver.settings import BoxSettings

QUIT_SECONDS = 1.0
AGAIN_SECONDS = 5.0
"""Between tries for a port that is in use."""
MAX_WAIT = 5.0
_LOOPBACK = WILDCARDS | {"127.0.0.1", "localhost"}
"""Hosts whose listener takes connections to 127.0.0.1."""

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Known:
    """A publisher that was let in."""

    said: protocol.Publish
    record: Record
    made: bool
    """Its pipeline is there because of it."""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    received: int = 0
    counted_at: float = field(default_factory=time.monotonic)


class Ingress:
    """`box.ingress`."""

    def __init__(self, config: Config, settings: BoxSettings, pipelines: Pipelines, auth: Auth) -> None:
        self._config, self._settings, self._pipelines, self._auth = config, settings, pipelines, auth
        self._turns = Turns()
        self.triggers = Triggers(pipelines, self._turns, self._rtsp_port)
        self._child: Child | None = None
        self._leaving: Child | None = None
        """The process that was told to end; the next one starts when it is gone."""
        self._listening: protocol.Listening | None = None
        self._problem: str | None = None
        self._known: dict[int, _Known] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ring = LogRing()
        self._failures = 0
        self._closed = False

    def start(self) -> None:
        """Follow the settings from now on."""
        self._settings.changed.append(self._follow)
        self._follow(self._settings.now)

    async def close(self) -> None:
        """Send every publisher away; pipelines are the service's to end."""
        self._closed = True
        self.triggers.close()
        if self._timer:
            self._timer.cancel()
        if child := self._child:
            await child.end(QUIT_SECONDS)

    def health(self) -> PartHealth | None:
        """How it fares; None while it is off. It names no stream: everybody may read it."""
        if not _wanted(self._settings.now):
            return None
        listening = self._listening
        problems = [self._problem] if self._problem else []
        if listening:
            problems += [f"{name.upper()}: {problem}" for name, problem in sorted(listening.problems.items())]
        if problems:
            return PartHealth(status=Condition.DEGRADED, message="; ".join(problems))
        if listening is None:
            return PartHealth(status=Condition.DEGRADED, message="it has not started yet")
        ports = (("RTSP", listening.rtsp_port), ("RTMP", listening.rtmp_port))
        said = [f"{name} on port {port}" for name, port in ports if port is not None]
        return PartHealth(status=Condition.OK, message=f"{', '.join(said)}; publishers: {len(self._known)}")

    # The process

    def _follow(self, settings: Settings) -> None:
        if self._closed:
            return
        if not _wanted(settings):
            if self._child and self._leaving is None:
                self._leaving, self._listening = self._child, None
                self._do(self._child.end(QUIT_SECONDS))
        elif self._child is None:
            self._spawn()
        elif self._leaving is None:
            self._listen(self._child)
        if _wanted(settings) and self._auth.enabled and self._key is None:
            log.warning("publishers are refused: a password is set, and no key; start the server with FLEX_PUBLISH_KEY")

    def _spawn(self) -> None:
        self._timer = None
        if self._closed or self._child or not _wanted(self._settings.now):
            return
        command = [sys.executable, "-m", "flexserver.ingest"]
        try:
            self._child = Child(command, os.environ, self._ring, self._on_message, self._on_exit)
        except OSError as error:
            self._on_exit(None, f"cannot be started: {error.strerror}")
            return
        self._listen(self._child)

    def _listen(self, child: Child) -> None:
        now, config = self._settings.now, self._config
        rtsp = config.ingest_rtsp_port if now.ingress_rtsp_enabled else None
        rtmp = config.ingest_rtmp_port if now.ingress_rtmp_enabled else None
        child.send(protocol.Listen(config.host, rtsp, rtmp))

    def _on_exit(self, child: Child | None, how: str) -> None:
        if child is not self._child:
            return
        left = child is not None and child is self._leaving
        self._child = self._listening = self._leaving = None
        for seq in list(self._known):
            self._do(self._gone(protocol.Unpublish(seq, "the ingest process ended")))
        if left or self._closed:
            self._problem = None
            self._spawn()
            return
        self._problem = f"the ingest process {how}"
        log.error("the ingest process died", extra={"fields": {"how": how, "said": self._ring.tail(1).strip()}})
        self._again(min(MAX_WAIT, 0.25 * 2**self._failures))
        self._failures += 1

    def _again(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._once_more)

    def _once_more(self) -> None:
        self._timer = None
        if not self._closed:
            self._follow(self._settings.now)

    def _on_message(self, child: Child, message: protocol.Message) -> None:
        if child is not self._child:
            return
        match message:
            case protocol.Listening() if child is not self._leaving:
                self._heard(message)
            case protocol.Publish():
                self._do(self._asked(child, message))
            case protocol.Unpublish():
                self._do(self._gone(message))
            case protocol.Traffic():
                self._count(child, dict(message.received))

    def _heard(self, listening: protocol.Listening) -> None:
        if listening.problems and (self._listening is None or self._listening.problems != listening.problems):
            log.error("the ingest cannot listen", extra={"fields": listening.problems})
        if listening.problems:
            self._again(AGAIN_SECONDS)
        self._listening, self._problem, self._failures = listening, None, 0

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Publishers

    async def _asked(self, child: Child, said: protocol.Publish) -> None:
        """Let a publisher in, or say why not."""
        try:
            async with self._turns.of(f"publisher {said.seq}"):
                verdict = await self._admit(said)
        except Refusal as refusal:
            verdict = protocol.Verdict(said.seq, ok=False, message=refusal.message)
        except Exception:
            log.exception("a publisher could not be let in")
            verdict = protocol.Verdict(said.seq, ok=False, message="the box failed")
        fields: dict[str, object] = {"path": said.path, "protocol": said.protocol, "peer": said.peer}
        if verdict.ok:
            log.info("a publisher came", extra={"fields": fields})
        elif said.proof or not verdict.login:
            log.warning("a publisher was refused", extra={"fields": {**fields, "why": verdict.message}})
        child.send(verdict)

    async def _admit(self, said: protocol.Publish) -> protocol.Verdict:
        if self._closed:
            return protocol.Verdict(said.seq, ok=False, message="the box shuts down")
        if not self._may(said):
            message = "the key is missing or wrong" if self._key else "a password is set, and there is no publish key"
            return protocol.Verdict(said.seq, ok=False, message=message, login=self._key is not None)
        path = names.clean(said.path)
        id = names.id_of(path)
        async with self._turns.of(id):
            record = self._pipelines.find(id)
            made = record is None
            if record is None:
                source = names.address(path, self._port_of(said.protocol))
                record = await self._pipelines.create(names.body(id, source), transient=True)
            elif not self._reads(record, path):
                whose = "another path" if record.transient else "a stored pipeline that reads something else"
                raise conflict(f"the id '{id}' belongs to {whose}")
            self._known[said.seq] = _Known(said, record, made)
        return protocol.Verdict(said.seq, ok=True, awaited=record.row.order == Order.PLAY)

    def _reads(self, record: Record, path: str) -> bool:
        """Whether the pipeline's source is what is published under the path."""
        uri = record.spec.source.uri if record.spec.source else ""
        return uri in {names.address(path, self._port_of("rtsp")), names.address(path, self._port_of("rtmp"))}

    async def _gone(self, said: protocol.Unpublish) -> None:
        """A publisher left: its pipeline goes, unless somebody else made it."""
        async with self._turns.of(f"publisher {said.seq}"):  # it may still be on its way in
            known = self._known.pop(said.seq, None)
        if known is None:
            return  # it was refused
        id = known.record.row.id
        async with self._turns.of(id):
            known.record.publisher = None
            log.info("a publisher left", extra={"fields": {"path": known.said.path, "why": said.reason}})
            if known.made and self._pipelines.find(id) is known.record:
                await self._pipelines.delete(id, None)

    def _count(self, child: Child, received: dict[int, int]) -> None:
        """Who publishes how much; a publisher whose pipeline was deleted is sent away."""
        now = time.monotonic()
        for seq, known in self._known.items():
            if self._pipelines.find(known.record.row.id) is not known.record:
                child.send(protocol.Drop(seq))
            elif (total := received.get(seq)) is not None and now > known.counted_at:
                rate = (total - known.received) * 8 / 1000 / (now - known.counted_at)
                known.received, known.counted_at = total, now
                known.record.publisher = Publisher(
                    path=known.said.path,
                    protocol=known.said.protocol,
                    address=known.said.peer,
                    since=rounded(known.since),
                    received_kbps=round(rate, 1),
                )

    # What the config says

    @property
    def _key(self) -> str | None:
        """What publishers have to show: a key of their own, or as everybody, once a password is set, the API key."""
        secret = self._config.publish_key or (self._config.api_key if self._auth.enabled else None)
        return secret.get_secret_value() if secret else None

    def _may(self, said: protocol.Publish) -> bool:
        """With a key everybody has to show it; without one the box must be open altogether."""
        key = self._key
        return login.is_shown(key, said.proof) if key else not self._auth.enabled

    def _rtsp_port(self) -> int:
        """Where RTSP is read on this machine: our own ingest, or the media server that has its port."""
        if self._listening and self._listening.rtsp_port:
            return self._listening.rtsp_port
        return self._config.ingest_rtsp_port or names.DEFAULT_PORT

    def _port_of(self, kind: str) -> int:
        """Where a worker reads what came by this protocol."""
        if kind == "rtsp" and self._config.host in _LOOPBACK:
            return self._rtsp_port()
        return self._listening.relay_port if self._listening else 0


def _wanted(settings: Settings) -> bool:
    return settings.ingress_rtsp_enabled or settings.ingress_rtmp_enabled
