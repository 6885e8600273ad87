"""What the ingest reads from strangers: pure parsers, with anything at all and in pieces."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flexserver.ingest import amf, chunks, flv, rtmp, rtsp, sdp
from flexserver.ingest.rtp import Packetizer
from flexserver.ingress import login

T = TypeVar("T")
FAST = settings(deadline=None)
WORDS = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS.filter(bool), inner, max_size=3),
    max_leaves=8,
)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return (data[before:after] for before, after in pairwise(edges))


def fed(feed: Callable[[bytes], list[T]], data: bytes, cuts: list[int]) -> list[T]:
    return [item for piece in pieces(data, cuts) for item in feed(piece)]


CUTS = st.lists(st.integers(0, 1 << 20), max_size=8)


@FAST
@given(st.lists(VALUES, max_size=4))
def test_amf_reads_what_it_writes(values: list[amf.Value]) -> None:
    assert amf.decode(amf.encode(*values)) == values


@FAST
@given(st.binary(max_size=400))
@example(b"\x0a\xff\xff\xff\xff")
@example(b"\x0a\x00\x00\x00\x01" * 100)
@example(b"\x08\x00\x00\x00\x00\x00\x00")
def test_amf_takes_anything_or_refuses_it(data: bytes) -> None:
    with contextlib.suppress(amf.BadAmf):
        assert len(amf.decode(data)) <= amf.MAX_VALUES


MESSAGES = st.lists(
    st.tuples(st.sampled_from([chunks.VIDEO, chunks.AUDIO, chunks.COMMAND]), st.binary(max_size=9000)), max_size=5
)


@FAST
@given(MESSAGES, CUTS)
def test_chunks_give_the_messages_however_they_are_cut(messages: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = chunks.chunk_size() + b"".join(chunks.write(kind, body) for kind, body in messages)
    found = fed(chunks.Parser().feed, data, cuts)
    assert [(one.kind, one.body) for one in found] == messages


@FAST
@given(st.binary(max_size=3000), CUTS)
def test_chunks_take_anything_or_refuse_it(data: bytes, cuts: list[int]) -> None:
    """The same, whether it comes at once or in pieces."""
    outcomes: list[tuple[list[chunks.Message], str | None]] = []
    for cut in ([], cuts):
        found: list[chunks.Message] = []
        parser = chunks.Parser()
        try:
            for piece in pieces(data, cut):
                found += parser.feed(piece)
            outcomes.append((found, None))
        except chunks.BadChunk as error:
            outcomes.append(([], str(error)))
    assert outcomes[0] == outcomes[1]


def test_chunk_times_step_on_and_long_ones_are_whole() -> None:
    head = b"\x04\x00\x00\x0a\x00\x00\x01\x09\x01\x00\x00\x00A"
    assert [m.time for m in chunks.Parser().feed(head + b"\x84\x00\x00\x05B" + b"\xc4C")] == [10, 15, 20]
    long = b"\x04\xff\xff\xff\x00\x00\x01\x09\x01\x00\x00\x00\x01\x00\x00\x00A"
    assert [m.time for m in chunks.Parser().feed(long)] == [1 << 24]


@pytest.mark.parametrize(
    "data",
    [
        b"\x04\x00\x00\x00\x01\x00\x01\x09\x00\x00\x00\x00",  # more than a command needs
        b"\x44\x00\x00\x00\x00\x00\x01\x09",  # goes on with what never began
        b"".join(bytes((n,)) + b"\0\0\0\0\0\x01\x09\0\0\0\0A" for n in range(3, 3 + chunks.MAX_STREAMS + 1)),
        b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\0\0\0\0",  # chunks of no bytes
    ],
)
def test_more_than_is_sane_is_refused(data: bytes) -> None:
    with pytest.raises(chunks.BadChunk):
        chunks.Parser().feed(data)


def test_unfinished_messages_are_bounded() -> None:
    parser = chunks.Parser()
    parser.longest = chunks.MAX_MESSAGE
    parser.feed(b"\x02\0\0\0\0\0\x04\x01\0\0\0\0\x00\x40\x00\x00")
    one = b"\0\0\0\x7f\xff\xff\x09\0\0\0\0" + bytes(0x400000)
    for number in range(3, 7):
        parser.feed(bytes((number,)) + one)
    with pytest.raises(chunks.BadChunk, match="unfinished"):
        parser.feed(bytes((7,)) + one)


@FAST
@given(st.binary(max_size=400))
@example(b"\x17\x00\x00\x00\x00\x01\x42\x00\x1e\xff\xe1\x00\x04gBgB\x01\x00\x04hhhh")
def test_video_takes_anything_or_refuses_it(body: bytes) -> None:
    config = flv.Config(flv.AVC, (b"gBgB", b"hhhh"), 4)
    with contextlib.suppress(flv.BadVideo):
        found = flv.read(body, config)
        if isinstance(found, flv.Config):
            assert sdp.parse(sdp.write((found.track,)))[0].kind == "video"


SLICES = st.lists(st.binary(min_size=4, max_size=5000).map(lambda body: b"\x65\x01" + body), min_size=1, max_size=4)


@FAST
@given(SLICES, st.sampled_from([(flv.AVC, 1, 28), (flv.HEVC, 2, 49)]))
def test_packets_hold_the_whole_picture(units: list[bytes], form: tuple[str, int, int]) -> None:
    codec, size, fragment = form
    packets = list(Packetizer(codec, 7).packets(units, 1000))
    assert [packet[1] >> 7 for packet in packets] == [0] * (len(packets) - 1) + [1]
    got: list[bytes] = []
    for packet in packets:
        assert len(packet) <= 1412
        payload = packet[12:]
        kind = payload[0] >> 1 & 63 if size == 2 else payload[0] & 31
        if kind != fragment:
            got.append(payload)
            continue
        flags = payload[size]
        if flags & 0x80:
            got.append(units[len(got)][:size])
            assert flags & (63 if size == 2 else 31) == (0x65 >> 1 if size == 2 else 0x65 & 31)
        got[-1] += payload[size + 1 :]
    assert got == units


REQUEST = b"ANNOUNCE rtsp://h/live/a%20b RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 2\r\n\r\nhi"


@FAST
@given(CUTS)
def test_requests_and_packets_share_a_connection(cuts: list[int]) -> None:
    data = REQUEST + rtsp.interleaved(3, b"packet") + b"\r\nRTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + REQUEST
    first, packet, second = fed(rtsp.Parser().feed, data, cuts)
    assert isinstance(first, rtsp.Request)
    assert (first.method, first.path, first.body, first.headers["cseq"]) == ("ANNOUNCE", "live/a b", b"hi", "3")
    assert packet == rtsp.Packet(3, b"packet")
    assert second == first


@FAST
@given(st.binary(max_size=2000), CUTS)
@example(b"OPTIONS http://[ RTSP/1.0\r\n\r\n", [])
@example(b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", [])
def test_rtsp_takes_anything_or_refuses_it(data: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(rtsp.BadRequest):
        for item in fed(rtsp.Parser().feed, data, cuts):
            if isinstance(item, rtsp.Request):
                assert isinstance(item.path, str)
                assert rtsp.answer(item).startswith(b"RTSP/1.0 200 OK\r\n")


def test_an_endless_head_is_refused() -> None:
    with pytest.raises(rtsp.BadRequest):
        rtsp.Parser().feed(b"A" * rtsp.MAX_HEAD)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=0-1", rtsp.Transport(True, 0, 1)),
        ("RTP/AVP/UDP;unicast;client_port=5000-5001,RTP/AVP/TCP;interleaved=2-3", rtsp.Transport(False, 5000, 5001)),
        ("RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=2-3;mode=record", rtsp.Transport(True, 2, 3)),
        ("RTP/AVP/TCP;interleaved=255", None),
        ("RTP/AVP;unicast;client_port=0-1", None),
        ("RTP/SAVP;unicast", None),
        ("", None),
    ],
)
def test_transports(header: str, expected: rtsp.Transport | None) -> None:
    assert rtsp.transport(header) == expected


@FAST
@given(st.text(max_size=500))
@example("m=video 0 RTP/AVP 96\r\na=fmtp:96 x\nv=0\r\n")
def test_a_description_takes_anything_or_refuses_it(text: str) -> None:
    """What a reader gets is only what a reader needs, whatever a publisher writes."""
    try:
        tracks = sdp.parse(text.encode("utf-8", "replace"))
    except sdp.BadSdp:
        return
    written = sdp.write(tracks).decode().split("\r\n")
    assert all(line == "" or line[:2] in {"v=", "o=", "s=", "c=", "t=", "m=", "a="} for line in written)


def test_tracks_are_found_by_what_the_publisher_calls_them() -> None:
    body = b"m=audio 0 RTP/AVP 97\na=control:streamid=0\nm=video 0 RTP/AVP 96\na=control:streamid=1\na=tool:x\n"
    tracks = sdp.parse(body)
    assert [sdp.index_of(tracks, f"rtsp://h/a/streamid={n}") for n in (0, 1, 2)] == [0, 1, None]
    assert b"tool" not in sdp.write(tracks)
    for bad in (b"", b"m=audio 0 RTP/AVP 97\n", b"m=video 0 UDP 96\n", b"m=video 0 RTP/AVP 96\n" * 9):
        with pytest.raises(sdp.BadSdp):
            sdp.parse(bad)


def test_the_path_of_application_and_key() -> None:
    assert rtmp.named("live", "mystream") == ("live/mystream", {})
    assert rtmp.named("live/", "/a/b?key=s3cret&x=1") == ("live/a/b", {"key": "s3cret"})
    assert rtmp.named("live?key=one", "a") == ("live/a", {"key": "one"})
    assert rtmp.named("", "") == ("", {})


def test_a_digest_of_the_key_lets_in() -> None:
    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    proof = {"username": "me", "realm": "flex", "nonce": "n", "uri": "rtsp://h/a", "method": "ANNOUNCE"}
    response = md5(f"{md5('me:flex:secret')}:n:{md5('ANNOUNCE:rtsp://h/a')}")
    assert login.is_shown("secret", {**proof, "response": response})
    assert not login.is_shown("other", {**proof, "response": response})
    assert not login.is_shown("secret", {**proof, "nonce": "m", "response": response})
    assert not login.is_shown("secret", proof)
    assert login.is_shown("secret", {"key": "secret"})
    assert not login.is_shown("secret", {"key": ""})
    assert not login.is_shown("secret", {})
