"""The public key of a certificate, held against what `cryptography` says it is."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from flexctl.pin import curl_pin, public_key, seen_certificate
from tests.cli.harness import flexctl
from tests.cli.test_trust import tls_box


def certificate(kind: str, name: str = "box") -> x509.Certificate:
    makers: dict[str, Any] = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    key = makers[kind]()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, None if kind == "ed25519" else hashes.SHA256())


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_the_key_of_a_certificate(kind: str) -> None:
    made = certificate(kind, "a name that takes two digits of length" + "x" * 20)
    wanted = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key(made.public_bytes(Encoding.DER)) == wanted


def test_what_is_no_certificate() -> None:
    der = certificate("ec").public_bytes(Encoding.DER)
    for part in (b"", b"\x30", b"\x30\x82", der[:40], der[:-1]):
        with pytest.raises(ValueError, match="no certificate"):
            public_key(part)


def test_a_curl_line_pins_the_key_of_the_pinned_box(tmp_path: Path) -> None:
    url, stop = tls_box(tmp_path)
    try:
        told = flexctl("health", url=url).err
        pin = next(line.split()[1] for line in told.splitlines() if line.strip().startswith("--fingerprint"))
        line = flexctl("pipeline", "list", "--curl", "--fingerprint", pin, url=url)
        seen = seen_certificate(url, pin, 5)
        assert seen
        words = shlex.split(line.out)
        assert words[1:4] == ["-k", "--pinnedpubkey", curl_pin(seen)]
        wrong = flexctl("pipeline", "list", "--curl", "--fingerprint", "AB" * 32, url=url)
        assert (wrong.code, wrong.out) == (7, "")
        ran = flexctl("pipeline", "list", "--curl", "--ca-file", "/some where/ca.pem", url=url)
        assert ran.code == 2, "a file that is not there"
        ca = str(tmp_path / "ca.pem")
        assert shlex.split(flexctl("health", "--curl", "--ca-file", ca, url=url).out)[1:3] == ["--cacert", ca]
    finally:
        stop()
    line = flexctl("pipeline", "list", "--curl", "--fingerprint", pin, url=url)
    assert line.out == "curl http://box/flex/pipeline\n"
    assert "add --cacert FILE" in line.err
