"""How the server asks about devices: probe processes started, bounded, and left behind where a driver holds them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

ASK_SECONDS = 3.0
"""How long a driver may take to answer."""
_AT_ONCE = 4
_MAX_LINE = 4 * 1024 * 1024
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0

log = logging.getLogger(__name__)


HANGS = "Unplug it and plug it in again; where that does not help, its driver is at fault."


class NoAnswer(Exception):
    """A device could not be asked; the message says why, without naming it, and `hint` what to do."""

    def __init__(self, message: str, hint: str = HANGS, number: int = 0) -> None:
        super().__init__(message)
        self.hint, self.errno = hint, number


class Prober:
    """Asks questions, a process each. A device that still owes an answer is not asked again."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._stuck: dict[tuple[str, ...], Process] = {}

    async def ask(self, *question: str, seconds: float = ASK_SECONDS) -> dict[str, Any]:
        """The probe's answer. Raises `NoAnswer`."""
        stuck = self._stuck.pop(question, None)
        if stuck is not None and stuck.returncode is None:
            self._stuck[question] = stuck
            raise NoAnswer("its driver hangs: it has not answered an earlier question yet")
        async with self._places:
            try:
                process = await asyncio.create_subprocess_exec(
                    *_command("probe"), *question, env=_environment(),
                    stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                why = f"the box cannot start a process to ask it: {error.strerror}"
                raise NoAnswer(why, "Try again later.") from None
            return await self._answer(process, question, seconds)

    async def _answer(self, process: Process, question: tuple[str, ...], seconds: float) -> dict[str, Any]:
        said = complaint = b""
        try:
            async with asyncio.timeout(seconds):
                said, complaint = await process.communicate()
        except TimeoutError:
            raise NoAnswer(f"its driver did not answer within {seconds:g} s") from None
        finally:
            if not await _end(process):
                self._stuck[question] = process
        try:
            found = json.loads(said)
        except ValueError:
            fields = {"question": " ".join(question), "said": complaint.decode(errors="replace")[-500:]}
            log.warning("a probe failed", extra={"fields": fields})
            raise NoAnswer("the process that asked it failed", "The box's log says more.") from None
        return dict(found)


async def _end(process: Process) -> bool:
    """Kill it. False where it is still there: a process inside a driver cannot even be killed."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    try:
        async with asyncio.timeout(0.5):
            await process.wait()
    except TimeoutError:
        return False
    return True


async def watch(see: Callable[[dict[str, dict[str, Any]]], None]) -> None:
    """Call `see` with the nodes (`devices.watch`) at the start and at every change, for ever."""
    failures = 0
    while True:
        if await _watch(see):
            failures = 0
        await asyncio.sleep(min(_LONGEST_WAIT, _FIRST_WAIT * 2**failures))
        failures += 1


async def _watch(see: Callable[[dict[str, dict[str, Any]]], None]) -> bool:
    """One watcher's life; whether it said anything."""
    try:
        process = await asyncio.create_subprocess_exec(
            *_command("watch"), env=_environment(), limit=_MAX_LINE,
            stdin=PIPE, stdout=PIPE, stderr=STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        log.warning("cameras cannot be watched", extra={"fields": {"cause": str(error)}})
        return False
    assert process.stdout is not None  # noqa: S101  it was asked for
    heard = False
    try:
        while line := await process.stdout.readline():
            see(json.loads(line))
            heard = True
    except ValueError as error:
        log.warning("the watcher of cameras said what it should not", extra={"fields": {"cause": str(error)}})
    finally:
        await _end(process)
    log.warning("the watcher of cameras ended, and is started again", extra={"fields": {"code": process.returncode}})
    return heard


def _command(module: str) -> tuple[str, ...]:
    return sys.executable, "-m", f"flexserver.devices.{module}"


def _environment() -> dict[str, str]:
    """Ours without the server's own settings, plus where our modules lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(places)}
