"""A child's end of the control connection: messages in and out, in the GLib main loop."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from flexserver import protocol
from flexserver.media.gst import GLib


class Control:
    """Reads messages in the main loop; any thread may send. End of file means the parent is gone: `gone` is called."""

    def __init__(self, fd: int, receive: Callable[[protocol.Message], None], gone: Callable[[], None]) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)
        self._receive, self._gone = receive, gone
        self._rest = bytearray()
        self._lock = threading.Lock()
        conditions = GLib.IOCondition.IN | GLib.IOCondition.HUP | GLib.IOCondition.ERR
        GLib.unix_fd_add_full(GLib.PRIORITY_HIGH, self._socket.fileno(), conditions, self._readable)

    def send(self, message: protocol.Message) -> None:
        """Tell the parent. Nothing happens where it is gone: its end of file says so."""
        with self._lock:
            try:
                self._socket.sendall(protocol.encode(message))
            except OSError as error:
                sys.stderr.write(f"control: {error}\n")

    def _readable(self, *_: Any) -> bool:
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data or len(self._rest) > protocol.MAX_LINE:
            self._gone()
            return False
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = bytearray(rest)
        try:
            for line in lines:
                self._receive(protocol.decode(bytes(line)))
        except Exception as error:
            # The main loop would drop this source, and we should never hear of our parent's end again.
            sys.excepthook(type(error), error, error.__traceback__)
            self._gone()
            return False
        return True
