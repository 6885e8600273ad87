"""Cursor on Target: a stream as TAK's maps and video players know it. Pure: from values to the bytes of a datagram."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from flexclient.models import Geolocation, PipelineSpec, PipelineStatus
from flexserver.announce.metadata import Marking, marking

CAMERA = "b-m-p-s-p-loc"
"""A sensor on the map, whose menu plays the video."""
FEED = "b-i-v"
"""A video without a place: it appears in the list of videos, and on no map."""
UNKNOWN = 9_999_999.0
"""What CoT says of a height or an error that nobody knows."""
KEPT = 3
"""Intervals that a marker outlives its last event: two lost datagrams are no news."""

_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "http": 80, "https": 443}
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a camera stands, and where it looks; angles in degrees, lengths in metres."""

    lat: float
    lon: float
    hae: float = UNKNOWN
    """Height above the WGS 84 ellipsoid."""
    ce: float = UNKNOWN
    """Radius of a circle that it is in."""
    how: str = "h-e"
    """`h-e`: somebody wrote it down. `m-g`: the camera measures it."""
    azimuth: float | None = None
    fov: float | None = None
    range: float | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A stream that is announced."""

    uid: str
    callsign: str
    type: str
    url: str
    place: Place | None = None


def feed_of(spec: PipelineSpec, status: PipelineStatus, box_id: str) -> Feed | None:
    """How a playing pipeline is announced; None where its owner does not want it, or nobody could watch it."""
    said = marking(spec.metadata)
    url = said.url or status.output_uri
    if not said.enabled or not url:
        return None
    place = _place(said, status.geolocation)
    return Feed(
        uid=said.uid or f"{box_id}-{spec.id}",
        callsign=said.callsign or spec.id,
        type=said.type or (CAMERA if place else FEED),
        url=url,
        place=place,
    )


def _place(said: Marking, measured: Geolocation | None) -> Place | None:
    """What the camera measures goes before what somebody wrote down: it is where the camera is now."""
    view = (said.azimuth, said.fov, said.range)
    if measured and measured.latitude is not None and measured.longitude is not None:
        height = UNKNOWN if measured.altitude_m is None else measured.altitude_m
        return Place(measured.latitude, measured.longitude, height, UNKNOWN, "m-g", *view)
    if said.lat is None or said.lon is None:
        return None
    hae, ce = (UNKNOWN if value is None else value for value in (said.hae, said.ce))
    return Place(said.lat, said.lon, hae, ce, "h-e", *view)


def event(feed: Feed, now: datetime, interval: float) -> bytes:
    """The datagram that says: it plays. `interval` is the time to the next one, seconds."""
    return _event(feed, now, now + timedelta(seconds=KEPT * interval))


def farewell(feed: Feed, now: datetime) -> bytes:
    """The datagram that says: it is over."""
    return _event(feed, now, now)


def _event(feed: Feed, now: datetime, stale: datetime) -> bytes:
    place = feed.place or Place(0.0, 0.0, how="m-p")
    about = {"version": "2.0", "uid": feed.uid, "type": feed.type, "how": place.how}
    root = _element("event", {**about, "time": _time(now), "start": _time(now), "stale": _time(stale)})
    where = {"lat": place.lat, "lon": place.lon, "hae": place.hae, "ce": place.ce, "le": UNKNOWN}
    root.append(_element("point", {name: str(value) for name, value in where.items()}))
    detail = ET.SubElement(root, "detail")
    detail.append(_element("contact", {"callsign": feed.callsign}))
    if feed.place:
        detail.append(_sensor(feed.place))
    video = _element("__video", {"uid": feed.uid, "url": feed.url})
    video.append(_connection(feed))
    detail.append(video)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _sensor(place: Place) -> ET.Element:
    """The cone that the camera sees; hidden where nobody said which way it looks."""
    return _element(
        "sensor",
        {
            "azimuth": _plain(place.azimuth or 0),
            "fov": _plain(place.fov or 45),
            "range": _plain(place.range or 100),
            "hideFov": "true" if place.azimuth is None else "false",
            "displayMagneticReference": "0",
        },
    )


def _connection(feed: Feed) -> ET.Element:
    """The address in the parts that TAK's players want."""
    parts = urlsplit(feed.url)
    return _element(
        "ConnectionEntry",
        {
            "uid": feed.uid,
            "alias": feed.callsign,
            "protocol": parts.scheme,
            "address": parts.hostname or "",
            "port": str(parts.port or _PORTS.get(parts.scheme, -1)),
            "path": parts.path + (f"?{parts.query}" if parts.query else ""),
            "networkTimeout": "12000",
            "bufferTime": "-1",
            "roverPort": "-1",
            "rtspReliable": "1",  # over TCP: nothing else goes through every firewall
            "ignoreEmbeddedKLV": "false",
        },
    )


def _element(tag: str, attributes: Mapping[str, str]) -> ET.Element:
    """An element. Characters that XML cannot hold become visible marks; all others the library escapes."""
    return ET.Element(tag, {name: _NO_XML.sub("\ufffd", value) for name, value in attributes.items()})


def _plain(value: float) -> str:
    return f"{value:g}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
