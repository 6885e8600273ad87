"""The RTSP server of the box: `python -m flexserver.media.front --fd N --host H --port P --link NAME`.

One process for all mounts; it encodes nothing. Workers bring access units over the link; readers share one media.
It says `Ready` with its port, then `Readers` whenever a mount's count or wish changes. Where the port is taken: one
line on stderr and exit 3.
"""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from flexserver import protocol
from flexserver.media import units
from flexserver.media.audience import Audience
from flexserver.media.control import Control
from flexserver.media.feed import APPSRC, Feed
from flexserver.media.formats import FORMATS
from flexserver.media.gst import GLib, repository, settle_as_child

Rtsp = repository("GstRtspServer")
GstRtsp = repository("GstRtsp")

_TICK = 200
"""Milliseconds between looks at who is silent and who is wanted."""
_CLEAN_UP = 2
_BACKLOG = 4_000_000
"""Bytes of units that wait for a media; the oldest go first."""
_PENDING = 1024
"""Connections that may wait to be taken; five are GStreamer's own idea, and a burst of readers is more."""
PORT_TAKEN = 3


@dataclass(slots=True)
class _Client:
    """What one connection asked for and plays."""

    mounts: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)


class Front:
    """The server, its mounts and who reads them."""

    def __init__(self, fd: int, host: str, port: int, link: str) -> None:
        """Raises OSError where the port is taken."""
        self._loop = GLib.MainLoop()
        self._feeds: dict[str, Feed] = {}
        self._mounted: set[str] = set()
        self._clients: dict[Any, _Client] = {}
        self._audience = Audience()
        self._lock = threading.RLock()
        self._server = Rtsp.RTSPServer.new()
        self._server.set_address(host)
        self._server.set_service(str(port))
        self._server.set_backlog(_PENDING)
        self._server.get_thread_pool().set_max_threads(-1)
        self._mounts = self._server.get_mount_points()
        self._sessions = self._server.get_session_pool()
        self._sessions.connect("session-removed", self._session_removed)
        self._server.connect("client-connected", self._connected)
        if not self._server.attach(None):
            raise OSError(f"port {port} on {host} is taken or not ours to bind")
        self._control = Control(fd, self._told, self._loop.quit)
        self._listener = _listen(link)
        threading.Thread(target=self._accept, name="links", daemon=True).start()

    def run(self) -> None:
        """Serve until the parent is gone."""
        self._control.send(protocol.Ready(self._server.get_bound_port()))
        GLib.timeout_add(_TICK, self._tick)
        GLib.timeout_add_seconds(_CLEAN_UP, self._clean_up)
        self._loop.run()

    # Parent

    def _told(self, message: protocol.Message) -> None:
        if isinstance(message, protocol.Mount):
            self._mount(message.name, message.codec)
        elif isinstance(message, protocol.Unmount):
            self._unmount(message.name)
        elif isinstance(message, protocol.Quit):
            self._loop.quit()

    def _mount(self, name: str, codec: str) -> None:
        with self._lock:
            if name in self._mounted and self._feeds[name].codec == codec:
                return
            feed = self._feed(name, codec)
            self._mounted.add(name)
        factory = Rtsp.RTSPMediaFactory.new()
        form = FORMATS[codec]
        factory.set_launch(
            f"( appsrc name={APPSRC} is-live=true format=time block=false max-bytes={_BACKLOG} leaky-type=downstream"
            f' caps="{form.caps}" ! {form.payloader} {form.payloader_settings} name=pay0 pt=96 )'
        )
        factory.set_shared(True)
        factory.set_latency(0)
        factory.set_suspend_mode(Rtsp.RTSPSuspendMode.NONE)
        factory.connect("media-configure", self._configure, feed)
        self._mounts.add_factory(f"/{name}", factory)

    def _unmount(self, name: str) -> None:
        self._mounts.remove_factory(f"/{name}")
        with self._lock:
            self._mounted.discard(name)
            readers = [client for client, about in self._clients.items() if name in about.mounts]
            self._audience.forget(name)
            if (feed := self._feeds.get(name)) and not feed.is_attached:
                del self._feeds[name]
        for client in readers:
            client.close()

    def _feed(self, name: str, codec: str) -> Feed:
        """The feed of that name, made where there is none: mount and worker come in any order."""
        with self._lock:
            feed = self._feeds.get(name)
            if feed is None or feed.codec != codec:
                feed = self._feeds[name] = Feed(codec)
            return feed

    # Readers

    def _configure(self, _: Any, media: Any, feed: Feed) -> None:
        media.connect("prepared", feed.keep_media)
        media.connect("unprepared", feed.remove_media)
        feed.add_media(media)

    def _connected(self, _: Any, client: Any) -> None:
        with self._lock:
            self._clients[client] = _Client()
        client.connect("pre-describe-request", self._asked)
        client.connect("play-request", self._plays)
        client.connect("pause-request", self._leaves)
        client.connect("teardown-request", self._leaves)
        client.connect("closed", self._closed)

    def _asked(self, client: Any, context: Any) -> Any:
        if name := self._name(context):
            with self._lock:
                if (about := self._clients.get(client)) is not None:
                    about.mounts.add(name)
                self._audience.asked(name, time.monotonic())
            self._say_news()
        return GstRtsp.RTSPStatusCode.OK

    def _plays(self, client: Any, context: Any) -> None:
        name = self._name(context)
        if name is None:
            return
        with self._lock:
            session, about = context.session.get_sessionid(), self._clients.get(client)
            if about is None or name not in self._mounted:
                return
            about.mounts.add(name)
            about.sessions.add(session)
            self._audience.plays(session, name, time.monotonic())
            self._feeds[name].ask_for_key()
        self._say_news()

    def _leaves(self, _: Any, context: Any) -> None:
        if context.session is not None:
            self._left(context.session.get_sessionid())

    def _session_removed(self, _: Any, session: Any) -> None:
        self._left(session.get_sessionid())

    def _left(self, session: str) -> None:
        with self._lock:
            self._audience.left(session, time.monotonic())
        self._say_news()

    def _closed(self, client: Any) -> None:
        """A reader went without a word: its sessions end now, not after their time-out."""
        with self._lock:
            about = self._clients.pop(client, None) or _Client()
        for name in about.sessions:
            if (session := self._sessions.find(name)) is not None:
                self._sessions.remove(session)
            self._left(name)

    def _name(self, context: Any) -> str | None:
        """The mount that a request is about: its path, or the part of it before the stream's name."""
        path = context.uri.abspath.strip("/") if context.uri else ""
        with self._lock:
            while path and path not in self._mounted:
                path = path.rpartition("/")[0]
        return path or None

    def _say_news(self) -> None:
        with self._lock:
            for name, count, wanted in self._audience.news(time.monotonic()):
                self._control.send(protocol.Readers(name, count, wanted))
                if not wanted and (feed := self._feeds.get(name)):
                    feed.rest()

    def _tick(self) -> bool:
        with self._lock:
            feeds = list(self._feeds.values())
        for feed in feeds:
            feed.tick()
        self._say_news()
        return True

    def _clean_up(self) -> bool:
        self._sessions.cleanup()
        return True

    # Workers

    def _accept(self) -> None:
        while True:
            link, _ = self._listener.accept()
            if units.is_same_user(link):
                threading.Thread(target=self._serve, args=(link,), name="link", daemon=True).start()
            else:
                link.close()

    def _serve(self, link: socket.socket) -> None:
        """One worker, until it leaves."""
        worker = id(link)
        feed: Feed | None = None
        try:
            with link, open(link.fileno(), "rb", buffering=1 << 16, closefd=False) as stream:
                hello = protocol.decode(stream.readline(1 << 16))
                if not isinstance(hello, protocol.Hello) or hello.codec not in FORMATS:
                    return
                feed = self._feed(hello.mount, hello.codec)
                feed.attach(worker, link)
                for unit in units.read(stream):
                    feed.take(worker, unit)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"link: {error}\n")
        finally:
            if feed is not None:
                feed.detach(worker)


def _listen(name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind("\0" + name)
    listener.listen(256)
    return listener


def main() -> int:
    """Run the front; see the module."""
    parser = argparse.ArgumentParser(description="the box's RTSP server; started by flexserver")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the control connection")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True, help="0 for any free one")
    parser.add_argument("--link", required=True, help="name of the abstract socket for workers")
    options = parser.parse_args()
    settle_as_child()
    try:
        front = Front(options.fd, options.host, options.port, options.link)
    except OSError as error:
        sys.stderr.write(f"RTSP: {error}\n")
        return PORT_TAKEN
    front.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
