"""One mount of the front: what workers send goes to the media that readers share, or the slate does."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from typing import Any

from flexserver import protocol
from flexserver.media import build, fit, slate
from flexserver.media.gst import GLib, Gst
from flexserver.media.splice import HOLD_GONE, Out, Splice
from flexserver.media.units import Unit
from flexserver.protocol import Kind

APPSRC = "units"
_SLATE_EVERY = 100
"""Milliseconds: ten pictures a second, so that a reader who analyses before it shows anything is not kept waiting."""
_ASK_AGAIN = 50_000_000
"""Nanoseconds between two requests for a key unit while deltas are refused."""


class Feed:
    """Thread-safe: workers' threads, readers' threads and the main loop's ticks meet here."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self._lock = threading.RLock()
        self._splice = Splice()
        self._workers: dict[int, socket.socket] = {}
        self._medias: dict[Any, _Media] = {}
        self._asked = 0
        self._making = self._slating = False

    @property
    def is_attached(self) -> bool:
        """Whether a worker is here."""
        return bool(self._workers)

    # Readers' side

    def add_media(self, media: Any) -> None:
        """Readers came; `media` is what they share."""
        with self._lock:
            if not self._medias:
                self._splice.begin(time.monotonic_ns())
            self._medias[media] = _Media(media.get_element().get_by_name(APPSRC))
            self._tell(protocol.SEND)

    def remove_media(self, media: Any) -> None:
        """The last reader of `media` left."""
        with self._lock:
            self._medias.pop(media, None)
            if not self._medias:
                self._tell(protocol.HOLD)

    def keep_media(self, media: Any) -> None:
        """Hold a media ready when its last reader leaves: who comes while it is taken down would be refused."""
        with self._lock:
            if (shared := self._medias.get(media)) is None or shared.is_kept:
                return
            shared.is_kept = True
        media.prepare(None)

    def rest(self) -> None:
        """Nobody came for a while: the media that was held ready may go."""
        with self._lock:
            kept = [media for media, shared in self._medias.items() if shared.is_kept]
            for media in kept:
                self._medias[media].is_kept = False
        for media in kept:
            media.unprepare()

    def ask_for_key(self) -> None:
        """A reader joined."""
        with self._lock:
            self._tell(protocol.KEY)

    def tick(self) -> None:
        """A few times a second: begin with the slate where nothing comes."""
        with self._lock:
            if self._slating or not self._medias or not self._splice.is_due(time.monotonic_ns()):
                return
            if not self._splice.slates:
                self._make_slate()
            elif self._show_slate():
                self._slating = True
                GLib.timeout_add(_SLATE_EVERY, self._show_slate)

    # Workers' side

    def attach(self, worker: int, link: socket.socket) -> None:
        """A worker came."""
        with self._lock:
            self._workers[worker] = link
            if self._medias:
                _tell(link, protocol.SEND)

    def detach(self, worker: int) -> None:
        """A worker left."""
        with self._lock:
            self._workers.pop(worker, None)
            self._splice.gone(worker)
        GLib.timeout_add(HOLD_GONE // 1_000_000 + 1, self._gone)

    def _gone(self) -> bool:
        self.tick()
        return False

    def take(self, worker: int, unit: Unit) -> None:
        """A unit that a worker sent."""
        with self._lock:
            if unit.kind is Kind.SLATE:
                self._splice.keep_slate(unit)
                return
            before, now = self._splice.active, time.monotonic_ns()
            out = self._splice.live(worker, unit, now)
            if out is None:
                self._ask_again(now)
                return
            if before not in (None, worker) and (replaced := self._workers.get(before or 0)):
                with contextlib.suppress(OSError):
                    replaced.shutdown(socket.SHUT_RDWR)
            self._emit(out)

    # Both

    def _show_slate(self) -> bool:
        """One picture of the slate; false once live pictures are back."""
        with self._lock:
            out = self._splice.slate(time.monotonic_ns()) if self._medias else None
            if out is None:
                self._slating = False
                return False
            self._emit(out)
            return True

    def _emit(self, out: Out) -> None:
        for media in self._medias.values():
            if not media.push(out) and out.is_key:
                self._ask_again(time.monotonic_ns())

    def _ask_again(self, now: int) -> None:
        if now - self._asked > _ASK_AGAIN:
            self._asked = now
            self._tell(protocol.KEY)

    def _tell(self, command: bytes) -> None:
        for link in self._workers.values():
            _tell(link, command)

    def _make_slate(self) -> None:
        """No worker ever brought one: readers still get an answer."""
        if self._making:
            return
        self._making = True

        def make() -> None:
            try:
                found = slate.units(slate.plain(self.codec), *fit.NOMINAL_SIZE, fit.NOMINAL_FPS)
            except build.BuildError as error:
                sys.stderr.write(f"slate: {error}\n")
                return
            with self._lock:
                self._splice.slates = self._splice.slates or found

        threading.Thread(target=make, name="slate", daemon=True).start()


class _Media:
    """What the readers of one mount share."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._begun = False
        self.is_kept = False

    def push(self, out: Out) -> bool:
        """Hand a unit to the readers. False where it could not be used: not playing yet, or no key unit came before."""
        base = self._source.get_base_time()
        if not base or not (out.is_key or self._begun):
            return False
        self._begun = True
        buffer = Gst.Buffer.new_wrapped(out.data)
        buffer.pts = max(0, out.pts - base)
        self._source.push_buffer(buffer)
        return True


def _tell(link: socket.socket, command: bytes) -> None:
    with contextlib.suppress(OSError):
        link.send(command, socket.MSG_DONTWAIT)
