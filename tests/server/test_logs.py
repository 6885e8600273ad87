"""Lines: one a record, whatever is in it, and rings that stay small."""

from __future__ import annotations

import logging

from flexserver.logs import RING_LETTERS, RING_LINES, LineFormatter, LogRing


def line(message: str, **fields: object) -> str:
    record = logging.LogRecord("x", logging.INFO, "", 0, message, None, None)
    record.fields = fields
    return LineFormatter().format(record)


def test_a_record_is_one_line_that_cannot_be_forged() -> None:
    said = line("request", path='/a b\nlevel=error message="x"', plain="a/b", empty="", number=1.5)
    assert "\n" not in said
    expected = r'level=info message=request path="/a b\nlevel=error message=\"x\"" plain=a/b empty="" number=1.5'
    assert said.endswith(expected)


def test_a_traceback_is_one_line_too() -> None:
    try:
        raise ValueError("bad\nthing")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__))
    said = LineFormatter().format(record)
    assert "\n" not in said
    assert "ValueError" in said


def test_a_ring_keeps_the_newest_lines_and_is_bounded_both_ways() -> None:
    ring = LogRing()
    for number in range(RING_LINES + 50):
        ring.add(f"line {number}")
    lines = ring.tail(5000).splitlines()
    assert len(lines) == RING_LINES
    assert lines[-1].endswith(f"line {RING_LINES + 49}")
    assert ring.tail(2).count("\n") == 2
    for _ in range(RING_LINES):
        ring.add("x" * 100_000)
    assert len(ring.tail(5000)) <= RING_LETTERS + RING_LINES
    assert ring.tail(1)


def test_control_characters_do_not_reach_a_terminal() -> None:
    ring = LogRing()
    ring.add("a\x1b[31mb\tc\x00")
    assert ring.tail(1).endswith(" a?[31mb\tc?\n")
