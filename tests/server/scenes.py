"""What test_announce.py plays in networks of their own (tests.support.apart)."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

from zeroconf import ServiceBrowser, Zeroconf

from tests.support.apart import ADDRESS
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.media_double import fake_media

TYPE = "_flex._tcp.local."


class OpenBox(Box):
    """A box that listens on every address of its network."""

    def command(self, ready_fd: int) -> list[str]:
        found = super().command(ready_fd)
        found[found.index("--host") + 1] = "0.0.0.0"
        return found


@contextmanager
def open_box(folder: Path) -> Iterator[tuple[Box, Api]]:
    folder.mkdir()
    with OpenBox(folder / "data", env=fake_media(folder / "fake").env) as box, Api(box) as api:
        yield box, api


class Ear:
    """Hears who is announced: a name -> its port, its address and what it says of itself."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[int | None, list[str], dict[str, str | None]]] = {}
        self.zeroconf = Zeroconf()
        self.browser = ServiceBrowser(self.zeroconf, TYPE, handlers=[self.changed])

    def changed(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: object) -> None:
        instance = name.removesuffix(f".{TYPE}")
        info = None if "Removed" in str(state_change) else zeroconf.get_service_info(service_type, name)
        if info:
            self.seen[instance] = info.port, info.parsed_addresses(), info.decoded_properties
        else:
            self.seen.pop(instance, None)


def told(api: Api, **settings: object) -> None:
    api.call("PUT", "/flex/settings", json=settings).raise_for_status()


def mdns(folder: str) -> None:
    """A box is there, changes its name, hides, comes back, and says goodbye."""
    ear = Ear()
    with open_box(Path(folder) / "one") as (box, api):
        host = socket.gethostname()
        until(lambda: host in ear.seen, 10, "the box by its host name")
        port, addresses, properties = ear.seen[host]
        assert (port, addresses) == (box.port, [ADDRESS])
        assert properties == {
            "version": "0.1.0",
            "path": "/flex",
            "rtsp": str(box.rtsp_port),
            "fingerprint": box.fingerprint,
        }
        assert api.get("/flex/health").json()["parts"]["announcements"] == {"status": "ok"}
        told(api, name="Tür \u2116 1. & <b>")
        until(lambda: set(ear.seen) == {"Tür \u2116 1- & <b>"}, 10, "the new name alone")
        told(api, mdns_enabled=False)
        until(lambda: not ear.seen, 10, "nobody")
        assert "announcements" not in api.get("/flex/health").json()["parts"]
        told(api, mdns_enabled=True, name="gate")
        until(lambda: set(ear.seen) == {"gate"}, 10, "the box again")
        with open_box(Path(folder) / "two") as (other, other_api):
            told(other_api, name="gate")
            until(lambda: ear.seen.keys() >= {"gate", "gate-2"}, 20, "both")
            assert ear.seen["gate-2"][0] == other.port
            until(lambda: "another box on this network has the name of this one" in other.log, 5)
            found_by_flexctl(box, other)
        until(lambda: set(ear.seen) == {"gate"}, 20, "the first one alone")
    until(lambda: not ear.seen, 20, "nobody after the goodbye")
    ear.zeroconf.close()


def found_by_flexctl(box: Box, other: Box) -> None:
    command = [sys.executable, "-m", "flexctl", "discover", "--timeout", "10s", "--count", "2", "-o", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    said = {one["name"]: one for one in json.loads(ran.stdout)}
    assert said["gate"] == {
        "name": "gate",
        "url": f"https://{ADDRESS}:{box.port}",
        "rtsp_url": f"rtsp://{ADDRESS}:{box.rtsp_port}",
        "addresses": [ADDRESS],
        "version": "0.1.0",
        "fingerprint": box.fingerprint,
    }
    assert said["gate-2"]["fingerprint"] == other.fingerprint


def multicast(folder: str) -> None:
    """The group of the default settings hears of a pipeline, at the address by which others reach it."""
    with open_box(Path(folder) / "one") as (box, api), joined("239.2.3.1", 6969) as group:
        told(api, cot_enabled=True, cot_interval_seconds=1)
        api.create("gate", on_demand=False).raise_for_status()
        event = ET.fromstring(group.recv(65536))
        assert event.find("detail/__video").get("url") == f"rtsp://{ADDRESS}:{box.rtsp_port}/gate"  # type: ignore[union-attr]


@contextmanager
def joined(group: str, port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((group, port))
        membership = struct.pack("4s4s", socket.inet_aton(group), socket.inet_aton(ADDRESS))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        made.settimeout(10)
        yield made


def no_way_out(folder: str) -> None:
    """A network that is not there is told once, and used when it comes."""
    subprocess.run(["ip", "route", "del", "224.0.0.0/4"], check=True)
    with open_box(Path(folder) / "one") as (box, api):
        told(api, cot_enabled=True, cot_interval_seconds=1, mdns_enabled=False, cot_address="no-such-host.invalid:6969")
        api.create("gate", on_demand=False).raise_for_status()
        health = until(lambda: trouble(api), 10, "the name that is none")
        assert "nothing can be sent to no-such-host.invalid:6969: " in health["parts"]["announcements"]["message"]
        told(api, cot_address=None)
        until(lambda: "239.2.3.1" in str(trouble(api)), 10, "the network that is not there")
        health = until(lambda: trouble(api), 10, "the trouble in the health")
        message = "Cursor on Target: nothing can be sent to 239.2.3.1:6969: Network is unreachable"
        assert health["parts"]["announcements"] == {"status": "degraded", "message": message}
        api.create("yard", on_demand=False).raise_for_status()  # a second round
        subprocess.run(["ip", "route", "add", "224.0.0.0/4", "dev", "lo"], check=True)
        with joined("239.2.3.1", 6969) as group:
            assert group.recv(65536)
        until(lambda: "reach the network again" in box.log, 5)
        assert box.log.count("do not reach the network") == 2, "each trouble once"
        assert api.get("/flex/health").json()["parts"]["announcements"] == {"status": "ok"}


def trouble(api: Api) -> dict[str, dict[str, dict[str, str]]] | None:
    health: dict[str, dict[str, dict[str, str]]] = api.get("/flex/health").json()
    return health if health["parts"].get("announcements", {}).get("status") == "degraded" else None
