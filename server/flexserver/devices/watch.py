"""Tells which video devices there are, for as long as somebody listens: a JSON line at the start and at every change.

`{"/dev/video0": {"plug": "...", ...}, ...}`, with the fields of `nodes.Node`. It sleeps until the kernel says that a
device came or went (netlink), and looks at sysfs every two seconds all the same: in a container the socket may be
refused, or be silent. It opens no device, so no driver can hang it. It ends when its stdin does: the server is gone.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from dataclasses import asdict

from flexserver.devices import nodes

KOBJECT_UEVENT = 15
KERNEL_GROUP = 1
LOOK_SECONDS = 2.0
SETTLE_SECONDS = 0.1
_LONGEST = 65_536


def listen() -> socket.socket | None:
    """The kernel's announcements of devices; None where they may not be heard."""
    try:
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, KOBJECT_UEVENT)
    except OSError:
        return None
    try:
        heard.bind((0, KERNEL_GROUP))
        heard.setblocking(False)
    except OSError:
        heard.close()
        return None
    return heard


def concerns_video(heard: socket.socket) -> bool:
    """Whether one of the announcements that wait is about a video device; true where some were lost."""
    found = False
    while True:
        try:
            message = heard.recv(_LONGEST)
        except BlockingIOError:
            return found
        except OSError:  # ENOBUFS: more came than the socket holds
            return True
        found = found or is_about_video(message)


def is_about_video(message: bytes) -> bool:
    """Whether an announcement (`add@/devices/...`, then `KEY=value` with NULs between) is about a video device.

    It is a cue to look, never the truth: anything that looks like one may be one.
    """
    return b"\0SUBSYSTEM=video4linux\0" in message + b"\0"


def main() -> int:
    """Watch; see the module."""
    heard = listen()
    known: dict[str, nodes.Node] | None = None
    patience = LOOK_SECONDS
    while True:
        now = nodes.listing()
        if now != known:
            known = now
            line = json.dumps({path: asdict(node) for path, node in now.items()})
            try:
                os.write(1, line.encode() + b"\n")
            except BrokenPipeError:
                return 0
        ready = select.select([0, heard.fileno()] if heard else [0], [], [], patience)[0]
        if 0 in ready and not os.read(0, 1024):
            return 0
        # The kernel says that a device leaves before it has left: what is seen now is looked at once more.
        told = heard is not None and heard.fileno() in ready and concerns_video(heard)
        patience = SETTLE_SECONDS if told else LOOK_SECONDS


if __name__ == "__main__":
    sys.exit(main())
