"""RTSP 1.0 as values: requests and interleaved packets out of bytes, answers into bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

MAX_HEAD = 16 * 1024
MAX_BODY = 64 * 1024
_TRANSPORT = re.compile(r"(interleaved|client_port)=(\d{1,5})(?:-(\d{1,5}))?", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Z_]{1,32}")


class BadRequest(ValueError):
    """Bytes that are no RTSP: the connection ends."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in small letters."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path that its address names, decoded and without slashes at its ends."""
        try:
            return unquote(urlsplit(self.url).path).strip("/")
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Packet:
    """An RTP or RTCP packet on the same connection."""

    channel: int
    data: bytes


Item: TypeAlias = Request | Packet


class Parser:
    """Takes bytes as they come, gives what is complete."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Item]:
        """What these bytes complete. Raises `BadRequest`."""
        self._rest += data
        items: list[Item] = []
        at = 0
        while (found := self._next(at)) is not None:
            item, at = found
            if item is not None:
                items.append(item)
        del self._rest[:at]
        return items

    def _next(self, at: int) -> tuple[Item | None, int] | None:
        rest = self._rest
        if len(rest) <= at:
            return None
        if rest[at] == 0x24:
            return self._packet(at)
        if rest[at] in b"\r\n":
            return None, at + 1
        end = rest.find(b"\r\n\r\n", at, at + MAX_HEAD)
        if end < 0:
            if len(rest) - at >= MAX_HEAD:
                raise BadRequest("the head of a request is too long")
            return None
        request, length = _head(bytes(rest[at:end]))
        start = end + 4
        if len(rest) < start + length:
            return None
        if request is None:
            return None, start + length
        body = bytes(rest[start : start + length])
        return Request(request.method, request.url, request.headers, body), start + length

    def _packet(self, at: int) -> tuple[Packet, int] | None:
        if len(self._rest) < at + 4:
            return None
        end = at + 4 + int.from_bytes(self._rest[at + 2 : at + 4], "big")
        if len(self._rest) < end:
            return None
        return Packet(self._rest[at + 1], bytes(self._rest[at + 4 : end])), end


def _head(head: bytes) -> tuple[Request | None, int]:
    """The request, None for an answer that nobody asked for; and its body's length."""
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal() and len(length) <= 6 and int(length) <= MAX_BODY):
        raise BadRequest("a body is longer than is taken")
    words = first.split(" ")
    if words[0].startswith("RTSP/"):
        return None, int(length)
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not words[2].startswith("RTSP/1."):
        raise BadRequest("that is no RTSP request")
    return Request(words[0], words[1], headers), int(length)


def answer(request: Request, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """An answer to the request."""
    sequence = request.headers.get("cseq", "0")
    fields = {"CSeq": sequence if sequence.isdecimal() and len(sequence) < 12 else "0", "Server": "flex"}
    fields |= dict(headers or {})
    if body:
        fields["Content-Length"] = str(len(body))
    head = [f"RTSP/1.0 {status} {phrase(status)}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def phrase(status: int) -> str:
    """What a status is called."""
    rtsp = {454: "Session Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport"}
    return rtsp.get(status) or HTTPStatus(status).phrase


@dataclass(frozen=True, slots=True)
class Transport:
    """How a track is to be carried."""

    tcp: bool
    first: int
    """Channel, or the client's port, of RTP; RTCP has the next one, or `second`."""
    second: int


def transport(header: str) -> Transport | None:
    """The first of the offered ways that is taken; None where none is."""
    for offer in header.split(","):
        words = offer.strip().split(";")
        tcp = words[0].upper() == "RTP/AVP/TCP"
        if not tcp and (words[0].upper() not in ("RTP/AVP", "RTP/AVP/UDP") or "multicast" in words):
            continue
        match = _TRANSPORT.search(offer)
        if match is None or (match[1].lower() == "interleaved") != tcp:
            continue
        first = int(match[2])
        second = int(match[3] or first + 1)
        if max(first, second) <= (255 if tcp else 65535) and (tcp or min(first, second) > 0):
            return Transport(tcp, first, second)
    return None


def interleaved(channel: int, packet: bytes) -> bytes:
    """A packet on the connection itself."""
    return b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet
