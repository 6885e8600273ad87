"""`Out`: the one place that writes."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from flexctl.errors import ClosedPipe, Misuse, Problem, Stop, addressed, masked
from flexctl.out import formats
from flexctl.out.picking import query
from flexctl.out.plain import is_flat, view_of
from flexctl.out.style import Span, cells, fold, paint, safe
from flexctl.out.table import Line, Look, arrange, choose, details, table
from flexctl.out.terminal import Terminal
from flexctl.views.view import T, View

if TYPE_CHECKING:
    from flexctl.out.progress import Shown
    from flexctl.out.template import Template


@contextmanager
def _pipe() -> Iterator[None]:
    """Writing to somebody who has gone, or where nothing more fits."""
    try:
        yield
    except BrokenPipeError:
        raise ClosedPipe from None
    except OSError as error:
        raise Stop(f"the output cannot be written: {error.strerror or error}") from None


@dataclass(slots=True)
class Out:
    """Writes data to stdout in the form that was asked for, and everything else to stderr."""

    terminal: Terminal
    clock: Callable[[], datetime]
    format: str | None = None
    """None: nobody asked, so the command's own default."""
    columns: tuple[str, ...] = ()
    sort_by: str | None = None
    query: str | None = None
    template: Template | None = None
    """How each item is written; it goes before every form."""
    pager: str = ""
    """The command that shows what is longer than the screen; empty for none."""
    quiet: bool = False
    flags: str = ""
    """What commands in remarks need, so that they are about the box that was named."""
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    stdin: TextIO = field(default_factory=lambda: sys.stdin)

    # Data

    @property
    def look(self) -> Look:
        """How tables are to be drawn now."""
        terminal = self.terminal
        return Look(self.clock(), terminal.stdout, terminal.width, terminal.unicode)

    @property
    def form(self) -> str:
        """The form of the data. A query and a template are about the JSON document, whatever is made of it then."""
        if (self.query and self.format not in {"yaml", "ndjson"}) or self.template:
            return "json"
        return self.format or "table"

    def list(self, rows: Sequence[T], view: View[T], empty: tuple[str, str] = ("", "")) -> None:
        """Many things. `empty` is what to say, and what to do next, when there are none."""
        ordered = arrange(view, rows, self.sort_by)
        if not self.query:  # the columns of what a query makes are its own
            choose(view, wide=True, names=self.columns)  # a column that is none is an error of an empty list too
        if self.form in {"table", "wide"} and not rows:
            self.say(*empty)
        elif self.form in {"table", "wide", "csv", "name"}:
            self._rows(ordered, view, self.form)
        else:
            self.data([view.data(row) for row in ordered])

    def _rows(self, rows: Sequence[T], view: View[T], form: str) -> None:
        if form == "csv":
            self.page(formats.to_csv(choose(view, wide=True, names=self.columns), rows))
        elif form == "name":
            self.page("\n".join(safe(view.name(row)) for row in rows))
        else:
            self._lines(table(choose(view, wide=form == "wide", names=self.columns), rows, self.look))

    def one(self, item: T, view: View[T]) -> None:
        """One thing."""
        if self.form in {"csv", "name"} or (self.columns and self.form in {"table", "wide"}):
            self.list([item], view)
        elif self.form in {"table", "wide"}:
            self._lines(details(view.details(item), self.look))
        else:
            self.data(view.data(item))

    def changed(self, sentence: str, items: Sequence[T], view: View[T], more: str = "") -> None:
        """What a change did: a sentence for people; the things themselves where somebody asked, or reads a pipe."""
        self.done(sentence, more)
        self.results(items, view)

    def changed_one(self, sentence: str, item: T, view: View[T]) -> None:
        """The same of a thing of which a box has one: all of it is shown as a page, not as a row."""
        self.done(sentence)
        if self.format or self.query or not self.terminal.stdout:
            self.one(item, view)

    def results(self, items: Sequence[T], view: View[T]) -> None:
        """What was changed, where somebody asked for a form, or reads a pipe."""
        if not items:
            return
        if self.format or self.query or not self.terminal.stdout:
            if len(items) == 1 and self.form not in {"table", "wide"}:
                self.one(items[0], view)
            else:
                self.list(items, view)

    def data(self, data: Any) -> None:
        """JSON values, in the form that was asked for, after the query."""
        if self.query:
            data = query(self.query, data)
        items = data if isinstance(data, list) else [data]
        if self.template:
            self._filled(self.template, items)
        elif self.form == "yaml":
            text = formats.to_yaml(data)
            self.page("\n".join(map(safe, text.splitlines())) if self.terminal.stdout else text)
        elif self.form == "ndjson":
            self.page("\n".join(map(formats.to_line, items)))
        elif self.format in {"csv", "name", "table", "wide"} and (self.format in {"csv", "name"} or is_flat(data)):
            self._plain(data, items, self.format)
        else:
            self.page(formats.to_json(data, color=self.terminal.color))

    def _plain(self, data: Any, items: Sequence[Any], form: str) -> None:
        """JSON values that no view is about, such as what a query picked, for people and spreadsheets."""
        view = view_of(items)
        if form in {"table", "wide"} and isinstance(data, dict) and not self.columns:
            self._lines(details(view.details(data), self.look))
        elif items or form == "csv":
            self._rows(items, view, form)
        else:
            self.say("There is nothing like that.")

    def _filled(self, template: Template, items: Sequence[Any]) -> None:
        """Every item as the template says."""
        self.page("".join(template.fill(item) + template.ending for item in items), whole=True)
        if typo := template.typo(items):
            self.warn(typo)

    def line(self, data: Any) -> None:
        """One line of a stream, on its way at once."""
        if self.query:
            data = query(self.query, data)
            if data is None:
                return
        if self.template:
            self._put(self.template.fill(data) + self.template.ending)
        else:
            self.write(formats.to_line(data))
        self.flush()

    def still_read(self) -> None:
        """Raises ClosedPipe once nobody reads stdout any more, before there is something to write."""
        try:
            number = self.stdout.fileno()
        except (ValueError, OSError):  # no file: nobody can close it from the other side
            return
        poll = select.poll()
        poll.register(number, 0)
        if any(happened & select.POLLERR for _, happened in poll.poll(0)):
            raise ClosedPipe

    def write(self, text: str) -> None:
        """Text that is data."""
        if text:
            self._put(text if text.endswith("\n") else text + "\n")

    def _put(self, text: str) -> None:
        with _pipe():
            self.stdout.write(text)

    def page(self, text: str, *, whole: bool = False) -> None:
        """Text that is data and all there is: through the pager where it is longer than the screen. `whole`: no line's
        end is added.
        """
        if self.pager and self.terminal.stdout:
            from flexctl.out.pager import paged, rows_of

            if rows_of(text, self.terminal.width or 80) >= self.terminal.height:
                self.flush()
                if paged(self.pager, text):
                    return
                self.warn(f"the pager '{self.pager}' cannot be started", "name another one in FLEX_PAGER")
        self._put(text) if whole else self.write(text)

    def flush(self) -> None:
        """Send on its way what was written."""
        with _pipe():
            self.stdout.flush()

    def text(self, text: str) -> None:
        """Text that the box sent: as it came in a pipe, without control characters on a terminal."""
        self.page("\n".join(map(safe, text.splitlines())) if self.terminal.stdout else text)

    def raw(self, data: bytes) -> None:
        """Bytes that are data. Refused on a terminal, where they would be noise."""
        if self.terminal.stdout:
            raise Misuse("a picture is nothing for a terminal", "name a file, or send it through a pipe")
        self.flush()
        with _pipe():
            self.stdout.buffer.write(data)
        self.flush()

    def _lines(self, lines: Sequence[Line]) -> None:
        self.page("\n".join(paint(line, self.terminal.color) for line in lines))

    # Talk

    def done(self, sentence: str, more: str = "") -> None:
        """Something came true."""
        self._talk("✓" if self.terminal.unicode else "ok", "good", sentence, more)

    def say(self, sentence: str, more: str = "") -> None:
        """A remark."""
        self._talk("", "", sentence, more)

    def warn(self, sentence: str, more: str = "") -> None:
        """A remark that `--quiet` does not silence."""
        self._talk("!", "warn", sentence, more, always=True)

    def lines(self, lines: Sequence[Line]) -> None:
        """Remarks of several meanings, such as a difference."""
        if lines and not self.quiet:
            with suppress(OSError):
                self.stderr.write("\n".join(paint(line, self.terminal.color_err) for line in lines) + "\n")
                self.stderr.flush()

    def progress(self, sentence: str, *, size: bool = False) -> AbstractContextManager[Shown]:
        """Show a sentence while something is done, on stderr and only on a terminal. `size`: with a bar, for bytes."""
        from flexctl.out.progress import progress

        return progress(self, sentence, size=size)

    def problem(self, problem: Problem) -> None:
        """Something that went wrong and does not end the command."""
        tell_problem(replace(problem, hint=addressed(problem.hint, self.flags)), self.stderr, self.terminal)

    def _talk(self, mark: str, style: str, sentence: str, more: str, *, always: bool = False) -> None:
        if self.quiet and not always:
            return
        said = [(Span(""), Span(line)) for line in sentence.splitlines()]
        if mark and said:
            said[0] = (Span(f"{mark} ", style), said[0][1])
        lines = [line for first, text in said for line in _wrapped(first, text, self.terminal)]
        more = addressed(more, self.flags)
        # What to do next is often a line to be copied: it is never broken.
        lines += [paint([Span(f"  {safe(line)}", "dim")], self.terminal.color_err) for line in more.splitlines()]
        if lines:
            with suppress(OSError):  # nobody can be told, and the work goes on
                self.stderr.write("\n".join(lines) + "\n")
                self.stderr.flush()

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Whether a person agrees. Without a terminal nobody can, so `--yes` must say it."""
        if yes:
            return True
        if not self.can_ask:
            raise Misuse(f"there is no terminal to ask: {question}", "say --yes to do it without a question")
        self.stderr.write(f"{safe(question)} [y/N] ")
        self.stderr.flush()
        with self._new_line():
            return self.stdin.readline().strip().lower() in {"y", "yes"}

    @property
    def can_ask(self) -> bool:
        """Whether there is a person to ask."""
        return self.terminal.stdin and self.terminal.stderr

    def ask_secret(self, question: str) -> str:
        """What a person types, unseen."""
        from getpass import getpass

        with self._new_line():
            return getpass(safe(question), self.stderr)

    def ask(self, question: str) -> str:
        """What a person types. The end of the input is the end of the conversation, as Ctrl-C is."""
        self.stderr.write(paint([Span(f"{safe(question)} ", "title")], self.terminal.color_err) + " ")
        self.stderr.flush()
        with self._new_line():
            if not (line := self.stdin.readline()):
                raise KeyboardInterrupt
        return line.strip()

    @contextmanager
    def _new_line(self) -> Iterator[None]:
        """Ctrl-C at a question leaves the cursor behind it."""
        try:
            yield
        except KeyboardInterrupt:
            self.stderr.write("\n")
            raise


def _sentence(text: str) -> str:
    """Hints come from the box, the SDK and flexctl: they all begin with a large letter, but for what is to be typed."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first not in {"flexctl", "sudo"} else text


def _wrapped(first: Span, text: Span, terminal: Terminal) -> list[str]:
    """The text after its beginning, broken at spaces to fit the window. A pipe has no width; and a line with a word
    that fits in none, such as a fingerprint to be copied, is left to the terminal.
    """
    plain = safe(text.text)
    room = (terminal.width_err or 10_000) - cells(first.text)
    whole = any(cells(word) > room for word in plain.split())
    head, *more = [plain] if whole else fold(plain, room)
    lines = [[first, Span(head, text.style)], *([Span("  "), Span(line, text.style)] for line in more)]
    return [paint(line, terminal.color_err) for line in lines]


def _masked(problem: Problem) -> Problem:
    """A problem without the secrets of this run: a box in trouble may send back what it was sent."""
    from flexctl.options import SECRETS

    secrets = [os.environ.get(variable, "") for variable in SECRETS.values()]
    details = tuple((name, masked(message, secrets)) for name, message in problem.details)
    sentence, hint = masked(problem.sentence, secrets), masked(problem.hint, secrets)
    return replace(problem, sentence=sentence, hint=hint, details=details)


def tell_problem(problem: Problem, stderr: TextIO, terminal: Terminal) -> None:
    """Write a problem: the sentence, the faulty fields, what to do next, whom to quote."""
    problem = _masked(problem)
    said = [(Span("flexctl: ", "bad"), Span(problem.sentence))]
    for name, message in problem.details:
        if name in problem.sentence and message in problem.sentence:
            continue  # the box has said it in one sentence already
        said.append((Span(f"  {safe(name)}: " if name else "  ", "title"), Span(message)))
    said += [(Span("  "), Span(line, "accent")) for line in _sentence(problem.hint).splitlines()]
    if problem.request_id:
        said.append((Span("  "), Span(f"request id {problem.request_id}", "dim")))
    lines = [line for first, text in said for line in _wrapped(first, text, terminal)]
    with suppress(OSError):  # then the exit code alone says it
        stderr.write("\n".join(lines) + "\n")
        stderr.flush()
