"""A vendor for tests: a pair of keys, and licences signed with the tool that `server/deploy` has."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOOL = Path(__file__).parents[2] / "server" / "deploy" / "license" / "flex_license.py"
CODECS = {"h264": True, "h265": False, "av1": False}
LATER = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Vendor:
    """Signs whatever a test wants signed."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> str:
        """The public key."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, payload: str) -> str:
        """A licence of this payload, exactly."""
        signature = base64.b64encode(self.key.sign(payload.encode(), ec.ECDSA(SHA256()))).decode()
        return encoded({"version": 1, "payload": payload, "signature": signature})

    def licence(
        self, serial: str = "F-1", most: int | None = 2, expires: datetime | None = LATER, **codecs: bool
    ) -> str:
        """A good licence."""
        said = {
            "serial_number": serial,
            "expiration_date": f"{expires:%Y-%m-%dT%H:%M:%SZ}" if expires else None,
            "max_video_streams": most,
            "codecs": {**CODECS, **codecs},
        }
        return self.sign(json.dumps(said))


def encoded(envelope: Any) -> str:
    """Base64 of JSON."""
    return base64.b64encode(json.dumps(envelope).encode()).decode()


def tool(*arguments: str) -> list[str]:
    """The command of the vendor's tool."""
    return [sys.executable, str(TOOL), *arguments]
