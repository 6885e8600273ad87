"""Video devices as sysfs shows them: their nodes, and what tells one camera from another. Opens no device."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLASS = Path("/sys/class/video4linux")
_NODE = re.compile(r"video\d{1,5}")
DEVICE = re.compile(r"/dev/video\d{1,5}")
"""The path of a video device, links followed."""


@dataclass(frozen=True, slots=True)
class Node:
    """One `videoN` as it stands, no driver asked."""

    plug: str
    """Another one after a replug."""
    access: str
    """Another one after its permissions changed."""
    name: str
    """The driver's name for it."""
    driver: str
    index: int = 0
    """0 for a device's first node, which is the one that captures."""


def listing() -> dict[str, Node]:
    """Path -> node of every video device, by number. Without `/sys` or devices it is empty."""
    try:
        names = [entry.name for entry in os.scandir(CLASS) if _NODE.fullmatch(entry.name)]
    except OSError:
        return {}
    found = {}
    for name in sorted(names, key=lambda name: int(name[5:])):
        try:
            found[f"/dev/{name}"] = _node(name)
        except FileNotFoundError:  # it left while it was looked at
            continue
    return found


def device_of(path: str) -> str | None:
    """The device that a path names, links below /dev followed; None where it is not below /dev."""
    plain = posixpath.normpath("/" + path.lstrip("/")) if path.startswith("/") and "\0" not in path else ""
    if not plain.startswith("/dev/"):
        return None
    return os.path.realpath(plain)


def _node(name: str) -> Node:
    entry = CLASS / name
    index = _read(entry / "index")
    return Node(
        plug=_plug(entry),
        access=_access(f"/dev/{name}"),
        name=_read(entry / "name") or name,
        driver=_driver(entry),
        index=int(index) if index.isdecimal() else 0,
    )


def _plug(entry: Path) -> str:
    """A directory of sysfs is a new one each time a device comes."""
    place = os.path.realpath(entry)
    return f"{place} {os.stat(place).st_ino}"  # noqa: PTH116  a path that realpath made


def _access(path: str) -> str:
    """The node may come later than its device, and its permissions later still."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return "absent"
    return f"{found.st_rdev} {found.st_mode:o} {found.st_uid}:{found.st_gid}"


def _driver(entry: Path) -> str:
    for place in _places(entry):
        if (place / "driver").exists():
            return Path(os.path.realpath(place / "driver")).name
    return ""


def stable_id(path: str, card: str, bus_info: str) -> str:
    """The same after every replug into the same port: a readable name, and a hash of what tells it from others.

    That is where it is plugged in, what it is called, its USB vendor, product and serial number, and which of one
    device's several cameras it is.
    """
    entry = CLASS / Path(path).name
    facts = [card, bus_info, *_usb(entry), _read(entry / "index") or "0"]
    name = re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-")[:32].strip("-") or "camera"
    digest = hashlib.sha256("\0".join(facts).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def _usb(entry: Path) -> Iterator[str]:
    """Interface, vendor, product and serial number; nothing where it is no USB device."""
    for place in _places(entry):
        if interface := _read(place / "bInterfaceNumber"):
            yield interface
        if vendor := _read(place / "idVendor"):
            yield from (vendor, _read(place / "idProduct"), _read(place / "serial"))
            return


def _places(entry: Path) -> Iterator[Path]:
    """The device in sysfs, and what it is plugged into."""
    here = Path(os.path.realpath(entry))
    for place in (here, *here.parents):
        if place.name == "devices" or len(place.parts) < 4:
            return
        yield place


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
