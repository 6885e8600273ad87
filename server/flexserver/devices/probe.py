"""One question about devices, asked and answered in a process of its own: it prints one JSON line and exits.

`python -m flexserver.devices.probe camera /dev/video0`: what the camera is and what it can do, `{"camera": {...}}` with
the fields of `CameraDetail`; `{"camera": null}` where this node captures no video; `{"fault": "...", "hint": "...",
"errno": N}` where it cannot be asked. `python -m flexserver.devices.probe audio`: `{"devices": [...],
"problem": null}`.

A driver that hangs hangs this process. Whoever started it waits for as long as it likes and kills it.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any

from flexserver.devices import modes, nodes
from flexserver.devices.v4l2 import Device, Identity

_MEMORY = 512 * 1024 * 1024
_CPU_SECONDS = 10
_LIFE_SECONDS = 30
"""A probe that nobody kills, because the server was killed, ends by itself."""
MAX_MODES = 4096
"""A driver's lists times each other could be endless."""


def camera(path: str) -> dict[str, Any]:
    """The answer about a camera, as the module says."""
    try:
        device = Device(path)
        try:
            found = device.identity()
            return {"camera": _described(path, device, found) if found.captures else None}
        finally:
            device.close()
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):
            return {"camera": None}
        return _fault(error)


def _described(path: str, device: Device, found: Identity) -> dict[str, Any]:
    formats = device.formats(found.captures)
    able = modes.ordered(_modes(device, found, [one.fourcc for one in formats]))
    return {
        "id": nodes.stable_id(path, found.card, found.bus_info),
        "path": path,
        "name": found.card or path,
        "driver": found.driver,
        "formats": list(dict.fromkeys(one.fourcc.strip() for one in formats)),
        "capabilities": [
            {
                "format": mode.format.strip(),
                "width": mode.width,
                "height": mode.height,
                "fps": round(float(mode.rate), 3),
                "gstreamer_caps": mode.caps,
                "quality_score": mode.score,
            }
            for mode in able
        ],
    }


def _modes(device: Device, found: Identity, formats: list[str]) -> Iterator[modes.Mode]:
    """Every format at every size and rate; at the size it is set to where the driver names none."""
    count = 0
    for fourcc in formats:
        if not modes.is_known(fourcc.strip()):
            continue
        for width, height in modes.sizes(device.sizes(fourcc)) or [device.current(found.captures)]:
            for rate in modes.rates(device.intervals(fourcc, width, height)) or [modes.UNKNOWN_RATE]:
                yield modes.Mode(fourcc.strip(), width, height, rate)
                count += 1
                if count >= MAX_MODES:
                    return


_GROUP = ("the box may not open it", "Put the box's user into the group 'video', then start the box again.")
_GONE = ("it was unplugged", "Plug it in again.")
_WORDS = {
    errno.EACCES: _GROUP,
    errno.EPERM: _GROUP,
    errno.EBUSY: ("another program has it for itself", "End the program that uses it."),
    errno.ENOENT: ("it has no node in /dev", "A container is given a device with --device."),
    errno.ENODEV: _GONE,
    errno.ENXIO: _GONE,
}


def _fault(error: OSError) -> dict[str, Any]:
    """Why it cannot be asked, in words, and what to do."""
    unknown = (f"its driver answers with an error: {error.strerror}", "Unplug it and plug it in again.")
    words, hint = _WORDS.get(error.errno or 0, unknown)
    return {"fault": words, "hint": hint, "errno": error.errno}


def audio() -> dict[str, Any]:
    """The answer about audio devices, as the module says."""
    from flexserver.devices import alsa

    return alsa.listing()


def main() -> int:
    """Print it; see the module."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(_LIFE_SECONDS)
    answer = camera(sys.argv[2]) if sys.argv[1] == "camera" else audio()
    os.write(1, json.dumps(answer).encode() + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
