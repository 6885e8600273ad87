"""What systemd is told: that the box is up, that it goes, and every so often that its event loop still turns."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell who started us, if he listens (sd_notify(3)): `READY=1`, `STOPPING=1`, `WATCHDOG=1`."""
    address = environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.setblocking(False)
        line.sendto(state.encode(), address)


async def keep_watchdog(environ: Mapping[str, str] = os.environ) -> None:
    """Say that we live twice in each of the watchdog's intervals, for ever; without a watchdog just wait."""
    asked = environ.get("WATCHDOG_USEC", "")
    if not asked.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        await asyncio.Event().wait()
    while True:
        notify("WATCHDOG=1", environ)
        await asyncio.sleep(int(asked) / 2_000_000)
