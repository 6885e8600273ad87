"""The few things a person asks about a certificate: whose, by whom, until when. Pure.

Python reads only certificates that it trusts, and the ones to be looked at are often not trusted yet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

COMMON_NAME = bytes.fromhex("550403")
ALTERNATIVE_NAMES = bytes.fromhex("551d11")
_VERSION, _EXTENSIONS, _OID, _UTC_TIME = 0xA0, 0xA3, 0x06, 0x17
_DNS, _ADDRESS = 0x82, 0x87


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate."""

    names: tuple[str, ...]
    """Host names and addresses that it is for."""
    begins: datetime
    ends: datetime
    own: bool
    """Whether it is signed by itself."""

    def is_for(self, host: str) -> bool:
        """Whether it names the host, as RFC 6125 has it: a star stands for the first label alone."""
        wanted = _plain(host)
        rest = wanted.partition(".")[2]
        return any(name == wanted or (rest and name == f"*.{rest}") for name in map(_plain, self.names))


def _plain(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return name.lower().rstrip(".")


def read(der: bytes) -> Certificate:
    """A certificate of its DER form (RFC 5280, 4.1). Raises ValueError for what is none."""
    try:
        _, certificate = next(_parts(der))
        _, body = next(_parts(certificate))
        fields = list(_parts(body))
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        _serial, _signature, issuer, validity, subject = (content for _, content in fields[:5])
        begins, ends = (_time(tag, content) for tag, content in _parts(validity))
        extensions = next((content for tag, content in fields if tag == _EXTENSIONS), b"")
        names = tuple(_alternatives(extensions)) or tuple(_common(subject))
    except (StopIteration, IndexError, UnicodeDecodeError) as error:
        raise ValueError("this is no certificate") from error
    return Certificate(names, begins, ends, issuer == subject)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value that stands there."""
    at = 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            digits = length & 0x7F
            length, start = int.from_bytes(der[start : start + digits], "big"), start + digits
        if start + length > len(der):
            raise ValueError("this is no certificate: it ends too early")
        yield tag, der[start : start + length]
        at = start + length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits: from 1950 to 2049
        text = f"{'19' if text[:2] >= '50' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternatives(extensions: bytes) -> Iterator[str]:
    for _, listed in _parts(extensions):
        for _, extension in _parts(listed):
            parts = list(_parts(extension))
            if parts[0] == (_OID, ALTERNATIVE_NAMES):
                _, names = next(_parts(parts[-1][1]))
                yield from filter(None, (_name(tag, content) for tag, content in _parts(names)))


def _name(tag: int, content: bytes) -> str | None:
    if tag == _ADDRESS and len(content) in {4, 16}:
        return str(ipaddress.ip_address(content))
    return content.decode("ascii") if tag == _DNS else None


def _common(subject: bytes) -> Iterator[str]:
    for _, group in _parts(subject):
        for _, pair in _parts(group):
            (_, kind), (_, value) = list(_parts(pair))[:2]
            if kind == COMMON_NAME:
                yield value.decode("utf-8")
