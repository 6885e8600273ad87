"""`flexserver`: read the config, bring up the parts in order, serve, take them down in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from flexserver import certs, logs, swagger, vendor
from flexserver.announce.part import Announcements
from flexserver.app import App
from flexserver.auth import Auth
from flexserver.box import Box, name_of
from flexserver.cameras import CameraList
from flexserver.config import WILDCARDS, Config, ConfigError, read, software_version
from flexserver.events import Hub
from flexserver.framegrabs import Framegrabs
from flexserver.ingress.part import Ingress
from flexserver.license import Licensing
from flexserver.notify import keep_watchdog, notify
from flexserver.pipelines.documents import Rules
from flexserver.pipelines.engine import Engine, PortTaken
from flexserver.pipelines.service import Pipelines
from flexserver.pipelines.supervisor import Supervisor
from flexserver.routing import host_of
from flexserver.serving import Server, Signals
from flexserver.settings import BoxSettings
from flexserver.store import Store, StoreError
from flexserver.webhooks import Webhooks, networks


@dataclass(frozen=True, slots=True)
class Pages:
    """Swagger UI's server and where it listens."""

    server: Server
    listener: socket.socket

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.listener.getsockname()[1])


class CannotStart(Exception):
    """One sentence for whoever started it."""


def main() -> None:
    """Entry point."""
    try:
        config = read(sys.argv[1:], dict(os.environ))
        for key in ("FLEX_API_KEY", "FLEX_PUBLISH_KEY"):
            os.environ.pop(key, None)  # no child process inherits it
        logs.set_up(config.log_level)
        os.umask(0o077)
        # Cancelled: a signal came while it started.
        with _data_dir(config), contextlib.suppress(asyncio.CancelledError):
            asyncio.run(serve(config))
    except ConfigError as error:
        sys.stderr.write(f"flexserver: {error}\n")
        sys.exit(2)
    except (StoreError, CannotStart) as error:
        sys.exit(f"flexserver: {error}")


def _data_dir(config: Config) -> TextIO:
    """Make the data folder and lock it: two servers on one folder would spoil each other's pipelines."""
    path = config.data_dir
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        if not config.media_roots:
            (path / "media").mkdir(mode=0o700, exist_ok=True)
        lock = (path / "flex.lock").open("w")
    except OSError as error:
        raise CannotStart(
            f"the data folder {path} cannot be used: {error.strerror}. Choose one with --data-dir."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise CannotStart(f"another flexserver uses the data folder {path}. Choose one with --data-dir.") from None
    return lock


async def serve(config: Config) -> None:
    """Run the box until a signal ends it. Raises `CannotStart`, `StoreError`; CancelledError before it was ready."""
    signals = Signals(_cancel_me())
    listener = _listen(config.host, config.port, "--port")
    store = Store(config.data_dir / "flex.db")
    hub = Hub(config.data_dir / "events.db")
    engine = Engine(config)
    cameras = CameraList(store, hub)
    try:
        told = hub.start()
        await asyncio.gather(_start(engine), cameras.start())
        box = _box(config, store, hub, engine, cameras)
        await asyncio.to_thread(box.framegrabs.clean)
        await box.webhooks.start()
        box.auth.start()
        box.pipelines.start(told)
        box.ingress.start()
        await _run(box, listener, signals)
    finally:
        await cameras.close()
        await engine.front.close()
        await hub.finish()
        store.close()


def _cancel_me() -> Callable[[bool], None]:
    """What a signal does as long as there is nothing to end in good order."""
    task = asyncio.current_task()

    def cancel(_: bool) -> None:
        if task:
            task.cancel()

    return cancel


def _box(config: Config, store: Store, hub: Hub, engine: Engine, cameras: CameraList) -> Box:
    roots = config.media_roots or (config.data_dir / "media",)
    hosts = frozenset(name.lower() for name in _names(config))
    rules = Rules(engine.front.port, tuple(root.absolute() for root in roots), config.allow_advanced, hosts)
    supervisor = Supervisor(config, engine, hub, rules)
    supervisor.camera_caps = cameras.caps
    cameras.added.append(supervisor.camera_came)
    pipelines = Pipelines(store, hub, supervisor, rules)
    settings, auth = BoxSettings(store, hub), Auth(store, config.api_key)
    return Box(
        config,
        store,
        hub,
        engine,
        supervisor,
        pipelines,
        auth=auth,
        settings=settings,
        license=_licensing(config, store, supervisor),
        announcements=Announcements(store, hub, settings, pipelines, engine.front.port),
        cameras=cameras,
        framegrabs=Framegrabs(config.data_dir),
        ingress=Ingress(config, settings, pipelines, auth),
        webhooks=Webhooks(store, hub, lambda: networks(settings.now.webhook_allowed_networks), name_of(config)),
    )


def _licensing(config: Config, store: Store, supervisor: Supervisor) -> Licensing:
    """What is licensed, and the supervisor told to ask there. Raises `ConfigError`."""
    try:
        key = vendor.load_key(config.license_public_key) if config.license_public_key else None
    except vendor.BadKey as error:
        raise ConfigError(f"--license-public-key: {error}") from None
    licensing = Licensing(store, key)
    supervisor.seats.grant = licensing.grant
    licensing.changed.append(supervisor.seats.review)
    return licensing


async def _run(box: Box, listener: socket.socket, signals: Signals) -> None:
    """Serve; the workers end while the last requests are answered."""
    renew = _renewal(box.config)
    certificate, tls = _identity(box.config, renew)
    closing: list[asyncio.Task[None]] = []

    pages = _swagger(box, listener)
    app = App(box) if pages is None else swagger.Admitting(App(box), box.pipelines.rules.hosts, pages.port)
    server = Server(app, tls, lambda: _ready(box, listener, certificate, pages))

    def on_signal(again: bool) -> None:
        box.closing = True
        notify("STOPPING=1")
        server.stop(now=again)
        if pages:
            pages.server.stop(now=True)
        box.cameras.stop()
        box.hub.close("shutdown")
        closing.append(asyncio.ensure_future(box.ingress.close()))
        closing.append(asyncio.ensure_future(box.pipelines.close()))
        closing.append(asyncio.ensure_future(box.announcements.close()))
        if again:
            box.pipelines.kill()
            box.engine.front.kill()

    signals.handler = on_signal
    background: tuple[asyncio.Task[Any], ...] = (
        asyncio.create_task(box.supervisor.watch(), name="the supervisor"),
        asyncio.create_task(keep_watchdog(), name="the watchdog's clock"),
        asyncio.create_task(box.license.watch(), name="the licence's clock"),
        asyncio.create_task(
            certs.keep_fresh(certificate, renew, tls, box.announcements.renewed), name="the certificate"
        ),
    )
    if pages:
        background += (asyncio.create_task(pages.server.serve(sockets=[pages.listener]), name="Swagger UI"),)
    box.duties = background
    box.store.on_write = box.metrics.written
    try:
        host, port, *_ = listener.getsockname()
        await box.announcements.start(host, port, certificate.fingerprint)
        await server.serve(sockets=[listener])
    finally:
        await asyncio.gather(box.ingress.close(), box.pipelines.close(), box.webhooks.close(), *closing)
        for task in background:
            task.cancel()


def _listen(host: str, port: int, flag: str) -> socket.socket:
    """A socket, bound: a port that is taken is known before anything else is done."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(f"port {port} is in use; choose another with {flag} (0 takes any free one)") from None
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror} (--host, {flag})") from None
    return listener


def _swagger(box: Box, api: socket.socket) -> Pages | None:
    """What Swagger UI needs, where it is wanted. Raises `CannotStart`."""
    if box.config.swagger_port is None:
        return None
    folder = swagger.assets()
    if folder is None:
        raise CannotStart("--swagger-port: Swagger UI is not installed (pip install 'flex-video[swagger]')")
    listener = _listen(box.config.host, box.config.swagger_port, "--swagger-port")
    port = api.getsockname()[1]
    server = Server(swagger.pages(folder, lambda request: f"https://{host_of(request, box.name)}:{port}"), None)
    return Pages(server, listener)


async def _start(engine: Engine) -> None:
    try:
        await engine.start()
    except PortTaken:
        port = engine.config.rtsp_port
        raise CannotStart(f"port {port} is in use; choose another with --rtsp-port (0 takes any free one)") from None
    except TimeoutError:
        raise CannotStart("the RTSP front did not start; --log-level debug says more") from None


def _renewal(config: Config) -> Callable[[], certs.Certificate]:
    """What makes sure that there is a certificate, now and later."""
    return lambda: certs.ensure(config.data_dir / "certs", _names(config), datetime.now(UTC))


def _identity(config: Config, renew: Callable[[], certs.Certificate]) -> tuple[certs.Certificate, ssl.SSLContext]:
    try:
        certificate = renew()
        return certificate, certs.context(certificate)
    except OSError as error:
        folder = config.data_dir / "certs"
        raise CannotStart(f"the certificate in {folder} cannot be read or made: {error.strerror}") from error


def _names(config: Config) -> set[str]:
    """The names and addresses of this box."""
    return {*certs.local_names(), *config.tls_names, *({config.host} - WILDCARDS)}


def _ready(box: Box, listener: socket.socket, certificate: certs.Certificate, pages: Pages | None) -> None:
    """Say where it is, once: a line for people, and JSON for whoever gave a descriptor."""
    box.started = True
    notify("READY=1")
    host = _in_url("127.0.0.1" if box.config.host in WILDCARDS else box.config.host)
    port, rtsp_port = listener.getsockname()[1], box.engine.front.port
    said = {
        "url": f"https://{host}:{port}",
        "port": port,
        "rtsp_port": rtsp_port,
        "rtsp_url": f"rtsp://{host}:{rtsp_port}",
        "fingerprint": certificate.fingerprint,
        "ca_file": str(certificate.cert_file.absolute()),
        "data_dir": str(box.config.data_dir.absolute()),
        "pid": os.getpid(),
        **({"swagger_url": f"http://{host}:{pages.port}"} if pages else {}),
    }
    with contextlib.suppress(OSError):  # nobody reads it: no reason to end
        sys.stdout.write(ready_line(box.config.host, port, rtsp_port, certificate.fingerprint) + "\n")
        sys.stdout.flush()
    if box.config.ready_fd is not None:
        with contextlib.suppress(OSError), os.fdopen(box.config.ready_fd, "w") as ready:
            ready.write(json.dumps(said) + "\n")


def ready_line(host: str, port: int, rtsp_port: int, fingerprint: str) -> str:
    """What a person reads at the start: addresses for others, and the fingerprint as one word to copy."""
    name = _in_url(certs.network_address(host) if host in WILDCARDS else host)
    addresses = f"https://{name}:{port} rtsp://{name}:{rtsp_port}"
    return f"flexserver {software_version()} is ready: {addresses} sha256:{fingerprint}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    main()
