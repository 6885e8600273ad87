"""Certificates that boxes show: what a person is asked to trust; and a pinned one's public key for curl, which pins
keys (RFC 7469's hash) where flexctl pins whole certificates.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ssl import SSLContext, SSLSocket

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""

VERSION_TAG = 0xA0
"""A certificate's version stands in front of its serial number, but for those of version 1."""


def curl_pin(certificate: bytes) -> str:
    """The argument of curl's `--pinnedpubkey` for a certificate in DER. Raises ValueError for what is none."""
    return "sha256//" + b64encode(sha256(public_key(certificate)).digest()).decode()


def public_key(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate in DER, tag and length too (RFC 5280, 4.1)."""
    start, _ = _content(certificate, 0)  # Certificate
    start, _ = _content(certificate, start)  # its TBSCertificate
    if certificate[start] == VERSION_TAG:
        start = _content(certificate, start)[1]
    for _ in range(5):  # serial number, signature, issuer, validity, subject
        start = _content(certificate, start)[1]
    return certificate[start : _content(certificate, start)[1]]


def _content(der: bytes, start: int) -> tuple[int, int]:
    """Where the value that begins at `start` has its content, and where it ends."""
    if start + 2 > len(der):
        raise ValueError("this is no certificate: it ends too early")
    length, content = der[start + 1], start + 2
    if length & 0x80:
        digits = length & 0x7F
        length, content = int.from_bytes(der[content : content + digits], "big"), content + digits
    if content + length > len(der):
        raise ValueError("this is no certificate: it ends too early")
    return content, content + length


def seen_certificate(url: str, fingerprint: str, timeout: float) -> bytes | None:
    """The certificate that the box shows, in DER; None where nobody answers.

    Raises TlsError where it is not the pinned one: nothing is told of a key that nobody trusts.
    """
    import ssl

    from flexclient._tls import Trust, context_for, normal_fingerprint, tls_error

    trust = Trust(fingerprint=normal_fingerprint(fingerprint))
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 443)
    try:
        with socket.create_connection(address, timeout) as raw:
            return _handshake(context_for(trust).wrap_socket(raw, server_hostname=parts.hostname))
    except ssl.SSLError as error:
        if refused := tls_error(error, trust, url):
            raise refused from error
        raise
    except OSError:
        return None


def _handshake(tls: SSLSocket) -> bytes | None:
    with tls:
        return tls.getpeercert(True)


@dataclass(frozen=True, slots=True)
class Seen:
    """A certificate that a box has shown: what a person needs to decide whether to trust it."""

    fingerprint: str
    """Its SHA-256, as everyone writes it."""
    named: bool = False
    """Whether it is made out for the name or address that was asked for."""
    names: tuple[str, ...] = ()
    """What it is made out for."""
    ends: datetime | None = None


def look(url: str, timeout: float) -> Seen:
    """What certificate the box shows; nothing is sent but handshakes. Raises OSError where nobody answers, and
    `ssl.SSLError`, one of them, where what answers does not speak TLS.
    """
    import ssl

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443

    def shown(context: SSLContext) -> tuple[bytes, Mapping[str, Any]]:
        raw = socket.create_connection((host, port), timeout)
        with raw, context.wrap_socket(raw, server_hostname=host) as tls:
            return tls.getpeercert(True) or b"", tls.getpeercert() or {}

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    der, _ = shown(context)
    # OpenSSL reads a certificate, and compares its names, when it verifies one: so it is made to trust just this one.
    context.load_verify_locations(cadata=der)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    context.check_hostname, context.verify_mode = True, ssl.CERT_REQUIRED
    fingerprint = ":".join(f"{byte:02X}" for byte in sha256(der).digest())
    for named in (True, False):
        context.check_hostname = named
        try:
            return _seen(fingerprint, shown(context)[1], named=named)
        except ssl.SSLCertVerificationError:
            continue
    return Seen(fingerprint)


def _seen(fingerprint: str, said: Mapping[str, Any], *, named: bool) -> Seen:
    import ssl

    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(said["notAfter"]), UTC)
    return Seen(fingerprint, named, tuple(str(name) for _, name in said.get("subjectAltName", ())), ends)
