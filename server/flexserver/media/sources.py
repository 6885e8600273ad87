"""Where pictures come from: `source` as elements. Pure.

`udp://` takes what it carries from the query: `?format=ts` (MPEG-TS, also without a query), `rtp` or `rtp-h264`
(H.264 in RTP), `rtp-h265`, `rtp-ts` (MPEG-TS in RTP). The address is the one to listen on, or a multicast group.

A camera is `v4l2:///dev/...`, or `file:///dev/videoN` or `file:///dev/v4l/...`. It runs as `source.caps` says, else as
its best capability.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from flexserver.media.elements import ENTRY, SOURCE, Element, Link, Value, caps, chain

if TYPE_CHECKING:
    from flexclient.models import Source

TEST_SIZE = (1280, 720)
TEST_FPS = 30.0
"""The test source's own size and rate."""

PATTERNS = (
    "smpte", "snow", "black", "white", "red", "green", "blue", "checkers-1", "checkers-2", "checkers-4", "checkers-8",
    "circular", "blink", "smpte75", "zone-plate", "gamut", "chroma-zone-plate", "solid-color", "ball", "smpte100",
    "bar", "pinwheel", "spokes", "gradient", "colors", "smpte-rp-219",
)  # fmt: skip
"""What `test://` can show."""

UDP_FORMATS = ("ts", "rtp", "rtp-h264", "rtp-h265", "rtp-ts")
"""What `udp://...?format=` may say."""

VIDEO = ";".join(
    f"video/{kind}"
    for kind in (
        "x-raw", "x-h264", "x-h265", "mpeg,systemstream=(boolean)false", "x-vp8", "x-vp9", "x-av1", "x-theora",
        "x-h263", "x-wmv", "x-msmpeg", "x-divx", "x-xvid", "x-flash-video", "x-prores", "x-dv",
    )
) + ";image/jpeg"  # fmt: skip
"""A track that holds video."""
RTP_VIDEO = "application/x-rtp,media=(string)video"
RAW_VIDEO = "video/x-raw"

_CAMERA = re.compile(r"/dev/(video\d+|v4l/.+)")
_RTP = {"rtp": "H264", "rtp-h264": "H264", "rtp-h265": "H265", "rtp-ts": "MP2T"}
_SOCKET_BUFFER = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pictures:
    """Elements that end in raw pictures, still to be linked to `entry`."""

    kind: str
    elements: tuple[Element, ...]
    links: tuple[Link, ...]


def pictures(source: Source, *, size: tuple[int, int], fps: float, camera_caps: str | None = None) -> Pictures:
    """The source's elements. `size` and `fps` are what the test source makes; all others bring their own.

    `camera_caps`: how a camera runs where the source does not say.
    """
    parts = urlsplit(source.uri)
    if device := camera_of(source.uri):
        return _camera(device, source.caps or camera_caps)
    return _test(parts.netloc, size, fps) if parts.scheme == "test" else _NETWORK_AND_FILES[parts.scheme](source, parts)


def kind_of(source: Source) -> str:
    """`test`, `file`, `camera`, `rtsp` or `udp`."""
    if camera_of(source.uri):
        return "camera"
    return {"rtsps": "rtsp"}.get(scheme := urlsplit(source.uri).scheme, scheme)


def _test(pattern: str, size: tuple[int, int], fps: float) -> Pictures:
    source = _element("videotestsrc", SOURCE, is_live=True, pattern=pattern)
    shape = _element("capsfilter", "made", caps=raw_caps(size, fps))
    return Pictures("test", (source, shape), (*chain(source, shape), Link("made", ENTRY)))


def _file(_: Source, parts: SplitResult) -> Pictures:
    file = _element("filesrc", SOURCE, location=unquote(parts.path))
    tracks = _element("parsebin", "tracks")
    return _decoded("file", file, tracks, links=chain(file, tracks), accept=VIDEO)


def camera_of(uri: str) -> str | None:
    """The path of the camera that an address names; None where it names none."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    path = posixpath.normpath("/" + unquote(parts.path).lstrip("/"))
    is_camera = parts.scheme == "v4l2" or (parts.scheme == "file" and _CAMERA.fullmatch(path))
    return path if is_camera else None


def _camera(device: str, wanted: str | None) -> Pictures:
    """Raw pictures as they come, JPEG by its own decoder, everything else by whichever decoder there is."""
    camera = _element("v4l2src", SOURCE, device=device)
    asked = () if wanted is None else (_element("capsfilter", "asked", caps=wanted),)
    media = "" if wanted is None else wanted.partition(",")[0].strip()
    if media == RAW_VIDEO:
        return Pictures("camera", (camera, *asked), (*chain(camera, *asked), Link("asked", ENTRY)))
    decode = _element("jpegdec", "decode") if media == "image/jpeg" else _decoder()
    found = Link("decode", ENTRY, None if media == "image/jpeg" else RAW_VIDEO)
    return Pictures("camera", (camera, *asked, decode), (*chain(camera, *asked, decode), found))


def _rtsp(source: Source, parts: SplitResult) -> Pictures:
    """UDP first, TCP after two silent seconds. The user name goes into properties, whichever way it was written."""
    user, password = source.user, source.password.get_secret_value() if source.password else None
    if user is None and parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    login: dict[str, Value] = {} if user is None else {"user_id": user, "user_pw": password or ""}
    iface: dict[str, Value] = {"multicast_iface": source.network_interface} if source.network_interface else {}
    camera = _element(
        "rtspsrc", SOURCE, location=bare, latency=source.latency_ms, protocols="tcp+udp-mcast+udp",
        timeout=2_000_000, tcp_timeout=4_000_000, udp_buffer_size=_SOCKET_BUFFER, do_rtsp_keep_alive=True,
        **login, **iface,
    )  # fmt: skip
    return _decoded("rtsp", camera, links=(), accept=RTP_VIDEO)


def _udp(source: Source, parts: SplitResult) -> Pictures:
    form = udp_format(parts.query)
    iface: dict[str, Value] = {"multicast_iface": source.network_interface} if source.network_interface else {}
    encoding = _RTP.get(form)
    packets = (
        caps("application/x-rtp", media="video", clock_rate=90_000, encoding_name=encoding)
        if encoding
        else caps("video/mpegts", systemstream="(boolean)true", packetsize=188)
    )
    socket = _element(
        "udpsrc", SOURCE, address=_listen_address(parts), port=parts.port or 0, caps=packets,
        buffer_size=_SOCKET_BUFFER, **iface,
    )  # fmt: skip
    chained = [socket]
    if encoding:
        chained.append(_element("rtpjitterbuffer", "jitter", latency=source.latency_ms))
    if encoding == "MP2T":
        chained.append(_element("rtpmp2tdepay", "unpack"))
    if encoding in (None, "MP2T"):
        chained.append(_element("tsdemux", "tracks", latency=source.latency_ms))
        return _decoded("udp", *chained, links=chain(*chained), accept=VIDEO)
    decode = _decoder()
    return Pictures("udp", (*chained, decode), (*chain(*chained, decode), Link(decode.name, ENTRY, RAW_VIDEO)))


_NETWORK_AND_FILES: dict[str, Callable[[Source, SplitResult], Pictures]] = {
    "file": _file,
    "rtsp": _rtsp,
    "rtsps": _rtsp,
    "udp": _udp,
}
SCHEMES = ("test", *_NETWORK_AND_FILES, "v4l2")
"""The schemes that this version reads."""


def _decoded(kind: str, *elements: Element, links: tuple[Link, ...], accept: str) -> Pictures:
    """The last element's video pad, decoded."""
    decode = _decoder()
    found = (Link(elements[-1].name, decode.name, accept), Link(decode.name, ENTRY, RAW_VIDEO))
    return Pictures(kind, (*elements, decode), (*links, *found))


def _decoder() -> Element:
    """Software only: a picture in a GPU's memory is of no use to the elements that follow."""
    return _element("decodebin", "decode", force_sw_decoders=True)


def _listen_address(parts: SplitResult) -> str:
    """`udp://:5004` and `udp://@:5004` listen everywhere."""
    host = parts.hostname or ""
    return host if host and host != "localhost" else ("127.0.0.1" if host else "0.0.0.0")  # noqa: S104  what the user asked for


def udp_format(query: str) -> str:
    """What a `udp://` source carries."""
    return parse_qs(query).get("format", ["ts"])[-1]


def is_multicast(host: str) -> bool:
    """Whether the host is a multicast group's address."""
    try:
        return ipaddress.ip_address(host).is_multicast
    except ValueError:
        return False


def raw_caps(size: tuple[int, int], fps: float) -> str:
    """Raw pictures of this size and rate."""
    return caps("video/x-raw", format="I420", width=size[0], height=size[1], framerate=fraction(fps))


def fraction(fps: float) -> str:
    """A rate in GStreamer's writing: 29.97 is 30000/1001, and what is no broadcast rate keeps three decimals."""
    nearest = round(fps)
    if nearest and abs(fps - nearest * 1000 / 1001) < 0.005:
        return f"{nearest * 1000}/1001"
    return f"{nearest}/1" if fps == nearest else f"{round(fps * 1000)}/1000"


def _element(factory: str, name: str, **properties: Value) -> Element:
    return Element(factory, name, tuple((key.replace("_", "-"), value) for key, value in properties.items()), SOURCE)
