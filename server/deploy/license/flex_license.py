#!/usr/bin/env python3
"""Make, read and check licences of Flex Video encoders, offline, on the vendor's side. Needs Python and cryptography.

keygen  make the vendor's pair of keys, once
sign    sign a licence for a customer's boxes
show    read a licence, and check its signature

README.md beside this file says how it is used and what a licence is made of.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from getpass import getpass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

VERSION = 1
CODECS = ("h264", "h265", "av1")
MAX_STREAMS = 10_000
PASSPHRASE = "FLEX_LICENSE_PASSPHRASE"  # noqa: S105  the variable's name
LINE = 76


class Misuse(Exception):
    """One sentence for whoever runs it."""


def payload(serial: str, expires: datetime | None, streams: int | None, codecs: Sequence[str]) -> str:
    """What is signed: JSON text, with every field of it."""
    said = {
        "serial_number": serial,
        "expiration_date": f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if expires else None,
        "max_video_streams": streams,
        "codecs": {codec: codec in codecs for codec in CODECS},
    }
    return json.dumps(said, separators=(",", ":"))


def signed(text: str, key: ec.EllipticCurvePrivateKey) -> str:
    """The licence: what a box takes."""
    signature = base64.b64encode(key.sign(text.encode(), ec.ECDSA(SHA256()))).decode()
    envelope = json.dumps({"version": VERSION, "payload": text, "signature": signature}, separators=(",", ":"))
    whole = base64.b64encode(envelope.encode()).decode()
    return "".join(f"{whole[at : at + LINE]}\n" for at in range(0, len(whole), LINE))


def opened(licence: str) -> tuple[dict[str, Any], str, bytes]:
    """What a licence says, its payload as it was signed, and the signature. Raises `Misuse`."""
    try:
        envelope = json.loads(base64.b64decode("".join(licence.split()), validate=True))
        text, signature = envelope["payload"], base64.b64decode(envelope["signature"], validate=True)
        said = json.loads(text)
        known = envelope["version"] == VERSION and isinstance(said, dict)
    except (ValueError, KeyError, TypeError):
        raise Misuse("this is no licence, or not the whole of one") from None
    if not known:
        raise Misuse(f"this is no licence of version {VERSION}")
    return said, text, signature


def read_time(text: str) -> datetime:
    """A day, which counts whole, or a moment with its offset. Raises ValueError."""
    if len(text) == len("2027-12-31"):
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


# The commands


def keygen(given: argparse.Namespace) -> None:
    """Make a private key, 0600, and the public one that boxes get. Never over a file that is there."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret = given.passphrase and (os.environ.get(PASSPHRASE) or _new_passphrase())
    locked: KeySerializationEncryption = BestAvailableEncryption(secret.encode()) if secret else NoEncryption()
    public = given.public or given.private.with_suffix(".pub.pem")
    for path in (given.private, public):
        if path.exists():
            raise Misuse(f"{path} is there already, and a key is never overwritten: name another file")
    _write_new(given.private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked), 0o600)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _write_new(public, pem, 0o644)
    _say(f"{given.private}: the private key. Keep it, and keep it to yourself: who has it can sign licences.")
    _say(f"{public}: the public key, for the boxes: flexserver --license-public-key {public}")


def sign(given: argparse.Namespace) -> None:
    """Sign a licence and write it to standard output."""
    if not (0 < len(given.serial) <= 64 and given.serial.isascii() and given.serial.isprintable()):
        raise Misuse("--serial: a serial number is 1 to 64 printable ASCII characters")
    expires = None if given.expires == "never" else given.expires
    if expires and expires <= datetime.now(UTC):
        raise Misuse(f"--expires: {expires:%Y-%m-%d %H:%M:%S %Z} is over")
    streams = None if given.streams == "unlimited" else given.streams
    sys.stdout.write(signed(payload(given.serial, expires, streams, given.codec), _private(given.key)))


def show(given: argparse.Namespace) -> None:
    """Write what a licence says as JSON. With a key, a signature that is not its own is exit 1."""
    text = sys.stdin.read() if str(given.file) == "-" else _text(given.file)
    said, signed_text, signature = opened(text)
    sys.stdout.write(json.dumps(said, indent=2) + "\n")
    if given.key is None:
        _say("The signature was not checked: give the public key with --key.")
        return
    try:
        _public(given.key).verify(signature, signed_text.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise Misuse("the signature is NOT of this key") from None
    _say("The signature is of this key.")


# Files and keys


def _write_new(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except UnicodeDecodeError:
        raise Misuse(f"{path} is not text") from None


def _private(path: Path) -> ec.EllipticCurvePrivateKey:
    data = _text(path).encode()
    secret = None
    if b"ENCRYPTED" in data:
        secret = (os.environ.get(PASSPHRASE) or getpass(f"Passphrase of {path}: ")).encode()
    try:
        key = load_pem_private_key(data, secret)
    except (ValueError, TypeError):
        raise Misuse(f"{path}: no private key in PEM form, or the passphrase is wrong") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misuse(f"{path}: no key of the curve P-256; make one with keygen")
    return key


def _public(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(_text(path).encode())
    except ValueError:
        raise Misuse(f"{path}: no public key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Misuse(f"{path}: no key of an elliptic curve")
    return key


def _new_passphrase() -> str:
    secret = getpass("New passphrase: ")
    if not secret or secret != getpass("Again: "):
        raise Misuse("the passphrase is empty, or not twice the same")
    return secret


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


# The command line


def _time(text: str) -> datetime | str:
    try:
        return text if text == "never" else read_time(text)
    except ValueError:
        message = f"'{text}' is no day such as 2027-12-31, no time such as 2027-12-31T12:00:00Z, and not 'never'"
        raise argparse.ArgumentTypeError(message) from None


def _streams(text: str) -> int | str:
    if text == "unlimited":
        return text
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_STREAMS:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {MAX_STREAMS}, and not 'unlimited'")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="flex_license.py", description=(__doc__ or "").partition("\n")[0])
    verbs = top.add_subparsers(required=True, metavar="COMMAND")

    one = verbs.add_parser("keygen", help="make the vendor's pair of keys, once")
    one.add_argument("private", type=Path, metavar="PRIVATE", help="where the private key goes (PEM)")
    one.add_argument("public", type=Path, nargs="?", metavar="PUBLIC", help="where the public one goes")
    one.add_argument("--passphrase", action="store_true", help=f"lock the private key; asked for, or of ${PASSPHRASE}")
    one.set_defaults(run=keygen)

    one = verbs.add_parser("sign", help="sign a licence, to standard output")
    one.add_argument("--key", type=Path, required=True, metavar="PRIVATE", help="the private key (PEM)")
    one.add_argument("--serial", required=True, metavar="TEXT", help="the licence's serial number")
    one.add_argument("--expires", required=True, type=_time, metavar="DAY", help="last day (UTC), a time, or 'never'")
    one.add_argument("--streams", required=True, type=_streams, metavar="N", help="playing at once, or 'unlimited'")
    one.add_argument("--codec", required=True, action="append", choices=CODECS, help="again for more")
    one.set_defaults(run=sign)

    one = verbs.add_parser("show", help="read a licence, and check its signature")
    one.add_argument("file", type=Path, metavar="FILE", help="the licence; - is standard input")
    one.add_argument("--key", type=Path, metavar="PUBLIC", help="the public key (PEM) to check it with")
    one.set_defaults(run=show)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point: 0 done, 1 what went wrong is on stderr, 2 the command line is wrong."""
    given = parser().parse_args(argv)
    try:
        given.run(given)
    except (Misuse, OSError) as error:
        text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        _say(f"flex_license.py: {text}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
