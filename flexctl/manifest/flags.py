"""The flags of `pipeline create` and `update`: one table from flag to field of the document. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flexctl.errors import Misuse
from flexctl.options import Setting

if TYPE_CHECKING:
    from flexclient.models import PipelineSpec


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, and the dotted fields that it sets; several fields take the items of a tuple."""

    setting: Setting
    fields: tuple[str, ...]


def size(text: str) -> tuple[int, int]:
    """Width and height of `1280x720`."""
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if not found:
        raise ValueError(f"'{text}' is not a size such as 1280x720")
    return int(found[1]), int(found[2])


def kilobits(text: str) -> int:
    """Kilobits per second of `2000`, `2000k` or `2.5M`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text)
    if not found:
        raise ValueError(f"'{text}' is not a bitrate such as 2000 (kbit/s) or 2.5M")
    return round(float(found[1]) * (1000 if found[2] in "mM" and found[2] else 1))


def edges(text: str) -> tuple[int, int, int, int]:
    """Pixels of the top, right, bottom and left edge."""
    found = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", text)
    if not found:
        raise ValueError(f"'{text}' is not four numbers of pixels: top,right,bottom,left")
    top, right, bottom, left = map(int, found.groups())
    return top, right, bottom, left


def number(text: str) -> int | float:
    """A number, whole where it is."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a number") from None
    return int(value) if value.is_integer() else value


def _flag(fields: str, flag: str, help: str, kind: Any = str, section: str = "Picture", **more: Any) -> Flag:  # noqa: A002
    name = "spec_" + flag.split("/")[0].lstrip("-").replace("-", "_")
    return Flag(Setting(name, (flag,), help, kind, section=section, **more), tuple(fields.split()))


_POSITIONS = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]

FLAGS: tuple[Flag, ...] = (
    _flag("source.uri", "--source", "rtsp://, udp://, file:///path, test://smpte", section="Source", metavar="URI"),
    _flag("source.user", "--source-user", "User name for the source", section="Source", metavar="NAME"),
    _flag("source.latency_ms", "--latency", "Jitter buffer", int, section="Source", metavar="MS"),
    _flag("source.network_interface", "--interface", "Interface for multicast", section="Source", metavar="NAME"),
    _flag("source.loop", "--loop/--no-loop", "Files: begin again at the end", bool, section="Source"),
    _flag("encoding.codec", "--codec", "Video codec", Literal["h264", "h265", "av1"], section="Encoding"),
    _flag("encoding.bitrate", "--bitrate", "2000 is kbit/s, 2.5M", section="Encoding", metavar="RATE", read=kilobits),
    _flag(
        "encoding.width encoding.height",
        "--size",
        "Size of the picture (0x0: the source's)",
        section="Encoding",
        metavar="WxH",
        read=size,
    ),
    _flag("encoding.fps", "--fps", "Pictures a second (0: the source's)", section="Encoding", metavar="N", read=number),
    _flag("encoding.quality", "--quality", "1 fastest .. 10 best", int, section="Encoding", metavar="1-10"),
    _flag("encoding.gop_seconds", "--gop", "Time between key frames", section="Encoding", metavar="SEC", read=number),
    _flag("encoding.hardware", "--hardware", "Hardware encoder", Literal["auto", "never"], section="Encoding"),
    _flag("transform.mirror", "--mirror", "Flip the picture", Literal["none", "horizontal", "vertical"]),
    _flag("transform.rotate", "--rotate", "0, 90, 180, 270", int, metavar="DEGREES"),
    _flag("transform.grayscale", "--grayscale/--no-grayscale", "Take the colour out", bool),
    _flag("crop.top crop.right crop.bottom crop.left", "--crop", "Pixels to cut", metavar="T,R,B,L", read=edges),
    _flag("overlay.text", "--overlay-text", "Text to burn in, drawn literally", metavar="TEXT"),
    _flag("overlay.timestamp", "--timestamp/--no-timestamp", "Burn in the box's clock", bool),
    _flag("overlay.timestamp", "--timestamp-format", "The clock in a form of your own", metavar="STRFTIME"),
    _flag("overlay.position", "--overlay-position", "Where text stands", _POSITIONS, metavar="PLACE"),
    _flag("overlay.font_size", "--font-size", "Of text, at 1080 lines", int, metavar="POINTS"),
    _flag("overlay.color", "--overlay-color", "Of text", metavar="COLOR"),
    _flag("overlay.background", "--overlay-background", "Behind text", metavar="COLOR"),
    _flag(
        "output.uri", "--output-uri", "rtsp://0.0.0.0:8731/NAME, udp://HOST:PORT", section="Output of it", metavar="URI"
    ),
    _flag(
        "on_demand",
        "--on-demand/--no-on-demand",
        "Encode only while somebody watches",
        bool,
        section="Output of it",
    ),
    _flag("metadata", "--metadata", "Your own data", list[str], section="Output of it", metavar="KEY=VALUE"),
    _flag("raw_pipeline", "--raw-pipeline", "Advanced mode", section="Output of it", metavar="LAUNCH"),
)

SETTINGS = tuple(flag.setting for flag in FLAGS)
_OF_FIELD = {field: flag.setting.flags[0].split("/")[0] for flag in FLAGS for field in flag.fields}


def document(given: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a pipeline document that the flags set: a merge patch, or with an id a whole pipeline."""
    body: dict[str, Any] = {}
    for field, value in _set(given):
        part = body
        *parents, last = field.split(".")
        for parent in parents:
            part = part.setdefault(parent, {})
        part[last] = value
    if "raw_pipeline" in body:
        body["mode"] = "advanced"
    return body


def _set(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for flag in FLAGS:
        value = given.get(flag.setting.name)
        if value is None:
            continue
        if flag.fields == ("metadata",):
            value = dict(_pair(text) for text in value)
        yield from zip(flag.fields, value if len(flag.fields) > 1 else (value,), strict=True)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign):
        raise Misuse(f"--metadata: '{text}' is not KEY=VALUE")
    return key, value


def read_spec(body: Mapping[str, Any]) -> PipelineSpec:
    """The document as the box reads it. Raises Misuse that names each faulty flag."""
    from flexclient.models import InvalidDocument, PipelineSpec, check

    try:
        return check(PipelineSpec, json.dumps(body))
    except InvalidDocument as error:
        details = tuple((_OF_FIELD.get(fault.field, fault.field), fault.message) for fault in error.details)
        raise Misuse("this pipeline cannot be; nothing was sent", details=details) from None


def merge(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396) put on a document."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def without(patch: dict[str, Any], field: str) -> dict[str, Any]:
    """The patch that also takes a field out. Raises Misuse for a field that a flag of the same command sets."""
    *parents, last = field.split(".")
    part = patch
    for parent in parents:
        part = part.setdefault(parent, {})
        if not isinstance(part, dict):
            raise Misuse(f"--remove {field}: there is no such field")
    if last in part:
        raise Misuse(f"--remove {field}: an option of this command sets it")
    part[last] = None
    return patch
