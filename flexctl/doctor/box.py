"""The doctor's looks at a box, from the outside in: its name, its port, its certificate, its answers."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flexctl.doctor import judge, net
from flexctl.doctor.certificate import read
from flexctl.doctor.examine import Look, examine
from flexctl.doctor.finding import Finding

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient._tls import Trust
    from flexclient.errors import TlsError
    from flexctl.contexts import Box
    from flexctl.errors import Problem

RTSP_PORT = 8731
_REST = "clock, versions, login, GStreamer, ports, disk"
_NEEDED = {"address", "connection", "certificate"}
"""What has to be well before anything is sent. A pinned certificate that has ended is trusted all the same."""
_RENEW = "sudo systemctl restart flexserver"
"""A box renews its certificate when it starts, and each day."""


@dataclass(frozen=True, slots=True)
class Patient:
    """The box, and how to ask it."""

    box: Box
    client: Callable[[], FlexClient]
    """Made once the box is trusted: nothing is sent before."""
    explain: Callable[[Exception], Problem | None]
    clock: Callable[[], datetime]
    version: str
    """Flexctl's own."""
    seconds: float
    """Longest wait for one answer."""

    @property
    def host(self) -> str:
        """Its host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The API's port."""
        parts = urlsplit(self.url)
        return parts.port or (80 if parts.scheme == "http" else 443)

    @property
    def url(self) -> str:
        """Its address; without a scheme it is https, as for every command."""
        return self.box.url if "://" in self.box.url else f"https://{self.box.url}"


def looks(patient: Patient) -> Iterator[Finding]:
    """Everything about the box. Where one step fails, those that need it are not taken."""
    for step in (_found, _answers, _trusted):
        for finding in step(patient):
            yield finding
            if finding.status == "fail" and finding.check in _NEEDED:
                yield Finding("box", "skip", f"not looked at because of that: {_REST}")
                return
    asked: dict[str, Callable[[FlexClient, Patient], Iterator[Finding]]] = {
        "versions": _versions,
        "login": _login,
        "box": _health,
        "ports": _ports,
    }
    client = patient.client().with_options(timeout=patient.seconds, deadline=patient.seconds, retries=0)
    yield from examine(
        [Look(name, partial(_told, name, act, client, patient)) for name, act in asked.items()], 3 * patient.seconds
    )


def _told(
    name: str, act: Callable[[FlexClient, Patient], Iterator[Finding]], client: FlexClient, patient: Patient
) -> Iterator[Finding]:
    """What an answer says, or what it means that there is none."""
    try:
        yield from act(client, patient)
    except Exception as error:
        problem = patient.explain(error)
        if problem is None:
            raise
        yield Finding(name, "fail", problem.sentence)


def _found(patient: Patient) -> Iterator[Finding]:
    try:
        found = net.addresses(patient.host, patient.port)
    except OSError as error:
        told = f"nobody knows an address of {patient.host}: {(error.strerror or str(error)).lower()}"
        yield Finding("address", "fail", told, "flexctl discover")
        return
    known = patient.host in found
    yield Finding("address", "ok", patient.host if known else f"{patient.host} is {', '.join(found[:4])}")


def _answers(patient: Patient) -> Iterator[Finding]:
    where = f"{patient.host}:{patient.port}"
    try:
        took = net.reach(patient.host, patient.port, patient.seconds)
    except OSError as error:
        told = f"{where}: {net.reason(error, patient.seconds)}"
        if isinstance(error, ConnectionRefusedError):
            yield Finding("connection", "fail", f"{told}; is the box on?", "sudo systemctl start flexserver", "box")
        else:
            yield Finding("connection", "fail", f"{told}; is the box on?", f"ping -c 3 {patient.host}")
    else:
        yield Finding("connection", "ok", f"{where} answers in {took:.0f} ms")


def _trusted(patient: Patient) -> Iterator[Finding]:
    from flexclient._tls import Trust, normal_fingerprint, tls_error

    if patient.url.startswith("http://"):
        yield _unencrypted(patient)
        return
    box = patient.box
    pin = normal_fingerprint(box.fingerprint) if box.fingerprint else None
    trust = Trust(pin, box.ca_file, box.insecure)
    try:
        der = net.handshake(patient.host, patient.port, trust, patient.seconds)
    except ssl.SSLError as error:
        problem = tls_error(error, trust, patient.url)
        seen = problem.fingerprint if problem else None
        yield Finding("certificate", "fail", _distrust(error, problem, pinned=bool(pin)), _pin(patient, seen))
        return
    except OSError as error:
        yield Finding("certificate", "fail", f"the handshake failed: {net.reason(error, patient.seconds)}")
        return
    yield from _certificate(patient, trust, der)


def _distrust(error: ssl.SSLError, problem: TlsError | None, *, pinned: bool) -> str:
    """Why there is no trust, without the fingerprint: the command below has it, whole."""
    if problem is None or problem.fingerprint is None:
        return problem.message if problem else str(error)
    if pinned:
        return (
            "it is ANOTHER one than the pinned one: either the box was installed anew, or somebody else answers. "
            "Compare its fingerprint with what the box prints when it starts before you trust it"
        )
    why = getattr(error, "verify_message", None) or "nobody vouches for it"
    return (
        f"it is not trusted yet: {why}. Compare its fingerprint with what the box prints when it starts, then trust it"
    )


def _certificate(patient: Patient, trust: Trust, der: bytes) -> Iterator[Finding]:
    from hashlib import sha256

    from flexclient._tls import pretty_fingerprint

    found = read(der)
    fingerprint = pretty_fingerprint(sha256(der).hexdigest().upper())
    if trust.blind:
        yield Finding(
            "certificate", "warn", "it is NOT checked: anybody may stand in between", _pin(patient, fingerprint)
        )
    else:
        how = (
            "pinned"
            if trust.fingerprint
            else f"signed by {trust.ca_file}"
            if trust.ca_file
            else "trusted by this system"
        )
        yield Finding("certificate", "ok", f"it is {how}")
    if trust.fingerprint or trust.blind:  # otherwise the handshake has looked at it
        yield judge.names(found, patient.host, pinned=True)
    yield judge.expiry("expiry", found, patient.clock(), _RENEW)


def _pin(patient: Patient, seen: str | None) -> str:
    """The command that trusts what was seen."""
    if patient.box.context:
        return f"flexctl context trust {patient.box.context}"
    return f"export FLEX_FINGERPRINT={seen}" if seen else "flexctl discover"


def _unencrypted(patient: Patient) -> Finding:
    try:
        near = ip_address(patient.host).is_loopback
    except ValueError:
        near = patient.host == "localhost"
    if near:
        return Finding("certificate", "ok", "there is none: http, and it does not leave this machine")
    told = "there is none: http, so everybody in between reads and changes what is sent"
    return Finding("certificate", "warn", told, f"export FLEX_URL=https://{patient.host}:3539")


def _versions(client: FlexClient, patient: Patient) -> Iterator[Finding]:
    reply = client.system.version.raw()
    yield from judge.clock(reply.headers.get("date"), patient.clock())
    yield from judge.versions(reply.data, patient.version)


def _health(client: FlexClient, patient: Patient) -> Iterator[Finding]:  # noqa: ARG001  all are called alike
    health = client.system.health()
    yield from judge.gstreamer(client.system.version(), health)
    yield from judge.parts(health)


def _login(client: FlexClient, patient: Patient) -> Iterator[Finding]:
    status = client.auth.status()
    let_in = not status.auth_enabled or status.expires_at is not None or _let_in(client)
    yield judge.login(status, patient.clock(), let_in=let_in)


def _let_in(client: FlexClient) -> bool:
    from flexclient.errors import Unauthorized

    try:
        client.pipelines.list()
    except Unauthorized:
        return False
    return True


def _ports(client: FlexClient, patient: Patient) -> Iterator[Finding]:
    """Whether the ports that are open on the box can be reached from here."""
    from flexclient.errors import ApiError, Unauthorized

    try:
        port = _rtsp_port(client)
        settings = client.settings.get()
    except Unauthorized:  # nobody knows its port, and a guess would open one in vain
        yield Finding("rtsp output", "skip", "not looked at: it needs a login")
        return
    except ApiError:  # it has no such thing
        port, settings = None, None
    yield _rtsp("rtsp output", patient, port or RTSP_PORT, sure=port is not None)
    if settings is None or not (settings.ingress_rtsp_enabled or settings.ingress_rtmp_enabled):
        return
    ports = {**judge.PORTS, **judge.ingest_ports(client.system.health())}
    if settings.ingress_rtsp_enabled:
        yield _rtsp("rtsp ingest", patient, ports["RTSP"], sure=True)
    if settings.ingress_rtmp_enabled:
        yield _open("rtmp ingest", patient, ports["RTMP"])


def _rtsp_port(client: FlexClient) -> int | None:
    """The port of the box's RTSP output, which a pipeline's address tells; None where there is no pipeline on it."""
    for pipeline in client.pipelines.list():
        if pipeline.output is None or pipeline.output.uri.startswith("rtsp://0.0.0.0"):
            return urlsplit(client.pipelines.status(pipeline.id).output_uri or "").port
    return None


def _rtsp(check: str, patient: Patient, port: int, *, sure: bool) -> Finding:
    where = f"rtsp://{patient.host}:{port}"
    try:
        spoken = net.speaks_rtsp(patient.host, port, patient.seconds)
    except OSError as error:
        return _closed(check, where, port, net.reason(error, patient.seconds), sure=sure)
    if spoken:
        return Finding(check, "ok", f"{where} answers")
    return Finding(
        check, "fail", f"{where}: something answers that is not RTSP", f"sudo ss -ltnp sport = :{port}", "box"
    )


def _open(check: str, patient: Patient, port: int) -> Finding:
    where = f"{patient.host}:{port}"
    try:
        net.reach(patient.host, port, patient.seconds)
    except OSError as error:
        return _closed(check, where, port, net.reason(error, patient.seconds), sure=True)
    return Finding(check, "ok", f"{where} answers")


def _closed(check: str, where: str, port: int, why: str, *, sure: bool) -> Finding:
    guess = "" if sure else " (its usual port; no pipeline tells another)"
    return Finding(check, "fail" if sure else "warn", f"{where}{guess}: {why}", f"sudo ufw allow {port}/tcp", "box")
