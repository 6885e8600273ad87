"""The box's own certificate: made on first start, renewed before it expires, reloaded without a restart."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import logging
import os
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flexserver.files import tighten

LIFETIME = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
CHECK_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Unusable(Exception):
    """The certificate or its key on disk; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate on disk; clients pin the fingerprint or trust the file."""

    cert_file: Path
    key_file: Path
    fingerprint: str
    """SHA-256 of the DER form, `AA:BB:...`."""
    expires: datetime


def local_names() -> set[str]:
    """Host names and addresses by which this box may be reached."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname()}
    try:
        infos = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        infos = []
    names |= {str(info[4][0]).partition("%")[0] for info in infos}
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        names |= _route_address(family, target)
    return {name for name in names if name}


def network_address(host: str) -> str:
    """One address by which others reach a server that listens on the wildcard `host`; loopback where there is none."""
    families = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
    facing = [address for family, target in families for address in sorted(_route_address(family, target))]
    found = [*facing, *sorted(local_names() - set(facing))]
    return next((name for name in found if _reaches_out(name, v6=":" in host)), "127.0.0.1")


def _reaches_out(name: str, *, v6: bool) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local) and (v6 or address.version == 4)


def _route_address(family: socket.AddressFamily, target: str) -> set[str]:
    """The address that faces the network: what the kernel would send from. Nothing is sent."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:
            return set()
        return {str(probe.getsockname()[0])}


def ensure(folder: Path, names: Iterable[str], now: datetime) -> Certificate:
    """The certificate in `folder`; a fresh one where none is there, it is unusable, or it expires soon.

    A fresh one in an old one's place is said loudly: every client has to trust the box anew. Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tighten(folder, 0o700)
    cert_file, key_file = folder / "flex.crt", folder / "flex.key"
    tighten(key_file, 0o600)
    try:
        current = _load(cert_file, key_file)
        why = f"the certificate ends {current.expires:%Y-%m-%d}" if current else None
    except Unusable as error:
        current, why = None, f"{error}, what was there is kept as {_put_aside(cert_file, key_file)}"
    if current and current.expires - now > RENEW_BEFORE:
        return current
    key, certificate = _make(sorted(set(names)), now)
    _write(key_file, key, 0o600)
    _write(cert_file, certificate, 0o644)
    made = _load(cert_file, key_file)
    assert made is not None  # noqa: S101  just written
    if why:
        log.error(
            "THE BOX HAS A NEW CERTIFICATE, every client must trust it anew",
            extra={"fields": {"why": why, "fingerprint": made.fingerprint, "file": str(cert_file)}},
        )
    return made


def _put_aside(*files: Path) -> str:
    """Rename what is there of these; their new names."""
    kept = [file.rename(file.with_name(file.name + ".damaged")) for file in files if file.exists()]
    return " and ".join(map(str, kept))


def _load(cert_file: Path, key_file: Path) -> Certificate | None:
    """The certificate on disk, None before the first start. Raises `Unusable`, or OSError where it cannot be read."""
    if not cert_file.exists():
        return None
    try:
        certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
    except ValueError:
        raise Unusable(f"{cert_file} is not a certificate") from None
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    except FileNotFoundError:
        raise Unusable(f"{key_file} is missing") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unusable(f"{key_file} is not a private key") from None
    if key.public_key() != certificate.public_key():
        raise Unusable(f"{key_file} is not the key of {cert_file}")
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    fingerprint = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    return Certificate(cert_file, key_file, fingerprint, certificate.not_valid_after_utc)


def _make(names: list[str], now: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Flex {socket.gethostname()}"[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file at once, never readable by others before its mode is set."""
    draft = path.with_suffix(path.suffix + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def context(certificate: Certificate) -> ssl.SSLContext:
    """The server's TLS settings with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(certificate.cert_file, certificate.key_file)
    return made


async def keep_fresh(
    current: Certificate,
    renew: Callable[[], Certificate],
    live: ssl.SSLContext,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Look now and then whether the certificate on disk is another or a new one is due; load it, `tell` who it is.

    Connections that are open keep theirs; every new one gets the fresh certificate.
    """
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            fresh = await asyncio.to_thread(renew)
            if fresh != current:
                live.load_cert_chain(fresh.cert_file, fresh.key_file)
                log.warning("new certificate", extra={"fields": {"fingerprint": fresh.fingerprint}})
                current = fresh
                tell(fresh.fingerprint)
        except OSError as error:
            log.error("the certificate cannot be renewed", extra={"fields": {"error": str(error)}})
