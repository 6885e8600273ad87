"""Announcements of a whole box: to 127.0.0.1 alone, or in a network of its own."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from flexclient.models import Settings
from flexserver.announce import air
from flexserver.announce.beacon import Plan
from flexserver.announce.mdns import service
from flexserver.announce.part import cot_plan
from tests.server.conftest import FakeBoxes
from tests.support import apart
from tests.support.api import Api
from tests.support.media_double import FakeMedia


class Receiver:
    """A map on 127.0.0.1 that reads Cursor on Target."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def next(self) -> ET.Element:
        return ET.fromstring(self.socket.recv(65536))

    def until(self, stale: bool, callsign: str) -> ET.Element:
        """The next farewell, or the next word that is none, about this one."""
        while True:
            event = self.next()
            if is_last(event) is stale and name_of(event) == callsign:
                return event

    @property
    def silent(self) -> bool:
        """Whether nothing waits to be read."""
        self.socket.setblocking(False)
        try:
            return not self.socket.recv(65536)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(10)


def name_of(event: ET.Element) -> str | None:
    contact = event.find("detail/contact")
    return contact.get("callsign") if contact is not None else None


def is_last(event: ET.Element) -> bool:
    return event.get("stale") == event.get("time")


@pytest.fixture
def map_() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.socket.close()


@pytest.fixture
def on_map(api: Api, map_: Receiver) -> Iterator[Api]:
    """A box that announces to the map."""
    body = {"cot_enabled": True, "cot_address": map_.address, "cot_interval_seconds": 1}
    api.call("PUT", "/flex/settings", json=body).raise_for_status()
    yield api
    api.call("PUT", "/flex/settings", json=dict.fromkeys(body)).raise_for_status()


def test_a_pipeline_is_announced_while_it_plays(on_map: Api, map_: Receiver) -> None:
    on_map.create("gate", on_demand=False).raise_for_status()
    first = map_.next()
    assert not is_last(first)
    assert name_of(first) == "gate"
    url = on_map.status("gate")["output_uri"]
    assert first.find("detail/__video").get("url") == url  # type: ignore[union-attr]
    again = map_.next()
    assert (again.get("uid"), is_last(again)) == (first.get("uid"), False)
    on_map.call("PUT", "/flex/pipeline/gate/stop").raise_for_status()
    last = map_.until(True, "gate")
    assert last.get("uid") == first.get("uid")
    on_map.call("PUT", "/flex/pipeline/gate/play").raise_for_status()
    assert map_.next().get("uid") == first.get("uid")
    on_map.call("DELETE", "/flex/pipeline/gate").raise_for_status()
    assert map_.until(True, "gate").get("uid") == first.get("uid")


def test_one_that_only_waits_for_a_reader_is_not(on_map: Api, map_: Receiver) -> None:
    on_map.create("armed").raise_for_status()
    on_map.create("gate", on_demand=False).raise_for_status()
    assert {name_of(map_.next()) for _ in range(3)} == {"gate"}


def test_one_that_reconnects_fades_by_itself(on_map: Api, map_: Receiver, fake: FakeMedia) -> None:
    fake.script("gate", "play", "source")
    on_map.create("gate", on_demand=False).raise_for_status()
    assert not is_last(map_.next())
    os.kill(fake.starts("gate")[-1], signal.SIGKILL)
    on_map.wait("gate", "reconnecting", 10)
    on_map.create("yard", on_demand=False).raise_for_status()
    said = [map_.next() for _ in range(3)]
    assert not [event for event in said if is_last(event)]
    assert not [event for event in said[1:] if name_of(event) == "gate"]


def test_a_change_is_told_at_once(on_map: Api, map_: Receiver) -> None:
    on_map.call("PUT", "/flex/settings", json={"cot_interval_seconds": 3600}).raise_for_status()
    on_map.create("gate", on_demand=False).raise_for_status()
    first = map_.next()
    change = {"metadata": {"cot_callsign": "North gate", "cot_lat": "1", "cot_lon": "2"}}
    on_map.call("PATCH", "/flex/pipeline/gate", json=change).raise_for_status()
    second = map_.next()
    assert (name_of(second), second.get("type"), second.get("uid")) == (
        "North gate",
        "b-m-p-s-p-loc",
        first.get("uid"),
    )
    on_map.call("PATCH", "/flex/pipeline/gate", json={"metadata": {"cot_uid": "mine"}}).raise_for_status()
    gone, third = map_.next(), map_.next()
    assert (gone.get("uid"), is_last(gone)) == (first.get("uid"), True)
    assert (third.get("uid"), is_last(third)) == ("mine", False)
    on_map.call("PATCH", "/flex/pipeline/gate", json={"metadata": {"cot_enabled": "no"}}).raise_for_status()
    assert (last := map_.next()).get("uid") == "mine"
    assert is_last(last)


def test_settings_take_effect_at_once(on_map: Api, map_: Receiver) -> None:
    on_map.create("gate", on_demand=False).raise_for_status()
    assert not is_last(map_.next())
    other = Receiver()
    on_map.call("PUT", "/flex/settings", json={"cot_address": other.address}).raise_for_status()
    map_.until(True, "gate")
    assert not is_last(other.next())
    on_map.call("PUT", "/flex/settings", json={"cot_enabled": False}).raise_for_status()
    other.until(True, "gate")
    assert "announcements" not in on_map.get("/flex/health").json()["parts"]
    assert map_.silent
    assert other.silent
    other.socket.close()


def test_the_box_says_farewell_and_keeps_its_uids_over_a_restart(fake_boxes: FakeBoxes, map_: Receiver) -> None:
    box, _ = fake_boxes()
    with Api(box) as api:
        api.call("PUT", "/flex/settings", json={"cot_enabled": True, "cot_address": map_.address}).raise_for_status()
        api.create("gate", on_demand=False).raise_for_status()
    uid = map_.until(False, "gate").get("uid")
    box.stop()
    assert map_.until(True, "gate").get("uid") == uid
    box.start()
    assert map_.until(False, "gate").get("uid") == uid


@pytest.mark.parametrize(("key", "value"), [("cot_lat", "north"), ("cot_enabled", "maybe"), ("cot_url", "?")])
def test_a_value_that_means_nothing_is_refused(api: Api, key: str, value: str) -> None:
    answer = api.create("gate", metadata={key: value})
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == f"metadata.{key}"


class TestWhereNothingIsAnnounced:
    def test_a_box_on_loopback_has_nothing_for_the_network(self) -> None:
        on = Settings(cot_enabled=True)
        assert cot_plan(on, "127.0.0.1") is None
        assert cot_plan(on, "::1") is None
        assert cot_plan(on, "192.0.2.7") == cot_plan(on, "0.0.0.0") == Plan("239.2.3.1:6969", 5)
        assert cot_plan(Settings(), "192.0.2.7") is None

    @pytest.mark.parametrize("address", ["127.0.0.1:5000", "127.9.9.9:5000", "[::1]:5000", "localhost:5000"])
    def test_but_to_an_address_on_loopback_it_does(self, address: str) -> None:
        assert cot_plan(Settings(cot_enabled=True, cot_address=address), "127.0.0.1") == Plan(address, 5)

    def test_and_its_health_does_not_speak_of_it(self, api: Api) -> None:
        assert "announcements" not in api.get("/flex/health").json()["parts"]


class TestAir:
    def test_the_way_to_loopback(self) -> None:
        way = air.find("127.0.0.1:9", "127.0.0.1")
        assert (way.here, way.source) == ("127.0.0.1", "127.0.0.1")

    def test_a_box_of_one_address_sends_from_it_and_is_reached_there(self) -> None:
        assert air.find("127.0.0.1:9", "127.0.0.2").here == "127.0.0.2"

    @pytest.mark.parametrize("target", ["nowhere", "host:", ":5", "host:port", f"{'a' * 80}.example.com:5"])
    def test_what_is_no_address(self, target: str) -> None:
        with pytest.raises(OSError, match=r"not an address|no name of a host|Invalid argument"):
            air.find(target, "0.0.0.0")


class TestService:
    def test_any_name_becomes_a_label(self) -> None:
        assert service("Gate\x00\x1f 1", "flex-1", 1, 2, "AA", "0.1.0").instance == "Gate   1"
        assert service("box.example.com", "flex-1", 1, 2, "AA", "0.1.0").instance == "box-example-com"
        assert service(" \n", "flex-1", 1, 2, "AA", "0.1.0").instance == "flex-1"
        long = service("ü" * 63, "flex-1", 1, 2, "AA", "0.1.0").instance
        assert (len(long.encode()), long) == (60, "ü" * 30)

    def test_its_host_name_is_its_own(self) -> None:
        assert service("gate", "flex-1", 1, 2, "AA", "0.1.0").server == "flex-1.local."


@pytest.mark.parametrize("scene", ["mdns", "multicast", "no_way_out"])
def test_in_a_network_of_its_own(scene: str, tmp_path: Path) -> None:
    apart.play(f"tests.server.scenes:{scene}", str(tmp_path))
