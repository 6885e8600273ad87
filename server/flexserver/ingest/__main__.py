"""`python -m flexserver.ingest --fd N`: takes publishers as the server says, and ends when the server is gone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from flexserver import protocol
from flexserver.ingest.relay import Relay
from flexserver.ingest.rtmp import RtmpSession
from flexserver.ingest.session import Session

MAX_CONNECTIONS, MAX_OF_ONE = 512, 64
"""On all ports together, and from one address: nobody else can keep workers from reading."""
TELL_SECONDS = 1.0
FLUSH_SECONDS = 2.0
"""How long a peer may take to hear the last answer."""

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Ingest:
    """The listeners, and the talk with the server."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.relay = Relay(self._say)
        self._servers: dict[str, tuple[tuple[str, int], asyncio.Server]] = {}
        self._open: Counter[str] = Counter()
        """Connections by address."""
        self._relay_port = 0

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Obey until the server is gone."""
        relay = await asyncio.start_server(self._counted(self._rtsp), "127.0.0.1", 0)
        self._relay_port = _port(relay)
        telling = asyncio.create_task(self._tell())
        while line := await reader.readline():
            message = protocol.decode(line)
            if isinstance(message, protocol.Quit):
                break
            await self._told(message)
        telling.cancel()

    async def _told(self, message: protocol.Message) -> None:
        if isinstance(message, protocol.Listen):
            await self._listen(message)
        elif isinstance(message, protocol.Verdict):
            self.relay.judged(message)
        elif isinstance(message, protocol.Drop):
            self.relay.drop(lambda stream: stream.seq == message.seq)

    async def _listen(self, wanted: protocol.Listen) -> None:
        problems = {}
        wishes = (("rtsp", wanted.rtsp_port, self._rtsp), ("rtmp", wanted.rtmp_port, self._rtmp))
        for name, port, serve in wishes:
            problem = await self._settle(name, None if port is None else (wanted.host, port), serve)
            if problem:
                problems[name] = problem
        ports = {name: _port(server) for name, (_, server) in self._servers.items()}
        self._say(protocol.Listening(self._relay_port, ports.get("rtsp"), ports.get("rtmp"), problems))

    async def _settle(self, name: str, address: tuple[str, int] | None, serve: Serve) -> str | None:
        """Open, keep or close one listener; what keeps it from being open."""
        known = self._servers.get(name)
        if known and known[0] == address:
            return None
        if known:
            known[1].close()
            del self._servers[name]
            self.relay.drop(lambda stream: stream.protocol == name)
        if address is None:
            return None
        try:
            self._servers[name] = address, await asyncio.start_server(self._counted(serve), *address)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return f"port {address[1]} is in use" if taken else f"cannot listen on port {address[1]}: {error.strerror}"
        return None

    def _counted(self, serve: Serve) -> Serve:
        """So many connections at once, and no error of one of them reaches another."""

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            ends = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            if not all(ends):  # it is gone already
                writer.transport.abort()
                return
            peer, ours = (str(end[0]) for end in ends)
            if peer != ours and (self._open[peer] >= MAX_OF_ONE or self._open.total() >= MAX_CONNECTIONS):
                writer.transport.abort()
                return
            self._open[peer] += 1
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await serve(reader, writer)
            finally:
                self._open[peer] -= 1
                self._open += Counter()  # forgets who has none
                writer.close()
                asyncio.get_running_loop().call_later(FLUSH_SECONDS, writer.transport.abort)

        return served

    async def _rtsp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Session(self.relay, reader, writer).run()

    async def _rtmp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await RtmpSession(self.relay, reader, writer).run()

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_SECONDS)
            if received := [(stream.seq, stream.received) for stream in self.relay.all()]:
                self._say(protocol.Traffic(received))

    def _say(self, message: protocol.Message) -> None:
        if not self._writer.is_closing():
            self._writer.write(protocol.encode(message))


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _main(fd: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=fd), limit=protocol.MAX_LINE)
    await Ingest(writer).run(reader)


def main() -> int:
    """Run it; see the package."""
    parser = argparse.ArgumentParser(description="takes streams that are pushed to the box; started by flexserver")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the control connection")
    with contextlib.suppress(ConnectionError):
        asyncio.run(_main(parser.parse_args().fd))
    return 0


if __name__ == "__main__":
    sys.exit(main())
