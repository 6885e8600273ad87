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
from collections import Counter
from dataclasses import asdict, dataclass, field, replace

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


@dataclass(slots=True)
class Cues:
    """What the kernel said since the last look. It is a cue to look, never the truth: anything may look like one."""

    left: set[str] = field(default_factory=set)
    """Nodes that went, and did not come again so far."""
    again: set[str] = field(default_factory=set)
    """Nodes that went and came, maybe too fast for a look to see them gone."""

    def hear(self, heard: socket.socket) -> bool:
        """Take in every announcement that waits; whether one was about a video device, or some were lost."""
        found = False
        while True:
            try:
                message = heard.recv(_LONGEST)
            except BlockingIOError:
                return found
            except OSError:  # ENOBUFS: more came than the socket holds
                return True
            found = self.add(message) or found

    def add(self, message: bytes) -> bool:
        """One announcement: `add@/devices/.../video0`, then `KEY=value` with NULs between."""
        parts = message.decode(errors="replace").split("\0")
        if "SUBSYSTEM=video4linux" not in parts:
            return False
        said = dict(part.split("=", 1) for part in parts if "=" in part)
        action, node = said.get("ACTION"), f"/dev/{said.get('DEVPATH', '').rpartition('/')[2]}"
        if action == "remove":
            self.left.add(node)
        elif action == "add" and node in self.left:
            self.left.discard(node)
            self.again.add(node)
        return True


def replugged(known: dict[str, nodes.Node], now: dict[str, nodes.Node], again: set[str]) -> list[str]:
    """Devices that went and came between two looks and stand as they stood: the file system gave the number again."""
    return [path for path in again if path in known and path in now and known[path].plug == now[path].plug]


def main() -> int:
    """Watch; see the module."""
    heard, cues = listen(), Cues()
    known: dict[str, nodes.Node] = {}
    told: dict[str, nodes.Node] | None = None
    turns: Counter[str] = Counter()
    patience = LOOK_SECONDS
    while True:
        now = nodes.listing()
        turns.update(replugged(known, now, cues.again))
        cues.again.clear()
        known = now
        if (seen := _numbered(now, turns)) != told:
            told = seen
            line = json.dumps({path: asdict(node) for path, node in seen.items()})
            try:
                os.write(1, line.encode() + b"\n")
            except BrokenPipeError:
                return 0
        ready = select.select([0, heard.fileno()] if heard else [0], [], [], patience)[0]
        if 0 in ready and not os.read(0, 1024):
            return 0
        # The kernel says that a device leaves before it has left: what is seen now is looked at once more.
        news = heard is not None and heard.fileno() in ready and cues.hear(heard)
        patience = SETTLE_SECONDS if news else LOOK_SECONDS


def _numbered(now: dict[str, nodes.Node], turns: Counter[str]) -> dict[str, nodes.Node]:
    return {path: replace(node, plug=f"{node.plug} {turns[path]}") for path, node in now.items()}


if __name__ == "__main__":
    sys.exit(main())
