"""One command on many boxes: run once for each, at the same time, and what they show put together.

Each box has a state, a client and an output of its own. That output keeps what it is given instead of writing it, and
writes remarks with the box's name before them. What changes something is asked about once, for all: a box that comes to
the question waits there until every other one has come, too, or has ended.
"""

from __future__ import annotations

import copy
import io
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from flexctl.errors import Misuse, Problem, Stop
from flexctl.exits import Exit
from flexctl.out.out import Out
from flexctl.out.style import Span
from flexctl.out.table import Line, arrange
from flexctl.views.view import Column, T, View

if TYPE_CHECKING:
    from flexctl.state import State

AT_ONCE = 8
"""Boxes that are talked to at the same time."""
SLOW = 3.0
"""Seconds after which a person is told whom we wait for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Things of one kind that a box has shown."""

    view: View[Any]
    rows: Sequence[Any]
    empty: tuple[str, str] = ("", "")
    single: bool = False
    """One thing, not a list of one."""

    def document(self, order: str | None) -> Any:
        """The same as JSON values."""
        found = [self.view.data(row) for row in arrange(self.view, self.rows, order)]
        return found[0] if self.single else found


@dataclass(frozen=True, slots=True)
class Document:
    """JSON values that a box has shown."""

    data: Any

    def document(self, _order: str | None) -> Any:
        """The values."""
        return self.data


@dataclass(frozen=True, slots=True)
class Text:
    """Text that a box has shown."""

    text: str

    def document(self, _order: str | None) -> Any:
        """The text as a JSON string."""
        return self.text


Piece: TypeAlias = Rows | Document | Text
Shown: TypeAlias = Mapping[str, Sequence[Piece]]
"""What each box has shown, by its name, in the order in which they were named."""


class Abandoned(Exception):
    """Ends the work for one box: the whole run has ended."""


class Share(Out):
    """The output of one box among several."""

    def __init__(self, out: Out, name: str, run: FanOut) -> None:
        super().__init__(**{field.name: getattr(out, field.name) for field in fields(out)})
        self.name, self.pieces = name, list[Piece]()
        self._run = run

    def list(self, rows: Sequence[T], view: View[T], empty: tuple[str, str] = ("", "")) -> None:
        """Many things."""
        self.pieces.append(Rows(view, [*rows], empty))

    def one(self, item: T, view: View[T]) -> None:
        """One thing: of many boxes it is one row of many."""
        self.pieces.append(Rows(view, [item], single=True))

    def data(self, data: Any) -> None:
        """JSON values."""
        self.pieces.append(Document(data))

    def write(self, text: str) -> None:
        """Text that is data."""
        if text:
            self.pieces.append(Text(text))

    def line(self, data: Any) -> None:
        """One line of a stream."""
        self._run.out.line(_line(self.name, data))

    def raw(self, data: bytes) -> None:  # noqa: ARG002  its base calls it so
        """Bytes that are data: several boxes' in one stream would be nobody's."""
        raise Misuse("bytes of several boxes cannot be told apart", "name one box: --context NAME")

    def flush(self) -> None:
        """Nothing is on its way before all have ended."""

    def problem(self, problem: Problem) -> None:
        """Something that went wrong and does not end the command."""
        super().problem(replace(problem, sentence=f"{self.name}: {problem.sentence}"))

    def lines(self, lines: Sequence[Line]) -> None:
        """Remarks of several meanings."""
        super().lines([[Span(f"{self.name}:", "title")], *lines] if lines else lines)

    def _talk(self, mark: str, style: str, sentence: str, more: str, *, always: bool = False) -> None:
        super()._talk(mark, style, f"{self.name}: {sentence}" if sentence else "", more, always=always)

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Whether a person agrees, asked once for all boxes."""
        self._run.agree(self.name, question, yes=yes)
        return True

    def ask_secret(self, question: str) -> str:
        """Secrets are one box's."""
        raise Misuse(f"{question.rstrip(': ')}: nobody is asked for it for several boxes at once", "name one box")


def fan_out(state: State, line: str, work: Callable[[State], object], *, yes: bool) -> None:
    """Run the work once for each box, then show what they have shown. Raises Stop where a box failed.

    `line` is the command, to ask about; `yes` says that nobody need be asked.
    """
    run = FanOut(state, line, yes=yes)
    try:
        run.run(work)
    finally:
        show(state.out, {name: share.pieces for name, share in run.shares.items() if share.pieces})
        state.out.flush()
    _tell(run)


class FanOut:
    """The threads of one run, and the question that they may have."""

    def __init__(self, state: State, line: str, *, yes: bool) -> None:
        self.out = state.out
        self.parts = dict(state.boxes)
        self.shares = {name: Share(state.out, name, self) for name in self.parts}
        self.errors: dict[str, BaseException] = {}
        self._line, self._yes = line, yes
        self._slots = threading.Semaphore(AT_ONCE)
        self._news = threading.Condition()
        self._asking: dict[str, str] = {}
        self._ended: set[str] = set()
        self._agreed: set[str] = set()
        self._over = False
        self._told: set[str] = set()

    def run(self, work: Callable[[State], object]) -> None:
        """Do it, to the end of the last one. Raises Stop where nobody agrees."""
        for name, part in self.parts.items():
            part.out = self.shares[name]
            part.out.flags = part.flags
            part.agree = lambda name=name: self.agree(name, "", yes=False)
            threading.Thread(target=self._one, args=(name, part, work), name=name, daemon=True).start()
        try:
            self._wait()
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    def _one(self, name: str, part: State, work: Callable[[State], object]) -> None:
        try:
            with self._slots:
                work(part)
        except Abandoned:
            pass
        except BaseException as error:
            self.errors[name] = error
        with self._news:
            self._ended.add(name)
            self._news.notify_all()

    def _wait(self) -> None:
        with self._news:
            if not self._news.wait_for(self._settled, SLOW) and self.out.terminal.stderr:
                self.out.say(f"waiting for {', '.join(name for name in self.parts if name not in self._ended)}")
            while self._news.wait_for(self._settled) and self._asking:
                self._ask()

    def _settled(self) -> bool:
        """Whether nothing happens any more by itself: each box has ended, or waits for the answer."""
        return len(self._ended) + len(self._asking) == len(self.parts)

    def _ask(self) -> None:
        """Ask a person, once, naming every box that it is about."""
        for name in self._ended & self.errors.keys():
            self.tell(name)  # who is asked knows by then where it cannot be done
        found = list(dict.fromkeys(filter(None, self._asking.values())))
        question = " ".join(found) or f"Do `{self._line}`?"
        boxes = ", ".join(f"{name} ({self.parts[name].url})" for name in self.parts if name in self._asking)
        count = f"{len(self._asking)} boxes" if len(self._asking) > 1 else "1 box"
        if not self.out.confirm(f"{question} On {count}: {boxes}.", yes=self._yes):
            raise Stop("nothing was changed")
        self._agreed |= self._asking.keys()
        self._asking.clear()
        self._news.notify_all()

    def problem(self, name: str) -> Problem:
        """Why a box failed. Raises what is a fault of flexctl itself."""
        error = self.errors[name]
        if isinstance(error, typer.Exit):
            return Problem("", code=next((code for code in Exit if code == error.exit_code), Exit.FAILED))
        problem = self.parts[name].problem_of(error) if isinstance(error, Exception) else None
        if problem is None:
            raise error
        return problem

    def tell(self, name: str) -> None:
        """Say once why a box failed."""
        problem = self.problem(name)
        if problem.sentence and name not in self._told:
            self._told.add(name)
            self.shares[name].problem(problem)

    def agree(self, name: str, question: str, *, yes: bool) -> None:
        """Wait until it is agreed to what this box is about to change. No question is the general one.

        Raises Abandoned where it is not.
        """
        if yes or self._yes or (not question and name in self._agreed):
            self._agreed.add(name)
            return
        self._slots.release()
        try:
            with self._news:
                self._asking[name] = question
                self._news.notify_all()
                self._news.wait_for(lambda: name not in self._asking or self._over)
        finally:
            self._slots.acquire()
        if self._over:
            raise Abandoned


# What they have shown, put together


def show(out: Out, shown: Shown) -> None:
    """Write what all boxes have shown as one."""
    pieces = [piece for of_box in shown.values() for piece in of_box]
    if not all(isinstance(piece, Text) for piece in pieces):
        if out.form in {"json", "yaml"} and not out.template:
            out.data({name: _document(found, out.sort_by) for name, found in shown.items()})
            return
        if out.form == "ndjson" or out.template:
            out.data(_lines(shown, out.sort_by))
            return
        _tables(out, shown)
        if documents := {name: d for name, found in shown.items() if (d := _only(found, Document))}:
            out.data({name: _document(found, None) for name, found in documents.items()})
    for name, found in shown.items():
        if texts := _only(found, Text):
            # A comment to Prometheus, to a shell and to Graphviz alike.
            out.write(f"# {name}\n" + "\n".join(text.text.rstrip("\n") for text in texts if isinstance(text, Text)))


def _only(pieces: Sequence[Piece], kind: type[Piece]) -> list[Piece]:
    return [piece for piece in pieces if isinstance(piece, kind)]


def _document(pieces: Sequence[Piece], order: str | None) -> Any:
    found = [piece.document(order) for piece in pieces]
    return found[0] if len(found) == 1 else found


def _lines(shown: Shown, order: str | None) -> list[Any]:
    """Each thing with the name of its box."""
    documents = [(name, piece.document(order)) for name, found in shown.items() for piece in found]
    return [_line(name, item) for name, data in documents for item in (data if isinstance(data, list) else [data])]


def _line(name: str, item: Any) -> dict[str, Any]:
    return {"context": name, **(item if isinstance(item, dict) else {"value": item})}


def _tables(out: Out, shown: Shown) -> None:
    """A table for each kind of thing, with the name of the box in its first column."""
    kinds: dict[int, tuple[View[Any], tuple[str, str]]] = {}
    rows: dict[int, list[tuple[str, Any]]] = {}
    for name, found in shown.items():
        for piece in found:
            if isinstance(piece, Rows):
                kinds.setdefault(id(piece.view), (piece.view, piece.empty))
                rows.setdefault(id(piece.view), []).extend((name, row) for row in piece.rows)
    out = copy.copy(out)
    if out.columns and "context" not in out.columns:
        out.columns = ("context", *out.columns)
    for number, (view, empty) in kinds.items():
        out.list(rows[number], together(view), empty)


def together(view: View[T]) -> View[tuple[str, T]]:
    """A view of things of several boxes."""
    return View(
        columns=(Column("context", "CONTEXT", lambda pair: pair[0]), *map(_lifted, view.columns)),
        details=lambda pair: view.details(pair[1]),
        name=lambda pair: f"{pair[0]}/{view.name(pair[1])}",
        data=lambda pair: _line(pair[0], view.data(pair[1])),
    )


def _lifted(column: Column[T]) -> Column[tuple[str, T]]:
    shown = column.shown
    changed: Any = {"value": lambda pair: column.value(pair[1])}
    if shown:
        changed["shown"] = lambda pair: shown(pair[1])
    lifted: Any = replace(column, **changed)
    found: Column[tuple[str, T]] = lifted
    return found


# How they fared


def _tell(run: FanOut) -> None:
    """Say which boxes failed. Raises Stop with the code of the first one, in the order in which they were named."""
    failed = [name for name in run.parts if name in run.errors]
    if not failed:
        return
    problems = [run.problem(name) for name in failed]
    first = run.errors[failed[0]]
    wrong = [error.problem for error in run.errors.values() if isinstance(error, Misuse)]
    if isinstance(first, Misuse) and len(wrong) == len(run.parts) and len(set(wrong)) == 1:
        raise first  # the command line is wrong, whatever the box
    for name in failed:
        run.tell(name)
    if not any(problem.sentence for problem in problems):
        raise typer.Exit(problems[0].code)
    raise Stop(f"{len(failed)} of {len(run.parts)} boxes failed", code=problems[0].code)


# Standard input


@contextmanager
def stdin_for_each(params: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[None]:
    """Where a command reads standard input, each box's run reads all of it."""
    options = {**given, **params}
    wants = any(value == "-" or (isinstance(value, list) and "-" in value) for value in options.values())
    if not wants and not any(value and name.endswith("_stdin") for name, value in options.items()):
        yield
        return
    before = sys.stdin
    again: Any = _Again(before.buffer.read())
    sys.stdin = again
    try:
        yield
    finally:
        sys.stdin = before


class _Again(threading.local):
    """The same input for each thread."""

    def __init__(self, data: bytes) -> None:
        self._file = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
