"""The stream parser, rule by rule: those of the HTML standard (9.2.6), named as the web-platform-tests name them."""
# ruff: noqa: A002, E501 - a rule is a row

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import errors
from flexclient._sse import MAX_EVENT, Parser, RawEvent


def parsed(*chunks: bytes) -> list[RawEvent]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def told(data: str | None, type: str = "message", id: str | None = None, retry: int | None = None) -> RawEvent:
    return RawEvent(type, data, id, retry)


RULES: dict[str, tuple[bytes, list[RawEvent]]] = {
    "format-bom": (b"\xef\xbb\xbfdata:1\n\ndata:2\n\n", [told("1"), told("2")]),
    "format-bom-2: only one, and only first": (
        b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n\xef\xbb\xbfdata:3\n\n", [told("2")],
    ),
    "format-comments": (
        b"data:1\n:\0\n:\r\ndata:2\n:" + b"x" * 4096 + b"\rdata:3\n:data:fail\r:" + b"x" * 4096 + b"\ndata:4\n\n",
        [told("1\n2\n3\n4")],
    ),
    "format-comments: a block of them is no event": (b": beat\n\n:\n\n", []),
    "format-field-data": (b"data:\n\ndata\ndata\n\ndata:test\n\n", [told(""), told("\n"), told("test")]),
    "format-field-data-before-final-empty-line: a torn last event is dropped": (b"retry:1\ndata:test1\n\nid:test\ndata:test2",
        [told("test1", retry=1)]),
    "format-field-data: the last line without its blank line is no event": (b"data:1\n\ndata:2\n", [told("1")]),
    "format-field-event": (b"event:test\ndata:x\n\ndata:x\n\n", [told("x", "test"), told("x")]),
    "format-field-event-empty": (b"event: \ndata:data\n\n", [told("data")]),
    "format-field-event: without data it is no event, and names no later one": (b"event:a\n\ndata:x\n\n", [told("x")]),
    "format-field-event: the last one counts": (b"event:a\nevent:b\ndata:x\n\n", [told("x", "b")]),
    "format-field-id: it stays until another one comes": (
        b"id:1\ndata:a\n\ndata:b\n\nid:2\ndata:c\n\n", [told("a", id="1"), told("b", id="1"), told("c", id="2")],
    ),
    "format-field-id-2: an empty one takes it back": (
        b"id:1\ndata:a\n\nid\ndata:b\n\nid:\ndata:c\n\n", [told("a", id="1"), told("b", id=""), told("c", id="")],
    ),
    "format-field-id-3: a block of an id alone sets it": (b"id:1\n\ndata:a\n\n", [told(None, id="1"), told("a", id="1")]),
    "format-field-id-null: one with NUL is passed over": (
        b"id:1\ndata:a\n\nid:2\0\ndata:b\n\nid:\0\ndata:c\n\n", [told("a", id="1"), told("b", id="1"), told("c", id="1")],
    ),
    "format-field-parsing": (
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
        [told("\0\n 2\n1\n3\n\n4")],
    ),
    "format-field-retry": (b"retry:03000\ndata:x\n\n", [told("x", retry=3000)]),
    "format-field-retry: alone": (b"retry: 10\n\n", [told(None, retry=10)]),
    "format-field-retry-bogus": (b"retry:3000\nretry:1000x\ndata:x\n\n", [told("x", retry=3000)]),
    "format-field-retry-empty": (b"retry:1000\nretry:\nretry\ndata:test\n\n", [told("test", retry=1000)]),
    "format-field-retry: signs, points, spaces and foreign digits are none": (
        "retry:-1\nretry:+1\nretry:1.5\nretry:  7\nretry:7 \nretry:\u0663\ndata:x\n\n".encode(), [told("x")],
    ),
    "format-field-retry: a number of thousands of digits": (b"retry:" + b"9" * 5000 + b"\ndata:x\n\n", [told("x")]),
    "format-field-unknown": (
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n", [told("test\n\ntest")],
    ),
    "format-leading-space: one, and no tab": (
        b"data:\ttest\rdata: \ndata:test\n\n", [told("\ttest\n\ntest")],
    ),
    "format-leading-space: of two one stays": (b"data:  x\n\n", [told(" x")]),
    "format-newlines": (b"data:test\r\ndata\ndata:test\r\n\r", [told("test\n\ntest")]),
    "format-null-character": (b"data:\0\n\n\n\n", [told("\0")]),
    "format-utf-8: whatever it is, it is UTF-8": (b"data:ok\xe2\x80\xa6\n\n", [told("ok\u2026")]),
    "format-utf-8: what is none is replaced": (b"data:\xff\xc3\n\n", [told("\ufffd\ufffd")]),
    "only CR, LF and CR LF end a line": ("data:a\u2028b\u0085c\vd\fe\n\n".encode(), [told("a\u2028b\u0085c\vd\fe")]),
    "a colon in the value is the value's": (b"data:a:b: c\n\n", [told("a:b: c")]),
    "blank lines between events are nothing": (b"\n\r\n\rdata:1\n\n\n\n\ndata:2\n\n", [told("1"), told("2")]),
    "an empty stream": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_rule(rule: str, size: int) -> None:
    text, events = RULES[rule]
    assert parsed(*(text[i : i + size] for i in range(0, len(text), size))) == events


LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.sampled_from(
    [b"data: x", b"data", "data:\u00fc\U0001f3a5".encode(), b"id: 7", b"id", b"event: e", b"retry: 5", b": c", b"", b"", b"\xc3"]
)  # fmt: skip


@given(
    lines=st.lists(st.tuples(LINES, LINE_ENDS), max_size=30), cuts=st.lists(st.integers(0, 300), max_size=20), bom=st.booleans()
)  # fmt: skip
def test_wherever_the_bytes_are_cut_the_events_are_the_same(
    lines: list[tuple[bytes, bytes]], cuts: list[int], bom: bool
) -> None:
    text = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    assert parsed(*pieces) == parsed(text)


def test_an_event_that_ends_in_a_lone_cr_is_not_held_back() -> None:
    parser = Parser()
    assert parser.feed(b"data: x\r\r") == [told("x")]
    assert parser.feed(b"\ndata: y\r\n\r") == [told("y")]
    assert parser.feed(b"\ndata: z\n\n") == [told("z")]


def test_an_event_without_end_is_given_up() -> None:
    parser = Parser()
    assert parser.feed(b"x" * MAX_EVENT) == []
    with pytest.raises(errors.ProtocolError, match="longer than 16 Mi"):
        parser.feed(b"x")


def test_many_short_events_are_no_long_one() -> None:
    parser = Parser()
    event = b"data: " + b"x" * (MAX_EVENT // 4) + b"\n\n"
    assert sum(len(parser.feed(event)) for _ in range(6)) == 6
