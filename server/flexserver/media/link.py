"""The worker's end of the link to the front: connects, connects again when the front was restarted, sends units."""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import threading
from collections.abc import Callable

from flexserver import protocol
from flexserver.media import units
from flexserver.protocol import Hello, Kind

_AGAIN = 0.2
"""Seconds between tries to reach the front."""
_STALLED = 2.0
"""Seconds that a full socket may hold the encoder up; then the connection is given up and made anew."""
_SEND_BUFFER = 4 * 1024 * 1024


class Link:
    """Units go out while the front wants them, each run beginning with a key unit. Slates go out at every attach."""

    def __init__(self, name: str, hello: Hello, need_key: Callable[[], None]) -> None:
        self._address, self._hello, self._need_key = "\0" + name, protocol.encode(hello), need_key
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._wanted = self._running = False
        self._slates: list[bytes] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._thread.start()

    def set_slates(self, slates: list[bytes]) -> None:
        """The key units that the front shows when this worker is silent. Also sent to every later front."""
        with self._lock:
            self._slates = [units.frame(units.Unit(Kind.SLATE, 0, slate)) for slate in slates]
            if self._socket is not None:
                self._transmit(*self._slates)

    def send(self, kind: Kind, pts: int, data: bytes) -> None:
        """Send a live unit, if somebody wants it."""
        if not self._wanted:
            return
        with self._lock:
            if self._socket is None or not (self._running or kind is Kind.KEY):
                return
            self._running = True
            self._transmit(units.header(kind, len(data), pts), data)

    def close(self) -> None:
        """Leave the front."""
        self._stopped.set()
        with self._lock:
            self._drop()

    def _transmit(self, *parts: bytes) -> None:
        """Write the parts whole, or give the connection up: half a unit would break all that follow."""
        if self._socket is None or not parts:
            return
        try:
            sent = self._socket.sendmsg(parts)
            if sent < sum(len(part) for part in parts):
                self._socket.sendall(b"".join(parts)[sent:])
        except OSError as error:
            sys.stderr.write(f"link: {error}\n")
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._socket, self._wanted = None, False

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                self._attach(sock)
                commands = select.poll()
                commands.register(sock, select.POLLIN)
                # A plain recv would be woken by each unit that goes out on the same socket.
                while commands.poll() and (said := sock.recv(64)):
                    self._obey(said)
            with self._lock:
                self._drop()
            self._stopped.wait(_AGAIN)

    def _attach(self, sock: socket.socket) -> None:
        sock.connect(self._address)
        if not units.is_same_user(sock):
            raise PermissionError("the front runs as another user")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        timeval = int(_STALLED).to_bytes(8, sys.byteorder) + bytes(8)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        with self._lock:
            self._socket = sock
            self._transmit(self._hello, *self._slates)

    def _obey(self, commands: bytes) -> None:
        for command in commands:
            if command == protocol.HOLD[0]:
                self._wanted = False
            elif command == protocol.SEND[0] and not self._wanted:
                self._running, self._wanted = False, True
        if self._wanted:
            self._need_key()
