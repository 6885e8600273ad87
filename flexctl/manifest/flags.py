"""The flags of `pipeline create` and `update`: one table from flag to field of the document. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, get_args

from flexctl.errors import Misuse
from flexctl.options import SECRETS, Setting

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


def source_address(text: str) -> str:
    """The address of a source. Raises Misuse for one that holds a password: the whole machine can read it there."""
    user = re.match(r"[^/?#]*//([^/?#\s@:]*):[^/?#\s]*@", text)
    if user:
        raise Misuse(
            "--source: a password in an address can be read by everyone on this machine, and is logged by many",
            f"leave user and password out of it and add --source-user {user[1] or 'NAME'}; the password is then asked "
            f"for, or comes from --source-password-stdin or {SECRETS['source_password']}",
        )
    return text


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


def _grab(name: str, flag: str, help: str, kind: Any = int, **more: Any) -> Flag:  # noqa: A002
    return _flag(f"framegrab.{name}", f"--framegrab-{flag}", help, kind, section="Framegrabs", **more)


_FRAMEGRAB: tuple[Flag, ...] = (
    _grab("interval_seconds", "interval", "Time between pictures (default: 1)", metavar="SEC", read=number),
    _grab("max_files", "max-files", "How many are kept, the newest (default: 10)", metavar="N"),
    _grab("quality", "quality", "1 smallest .. 100 best (default: 80)", metavar="1-100"),
    _grab("speed", "speed", "0 smallest .. 10 fastest to make (default: 4)", metavar="0-10"),
    _grab("lossless", "lossless/--no-framegrab-lossless", "Lose nothing: large files", bool),
    _grab("motion", "motion/--no-framegrab-motion", "Clips that move instead of stills", bool),
    _grab("motion_duration_seconds", "motion-duration", "Length of a clip (default: 5)", metavar="SEC", read=number),
    _grab(
        "motion_keyframe_interval",
        "motion-keyframes",
        "Pictures from key frame to key frame (default: 30)",
        metavar="N",
    ),
)

FLAGS: tuple[Flag, ...] = (
    _flag(
        "source.uri",
        "--source",
        "rtsp://, udp://, file:///path, test://smpte",
        section="Source",
        metavar="URI",
        read=source_address,
    ),
    _flag(
        "source.user",
        "--source-user",
        "User name for the source; the password is asked for, or FLEX_SOURCE_PASSWORD",
        section="Source",
        metavar="NAME",
    ),
    _flag(
        "source.latency_ms",
        "--latency",
        "Jitter buffer, 0 to 10000 (default: 200)",
        int,
        section="Source",
        metavar="MS",
    ),
    _flag("source.network_interface", "--interface", "Interface for multicast", section="Source", metavar="NAME"),
    _flag("source.loop", "--loop/--no-loop", "Files: begin again at the end", bool, section="Source"),
    _flag(
        "source.caps",
        "--caps",
        "Cameras: the format to ask for; `flexctl camera get` lists them (default: the best)",
        section="Source",
        metavar="CAPS",
    ),
    _flag(
        "encoding.codec",
        "--codec",
        "h264 (default); which others it has is the box's to say",
        Literal["h264", "h265", "av1"],
        section="Encoding",
    ),
    _flag(
        "encoding.bitrate",
        "--bitrate",
        "2000 is kbit/s, 2.5M (default: 750)",
        section="Encoding",
        metavar="RATE",
        read=kilobits,
    ),
    _flag(
        "encoding.width encoding.height",
        "--size",
        "Size of the picture, up to 8192x8192 (0x0: the source's)",
        section="Encoding",
        metavar="WxH",
        read=size,
    ),
    _flag("encoding.fps", "--fps", "Pictures a second (0: the source's)", section="Encoding", metavar="N", read=number),
    _flag(
        "encoding.quality", "--quality", "1 fastest .. 10 best (default: 5)", int, section="Encoding", metavar="1-10"
    ),
    _flag(
        "encoding.gop_seconds",
        "--gop",
        "Time between key frames (default: 2)",
        section="Encoding",
        metavar="SEC",
        read=number,
    ),
    _flag(
        "encoding.hardware",
        "--hardware",
        "auto (default): a hardware encoder where one works; never",
        Literal["auto", "never"],
        section="Encoding",
    ),
    _flag("transform.mirror", "--mirror", "Flip the picture", Literal["none", "horizontal", "vertical"]),
    _flag("transform.rotate", "--rotate", "0, 90, 180, 270", int, metavar="DEGREES"),
    _flag("transform.grayscale", "--grayscale/--no-grayscale", "Take the colour out", bool),
    _flag("crop.top crop.right crop.bottom crop.left", "--crop", "Pixels to cut", metavar="T,R,B,L", read=edges),
    _flag("overlay.text", "--overlay-text", "Text to burn in, drawn literally", metavar="TEXT"),
    _flag("overlay.timestamp", "--timestamp/--no-timestamp", "Burn in the box's clock", bool),
    _flag("overlay.timestamp", "--timestamp-format", "The clock in a form of your own", metavar="STRFTIME"),
    _flag(
        "overlay.position",
        "--overlay-position",
        f"Where text stands: {', '.join(get_args(_POSITIONS))} (default: top-left)",
        _POSITIONS,
        metavar="PLACE",
    ),
    _flag(
        "overlay.font_size",
        "--font-size",
        "Size of text on a picture of 1080 lines, 4 to 400 (default: 24)",
        int,
        metavar="POINTS",
    ),
    _flag(
        "overlay.color",
        "--overlay-color",
        "Colour of text: #RRGGBB, #RRGGBBAA or a name (default: white)",
        metavar="COLOR",
    ),
    _flag(
        "overlay.background",
        "--overlay-background",
        "Colour behind text, as --overlay-color (default: dark)",
        metavar="COLOR",
    ),
    *_FRAMEGRAB,
    _flag(
        "output.uri", "--output-uri", "rtsp://0.0.0.0:8731/NAME, udp://HOST:PORT", section="Output of it", metavar="URI"
    ),
    _flag(
        "on_demand",
        "--on-demand/--no-on-demand",
        "Encode only while somebody watches (default), or always",
        bool,
        section="Output of it",
    ),
    _flag(
        "metadata",
        "--metadata",
        "Your own data; give it once for each key",
        list[str],
        section="Output of it",
        metavar="KEY=VALUE",
    ),
    _flag(
        "raw_pipeline",
        "--raw-pipeline",
        "A launch line of your own, where the box allows it",
        section="Output of it",
        metavar="LAUNCH",
    ),
)

PASSWORD_STDIN = Setting(
    "spec_source_password_stdin",
    ("--source-password-stdin",),
    "Read the source's password from standard input",
    bool,
    section="Source",
)
"""Beside the table: a password is no argument, and no flag sets it."""

SETTINGS = (*(flag.setting for flag in FLAGS[:2]), PASSWORD_STDIN, *(flag.setting for flag in FLAGS[2:]))
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
    """The patch that also takes a field out. Raises Misuse for one that is none, or that a flag sets as well."""
    _check_removable(field)
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


def _check_removable(field: str) -> None:
    """Raises Misuse for a field that no pipeline has, with the one that may have been meant."""
    from flexclient.models import PipelineSpec

    fields = list(_fields(PipelineSpec))
    known = field in fields or field.startswith("metadata.")
    if known and field not in {"id", "source"}:
        return
    if known:
        raise Misuse(f"--remove {field}: no pipeline is without it")
    near = get_close_matches(field, fields, 1, 0.5)
    guess = f". Did you mean '{near[0]}'?" if near else ""
    parts = ", ".join(name for name in fields if "." not in name and name != "id")
    raise Misuse(f"--remove {field}: a pipeline has no such field{guess}", f"its parts are {parts}")


def _fields(model: Any, prefix: str = "") -> Iterator[str]:
    """The dotted names of a model's fields."""
    for name, field in model.model_fields.items():
        yield prefix + name
        for kind in getattr(field.annotation, "__args__", ()):
            if hasattr(kind, "model_fields"):
                yield from _fields(kind, f"{prefix}{name}.")
