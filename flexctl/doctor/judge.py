"""What the doctor makes of what a box answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from flexctl.doctor.certificate import Certificate
from flexctl.doctor.finding import Finding, Status
from flexctl.out.human import local

if TYPE_CHECKING:
    from flexclient.models import AuthStatus, Health, Version

SOON = timedelta(days=14)
"""How long before its end a certificate is worth a word: a box renews its own thirty days before."""
SKEW, FAR = 5.0, 300.0
"""Seconds between two clocks from which on it is told, and from which on it harms: webhooks are refused then."""
API_VERSION = "1"
PORTS = {"RTSP": 8554, "RTMP": 1935}
"""Where streams are pushed to, unless the box says something else."""

_PACKAGES = {
    "good": "deinterlace rtph264pay rtpjitterbuffer rtpmp2tdepay rtspsrc udpsink udpsrc "
    "videobalance videocrop videoflip",
    "bad": "av1enc av1parse h264parse h265parse mpegtsmux srtsink srtsrc svtav1enc tsdemux x265enc",
    "ugly": "x264enc",
}
"""Set of plug-ins in Debian -> elements in it that a box asks for. The rest is in `base`."""


def clock(header: str | None, now: datetime) -> Iterator[Finding]:
    """The box's clock, by the `Date` of an answer, against ours."""
    try:
        theirs = parsedate_to_datetime(header or "")
    except ValueError:
        yield Finding("clock", "warn", "the box does not say what time it is")
        return
    ahead = (theirs - now).total_seconds()
    if abs(ahead) < SKEW:
        yield Finding("clock", "ok", f"the box's clock and this one differ by less than {SKEW:g} s")
        return
    told = f"the box's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this one"
    harm = "; signatures of webhooks and ends of sessions are not what they say" if abs(ahead) >= FAR else ""
    status: Status = "fail" if harm else "warn"
    yield Finding("clock", status, told + harm, "sudo timedatectl set-ntp true", "box")


def expiry(check: str, found: Certificate, now: datetime, mend: str) -> Finding:
    """Whether a certificate is valid now, and for a while."""
    if now >= found.ends:
        return Finding(check, "fail", f"it ended on {local(found.ends)}", mend, "box")
    if now < found.begins:
        told = f"it begins on {local(found.begins)}: is this machine's clock right?"
        return Finding(check, "fail", told, "sudo timedatectl set-ntp true")
    left = found.ends - now
    told = f"it ends on {local(found.ends)}, in {left.days} day{'' if left.days == 1 else 's'}"
    return Finding(check, "warn" if left < SOON else "ok", told, mend if left < SOON else "", "box")


def names(found: Certificate, host: str, *, pinned: bool) -> Finding:
    """Whether a certificate names the host."""
    listed = ", ".join(found.names[:4]) + (f" and {len(found.names) - 4} more" if len(found.names) > 4 else "")
    if found.is_for(host):
        return Finding("name", "ok", f"the certificate is for {host}")
    told = f"the certificate is for {listed or 'nobody'}, not for {host}"
    if pinned:
        return Finding("name", "ok", f"{told}; it is pinned, which counts more")
    return Finding("name", "fail", told, f"flexserver --tls-name {host}", "box")


def versions(box: Version, ours: str) -> Iterator[Finding]:
    """Whether the two ends understand each other, and the box can encode."""
    told = f"flexctl {ours}, box {box.version}, API {box.api_version or 'unknown'}"
    if box.api_version not in {None, API_VERSION}:
        mend = "pip install --upgrade 'flex-video[cli]'"
        yield Finding("versions", "fail", f"{told}: this flexctl knows API {API_VERSION}", mend)
    elif _line(box.version) != _line(ours):
        yield Finding("versions", "warn", f"{told}: they are not of one release; newer commands may be refused")
    else:
        yield Finding("versions", "ok", told)


def _line(version: str) -> list[str]:
    return version.split(".")[:2]


def gstreamer(version: Version, health: Health) -> Iterator[Finding]:
    """Whether the box has GStreamer, and every element that it needs."""
    rtsp = health.parts.get("rtsp")
    missing = missing_elements((rtsp and rtsp.message) or "")
    if missing:
        told = f"GStreamer {version.gstreamer_version or ''} lacks {', '.join(missing)}".replace("  ", " ")
        yield Finding("gstreamer", "fail", told, f"sudo apt install {' '.join(packages_of(missing))}", "box")
    elif version.gstreamer_version is None:
        packages = "python3-gst-1.0 gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad,ugly}"
        yield Finding("gstreamer", "fail", "the box has no GStreamer", f"sudo apt install {packages}", "box")
    else:
        yield Finding("gstreamer", "ok", f"GStreamer {version.gstreamer_version} has every element that is needed")


def missing_elements(message: str) -> tuple[str, ...]:
    """The elements of `GStreamer has no element x264enc, h264parse`."""
    found = re.search(r"has no element ([\w, -]+)", message)
    return tuple(found[1].replace(",", " ").split()) if found else ()


def packages_of(elements: tuple[str, ...]) -> list[str]:
    """The Debian packages that hold them."""
    found = {next((name for name, has in _PACKAGES.items() if one in has.split()), "base") for one in elements}
    return [f"gstreamer1.0-plugins-{name}" for name in sorted(found)]


_STATUS: dict[str, Status] = {"ok": "ok", "degraded": "warn", "failed": "fail"}
_LOOK = {
    "workers": "flexctl pipeline list",
    "disk": "flexctl framegrab list --sort-by -size_bytes",
    "store": "flexctl health",
    "ingress": "flexctl settings get",
    "announcements": "flexctl settings get",
}


def parts(health: Health) -> Iterator[Finding]:
    """The box's own word on each of its parts."""
    for name, part in health.parts.items():
        if name == "rtsp" and missing_elements(part.message or ""):
            continue  # told of GStreamer already
        status = _STATUS.get(str(part.status), "warn")
        mend = "" if status == "ok" else _LOOK.get(name, "flexctl health")
        yield Finding(
            f"box: {name}", status, part.message or ("it is well" if status == "ok" else "it is not well"), mend
        )
    if not health.parts:
        yield Finding("box", _STATUS.get(str(health.status), "warn"), f"it says that it is {health.status}")


def login(status: AuthStatus, now: datetime, *, let_in: bool) -> Finding:
    """Whether the box is guarded, and whether it lets us in."""
    if not status.auth_enabled:
        told = "there is no password: everybody who reaches the box can change it"
        return Finding("login", "warn", told, "flexctl auth set-password")
    if not let_in:
        return Finding("login", "fail", "the box wants a login, and you have none that is good", "flexctl auth login")
    if status.expires_at is None:
        return Finding("login", "ok", "the box lets you in")
    ends = f"the box lets you in until {local(status.expires_at)}"
    short = status.expires_at - now < timedelta(hours=1)
    return Finding("login", "warn" if short else "ok", ends, "flexctl auth login" if short else "")


def ingest_ports(health: Health) -> dict[str, int]:
    """Protocol -> the port that the box takes streams on, as far as its health tells."""
    part = health.parts.get("ingress")
    return {name: int(port) for name, port in re.findall(r"(RTSP|RTMP) on port (\d+)", (part and part.message) or "")}
