"""One child process: started, spoken to, watched until it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexserver import protocol
from flexserver.logs import LogRing

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
FLUSH_SECONDS = 0.5
"""How long after a process died its last words are waited for."""

log = logging.getLogger(__name__)


class ChildGone(Exception):
    """The process ended before it answered."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_seconds: float
    rss_bytes: int


class Child:
    """A child that speaks `protocol` over a socketpair (`--fd N`). `on_message` and `on_exit` are called on the loop.

    No child outlives this process: theirs is to end at the end of file on their descriptor, which the kernel sends
    even when this process is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        ring: LogRing,
        on_message: Callable[[Child, protocol.Message], None],
        on_exit: Callable[[Child, str], None],
    ) -> None:
        """Starts it. Raises OSError where there is no such program."""
        self._ring, self._on_message, self._on_exit = ring, on_message, on_exit
        self._asked: dict[int, asyncio.Future[protocol.Answer]] = {}
        self._seq = 0
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  our own program
                    [*command, "--fd", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._socket = ours
        self._writer: asyncio.StreamWriter | None = None
        self._early: list[bytes] = []
        self._task = asyncio.get_running_loop().create_task(self._live())

    def send(self, message: protocol.Message) -> None:
        """Say something; it is not an error when nobody hears it any more."""
        if self._writer is None:
            self._early.append(protocol.encode(message))
        elif not self._writer.is_closing():
            self._writer.write(protocol.encode(message))

    async def ask(self, make: Callable[[int], protocol.Message], seconds: float) -> protocol.Answer:
        """Send `make(seq)` and wait for its answer. Raises `ChildGone` or TimeoutError."""
        self._seq += 1
        seq = self._seq
        future: asyncio.Future[protocol.Answer] = asyncio.get_running_loop().create_future()
        self._asked[seq] = future
        self.send(make(seq))
        try:
            async with asyncio.timeout(seconds):
                return await future
        finally:
            self._asked.pop(seq, None)

    def kill(self) -> None:
        """End it now."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def end(self, seconds: float) -> None:
        """Ask it to end, kill it after `seconds`, and wait until it is gone and everything about it was told."""
        self.send(protocol.Quit())
        await asyncio.wait((self._task,), timeout=seconds)
        self.kill()
        await asyncio.wait((self._task,))

    def usage(self) -> Usage | None:
        """CPU and memory, None once it is gone."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return Usage((int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE)

    async def _live(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._socket, limit=protocol.MAX_LINE)
        for line in self._early:
            self._writer.write(line)
        listening = asyncio.ensure_future(self._listen(reader))
        logging_ = asyncio.ensure_future(self._keep_log())
        await self._death()
        await asyncio.wait((listening, logging_), timeout=FLUSH_SECONDS)
        for task in (listening, logging_):
            task.cancel()
        self._writer.close()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ChildGone)
        self._on_exit(self, how_it_ended(self._process.returncode))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(
            ConnectionError, ValueError
        ):  # a line beyond the limit ends the talk; the watchdog sees it
            while line := await reader.readline():
                self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            message = protocol.decode(line)
        except ValueError as error:
            self._ring.add(f"flexserver: {error}")
            return
        if isinstance(message, protocol.Answer):
            future = self._asked.get(message.seq)
            if future and not future.done():
                future.set_result(message)
        else:
            self._on_message(self, message)

    async def _keep_log(self) -> None:
        reader = asyncio.StreamReader(limit=1 << 16)
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101  it was asked for
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            while line := await _bounded_line(reader):
                self._ring.add(line.decode(errors="replace").rstrip("\r\n"))
        finally:
            transport.close()

    async def _death(self) -> None:
        loop = asyncio.get_running_loop()
        dead = asyncio.Event()
        loop.add_reader(self._pidfd, dead.set)
        try:
            await dead.wait()
        finally:
            loop.remove_reader(self._pidfd)
        self._process.wait()
        os.close(self._pidfd)


async def _bounded_line(reader: asyncio.StreamReader) -> bytes:
    """One line, or as much of it as the reader's limit allows; empty at the end."""
    try:
        return await reader.readuntil()
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.read(max(error.consumed, 1))


def how_it_ended(code: int) -> str:
    """An exit status in words, to follow the name of who ended."""
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"
