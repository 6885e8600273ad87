"""The parts of a running server, for the routes."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field

from flexserver.announce.part import Announcements
from flexserver.config import Config
from flexserver.events import Hub
from flexserver.pipelines.engine import Engine
from flexserver.pipelines.service import Pipelines
from flexserver.pipelines.supervisor import Supervisor
from flexserver.settings import BoxSettings
from flexserver.store import Store

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  to recognise them


@dataclass(slots=True)
class Box:
    """What one server consists of."""

    config: Config
    store: Store
    hub: Hub
    engine: Engine
    supervisor: Supervisor
    pipelines: Pipelines
    settings: BoxSettings
    announcements: Announcements
    born: float = field(default_factory=time.monotonic)
    started: bool = False
    """Everything is up and the address is open."""
    closing: bool = False

    @property
    def name(self) -> str:
        """A name for the box where the client did not use one."""
        return socket.gethostname() if self.config.host in WILDCARDS else self.config.host
