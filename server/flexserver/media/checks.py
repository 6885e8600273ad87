"""What this version of the box does not do, and addresses that make no sense: faults by field. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from flexclient.models import FieldError, Mode
from flexserver.media import outputs, overlay, sources
from flexserver.media.formats import FORMATS

if TYPE_CHECKING:
    from flexclient.models import Output, PipelineSpec, Source

_MOUNT = re.compile(r"(?=.{1,128}$)[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_HOST = re.compile(r"[A-Za-z0-9_.:-]{1,253}")
_CAPS = re.compile(
    r"(video/x-raw|image/jpeg|video/x-(h264|h265|vp8|vp9))(\s*,\s*[a-z][a-z-]*\s*=\s*(\([a-z]+\))?[A-Za-z0-9_./:+-]+)*"
)
"""GStreamer caps of one structure, without ranges, lists and memory features."""
_MIN_SIZE = 16
"""Pixels: one block of the codec."""
_NO_PICTURES = "an advanced pipeline takes no framegrabs: its pictures are encoded when they leave its launch line"
_NOT_YET = ("inputs", "audio", "outputs")


def unsupported(spec: PipelineSpec, *, advanced: bool) -> list[FieldError]:
    """Fields of the contract that this version refuses. `advanced`: whether the box was started with it allowed."""
    return list(_unsupported(spec, advanced))


def check_source(source: Source, field: str = "source") -> list[FieldError]:
    """Faults of the source's address. Whether a file exists, and where it lies, is for who may look."""
    return list(_source_faults(source, field))


def check_output(output: Output, rtsp_port: int, field: str = "output") -> list[FieldError]:
    """Faults of the output's address. `rtsp_port` is the box's own."""
    return list(_output_faults(output, rtsp_port, f"{field}.uri"))


def check_shape(spec: PipelineSpec) -> list[FieldError]:
    """What cannot be made: simple without a source, advanced without a line, a crop that leaves nothing, odd sizes."""
    return [*_shape_faults(spec), *_size_faults(spec)]


def _not_yet(field: str, what: str | None = None) -> FieldError:
    return FieldError(field=field, message=f"{what or field} is not supported by this version of the box")


def _unsupported(spec: PipelineSpec, advanced: bool) -> Iterator[FieldError]:
    if spec.mode == Mode.MULTIVIEW:
        yield _not_yet("mode", "mode multiview")
    if spec.mode == Mode.ADVANCED and not advanced:
        yield FieldError(field="mode", message="mode advanced needs a box that was started with --allow-advanced")
    yield from (_not_yet(name) for name in _NOT_YET if getattr(spec, name) is not None)
    if spec.encoding and spec.encoding.codec not in FORMATS:
        yield _not_yet("encoding.codec", f"codec {spec.encoding.codec}")
    if spec.source:
        yield from _unsupported_source(spec.source)


def _unsupported_source(source: Source) -> Iterator[FieldError]:
    parts = _split(source.uri)
    if parts and parts.scheme == "srt":
        yield _not_yet("source.uri", "an srt:// source")


def _source_faults(source: Source, field: str) -> Iterator[FieldError]:
    parts = _split(source.uri)
    if parts is None or parts.scheme not in sources.SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in sources.SCHEMES)
        none = _port_fault(source.uri) or f"a source's address begins with one of {known}"
        yield FieldError(field=f"{field}.uri", message=none)
        return
    if message := _ADDRESS_RULES[parts.scheme](parts):
        yield FieldError(field=f"{field}.uri", message=message)
    if source.loop and sources.kind_of(source) != "file":
        yield FieldError(field=f"{field}.loop", message="only a file begins again at its end")
    if source.caps is not None and (message := _caps_fault(source)):
        yield FieldError(field=f"{field}.caps", message=message)
    if source.password is not None and source.user is None:
        yield FieldError(field=f"{field}.user", message="a password needs a user")


def _test_fault(parts: SplitResult) -> str | None:
    if parts.netloc in sources.PATTERNS and not parts.path and not parts.query:
        return None
    return f"'{parts.netloc}' is no test pattern; there are {', '.join(sources.PATTERNS)}"


def _caps_fault(source: Source) -> str | None:
    """Whether caps can be caps; whether the camera can do them, only the camera knows."""
    if sources.kind_of(source) != "camera":
        return "only a camera is asked for caps"
    if _CAPS.fullmatch(source.caps or ""):
        return None
    return "one form of pictures, such as video/x-raw,format=YUY2,width=1280,height=720,framerate=30/1"


def _camera_fault(parts: SplitResult) -> str | None:
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or "%00" in parts.path:
        return "a camera is v4l2:///dev/videoN, or a link to it below /dev, nothing more"
    path = sources.camera_of(parts.geturl()) or ""
    return None if path.startswith("/dev/") else "a camera is v4l2:///dev/videoN, or a link to it below /dev"


def _file_fault(parts: SplitResult) -> str | None:
    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/") or parts.path.endswith("/"):
        return "a file is file:///absolute/path"
    if "\x00" in parts.path or "%00" in parts.path:
        return "a file's name has no NUL character"
    return "a file's address has no query: write ? as %3F and # as %23" if parts.query or parts.fragment else None


def _rtsp_fault(parts: SplitResult) -> str | None:
    return None if parts.hostname and _HOST.fullmatch(parts.hostname) else "the address names no host"


def _udp_fault(parts: SplitResult) -> str | None:
    host = parts.hostname or ""
    if not parts.port:
        return "a udp:// source is udp://address:port"
    if host and not _HOST.fullmatch(host):
        return "the address names no host"
    query = parse_qsl(parts.query, keep_blank_values=True)
    if any(name != "format" or value not in sources.UDP_FORMATS for name, value in query):
        return f"after the ? only format= is known, one of {', '.join(sources.UDP_FORMATS)}"
    return None


_ADDRESS_RULES = {
    "test": _test_fault,
    "file": _file_fault,
    "rtsp": _rtsp_fault,
    "rtsps": _rtsp_fault,
    "udp": _udp_fault,
    "v4l2": _camera_fault,
}


def _output_faults(output: Output, rtsp_port: int, field: str) -> Iterator[FieldError]:
    parts = _split(output.uri)
    if parts is None or parts.scheme not in outputs.SCHEMES:
        message = _port_fault(output.uri) or "an output is rtsp://0.0.0.0:8731/<name> or udp://host:port"
        yield FieldError(field=field, message=message)
    elif parts.scheme == "udp":
        if not parts.hostname or not _HOST.fullmatch(parts.hostname) or not parts.port:
            yield FieldError(field=field, message="a udp:// output is udp://host:port")
        elif parts.path or parts.query:
            yield FieldError(field=field, message="a udp:// output has nothing after the port")
    else:
        yield from _mount_faults(parts, rtsp_port, field)


def _mount_faults(parts: SplitResult, rtsp_port: int, field: str) -> Iterator[FieldError]:
    if parts.port not in {None, rtsp_port, outputs.DEFAULT_RTSP_PORT}:
        yield FieldError(field=field, message=f"the box serves RTSP on port {rtsp_port}, not on {parts.port}")
    if parts.username is not None or parts.query or parts.fragment:
        yield FieldError(field=field, message="an rtsp:// output is rtsp://0.0.0.0:8731/<name>, nothing more")
    elif not _MOUNT.fullmatch(parts.path.strip("/")):
        message = "a mount's name is 1 to 128 letters, digits, '-', '_', with '/' between them"
        yield FieldError(field=field, message=message)


def _shape_faults(spec: PipelineSpec) -> Iterator[FieldError]:
    if spec.mode == Mode.ADVANCED:
        if not spec.raw_pipeline:
            yield FieldError(field="raw_pipeline", message="an advanced pipeline needs its launch line")
        for name in ("source", "transform", "crop", "overlay"):
            if getattr(spec, name) is not None:
                yield FieldError(field=name, message=f"an advanced pipeline has no {name}: it is in its launch line")
        if spec.framegrab is not None:
            yield FieldError(field="framegrab", message=_NO_PICTURES)
        return
    if spec.source is None:
        yield FieldError(field="source", message="a simple pipeline needs a source")
    if spec.raw_pipeline is not None:
        yield FieldError(field="raw_pipeline", message="only an advanced pipeline has a launch line")
    if spec.overlay and (message := overlay.time_fault(spec.overlay)):
        yield FieldError(field="overlay.timestamp", message=message)
    if spec.source and spec.crop and spec.source.uri.startswith("test://"):
        yield from _crop_faults(spec)


def _size_faults(spec: PipelineSpec) -> Iterator[FieldError]:
    """A size that the encoder would silently make another one. 0 keeps the source's."""
    for name in ("width", "height") if spec.encoding else ():
        pixels: int = getattr(spec.encoding, name)
        if 0 < pixels < _MIN_SIZE:
            yield FieldError(
                field=f"encoding.{name}", message=f"must be at least {_MIN_SIZE}, or 0: as the source has it"
            )
        elif pixels % 2:
            yield FieldError(field=f"encoding.{name}", message="must be even: H.264 stores colour for 2x2 pixels")


def _crop_faults(spec: PipelineSpec) -> Iterator[FieldError]:
    """The one source whose size is known beforehand."""
    crop = spec.crop
    if crop is None:
        return
    width, height = sources.TEST_SIZE
    if crop.left + crop.right >= width or crop.top + crop.bottom >= height:
        yield FieldError(field="crop", message=f"the crop leaves nothing of the test picture, {width}x{height}")


def _port_fault(uri: str) -> str | None:
    """Whether the port is what keeps an address from being one. It is not repeated: it may be half a password."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    try:
        _ = parts.port
    except ValueError:
        return "the port is not a number from 1 to 65535"
    return None


def _split(uri: str) -> SplitResult | None:
    """The address in parts, or None where it is none."""
    if any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in uri):
        return None
    try:
        parts = urlsplit(uri)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts
