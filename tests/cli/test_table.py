"""Tables and pages in any width: nothing wider than the window, no id ever lost."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from flexctl.out.style import cells, clip, fold, paint, safe
from flexctl.out.table import Look, arrange, choose, details, table
from flexctl.views.view import Column, Field, Part, View
from tests.cli.harness import NOW

WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=40)


@dataclass(frozen=True)
class Thing:
    id: str
    text: str
    size: float | None


VIEW: View[Thing] = View(
    columns=(
        Column("id", "ID", lambda t: t.id),
        Column("text", "TEXT", lambda t: t.text, priority=1, least=8),
        Column("size", "SIZE", lambda t: t.size, "bytes", priority=2),
        Column("note", "NOTE", lambda _: None, priority=3, if_any=True),
    ),
    details=lambda t: [Part("", (Field("Id", t.id), Field("Text", t.text))), Part("More", (Field("Size", t.size),))],
    name=lambda t: t.id,
    data=lambda t: {"id": t.id},
)
THINGS = st.lists(
    st.builds(Thing, st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), WORDS, st.none() | st.floats(0, 1e12)),
    min_size=1,
    max_size=4,
)


@given(THINGS, st.integers(20, 140))
def test_a_table_fits_any_window_and_keeps_every_id(things: list[Thing], width: int) -> None:
    lines = [paint(line, color=False) for line in table(VIEW.columns, things, Look(NOW, True, width))]
    assert all(cells(line) <= width for line in lines)
    first = "".join("".join(line.split(" ")[0] for line in lines[1:]))
    for thing in things:
        assert thing.id[:4] in first.replace(" ", "")


@given(THINGS)
def test_a_pipe_gets_every_value_whole(things: list[Thing]) -> None:
    lines = [paint(line, color=False) for line in table(VIEW.columns, things, Look(NOW, people=False))]
    assert len(lines) == len(things) + 1
    for thing, line in zip(things, lines[1:], strict=True):
        assert line.split()[0] == thing.id
        assert safe(thing.text).strip() in line


@given(THINGS, st.integers(20, 140))
def test_a_page_fits_any_window(things: list[Thing], width: int) -> None:
    for line in details(VIEW.details(things[0]), Look(NOW, True, width)):
        assert cells(paint(line, color=False)) <= width


@given(WORDS, st.integers(2, 60))
def test_folding_loses_nothing(text: str, room: int) -> None:
    lines = fold(text, room)
    assert all(cells(line) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(WORDS, st.integers(1, 60))
def test_clipping_says_that_something_is_missing(text: str, room: int) -> None:
    short = clip(text, room)
    assert cells(short) <= room
    assert short == text or short.endswith("…")


def test_columns_go_by_priority_and_an_empty_one_is_not_shown() -> None:
    thing = Thing("cam1", "a text of some length", 2048.0)

    def titles(width: int) -> str:
        return paint(table(VIEW.columns, [thing], Look(NOW, True, width))[0], color=False)

    assert titles(80).split() == ["ID", "TEXT", "SIZE"]
    assert titles(22).split() == ["ID", "TEXT", "SIZE"]
    assert titles(20).split() == ["ID", "TEXT"]
    assert titles(10).split() == ["ID"]


def test_sorting_puts_rows_without_a_value_last() -> None:
    things = [Thing("a", "", 5.0), Thing("b", "", None), Thing("c", "", 10.0)]
    assert [t.id for t in arrange(VIEW, things, "size")] == ["a", "c", "b"]
    assert [t.id for t in arrange(VIEW, things, "-size")] == ["c", "a", "b"]
    assert [t.id for t in arrange(VIEW, things, None)] == ["a", "b", "c"]


def test_chosen_columns_come_in_the_order_that_was_asked_for() -> None:
    assert [c.key for c in choose(VIEW, wide=False, names=["size", "id"])] == ["size", "id"]


def test_what_others_wrote_cannot_steer_the_terminal() -> None:
    assert safe("a\x1b[2Jb\x9bc\u202ed\ne") == "a\ufffd[2Jb\ufffdc\ufffdd e"
