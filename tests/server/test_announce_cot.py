"""Cursor on Target as bytes: what TAK reads, and what nobody can smuggle into it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient.models import Geolocation, PipelineSpec, PipelineStatus, Source, State
from flexserver.announce import cot
from flexserver.announce.metadata import KEYS, Marking, faults, marking

NOW = datetime(2026, 11, 1, 12, 0, 0, 250_000, UTC)
URL = "rtsp://192.0.2.7:8731/gate"
HERE = {"cot_lat": "59.3293", "cot_lon": "18.0686"}


def feed(metadata: dict[str, str] | None = None, **status: Any) -> cot.Feed | None:
    spec = PipelineSpec(id="gate", source=Source(uri="test://ball"), metadata=metadata)
    fares = PipelineStatus(id="gate", state=State.PLAYING, **{"output_uri": URL, **status})
    return cot.feed_of(spec, fares, "flex-0123")


def sent(metadata: dict[str, str] | None = None, **status: Any) -> ET.Element:
    """The event as a reader of XML sees it."""
    found = feed(metadata, **status)
    assert found is not None
    return ET.fromstring(cot.event(found, NOW, 5))


def test_a_stream_without_a_place_is_a_video_in_the_list() -> None:
    event = sent()
    assert event.attrib == {
        "version": "2.0",
        "uid": "flex-0123-gate",
        "type": "b-i-v",
        "how": "m-p",
        "time": "2026-11-01T12:00:00.250Z",
        "start": "2026-11-01T12:00:00.250Z",
        "stale": "2026-11-01T12:00:15.250Z",
    }
    unknown = {"hae": "9999999.0", "ce": "9999999.0", "le": "9999999.0"}
    assert event.find("point").attrib == {"lat": "0.0", "lon": "0.0", **unknown}  # type: ignore[union-attr]
    assert event.find("detail/contact").attrib == {"callsign": "gate"}  # type: ignore[union-attr]
    assert event.find("detail/sensor") is None
    video = event.find("detail/__video")
    assert video is not None
    assert video.attrib == {"uid": "flex-0123-gate", "url": URL}
    entry = video.find("ConnectionEntry")
    assert entry is not None
    wanted = {"protocol": "rtsp", "address": "192.0.2.7", "port": "8731", "path": "/gate", "alias": "gate"}
    assert entry.attrib.items() >= {**wanted, "uid": "flex-0123-gate"}.items()


def test_a_stream_with_a_place_is_a_camera_on_the_map() -> None:
    event = sent({**HERE, "cot_hae": "31.5", "cot_ce": "4", "cot_azimuth": "270", "cot_fov": "62.5", "cot_range": "80"})
    assert (event.get("type"), event.get("how")) == ("b-m-p-s-p-loc", "h-e")
    point = {"lat": "59.3293", "lon": "18.0686", "hae": "31.5", "ce": "4.0", "le": "9999999.0"}
    assert event.find("point").attrib == point  # type: ignore[union-attr]
    sensor = event.find("detail/sensor")
    assert sensor is not None
    cone = {"azimuth": "270", "fov": "62.5", "range": "80", "hideFov": "false"}
    assert sensor.attrib.items() >= cone.items()


def test_a_camera_of_which_nobody_knows_where_it_looks_hides_its_cone() -> None:
    assert sent(HERE).find("detail/sensor").get("hideFov") == "true"  # type: ignore[union-attr]


def test_what_the_camera_measures_goes_before_what_somebody_wrote() -> None:
    event = sent(HERE, geolocation=Geolocation(latitude=1.5, longitude=-2.5, altitude_m=120))
    assert (event.get("type"), event.get("how")) == ("b-m-p-s-p-loc", "m-g")
    assert event.find("point").attrib.items() >= {"lat": "1.5", "lon": "-2.5", "hae": "120.0"}.items()  # type: ignore[union-attr]
    half = sent(HERE, geolocation=Geolocation(latitude=1.5))
    assert half.find("point").get("lat") == "59.3293"  # type: ignore[union-attr]


def test_the_owner_names_it() -> None:
    url = "rtsps://relay.example.com/live/gate?token=a&b=c"
    said = {"cot_uid": "cam-7", "cot_callsign": "North gate", "cot_type": "a-f-G-E-S", "cot_url": url}
    event = sent(said)
    assert (event.get("uid"), event.get("type")) == ("cam-7", "a-f-G-E-S")
    entry = event.find("detail/__video/ConnectionEntry")
    assert entry is not None
    parts = {"alias": "North gate", "address": "relay.example.com", "port": "322", "path": "/live/gate?token=a&b=c"}
    assert entry.attrib.items() >= {**parts, "protocol": "rtsps"}.items()


@pytest.mark.parametrize(
    ("url", "protocol", "address", "port", "path"),
    [
        ("udp://239.1.2.3:5000", "udp", "239.1.2.3", "5000", ""),
        ("rtsp://[2001:db8::7]:8731/gate", "rtsp", "2001:db8::7", "8731", "/gate"),
        ("srt://192.0.2.9:7001", "srt", "192.0.2.9", "7001", ""),
    ],
)
def test_other_outputs(url: str, protocol: str, address: str, port: str, path: str) -> None:
    entry = sent(output_uri=url).find("detail/__video/ConnectionEntry")
    assert entry is not None
    found = tuple(entry.get(name) for name in ("protocol", "address", "port", "path"))
    assert found == (protocol, address, port, path)


def test_nothing_is_announced_against_its_owners_will_or_without_an_address() -> None:
    assert feed({"cot_enabled": "false"}) is None
    assert feed(output_uri="") is None
    assert feed({"cot_enabled": "yes"}) is not None


def test_the_last_word_is_stale_at_once() -> None:
    found = feed(HERE)
    assert found is not None
    event = ET.fromstring(cot.farewell(found, NOW))
    assert event.get("stale") == event.get("time")
    assert (event.get("uid"), event.get("type")) == ("flex-0123-gate", "b-m-p-s-p-loc")


@given(name=st.text(min_size=1, max_size=64))
def test_a_hostile_name_stays_a_name(name: str) -> None:
    hostile = cot.Feed("u", name, "b-i-v", URL)
    event = ET.fromstring(cot.event(hostile, NOW, 5))
    assert [child.tag for child in event.iter()] == [
        *("event", "point", "detail", "contact", "__video", "ConnectionEntry"),
    ]
    shown = event.find("detail/contact").get("callsign")  # type: ignore[union-attr]
    assert shown is not None
    assert len(shown) == len(name)


def test_markup_is_escaped() -> None:
    written = cot.event(cot.Feed("u", '"/><evil a="&', "b-i-v", URL), NOW, 5)
    assert b"<evil" not in written
    assert written.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("cot_lat", "north", "'north' is not a number from -90 to 90"),
        ("cot_lat", "90.1", "from -90 to 90"),
        ("cot_lat", "nan", "not a number"),
        ("cot_lon", "1e1", "not a number"),
        ("cot_lon", "\u0661", "not a number"),
        ("cot_hae", "", "not a number"),
        ("cot_azimuth", "-1", "from 0 to 360"),
        ("cot_enabled", "maybe", "neither true nor false"),
        ("cot_callsign", "", "1 to 64 characters"),
        ("cot_callsign", "a\nb", "no control characters"),
        ("cot_uid", "x" * 129, "1 to 128"),
        ("cot_type", "b m p", "b-m-p-s-p-loc"),
        ("cot_url", "gate", "not an address"),
        ("cot_url", "file:///etc/passwd", "not an address"),
        ("cot_url", "rtsp://[::1/x", "not an address"),
        ("cot_url", "rtsp://host:99999/x", "not an address"),
        ("cot_url", "rtsp://me:secret@host/x", "everybody on the network"),
    ],
)
def test_a_value_that_means_nothing_is_named(key: str, value: str, words: str) -> None:
    found = [fault for fault in faults({**HERE, key: value}) if words in fault.message]
    assert [fault.field for fault in found] == [f"metadata.{key}"]


def test_half_a_position_is_named_and_not_used() -> None:
    [fault] = faults({"cot_lat": "1"})
    assert fault.field == "metadata.cot_lon"
    assert marking({"cot_lat": "1", "cot_callsign": "x"}) == Marking(callsign="x")


def test_what_was_stored_before_somebody_looked_at_it_does_no_harm() -> None:
    assert marking({"cot_lat": "nan", "cot_lon": "3", "cot_uid": "x" * 500, "cot_callsign": "ok"}) == Marking(
        callsign="ok"
    )


def test_other_keys_are_their_owners_alone() -> None:
    assert not list(faults({"site": "\x00", "cot_something_else": "?"}))
    assert not list(faults(None))
    assert set(Marking.__dataclass_fields__) == {key.removeprefix("cot_") for key in KEYS}
