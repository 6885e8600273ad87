"""Licences as a vendor signs them (docs/reference/license.md): text in, terms out. Pure but for the key's file.

    base64( {"version": 1, "payload": "<JSON text>", "signature": "<base64 of a DER ECDSA signature>"} )

The signature is ECDSA with P-256 over the SHA-256 of the payload's bytes, exactly as they stand: UTF-8 of the string.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from flexclient.models import InvalidDocument, Model, check
from flexclient.models._rules import Between, Pattern
from flexserver.errors import Refusal, invalid_field
from flexserver.limits import parse_object

VERSION = 1
MAX_TEXT = 16 * 1024
"""Characters of a licence; the largest that says anything has under 1,000."""
MAX_STREAMS = 10_000
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"
_HINT = "Send the licence as the vendor gave it, the whole text. Nothing was changed."


class BadKey(Exception):
    """A vendor's key that is none; the message says why."""


class Codecs(Model):
    """Which codecs may be encoded; each must be said."""

    h264: bool
    h265: bool
    av1: bool


class Payload(Model):
    """What is signed. Every field must be there; null says "without end" and "without limit"."""

    serial_number: Annotated[str, Pattern(r"[ -~]{1,64}", "a serial number is 1 to 64 printable ASCII characters")]
    expiration_date: Annotated[str, Pattern(_TIME, "not a time such as 2027-12-31T23:59:59Z")] | None
    max_video_streams: Annotated[int, Between(1, MAX_STREAMS)] | None
    codecs: Codecs


@dataclass(frozen=True, slots=True)
class Terms:
    """What a licence says."""

    serial_number: str
    expires: datetime | None
    most: int | None
    codecs: frozenset[str]

    def expired(self, now: datetime) -> bool:
        """Whether it has ended."""
        return self.expires is not None and now >= self.expires


def load_key(text: str) -> ec.EllipticCurvePublicKey:
    """The vendor's public key, of PEM text or of a file that holds it. Raises `BadKey`."""
    pem = text if "-----BEGIN" in text else _read(Path(text))
    if "PRIVATE KEY-----" in pem:
        raise BadKey("this is a private key: it stays with the vendor, and the box gets the public one")
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("this is no public key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadKey("this is no key of the curve P-256")
    return key


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError as error:
        raise BadKey(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadKey(f"{path} is no PEM file") from None


def read(text: str, key: ec.EllipticCurvePublicKey) -> Terms:
    """The terms of a licence whose signature is the vendor's. Raises `Refusal` (400) that says what is wrong with it.

    What is not signed by the vendor is not looked at. A licence that has ended is read all the same.
    """
    envelope = _document(_decoded("", "".join(text.split())), "")
    if extra := envelope.keys() - {"version", "payload", "signature"}:
        raise _bad(min(extra)[:64], "there is no such field in a licence")
    version = envelope.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise _bad("version", f"this box reads licences of version {VERSION}, and this one is of another")
    payload = _text(envelope, "payload").encode()
    signature = _decoded("signature", _text(envelope, "signature"))
    try:
        key.verify(signature, payload, ec.ECDSA(SHA256()))
    except InvalidSignature:
        hint = "It is for a box of another vendor, or it was changed. Ask the vendor whose key this box has."
        raise _bad("signature", "the licence is not signed with the key of this box's vendor", hint) from None
    return _terms(payload)


def _text(envelope: dict[str, Any], name: str) -> str:
    if isinstance(value := envelope.get(name), str):
        return value
    raise _bad(name, "a licence has this field, a text" if name in envelope else "the field is missing")


def _decoded(name: str, text: str) -> bytes:
    """Base64, strictly."""
    if not text:
        raise _bad(name, "it is empty" if name else "the licence is empty")
    if len(text) > MAX_TEXT:
        raise _bad(name, f"a licence has at most {MAX_TEXT} characters")
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except UnicodeEncodeError:
        message = "this is no licence: it is not base64"
    except binascii.Error as error:
        cut = "padding" in str(error) or "data characters" in str(error)
        message = "the base64 is not whole: a part was cut off" if cut else "this is no licence: it is not base64"
    raise _bad(name, message)


def _document(data: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_object(data)
    except Refusal as refusal:
        raise _bad(name, f"the licence holds no whole JSON document; was a part cut off? ({refusal.message})") from None


def _terms(payload: bytes) -> Terms:
    """What the vendor signed; a fault here is the vendor's."""
    _document(payload, "payload")
    try:
        said = check(Payload, payload)
        expires = datetime.fromisoformat(said.expiration_date).astimezone(UTC) if said.expiration_date else None
    except InvalidDocument as error:
        fault = error.details[0]
        field = f"payload.{fault.field}" if fault.field else "payload"
        raise _bad(field, fault.message, "The vendor signed a licence that no box can read. Ask for another.") from None
    except (ValueError, OverflowError):
        raise _bad("payload.expiration_date", "there is no such time", "Ask the vendor for another licence.") from None
    codecs = frozenset(name for name in Codecs.model_fields if getattr(said.codecs, name))
    return Terms(said.serial_number, expires, said.max_video_streams, codecs)


def _bad(field: str, message: str, hint: str = _HINT) -> Refusal:
    return invalid_field(field, message, hint)
