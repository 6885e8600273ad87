"""The media processes as a whole: whether there is GStreamer, how workers start, and the RTSP front, kept alive."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flexserver import protocol
from flexserver.config import Config
from flexserver.logs import LogRing
from flexserver.media.graph import Graph
from flexserver.pipelines.child import Child

PROBE_SECONDS = 15.0
CHECK_SECONDS = 5.0
CHECKS = 2
"""So many graphs are checked at once; the others wait."""
FRONT_SECONDS = 15.0
PORT_TAKEN = 3
"""The front's exit code when it cannot have its port."""
QUIT_SECONDS = 1.0
MAX_WAIT = 5.0

log = logging.getLogger(__name__)


class PortTaken(Exception):
    """Somebody else has the RTSP port."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the probe found."""

    version: str | None = None
    problem: str | None = None


class Engine:
    """Starts media processes. One a server."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.gstreamer = Probe(problem="the box has not looked yet")
        self.front = Front(self)
        self._checking = asyncio.Semaphore(CHECKS)

    async def start(self) -> None:
        """Look for GStreamer and bring up the front. Raises `PortTaken`. A box without GStreamer is no error."""
        probing = asyncio.ensure_future(self._probe())
        starting = asyncio.ensure_future(self.front.start())
        try:
            self.gstreamer = await probing
            if self.gstreamer.problem is None:
                await starting
        finally:
            probing.cancel()
            starting.cancel()
            await asyncio.wait((probing, starting))
        if self.gstreamer.problem:
            log.warning("there is no GStreamer", extra={"fields": {"problem": self.gstreamer.problem}})
            await self.front.close()

    async def fault_of(self, graph: Graph) -> str | None:
        """Why this graph can never work; None where it can, or where nothing can be said about it now."""
        if self.gstreamer.problem:
            return None
        async with self._checking:
            try:
                _, out, _ = await self._run_probe("--check", given=json.dumps(graph.to_json()), seconds=CHECK_SECONDS)
                fault = json.loads(out)["fault"]
            except (OSError, TimeoutError, ValueError, KeyError, TypeError) as error:
                log.warning("a launch line could not be checked", extra={"fields": {"cause": repr(error)}})
                return None
        return str(fault) if fault else None

    def spawn(
        self,
        module: str,
        arguments: list[str],
        ring: LogRing,
        on_message: Callable[[Child, protocol.Message], None],
        on_exit: Callable[[Child, str], None],
    ) -> Child:
        """Start one of our own modules. Raises OSError."""
        return Child([*self._python(), module, *arguments], self._environment(), ring, on_message, on_exit)

    def _python(self) -> list[str]:
        return [str(self.config.media_python or sys.executable), "-m"]

    def _environment(self) -> dict[str, str]:
        """Ours, plus where our modules lie: the media processes may run under another Python."""
        import flexclient

        places = [str(Path(__file__).parents[2]), str(Path(flexclient.__file__).parents[1])]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(places)), "PYTHONUNBUFFERED": "1"}

    async def _probe(self) -> Probe:
        try:
            return read_probe(*await self._run_probe(given="", seconds=PROBE_SECONDS))
        except TimeoutError:
            return Probe(problem="GStreamer did not answer")
        except OSError as error:
            return Probe(problem=f"{self._python()[0]} cannot be started: {error.strerror}")

    async def _run_probe(self, *arguments: str, given: str, seconds: float) -> tuple[int, bytes, bytes]:
        """Exit code, output and complaints of a probe. Raises OSError, TimeoutError; it is gone in any case."""
        process = await asyncio.create_subprocess_exec(
            *self._python(),
            "flexserver.media.probe",
            *arguments,
            env=self._environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):
                out, complaint = await process.communicate(given.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out, complaint


def read_probe(code: int, out: bytes, complaint: bytes) -> Probe:
    """What the probe's exit code and output mean."""
    try:
        found = json.loads(out)
        version, problem = found.get("version"), found.get("problem")
    except (ValueError, AttributeError):
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        return Probe(problem=last or f"the probe ended with exit code {code} and said nothing")
    return Probe(version, problem or (f"the probe ended with exit code {code}" if code else None))


class Front:
    """The RTSP front: one process, started again on the same port when it dies, with every mount it had."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.link = f"flex-{os.getpid()}-{secrets.token_hex(4)}"
        """Name of its abstract socket; the same after a restart, so that workers find it again."""
        self.port = engine.config.rtsp_port
        self.problem: str | None = "it has not started yet"
        self.ring = LogRing()
        self.on_readers: Callable[[protocol.Readers], None] = lambda _: None
        self._mounts: dict[str, str] = {}
        self._child: Child | None = None
        self._ready: asyncio.Future[None] | None = None
        self._failures = 0
        self._closed = False

    async def start(self) -> None:
        """Start it and wait until it listens. Raises `PortTaken`."""
        self._ready = asyncio.get_running_loop().create_future()
        self._spawn()
        async with asyncio.timeout(FRONT_SECONDS):
            await asyncio.shield(self._ready)

    def mount(self, name: str, codec: str) -> None:
        """Offer a mount, now and after every restart."""
        if self._mounts.get(name) != codec:
            self._mounts[name] = codec
            self._say(protocol.Mount(name, codec))

    def unmount(self, name: str) -> None:
        """Take a mount away and its readers with it."""
        if self._mounts.pop(name, None) is not None:
            self._say(protocol.Unmount(name))

    async def close(self) -> None:
        """End it for good."""
        self._closed = True
        if child := self._child:
            await child.end(QUIT_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self._closed = True
        if self._child:
            self._child.kill()

    def _say(self, message: protocol.Message) -> None:
        if self._child:
            self._child.send(message)

    def _spawn(self) -> None:
        if self._closed:
            return
        arguments = ["--host", self._engine.config.host, "--port", str(self.port), "--link", self.link]
        try:
            self._child = self._engine.spawn(
                "flexserver.media.front", arguments, self.ring, self._on_message, self._on_exit
            )
        except OSError as error:
            self._on_exit(None, str(error))
            return
        for name, codec in self._mounts.items():
            self._say(protocol.Mount(name, codec))

    def _on_message(self, child: Child, message: protocol.Message) -> None:
        if isinstance(message, protocol.Ready):
            self.port, self.problem, self._failures = message.port, None, 0
            if self._ready and not self._ready.done():
                self._ready.set_result(None)
        elif isinstance(message, protocol.Readers) and child is self._child:
            self.on_readers(message)

    def _on_exit(self, _child: Child | None, how: str) -> None:
        self._child = None
        self.problem = f"the RTSP front {how}"
        for name in self._mounts:
            self.on_readers(protocol.Readers(name, 0, wanted=False))
        if self._closed:
            return
        if self._ready and not self._ready.done() and how.endswith(f"exit code {PORT_TAKEN}"):
            self._closed = True
            self._ready.set_exception(PortTaken(self.ring.tail(1).strip().partition(" ")[2]))
            return
        log.error("the RTSP front died", extra={"fields": {"how": how, "said": self.ring.tail(1).strip()}})
        wait = 0.0 if self._failures == 0 else min(MAX_WAIT, 0.25 * 2**self._failures)
        self._failures += 1
        asyncio.get_running_loop().call_later(wait, self._spawn)
