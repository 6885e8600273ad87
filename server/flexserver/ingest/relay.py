"""The streams that are published now, and who reads them: packets come in at one side and go out at the other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flexserver import protocol
from flexserver.ingest import rtsp
from flexserver.ingest.sdp import Track

FIND_SECONDS = 4.0
"""A worker may ask this long before its stream is there: hooks are called before the first packet comes."""
READER_SECONDS = 3.0
"""A publisher is held this long until its worker reads, so that the first picture is not lost."""
LINGER_SECONDS = 5.0
"""Readers outlast their publisher so long: their pipeline is taken down meanwhile, and has nothing to complain of."""
MAX_WAITING = 8 * 1024 * 1024
"""Bytes that wait for one reader; one who falls further behind is cut off."""


@dataclass(eq=False, slots=True)
class Reader:
    """Somebody who plays a stream. `channels` are the RTP channels by track; RTCP has the one above."""

    transport: asyncio.WriteTransport
    channels: dict[int, int] = field(default_factory=dict)

    def take(self, track: int, packet: bytes, *, control: bool) -> None:
        """Send a packet on."""
        channel = self.channels.get(track)
        if channel is None or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MAX_WAITING:
            self.transport.abort()
        else:
            self.transport.write(rtsp.interleaved(channel + control, packet))


class Stream:
    """One published stream."""

    def __init__(self, seq: int, path: str, protocol: str, drop: Callable[[], None]) -> None:
        self.seq, self.path, self.protocol, self.drop = seq, path, protocol, drop
        self.tracks: tuple[Track, ...] = ()
        self.readers: set[Reader] = set()
        self.received = 0
        self.described, self.read = asyncio.Event(), asyncio.Event()
        """Its tracks are known; somebody reads."""

    def describe(self, tracks: tuple[Track, ...]) -> None:
        """Tell readers what there is."""
        self.tracks = tracks
        self.described.set()

    def play(self, reader: Reader) -> None:
        """Begin to send to a reader."""
        self.readers.add(reader)
        self.read.set()

    def take(self, track: int, packet: bytes, *, control: bool = False) -> None:
        """A packet from the publisher."""
        self.received += len(packet)
        self.send(track, packet, control=control)

    def send(self, track: int, packet: bytes, *, control: bool = False) -> None:
        """A packet to every reader."""
        for reader in self.readers:
            reader.take(track, packet, control=control)

    async def hold(self) -> None:
        """Return when somebody reads, or when it has been long enough."""
        try:
            async with asyncio.timeout(READER_SECONDS):
                await self.read.wait()
        except TimeoutError:
            pass


class Relay:
    """All streams. Speaks with the server: whoever wants to publish is asked for first."""

    def __init__(self, say: Callable[[protocol.Message], None]) -> None:
        self._say = say
        self._numbers = itertools.count(1)
        self._streams: dict[str, Stream] = {}
        self._asked: dict[int, asyncio.Future[protocol.Verdict]] = {}
        self._news = asyncio.Event()

    async def publish(
        self, path: str, kind: str, peer: str, proof: dict[str, str], drop: Callable[[], None]
    ) -> tuple[protocol.Verdict, Stream | None]:
        """Ask for a publisher. A stream comes with a good verdict."""
        stream = Stream(next(self._numbers), path, kind, drop)
        if path in self._streams:
            return protocol.Verdict(stream.seq, ok=False, message=f"somebody publishes '{path}' already"), None
        self._streams[path] = stream
        future = self._asked[stream.seq] = asyncio.get_running_loop().create_future()
        admitted = False
        try:
            self._say(protocol.Publish(stream.seq, path, kind, peer, proof))
            verdict = await future
            admitted = verdict.ok
        finally:
            del self._asked[stream.seq]
            if not admitted:  # refused, or it did not wait for the answer, which may be yes
                self._forget(stream)
                self._say(protocol.Unpublish(stream.seq, "it left before it was let in"))
        self._announce()
        return verdict, stream if admitted else None

    def judged(self, verdict: protocol.Verdict) -> None:
        """The server's answer."""
        future = self._asked.get(verdict.seq)
        if future and not future.done():
            future.set_result(verdict)

    def end(self, stream: Stream, reason: str) -> None:
        """A publisher is gone."""
        self._forget(stream)
        self._say(protocol.Unpublish(stream.seq, reason))
        asyncio.get_running_loop().call_later(LINGER_SECONDS, _close, stream)

    def drop(self, chosen: Callable[[Stream], bool]) -> None:
        """Send publishers away."""
        for stream in [stream for stream in self._streams.values() if chosen(stream)]:
            stream.drop()

    async def find(self, path: str) -> Stream | None:
        """The stream of that path, once its tracks are known; None where none comes."""
        try:
            async with asyncio.timeout(FIND_SECONDS):
                while (stream := self._streams.get(path)) is None:
                    await self._news.wait()
                await stream.described.wait()
        except TimeoutError:
            return None
        return stream

    def all(self) -> Iterable[Stream]:
        """Who publishes now."""
        return self._streams.values()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _forget(self, stream: Stream) -> None:
        if self._streams.get(stream.path) is stream:
            del self._streams[stream.path]


def _close(stream: Stream) -> None:
    for reader in stream.readers:
        reader.transport.close()
