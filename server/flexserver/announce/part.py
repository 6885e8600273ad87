"""The part of the box that announces: it follows the settings, and says what keeps it from its work."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket

from flexclient.models import Condition, PartHealth, Settings
from flexserver.announce.air import is_loopback, split
from flexserver.announce.beacon import Beacon, Plan
from flexserver.announce.mdns import Responder, Service, service
from flexserver.config import software_version
from flexserver.errors import Refusal
from flexserver.events import Hub
from flexserver.pipelines.service import Pipelines
from flexserver.settings import BoxSettings
from flexserver.store import Store

FACT = "box_id"
"""Makes the names that this box goes by on the network its own, over restarts and changes of its address."""


class Announcements:
    """`box.announcements`: streams by Cursor on Target, the box itself by mDNS, as the settings say."""

    def __init__(self, store: Store, hub: Hub, settings: BoxSettings, pipelines: Pipelines, rtsp_port: int) -> None:
        self._store, self._hub, self._settings, self._pipelines = store, hub, settings, pipelines
        self._rtsp_port = rtsp_port
        self._host, self._port, self._fingerprint, self._box_id = "127.0.0.1", 0, "", ""
        self._beacon: Beacon | None = None
        self._responder: Responder | None = None

    async def start(self, host: str, port: int, fingerprint: str) -> None:
        """Begin. `host` is the address that the API listens on."""
        self._host, self._port, self._fingerprint = host, port, fingerprint
        self._box_id = await _box_id(self._store)
        self._beacon = Beacon(self._pipelines, self._hub, host, self._rtsp_port, self._box_id)
        self._responder = Responder(host)
        self._settings.changed.append(self._follow)
        self._follow(self._settings.now)

    def renewed(self, fingerprint: str) -> None:
        """The box has another certificate: tell those who pin it."""
        self._fingerprint = fingerprint
        self._follow(self._settings.now)

    async def close(self) -> None:
        """Say farewell for every stream and for the box."""
        if self._beacon and self._responder:
            self._settings.changed.remove(self._follow)
            self._beacon.follow(None)
            await self._responder.close()
            self._beacon = self._responder = None

    def health(self) -> PartHealth | None:
        """How it fares; None while nothing is announced.

        Streams that nobody hears of are a fault, for somebody has asked for them. A network without mDNS is only said.
        """
        cot, mdns = self._beacon and self._beacon.problem, self._responder and self._responder.problem
        if cot:
            return PartHealth(status=Condition.DEGRADED, message=f"Cursor on Target: {cot}")
        if mdns:
            return PartHealth(status=Condition.OK, message=f"mDNS: {mdns}")
        plans = (cot_plan(self._settings.now, self._host), self._service(self._settings.now))
        return PartHealth(status=Condition.OK) if any(plans) else None

    def _follow(self, settings: Settings) -> None:
        if self._beacon and self._responder:
            self._beacon.follow(cot_plan(settings, self._host))
            self._responder.follow(self._service(settings))

    def _service(self, settings: Settings) -> Service | None:
        if not settings.mdns_enabled or is_loopback(self._host):
            return None
        name = settings.name or socket.gethostname()
        return service(name, self._box_id, self._port, self._rtsp_port, self._fingerprint, software_version())


def cot_plan(settings: Settings, host: str) -> Plan | None:
    """Where streams are announced, None where they are not: a server on loopback has nothing for the network."""
    if not settings.cot_enabled:
        return None
    target, _ = split(settings.cot_address)
    hidden = is_loopback(host) and not is_loopback(target)
    return None if hidden else Plan(settings.cot_address, settings.cot_interval_seconds)


async def _box_id(store: Store) -> str:
    """`flex-` and twelve digits, drawn once. On a full disk it lasts until the next start: better than nothing."""
    if known := store.facts().get(FACT):
        return str(json.loads(known))
    drawn = f"flex-{secrets.token_hex(6)}"
    with contextlib.suppress(Refusal):
        await store.put(FACT, json.dumps(drawn))
    return drawn
