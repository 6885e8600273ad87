"""Whether a publisher may come: the key that he has to show, and whether he did. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping


def is_shown(key: str, proof: Mapping[str, str]) -> bool:
    """Whether the proof shows the key: as it is (`key`, RTMP), or by an RTSP Digest (RFC 2617) of any user."""
    if "key" in proof:
        return hmac.compare_digest(proof["key"].encode(), key.encode())
    known = {"username", "realm", "nonce", "uri", "response", "method"}
    if not known <= proof.keys():
        return False
    who = _md5(f"{proof['username']}:{proof['realm']}:{key}")
    what = _md5(f"{proof['method']}:{proof['uri']}")
    return hmac.compare_digest(_md5(f"{who}:{proof['nonce']}:{what}").encode(), proof["response"].encode())


def _md5(text: str) -> str:
    """The protocol's own; what it guards is a nonce's lifetime, not a secret at rest."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
