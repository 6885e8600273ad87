"""The parts of a running server, for the routes."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from flexserver.announce.part import Announcements
from flexserver.audio_devices import AudioDeviceList
from flexserver.auth import Auth
from flexserver.cameras import CameraList
from flexserver.config import WILDCARDS, Config
from flexserver.events import Hub
from flexserver.framegrabs import Framegrabs
from flexserver.ingress.part import Ingress
from flexserver.license import Licensing
from flexserver.metrics import Metrics
from flexserver.pipelines.engine import Engine
from flexserver.pipelines.service import Pipelines
from flexserver.pipelines.supervisor import Supervisor
from flexserver.settings import BoxSettings
from flexserver.store import Store
from flexserver.webhooks import Webhooks


@dataclass(slots=True)
class Box:
    """What one server consists of."""

    config: Config
    store: Store
    hub: Hub
    engine: Engine
    supervisor: Supervisor
    pipelines: Pipelines
    auth: Auth
    settings: BoxSettings
    license: Licensing
    webhooks: Webhooks
    announcements: Announcements
    cameras: CameraList
    framegrabs: Framegrabs
    ingress: Ingress
    metrics: Metrics = field(default_factory=Metrics)
    duties: tuple[asyncio.Task[Any], ...] = ()
    """Work that goes on as long as the box does."""
    audio_devices: AudioDeviceList = field(default_factory=AudioDeviceList)
    born: float = field(default_factory=time.monotonic)
    started: bool = False
    """Everything is up and the address is open."""
    closing: bool = False

    @property
    def name(self) -> str:
        """A name for the box where the client did not use one."""
        return name_of(self.config)


def name_of(config: Config) -> str:
    """The box's name or address for others, as far as the config says one."""
    return socket.gethostname() if config.host in WILDCARDS else config.host
