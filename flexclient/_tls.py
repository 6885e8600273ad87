"""Whom to trust: a pinned certificate, a CA file, or the system's authorities. Pure but for reading the CA file.

A pin is checked in the handshake of the very connection that then carries the request: before a byte of it is sent, for
names and addresses alike, sync and async. Both `ssl.SSLSocket` and `ssl.SSLObject` do their handshake in one method,
and `SSLContext` lets a program say which classes it makes.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flexclient.errors import TlsError, UsageError

MIN_VERSION = ssl.TLSVersion.TLSv1_2


@dataclass(frozen=True, slots=True)
class Trust:
    """How the box proves who it is. The first of these that is set decides: pin, CA file, insecure, system."""

    fingerprint: str | None = None
    """SHA-256 of the certificate, as 64 hexadecimal digits in upper case."""
    ca_file: str | None = None
    insecure: bool = False

    @property
    def blind(self) -> bool:
        """Whether anybody's certificate is taken."""
        return self.insecure and not self.fingerprint and not self.ca_file

    def curl(self) -> list[str]:
        """The same as arguments for curl. It pins public keys, not certificates, so a fingerprint adds nothing here."""
        if self.ca_file and not self.fingerprint:
            return [f"--cacert {shlex.quote(self.ca_file)}"]
        return ["--insecure"] if self.blind else []


class WrongPin(ssl.SSLCertVerificationError):
    """The certificate is not the pinned one."""


def normal_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint, colons or not, any case, as 64 upper-case digits. Raises `UsageError`."""
    digits = re.sub(r"[:\s]", "", re.sub(r"(?i)^\s*sha-?256(\s+fingerprint)?\s*[:=]?\s*", "", text)).upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        raise UsageError(
            "the fingerprint is not a SHA-256: 64 hexadecimal digits, with or without colons",
            hint="The box prints it when it starts.",
        )
    return digits


def pretty_fingerprint(digits: str) -> str:
    """`AA:BB:...`, as everyone writes it."""
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def context_for(trust: Trust) -> ssl.SSLContext:
    """The TLS settings that hold this trust. Raises `UsageError` for a CA file that cannot be read."""
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = MIN_VERSION
    context.sslsocket_class = _Socket
    context.sslobject_class = _Object
    if trust.fingerprint or trust.blind:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.pin = trust.fingerprint
    elif trust.ca_file:
        _load_ca(context, trust.ca_file)
    else:
        context.load_default_certs()
    return context


def _load_ca(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except (OSError, ssl.SSLError) as error:
        reason = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
        raise UsageError(f"the CA file {path} cannot be used: {reason}") from None
    # A certificate put there by name is trusted itself, even where it is the box's own and no authority's.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


class _Context(ssl.SSLContext):
    pin: str | None = None


class _Checked:
    """A handshake that compares the certificate with the pin, and notes the one that was refused."""

    context: Any
    _sslobj: Any

    def do_handshake(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().do_handshake(*args, **kwargs)  # type: ignore[misc]
        except ssl.SSLCertVerificationError as error:
            error.flex_seen = _refused(self._sslobj)  # type: ignore[attr-defined]
            raise
        pin = getattr(self.context, "pin", None)
        if pin is None:
            return
        der = self.getpeercert(True)  # type: ignore[attr-defined]
        seen = hashlib.sha256(der).hexdigest().upper() if der else None
        if seen != pin:
            wrong = WrongPin("the certificate is not the pinned one")
            wrong.flex_seen = seen  # type: ignore[attr-defined]
            raise wrong


class _Socket(_Checked, ssl.SSLSocket):
    pass


class _Object(_Checked, ssl.SSLObject):
    pass


def _refused(sslobj: Any) -> str | None:
    """The fingerprint of a certificate that failed; Python hands it out before 3.13 by a private door only."""
    try:
        first = sslobj.get_unverified_chain()[0]
        der = first if isinstance(first, bytes) else ssl.PEM_cert_to_DER_cert(first.public_bytes())
    except Exception:
        return None
    return hashlib.sha256(der).hexdigest().upper()


def tls_error(error: BaseException, trust: Trust, url: str) -> TlsError | None:
    """What a failed connection has to say about trust; None where it failed for another reason."""
    cause = next((link for link in causes(error) if isinstance(link, ssl.SSLError)), None)
    if cause is None:
        return None
    seen = getattr(cause, "flex_seen", None)
    shown = pretty_fingerprint(seen) if seen else None
    if isinstance(cause, WrongPin):
        return TlsError(
            f"{url} shows another certificate than the pinned one: {shown}, not "
            f"{pretty_fingerprint(trust.fingerprint or '')}",
            hint="Was the box installed anew? Compare with what it prints at its start; only then trust the new one. "
            "Otherwise somebody else answers at this address.",
            fingerprint=shown,
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsError(
            f"the certificate of {url} is not trusted: {cause.verify_message}"
            + (f". Its SHA-256 fingerprint is {shown}" if shown else ""),
            hint="If the box prints that fingerprint at its start, trust it: fingerprint=..., --fingerprint or "
            "FLEX_FINGERPRINT. Or name its certificate (in certs/ of its data folder) as CA file: ca_file=..., "
            "--ca-file or FLEX_CA_FILE.",
            fingerprint=shown,
        )
    return TlsError(
        f"{url} does not speak TLS as it should: {cause.reason or cause}",
        hint="Is this the API's port (3539 unless it was changed), and https?",
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, the last first; of a group its first."""
    while error is not None:
        yield error
        inner = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else None
        error = inner or error.__cause__ or error.__context__
