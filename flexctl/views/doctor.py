"""What the doctor found, as a table and as a report with the commands that mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flexctl.doctor.finding import Finding
from flexctl.out.style import Span, fold, safe
from flexctl.views.view import Column, Field, Part, View

MARKS: dict[str, tuple[str, str, str]] = {
    "ok": ("✓", "ok  ", "good"),
    "warn": ("!", "warn", "warn"),
    "fail": ("✕", "FAIL", "bad"),
    "skip": ("·", "skip", "dim"),
}
"""Status -> its mark, the same in ASCII, and its style."""

FINDING: View[Finding] = View(
    columns=(
        Column("check", "CHECK", lambda f: f.check),
        Column("status", "STATUS", lambda f: f.status),
        Column("message", "FINDING", lambda f: f.message, least=20),
        Column("mend", "MEND", lambda f: f.mend or None, priority=1, least=20, if_any=True),
        Column("where", "WHERE", lambda f: f.where if f.mend else None, priority=2, wide=True),
    ),
    details=lambda f: [Part("", (Field(f.check, f.message), Field("mend", f.mend or None)))],
    name=lambda f: f.check,
    data=lambda f: (
        {"check": f.check, "status": f.status, "message": f.message}
        | ({"mend": f.mend, "where": f.where} if f.mend else {})
    ),
)


def report(findings: Sequence[Finding], width: int | None, *, unicode: bool) -> list[list[Span]]:
    """A line a finding, and below it what mends it: whole, because it is there to be copied."""
    column = max((len(finding.check) for finding in findings), default=0)
    return [line for finding in findings for line in _lines(finding, column, width, unicode=unicode)]


def _lines(finding: Finding, column: int, width: int | None, *, unicode: bool) -> Iterator[list[Span]]:
    mark, plain, style = MARKS[finding.status]
    sign = mark if unicode else plain
    indent = " " * (len(sign) + column + 3)
    first, *more = fold(safe(finding.message), max((width or 10_000) - len(indent), 20))
    yield [Span(f"{sign} ", style), Span(f"{finding.check:<{column}}  ", "title"), Span(first)]
    yield from ([Span(indent + line)] for line in more)
    if finding.mend:
        where = "on the box: " if finding.where == "box" else ""
        yield [Span(f"{indent}{'→' if unicode else '->'} {where}", "dim"), Span(safe(finding.mend), "accent")]
