"""One RTMP connection: an encoder such as OBS or ffmpeg that publishes. Video is taken; sound is passed over."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import Sequence
from urllib.parse import parse_qs

from flexserver.ingest import amf, chunks, flv
from flexserver.ingest.amf import BadAmf, Value
from flexserver.ingest.chunks import BadChunk, Message
from flexserver.ingest.relay import Relay, Stream
from flexserver.ingest.rtp import Packetizer

BEGIN_SECONDS = 10.0
"""From the connection to the first picture."""
SILENCE_SECONDS = 8.0
MAX_PATH = 200
_HANDSHAKE = 1536
_WINDOW = 2_500_000
_NO_ANSWER = frozenset({"releaseStream", "FCPublish", "FCUnpublish", "getStreamLength", "_checkbw"})


class _Over(Exception):
    """The publisher ended it, or is not wanted."""


class RtmpSession:
    """Serves one connection until either side has had enough."""

    def __init__(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relay, self._in, self._out = relay, reader, writer
        self._peer: str = writer.get_extra_info("peername")[0]
        self._chunks = chunks.Parser()
        self._received = self._acknowledged = 0
        self._window = _WINDOW
        self._app = ""
        self._stream: Stream | None = None
        self._awaited = False
        self._config: flv.Config | None = None
        self._packets: Packetizer | None = None
        self._reason = "the connection was closed"

    async def run(self) -> None:
        """Serve it."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS) as self._limit:
                await self._shake_hands()
                while data := await self._in.read(1 << 16):
                    self._acknowledge(len(data))
                    for message in self._chunks.feed(data):
                        await self._message(message)
                    await self._out.drain()
        except TimeoutError:
            self._reason = "it sent no picture any more"
        except (BadChunk, BadAmf, flv.BadVideo, _Over) as error:
            self._reason = str(error)
        except (OSError, asyncio.IncompleteReadError):
            self._reason = "the connection broke"
        finally:
            self._end()

    async def _shake_hands(self) -> None:
        """Both sides send 1536 bytes and give the other's back."""
        version = await self._in.readexactly(1)
        if version != b"\x03":
            raise _Over("it does not speak RTMP")
        theirs = await self._in.readexactly(_HANDSHAKE)
        ours = bytes(8) + os.urandom(_HANDSHAKE - 8)
        self._out.write(version + ours + theirs)
        await self._in.readexactly(_HANDSHAKE)

    def _acknowledge(self, count: int) -> None:
        self._received += count
        if self._received - self._acknowledged >= self._window // 2:
            self._acknowledged = self._received
            self._send(chunks.ACKNOWLEDGE, (self._received & 0xFFFFFFFF).to_bytes(4, "big"), chunk_stream=2)

    async def _message(self, message: Message) -> None:
        if message.kind == chunks.VIDEO:
            await self._video(message)
        elif message.kind == chunks.COMMAND:
            await self._command(amf.decode(message.body))
        elif message.kind == chunks.COMMAND3:
            await self._command(amf.decode(message.body[1:]))
        elif message.kind == chunks.WINDOW and len(message.body) >= 4:
            self._window = max(1024, int.from_bytes(message.body[:4], "big"))

    # Commands

    async def _command(self, values: list[Value]) -> None:
        name, number, *rest = [*values, None, None][: max(2, len(values))]
        if name == "connect":
            self._connect(number, rest)
        elif name == "createStream":
            self._tell("_result", number, None, 1.0)
        elif name == "publish":
            await self._publish(rest)
        elif name in ("deleteStream", "closeStream") and self._stream:
            raise _Over("it ended the stream")
        elif name == "play":
            self._status("error", "NetStream.Play.Failed", "this port is to publish; the box serves RTSP")
            raise _Over("it wanted to play")
        elif name in _NO_ANSWER:
            self._tell("_result", number, None)

    def _connect(self, number: Value, rest: Sequence[Value]) -> None:
        asked = rest[0] if rest and isinstance(rest[0], dict) else {}
        self._app = str(asked.get("app") or "")
        self._send(chunks.WINDOW, _WINDOW.to_bytes(4, "big"), chunk_stream=2)
        self._send(chunks.BANDWIDTH, _WINDOW.to_bytes(4, "big") + b"\2", chunk_stream=2)
        self._out.write(chunks.chunk_size())
        known: dict[str, Value] = {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31.0}
        code = "NetConnection.Connect.Success"
        status: dict[str, Value] = {"level": "status", "code": code, "description": "ok", "objectEncoding": 0.0}
        self._tell("_result", number, known, status)

    async def _publish(self, rest: Sequence[Value]) -> None:
        if self._stream:
            raise _Over("it published twice on one connection")
        key = rest[1] if len(rest) > 1 and isinstance(rest[1], str) else ""
        path, proof = named(self._app, key)
        if not 0 < len(path) <= MAX_PATH or not path.isprintable():
            self._refuse("the application and the stream key make no path")
        verdict, stream = await self._relay.publish(path, "rtmp", self._peer, proof, self._sent_away)
        if stream is None:
            self._refuse(verdict.message)
        self._stream, self._awaited = stream, verdict.awaited
        self._chunks.longest = chunks.MAX_MESSAGE
        self._status("status", "NetStream.Publish.Start", "publishing")

    def _refuse(self, why: str) -> None:
        self._status("error", "NetStream.Publish.BadName", why)
        raise _Over(why)

    def _sent_away(self) -> None:
        self._reason = "it was sent away"
        self._out.transport.abort()

    # Pictures

    async def _video(self, message: Message) -> None:
        stream = self._stream
        if stream is None:
            return
        stream.received += len(message.body)
        found = flv.read(message.body, self._config)
        if isinstance(found, flv.Config):
            self._configure(stream, found)
        elif isinstance(found, flv.Picture) and self._config and self._packets:
            if self._awaited:
                self._awaited = False
                self._patience(BEGIN_SECONDS)
                await stream.hold()
            units = (*self._config.sets, *found.units) if found.key else found.units
            for packet in self._packets.packets(units, message.time + found.offset):
                stream.send(0, packet)
            self._patience(SILENCE_SECONDS)

    def _configure(self, stream: Stream, config: flv.Config) -> None:
        if self._config and self._config.codec != config.codec:
            raise flv.BadVideo("it changed to another codec")
        self._config = config
        if self._packets is None:
            self._packets = Packetizer(config.codec, secrets.randbits(32))
            stream.describe((config.track,))

    def _patience(self, seconds: float) -> None:
        self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    # Out

    def _send(self, kind: int, body: bytes, *, chunk_stream: int = 3, stream: int = 0) -> None:
        self._out.write(chunks.write(kind, body, chunk_stream=chunk_stream, stream=stream))

    def _tell(self, *values: Value) -> None:
        self._send(chunks.COMMAND, amf.encode(*values))

    def _status(self, level: str, code: str, description: str) -> None:
        said: dict[str, Value] = {"level": level, "code": code, "description": description}
        self._send(chunks.COMMAND, amf.encode("onStatus", 0.0, None, said), chunk_stream=5, stream=1)

    def _end(self) -> None:
        if self._stream:
            self._relay.end(self._stream, self._reason)
        elif self._received:
            sys.stderr.write(f"rtmp publisher {self._peer}: {self._reason}\n")
        self._out.close()


def named(app: str, key: str) -> tuple[str, dict[str, str]]:
    """The path of an application and a stream key, and the key (`?key=`) that either shows."""
    words, proof = [], {}
    for part in (app, key):
        name, _, query = part.partition("?")
        words.append(name.strip("/"))
        if shown := parse_qs(query, max_num_fields=16).get("key"):
            proof = {"key": shown[0]}
    return "/".join(word for word in words if word), proof
