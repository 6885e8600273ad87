"""One RTSP connection: a publisher (ANNOUNCE, SETUP, RECORD), or a reader of this machine (DESCRIBE, SETUP, PLAY)."""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from flexserver.ingest import rtsp, sdp
from flexserver.ingest.ports import Pair, bind
from flexserver.ingest.relay import Reader, Relay, Stream
from flexserver.ingest.rtsp import BadRequest, Request

BEGIN_SECONDS = 10.0
"""From the connection to the first packet."""
SILENCE_SECONDS = 8.0
"""A publisher that sends nothing for so long is taken for lost."""
READER_SECONDS = 90.0
"""A reader keeps its session alive by asking for something, every 60 seconds at least."""
MAX_PATH = 200
TRIES = 3
"""Wrong keys on one connection."""
REALM = "flex"
_DIGEST = re.compile(r'(\w+)="([^"\x00-\x1f]{0,500})"')
_METHODS = "OPTIONS, ANNOUNCE, DESCRIBE, SETUP, RECORD, PLAY, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


class Refused(Exception):
    """A request that is not done: the status that says so."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(slots=True)
class _Publisher:
    """What a publisher has said so far."""

    stream: Stream
    awaited: bool
    tracks: tuple[sdp.Track, ...]
    channels: dict[int, tuple[int, bool]] = field(default_factory=dict)
    """Channel -> track, and whether it carries RTCP."""
    sockets: dict[int, Pair] = field(default_factory=dict)
    recording: bool = False


class Session:
    """Serves one connection until either side has had enough."""

    def __init__(self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relay, self._in, self._out = relay, reader, writer
        self._peer: str = writer.get_extra_info("peername")[0]
        self._here: str = writer.get_extra_info("sockname")[0]
        self._id, self._nonce = secrets.token_hex(8), secrets.token_hex(16)
        self._parser = rtsp.Parser()
        self._publisher: _Publisher | None = None
        self._played: Stream | None = None
        self._reader = Reader(writer.transport)
        self._tries = 0
        self._reason = "the connection was closed"
        self._do: dict[str, Callable[[Request], Awaitable[None]]] = {
            "OPTIONS": self._options,
            "ANNOUNCE": self._announce,
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "RECORD": self._record,
            "PLAY": self._play,
            "TEARDOWN": self._teardown,
            "GET_PARAMETER": self._keep_alive,
            "SET_PARAMETER": self._keep_alive,
        }

    async def run(self) -> None:
        """Serve it."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS) as self._limit:
                while data := await self._in.read(1 << 16):
                    for item in self._parser.feed(data):
                        await self._item(item)
                    await self._out.drain()
        except TimeoutError:
            self._reason = "it sent nothing any more"
        except BadRequest as error:
            self._reason = str(error)
        except OSError as error:
            self._reason = error.strerror or "the connection broke"
        finally:
            self._end()

    def _item(self, item: rtsp.Item) -> Awaitable[None]:
        if isinstance(item, Request):
            return self._request(item)
        if self._publisher and self._publisher.recording and (found := self._publisher.channels.get(item.channel)):
            self._take(*found, item.data)
        return _nothing()

    def _take(self, track: int, control: bool, packet: bytes) -> None:
        if self._publisher:
            self._publisher.stream.take(track, packet, control=control)
            self._patience(SILENCE_SECONDS)

    def _patience(self, seconds: float) -> None:
        self._limit.reschedule(asyncio.get_running_loop().time() + seconds)

    async def _request(self, request: Request) -> None:
        try:
            if (do := self._do.get(request.method)) is None:
                raise Refused(405, Allow=_METHODS)
            await do(request)
        except Refused as refusal:
            self._answer(request, refusal.status, refusal.headers)

    def _answer(
        self, request: Request, status: int = 200, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self._out.write(rtsp.answer(request, status, headers, body))

    async def _options(self, request: Request) -> None:
        self._answer(request, headers={"Public": _METHODS})

    async def _keep_alive(self, request: Request) -> None:
        if self._played:
            self._patience(READER_SECONDS)
        self._answer(request, headers={"Session": self._id})

    async def _teardown(self, request: Request) -> None:
        self._reason = "it ended the session"
        self._answer(request)
        self._out.close()

    # Publishers

    async def _announce(self, request: Request) -> None:
        if self._publisher or self._played:
            raise Refused(455)
        if not 0 < len(request.path) <= MAX_PATH or not request.path.isprintable():
            raise Refused(400)
        try:
            tracks = sdp.parse(request.body)
        except sdp.BadSdp as error:
            sys.stderr.write(f"rtsp publisher {self._peer}: {error}\n")
            raise Refused(415) from None
        proof = self._proof(request)
        verdict, stream = await self._relay.publish(request.path, "rtsp", self._peer, proof, self._sent_away)
        if stream is None:
            raise self._refusal(login=verdict.login, tried=bool(proof))
        stream.describe(tracks)
        self._publisher = _Publisher(stream, verdict.awaited, tracks)
        self._answer(request, headers={"Session": self._id})

    def _proof(self, request: Request) -> dict[str, str]:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        fields = dict(_DIGEST.findall(rest)) if scheme.lower() == "digest" else {}
        known = {name: fields[name] for name in ("username", "uri", "response") if name in fields}
        if len(known) < 3 or fields.get("nonce") != self._nonce:
            return {}
        return {**known, "realm": REALM, "nonce": self._nonce, "method": request.method}

    def _refusal(self, *, login: bool, tried: bool) -> Refused:
        if not login:
            return Refused(403)
        self._tries += tried
        if self._tries >= TRIES:
            self._out.close()
        return Refused(401, WWW_Authenticate=f'Digest realm="{REALM}", nonce="{self._nonce}"')

    def _sent_away(self) -> None:
        self._reason = "it was sent away"
        self._out.transport.abort()

    async def _record(self, request: Request) -> None:
        publisher = self._publisher
        if publisher is None or not (publisher.channels or publisher.sockets):
            raise Refused(455)
        if publisher.awaited:
            self._patience(BEGIN_SECONDS)
            await publisher.stream.hold()
        publisher.recording = True
        self._patience(SILENCE_SECONDS)
        self._answer(request, headers={"Session": self._id})

    # Readers

    async def _describe(self, request: Request) -> None:
        if self._peer != self._here:
            raise Refused(403)  # what is published here is watched at the pipeline's output
        stream = await self._relay.find(request.path)
        if stream is None:
            raise Refused(404)
        self._played = stream
        self._patience(READER_SECONDS)
        base = request.url.rstrip("/") + "/"
        headers = {"Content-Base": base, "Content-Type": "application/sdp"}
        self._answer(request, headers=headers, body=sdp.write(stream.tracks))

    async def _play(self, request: Request) -> None:
        if self._played is None or not self._reader.channels:
            raise Refused(455)
        self._patience(READER_SECONDS)
        self._answer(request, headers={"Session": f"{self._id};timeout=60", "Range": "npt=now-"})
        self._played.play(self._reader)

    # Both

    async def _setup(self, request: Request) -> None:
        way = rtsp.transport(request.headers.get("transport", ""))
        if self._publisher:
            track = sdp.index_of(self._publisher.tracks, request.url)
            said = await self._receive(self._publisher, _known(track), way)
        elif self._played:
            name = request.url.rstrip("/").rpartition("/track")[2]
            track = int(name) if name.isdecimal() and int(name) < len(self._played.tracks) else None
            said = self._send(_known(track), way)
        else:
            raise Refused(455)
        self._answer(request, headers={"Transport": said, "Session": f"{self._id};timeout=60"})

    async def _receive(self, publisher: _Publisher, track: int, way: rtsp.Transport | None) -> str:
        if way is None:
            raise Refused(461)
        if way.tcp:
            publisher.channels |= {way.first: (track, False), way.second: (track, True)}
            return f"RTP/AVP/TCP;unicast;interleaved={way.first}-{way.second};mode=record"
        if track not in publisher.sockets:
            try:
                publisher.sockets[track] = await bind(self._here, self._peer, lambda c, d: self._datagram(track, c, d))
            except OSError as error:
                sys.stderr.write(f"rtsp publisher {self._peer}: {error}\n")
                raise Refused(503) from None
        ours = publisher.sockets[track].port
        return f"RTP/AVP;unicast;client_port={way.first}-{way.second};server_port={ours}-{ours + 1};mode=record"

    def _datagram(self, track: int, control: bool, packet: bytes) -> None:
        if self._publisher and self._publisher.recording:
            self._take(track, control, packet)

    def _send(self, track: int, way: rtsp.Transport | None) -> str:
        if way is None or not way.tcp:
            raise Refused(461)  # readers are on this machine: packets that cannot get lost
        self._reader.channels[track] = way.first
        return f"RTP/AVP/TCP;unicast;interleaved={way.first}-{way.first + 1}"

    def _end(self) -> None:
        if self._publisher:
            for pair in self._publisher.sockets.values():
                pair.close()
            self._relay.end(self._publisher.stream, self._reason)
        if self._played:
            self._played.readers.discard(self._reader)
        self._out.close()


def _known(track: int | None) -> int:
    if track is None:
        raise Refused(404)
    return track


async def _nothing() -> None:
    """There is nothing to wait for."""
