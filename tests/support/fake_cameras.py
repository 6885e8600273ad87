"""Cameras that are not there: a umockdev testbed whose V4L2 ioctls are answered here. Run under `umockdev-wrapper`.

It prints the testbed's folder, then obeys one JSON line after the other on stdin and answers each with a line:
`{"plug": {"number": 0, "card": "Cam", "port": "1-1", ...}}`, `{"unplug": 0}`, `{"hang": 0}`, `{"wake": 0}`,
`{"count": 0}` (how many ioctls that one was asked).
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi

gi.require_version("UMockdev", "1.0")
UMockdev: Any = importlib.import_module("gi.repository.UMockdev")

# Numbers of the ioctls as <linux/videodev2.h> has them on 64 bit, written out: the code under test computes its own.
QUERYCAP, ENUM_FMT, G_FMT = 0x80685600, 0xC0405602, 0xC0D05604
FRAMESIZES, FRAMEINTERVALS = 0xC02C564A, 0xC034564B
SIZES = {QUERYCAP: 104, ENUM_FMT: 64, G_FMT: 208, FRAMESIZES: 44, FRAMEINTERVALS: 52}
CAPTURE, META = 0x04200001, 0x04A00000
CAPTURE_TYPE = 1


def code(text: str) -> int:
    return int.from_bytes(text.ljust(4).encode(), "little")


class Camera:
    """One node. `formats`: [{"fourcc", "text", "sizes": [[w, h] | {"from", "to", "step"}], "fps": [[n, d], ...]}]."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said
        self.asked = 0
        self.waiting: list[Any] = []
        self.awake = threading.Event()
        if not said.get("hangs"):
            self.awake.set()
        self.base = UMockdev.IoctlBase()
        self.base.connect("handle-ioctl", self.handle)

    def handle(self, _: Any, client: Any, *__: Any) -> bool:
        """Answer one ioctl. An exception here would leave the program that asks waiting for ever."""
        self.asked += 1
        if not self.awake.is_set():
            self.waiting.append(client)  # kept: one that is dropped is an error to who asks
            return True
        request = client.get_request()
        try:
            size = SIZES.get(request, 0)
            data = client.get_arg().resolve(0, size) if size else None
            buffer = bytearray(data.retrieve()) if data is not None else bytearray()
            fault = ANSWERS[request](self.said, buffer) if request in ANSWERS else errno.ENOTTY
            if data is not None and not fault:
                data.update(0, bytes(buffer))
            client.complete(-1 if fault else 0, fault)
        except Exception as error:
            sys.stderr.write(f"{request:#x}: {error!r}\n")
            client.complete(-1, errno.EIO)
        return True


def querycap(said: dict[str, Any], buffer: bytearray) -> int:
    mine = META if said.get("meta") else CAPTURE
    names = (said.get("driver", "uvcvideo"), said["card"], said.get("bus", "usb-0000:00:14.0-" + said["port"]))
    struct.pack_into("16s32s32sIII", buffer, 0, *(n.encode() for n in names), 0x060000, 0x84A00001, mine)
    return 0


def enum_fmt(said: dict[str, Any], buffer: bytearray) -> int:
    index, kind = struct.unpack_from("II", buffer)
    formats = said.get("formats", [])
    if kind != CAPTURE_TYPE or index >= len(formats):
        return errno.EINVAL
    one = formats[index]
    struct.pack_into("III32sI", buffer, 0, index, kind, 0, one.get("text", "").encode(), code(one["fourcc"]))
    return 0


def format_of(said: dict[str, Any], number: int) -> dict[str, Any]:
    return next((one for one in said.get("formats", []) if code(one["fourcc"]) == number), {})


def framesizes(said: dict[str, Any], buffer: bytearray) -> int:
    index, number = struct.unpack_from("II", buffer)
    sizes = format_of(said, number).get("sizes", [])
    if index >= len(sizes):
        return errno.EINVAL
    one = sizes[index]
    if isinstance(one, list):
        struct.pack_into("IIIII", buffer, 0, index, number, 1, *one)
        return 0
    (low_w, low_h), (high_w, high_h), (step_w, step_h) = one["from"], one["to"], one["step"]
    kind = 2 if step_w == step_h == 1 else 3
    struct.pack_into("III6I", buffer, 0, index, number, kind, low_w, high_w, step_w, low_h, high_h, step_h)
    return 0


def frameintervals(said: dict[str, Any], buffer: bytearray) -> int:
    index, number, width, height = struct.unpack_from("IIII", buffer)
    times = format_of(said, number).get("intervals", [[1, 30], [1, 15]])
    if index >= len(times):
        return errno.EINVAL
    one = times[index]
    if isinstance(one, list):
        struct.pack_into("IIIIIII", buffer, 0, index, number, width, height, 1, *one)
        return 0
    kind = 3 if "step" in one else 2
    range_ = (*one["from"], *one["to"], *one.get("step", (1, 1)))
    struct.pack_into("IIIII6I", buffer, 0, index, number, width, height, kind, *range_)
    return 0


def g_fmt(said: dict[str, Any], buffer: bytearray) -> int:
    width, height, fourcc = said.get("current", (640, 480, "YUYV"))
    struct.pack_into("I4xIII", buffer, 0, CAPTURE_TYPE, width, height, code(fourcc))
    return 0


ANSWERS: dict[int, Callable[[dict[str, Any], bytearray], int]] = {
    QUERYCAP: querycap,
    ENUM_FMT: enum_fmt,
    FRAMESIZES: framesizes,
    FRAMEINTERVALS: frameintervals,
    G_FMT: g_fmt,
}


class Bench:
    """The testbed and what is plugged in.

    umockdev cannot bring back a node that it removed. So each node is made once, and hidden while nothing is plugged in
    there; the devices in sysfs are made and removed here, as the kernel does it.
    """

    def __init__(self) -> None:
        self.bed = UMockdev.Testbed.new()
        self.root = Path(self.bed.get_root_dir())
        self.cameras: dict[int, Camera] = {}
        self.nodes: set[int] = set()

    def plug(self, said: dict[str, Any]) -> None:
        number = said["number"]
        if number not in self.nodes:
            self.make_node(number)
        camera = self.cameras[number] = Camera(said)
        self.bed.attach_ioctl(f"/dev/video{number}", camera.base)
        self.hidden(number).rename(self.root / f"dev/video{number}")
        if "link" in said:
            self.link(said["link"], number)
        self.make_device(said)
        self.bed.uevent("/" + self.place(said), "add")

    def unplug(self, number: int) -> None:
        camera = self.cameras.pop(number)
        camera.awake.set()
        place = self.place(camera.said)
        self.bed.uevent("/" + place, "remove")
        self.bed.detach_ioctl(f"/dev/video{number}")
        for name in (f"class/video4linux/video{number}", f"dev/char/81:{number}"):
            (self.root / "sys" / name).unlink()
        shutil.rmtree(self.root / place)
        if all(one.said["port"] != camera.said["port"] for one in self.cameras.values()):
            shutil.rmtree((self.root / place).parents[1])
        (self.root / f"dev/video{number}").rename(self.hidden(number))

    def make_node(self, number: int) -> None:
        self.bed.add_from_string(
            f"P: /devices/virtual/node/video{number}\nN: video{number}\nE: SUBSYSTEM=node\n"
            f"E: DEVNAME=/dev/video{number}\nE: MAJOR=81\nE: MINOR={number}\nA: dev=81:{number}\\n\n\n"
        )
        (self.root / f"sys/dev/char/81:{number}").unlink()
        (self.root / f"dev/video{number}").rename(self.hidden(number))
        self.nodes.add(number)

    def hidden(self, number: int) -> Path:
        return self.root / f"dev/.unplugged{number}"

    def make_device(self, said: dict[str, Any]) -> None:
        number, device = said["number"], self.root / self.place(said)
        usb = {"idVendor": "046d", "idProduct": "0825", "serial": said.get("serial")}
        event = f"MAJOR=81\nMINOR={number}\nDEVNAME=video{number}\n"
        video = {"name": said["card"], "index": said.get("index", 0), "dev": f"81:{number}", "uevent": event}
        for folder, attributes in ((device.parents[1], usb), (device, video)):
            folder.mkdir(parents=True, exist_ok=True)
            for name, value in attributes.items():
                if value is not None:
                    (folder / name).write_text(f"{value}\n")
        (device / "subsystem").symlink_to("../../../../../../class/video4linux")
        for name in (f"class/video4linux/video{number}", f"dev/char/81:{number}"):
            entry = self.root / "sys" / name
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.symlink_to(f"../../{self.place(said).removeprefix('sys/')}")

    def place(self, said: dict[str, Any]) -> str:
        return f"sys/devices/pci0000:00/usb1/{said['port']}/video4linux/video{said['number']}"

    def link(self, path: str, number: int) -> None:
        """A link below /dev as udev makes it."""
        link = self.root / "dev" / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(f"/dev/video{number}", f"/dev/{path}/.."))

    def obey(self, order: dict[str, Any]) -> Any:
        ((word, about),) = order.items()
        if word == "plug":
            return self.plug(about)
        if word == "unplug":
            return self.unplug(about)
        if word == "unplug_all":
            for number in list(self.cameras):
                self.unplug(number)
            return None
        if word == "hang":
            return self.cameras[about].awake.clear()
        if word == "wake":
            return self.cameras[about].awake.set()
        return self.cameras[about].asked


def main() -> None:
    bench = Bench()
    print(bench.bed.get_root_dir(), flush=True)
    for line in sys.stdin:
        print(json.dumps(bench.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
