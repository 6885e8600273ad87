"""A server of a few lines on a real socket, for what an in-memory transport cannot show: TLS, silence, torn answers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

Handler = Callable[["Visit"], None]


@dataclass
class Visit:
    """One connection: what came, and the way to answer."""

    socket: socket.socket
    over: threading.Event
    """Set when the test is over: a handler that says nothing waits for it."""
    received: bytes = b""

    def request(self) -> bytes:
        """The next request's head; empty where the client hung up."""
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            chunk = self.socket.recv(65536)
            if not chunk:
                return b""
            self.received += chunk
            if chunk.startswith(b"\x16\x03"):
                break  # a TLS hello, where plain HTTP is spoken
        return self.received

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)


@dataclass
class Wire:
    """Listens on 127.0.0.1; each connection is given to `handler` in a thread of its own."""

    handler: Handler
    context: ssl.SSLContext | None = None
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    """The head of every request that was decrypted."""

    def __enter__(self) -> Self:
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        return self

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                self.connections += 1
                self._sockets.append(raw)
                self._start(lambda raw=raw: self._serve(raw))  # type: ignore[misc]

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), raw:
            sock = self.context.wrap_socket(raw, server_side=True) if self.context else raw
            self._sockets.append(sock)
            with sock:
                visit = Visit(sock, self._over)
                while head := visit.request():
                    self.heads.append(head)
                    self.handler(visit)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for sock in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                sock.close()
        for thread in self._threads:
            thread.join(5)


def answer_with(document: object) -> Handler:
    """A handler that answers everything with this JSON."""
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"

    def handle(visit: Visit) -> None:
        visit.send(head.encode() + body)

    return handle


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One piece of a chunked answer."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def fingerprint(pem: bytes) -> str:
    """SHA-256 of a certificate, as a box prints it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, 64, 2))


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """The address of a port where nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{sock.getsockname()[1]}"
