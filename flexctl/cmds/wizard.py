"""The conversation of `flexctl pipeline create` on a terminal, when nothing was said yet."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flexctl.errors import Misuse, Stop
from flexctl.manifest import flags
from flexctl.out.formats import to_yaml
from flexctl.out.style import Span, clip, safe
from flexctl.wizard.questions import Question, command_words, given_by, next_question

if TYPE_CHECKING:
    from flexclient.models import Camera, CameraCapability
    from flexctl.out.out import Out
    from flexctl.state import State

BACK = "<"
WELCOME = (
    f"A new pipeline. Enter takes what stands in brackets, {BACK} goes back, Ctrl-C ends it. "
    "Nothing is made before you agree."
)
AGAIN = "Type yes, no, or < to go back."


def wanted(run: State, name: str | None, file: str | None) -> bool:
    """Whether there is a person to ask, and nothing else to go by."""
    out = run.out
    told = name or file or any(key.startswith("spec_") for key in run.given)
    return not told and out.can_ask and out.terminal.stdout and not out.quiet


def ask(run: State, *, sent: bool) -> tuple[str, dict[str, Any]]:
    """The id, and what the options would have been. Raises Stop where nobody agrees."""
    known, answers = _Box(run), dict[str, str]()
    known.ids  # noqa: B018  a box that cannot be reached is told before the first question
    run.out.say(WELCOME)
    while True:
        _converse(run.out, known, answers)
        name, *words = command_words(answers, known)
        given = given_by(words)
        _show(run, name, words, given)
        agreed = _agreed(run.out)
        if agreed:
            if sent:
                run.once(f"Watch it here: flexctl play {name}")
            return name, given
        if agreed is False:
            raise Stop("nothing was made")
        answers.popitem()


class _Box:
    """What the box knows, asked as late as can be. One that has no cameras to tell of has none."""

    def __init__(self, run: State) -> None:
        self._client = run.client
        self._taken: list[str] | None = None
        self._modes: dict[str, Sequence[CameraCapability]] = {}

    @property
    def ids(self) -> Sequence[str]:
        """The ids that are taken."""
        if self._taken is None:
            self._taken = [pipeline.id for pipeline in self._client.pipelines.list()]
        return self._taken

    def cameras(self) -> Sequence[Camera]:
        """The cameras that are plugged in."""
        from flexclient.errors import ApiError

        try:
            return self._client.cameras.list().cameras
        except ApiError:
            return ()

    def modes(self, path: str) -> Sequence[CameraCapability]:
        """What one can do; nothing where it cannot be asked."""
        from flexclient.errors import ApiError

        if path not in self._modes:
            try:
                self._modes[path] = self._client.cameras.get(path).capabilities
            except ApiError:
                self._modes[path] = ()
        return self._modes[path]


def _converse(out: Out, known: _Box, answers: dict[str, str]) -> None:
    """Ask until all is known. `answers` keeps the order, so that going back takes the last one out."""
    while question := next_question(answers, known):
        _menu(out, question)
        said = out.ask(f"{_asked(question)}:")
        if said == BACK:
            if answers:
                answers.popitem()
            continue
        try:
            answers[question.key] = question.read(said)
        except (ValueError, Misuse) as error:
            hint = error.problem.hint if isinstance(error, Misuse) else ""
            out.warn(str(error), hint)


def _asked(question: Question) -> str:
    text = "Choose" if question.choices and not question.short else question.text
    return f"{text} [{question.default}]" if question.default else text


def _menu(out: Out, question: Question) -> None:
    if not question.choices or question.short:
        return
    room = (out.terminal.width_err or 80) - 1
    column = max(len(choice.word) for choice in question.choices)
    lines = [[Span("")], [Span(question.text, "title")]]
    for number, choice in enumerate(question.choices, 1):
        word = f"  {number}  {safe(choice.word):<{column}}"
        lines.append([Span(clip(word, room), "accent"), Span(clip(f"  {safe(choice.help)}", max(room - len(word), 0)))])
    out.lines(lines)


def _show(run: State, name: str, words: list[str], given: dict[str, Any]) -> None:
    """The document that would be sent, and the line that does the same."""
    document = flags.read_spec({"id": name, **flags.document(given)}).body()
    line = shlex.join(["flexctl", "pipeline", "create", name, *words])
    heading = [[Span("")], [Span("This would be made:", "title")]]
    body = [[Span(f"  {text}")] for text in to_yaml(document).splitlines()]
    run.out.lines(
        [*heading, *body, [Span("")], [Span("The same in one line:", "title")], [Span(f"  {line}", "accent")]]
    )


def _agreed(out: Out) -> bool | None:
    """Whether it shall be made; None for going back."""
    out.lines([[Span("")]])
    while True:
        said = out.ask("Make it? [yes]:").lower()
        if said in {"", "y", "yes"}:
            return True
        if said in {"n", "no"}:
            return False
        if said == BACK:
            return None
        out.warn(AGAIN)
