"""GStreamer, loaded once for a media process, and the few calls that need explaining.

`gi` has no types: what comes from it is `Any` here, and stays inside this folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import signal
import sys
from typing import Any

import gi


def repository(name: str, version: str = "1.0") -> Any:
    """An introspected library, such as `GstRtspServer`. Raises ValueError where it is not installed."""
    gi.require_version(name, version)
    return importlib.import_module(f"gi.repository.{name}")


GLib = repository("GLib", "2.0")
Gst = repository("Gst")
GstApp = repository("GstApp")
"""Loaded so that appsink and appsrc have their methods."""
GstVideo = repository("GstVideo")
Gst.init(None)

_PR_SET_PDEATHSIG = 1


class _Log(io.TextIOWrapper):
    """Lines for the parent's log. That nobody reads them any more must not raise in a callback of the main loop: it
    would drop that source, and the end of file that should end us would never be seen.
    """

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


def settle_as_child() -> None:
    """Make this process end with its parent, and leave Ctrl-C to the parent."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = _Log(sys.stderr.buffer, errors="replace", line_buffering=True)


def ask_for_key(pad: Any) -> None:
    """Ask upstream of this sink pad for a key unit, with parameter sets."""
    pad.push_event(GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0))


def running_time(pad: Any, time: int) -> int:
    """A timestamp on this pad, as running time."""
    segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
    return int(segment.to_running_time(Gst.Format.TIME, time))


def picture_of(caps: Any) -> tuple[int, int, float]:
    """Width, height and rate that caps name; the rate is 0 where it varies."""
    fields = caps.get_structure(0)
    known, over, under = fields.get_fraction("framerate")
    return fields.get_int("width")[1], fields.get_int("height")[1], over / under if known and under else 0.0


def bytes_of(buffer: Any) -> bytes:
    """A copy of what the buffer holds."""
    return bytes(buffer.extract_dup(0, buffer.get_size()))
