"""The `cot_*` keys of a pipeline's metadata: what its owner says about how it is announced. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flexclient.models import FieldError

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{1,12})?")
_TYPE = re.compile(r"[A-Za-z0-9.]{1,16}(-[A-Za-z0-9.]{1,16}){0,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "http", "https")


@dataclass(frozen=True, slots=True)
class Marking:
    """What the metadata says; None where it says nothing."""

    enabled: bool = True
    uid: str | None = None
    callsign: str | None = None
    type: str | None = None
    url: str | None = None
    lat: float | None = None
    lon: float | None = None
    hae: float | None = None
    ce: float | None = None
    azimuth: float | None = None
    fov: float | None = None
    range: float | None = None


def marking(metadata: Mapping[str, str] | None) -> Marking:
    """The announcement that the metadata asks for. A value that is none is as if absent; so is half a position."""
    found = {key.removeprefix("cot_"): value for key, value, fault in _read(metadata) if fault is None}
    if ("lat" in found) != ("lon" in found):
        found = {name: value for name, value in found.items() if name not in {"lat", "lon"}}
    return Marking(**found)


def faults(metadata: Mapping[str, str] | None) -> Iterator[FieldError]:
    """What is wrong with the `cot_*` keys that mean something here. Other keys are their owner's alone."""
    for key, _, fault in _read(metadata):
        if fault is not None:
            yield FieldError(field=f"metadata.{key}", message=fault)
    for key, other in (("cot_lat", "cot_lon"), ("cot_lon", "cot_lat")):
        if metadata and key in metadata and other not in metadata:
            yield FieldError(field=f"metadata.{other}", message=f"a position needs {key} and {other}")


def _read(metadata: Mapping[str, str] | None) -> Iterator[tuple[str, Any, str | None]]:
    """Each known key that is there: its value, or what is wrong with it."""
    for key, read in KEYS.items():
        if metadata and key in metadata:
            try:
                yield key, read(metadata[key].strip()), None
            except ValueError as fault:
                yield key, None, str(fault)


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not low <= float(text) <= high:
            raise ValueError(f"'{text[:40]}' is not a number from {low:g} to {high:g}")
        return float(text)

    return read


def _words(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 1 <= len(text) <= most or _CONTROL.search(text):
            raise ValueError(f"it has 1 to {most} characters, and no control characters")
        return text

    return read


def _switch(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError(f"'{text[:40]}' is neither true nor false")
    return _WORDS[text.lower()]


def _type(text: str) -> str:
    if not _TYPE.fullmatch(text):
        raise ValueError(f"'{text[:40]}' is not a type of Cursor on Target such as b-m-p-s-p-loc")
    return text


def _url(text: str) -> str:
    text = _words(512)(text)
    if not _is_url(text):
        raise ValueError(f"'{text[:80]}' is not an address such as rtsp://relay.example.com:8554/gate")
    if "@" in urlsplit(text).netloc:
        raise ValueError("everybody on the network would read the user and the password in this address")
    return text


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket too many
        return False


KEYS: Mapping[str, Callable[[str], Any]] = {
    "cot_enabled": _switch,
    "cot_uid": _words(128),
    "cot_callsign": _words(64),
    "cot_type": _type,
    "cot_url": _url,
    "cot_lat": _number(-90, 90),
    "cot_lon": _number(-180, 180),
    "cot_hae": _number(-12_000, 100_000),
    "cot_ce": _number(0, 1_000_000),
    "cot_azimuth": _number(0, 360),
    "cot_fov": _number(1, 360),
    "cot_range": _number(1, 1_000_000),
}
"""Key -> what reads its value. docs/reference/announcements.md explains each."""
