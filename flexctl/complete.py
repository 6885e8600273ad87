"""What may come next on a half-typed line: commands, options, choices, and names of what is there.

A shell runs flexctl with `_FLEXCTL_COMPLETE` set to its own name and the words as arguments, the last one half typed
(bash: the line as `COMP_LINE`). The answer is one line that says what the rest is, `names`, `open` (no space follows)
or `files`, then a line each: the word, a tab, what it is. It is never an error and never asks anybody.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from flexctl import aliases, extensions

VARIABLE = "_FLEXCTL_COMPLETE"
MOST = 400
"""Names that are offered at once: nobody reads more."""

Names = Callable[[str, Mapping[str, Any]], Iterable[str]]
"""Kind of a live resource, and the options that say on which box -> names."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What may come next. `words`: each with what it is."""

    words: tuple[tuple[str, str], ...] = ()
    files: bool = False


@dataclass(slots=True)
class Line:
    """What the words before the last one say."""

    command: Any
    path: list[str] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    """Arguments that stand there already."""
    waiting: Any = None
    """The option whose value comes next."""
    only_arguments: bool = False
    helps: bool = False

    @property
    def is_group(self) -> bool:
        """Whether the name of a command comes next."""
        return hasattr(self.command, "table")


def run() -> None:
    """Answer the shell that asks."""
    try:
        shell = os.environ.pop(VARIABLE)
        words = words_of(os.environ) if shell == "bash" else sys.argv[1:]
        *before, current = words or [""]
        from flexctl.names import live

        text = written(answer(before, current, live), current, shell, os.environ)
        sys.stdout.write(text)
        sys.stdout.flush()
    except Exception:  # noqa: S110  somebody is typing: whatever is wrong, the command itself will say it
        pass


def words_of(environ: Mapping[str, str]) -> list[str]:
    """The words of bash's line up to the cursor, without the first; the last one may be empty or in open quotes."""
    line = environ["COMP_LINE"].encode()[: int(environ["COMP_POINT"])].decode(errors="ignore")
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(line.removesuffix("\\") + closing)
        except ValueError:
            continue
        return words[1:] + ([""] if not closing and (line[-1:].isspace() or len(words) < 2) else [])
    return [""]


def written(found: Answer, current: str, shell: str, environ: Mapping[str, str]) -> str:
    """The answer as its shell reads it. bash completes only what stands behind the last : or = of a word."""
    if found.files:
        return "files\n"
    words = found.words
    is_open = bool(words) and all(word.endswith(("=", "/", ",")) for word, _ in words)
    if shell == "bash":
        breaks = environ.get("COMP_WORDBREAKS", "")
        cut = max((current.rfind(sign) + 1 for sign in ":=" if sign in breaks), default=0)
        lines = [word[cut:] for word, _ in words]
    else:
        lines = [f"{word}\t{meaning}" if meaning else word for word, meaning in words]
    return "\n".join(["open" if is_open else "names", *lines]) + "\n"


def answer(before: list[str], current: str, names: Names) -> Answer:
    """What may come next, of which `current` is the beginning."""
    line = read(before)
    if line.waiting is not None:
        return _begun(_values(line, line.waiting, current, names), current)
    if current.startswith("-") and not line.only_arguments:
        flag, sign, value = current.partition("=")
        if sign and (param := _options(line.command).get(flag)):
            found = _begun(_values(line, param, value, names), value)
            return Answer(tuple((f"{flag}={word}", meaning) for word, meaning in found.words), found.files)
        return _begun(Answer(tuple(_flags(line.command))), current)
    if line.is_group:
        return _begun(Answer(tuple(_commands(line))), current)
    param = _argument(line)
    return _begun(_values(line, param, current, names), current) if param is not None else Answer()


def read(words: Iterable[str]) -> Line:
    """Read the words before the last one, as far as they can be understood."""
    from flexctl.app import app

    line = Line(app())
    for word in words:
        if line.waiting is not None:
            _give(line, line.waiting, word)
            line.waiting = None
        elif word == "--":
            line.only_arguments = True
        elif word.startswith("-") and len(word) > 1 and not line.only_arguments:
            _option(line, word)
        elif line.is_group:
            _descend(line, word)
        else:
            line.count += 1
    return line


def _option(line: Line, word: str) -> None:
    flag, sign, value = word.partition("=")
    param = _options(line.command).get(flag)
    if param is None:
        return
    if param.is_flag:
        line.given[param.name] = flag in param.opts
    elif sign:
        _give(line, param, value)
    else:
        line.waiting = param


def _give(line: Line, param: Any, text: str) -> None:
    line.given[param.name] = tuple(text.split(",")) if param.name == "context" else text


def _descend(line: Line, word: str) -> None:
    if word == "help" and not line.helps:
        line.helps = True
        return
    words = [word]
    if not line.path and word not in line.command.table and (text := aliases.known().get(word)):
        words = shlex.split(text)
    for name in words:
        below = line.command.get_command(None, name) if line.is_group else None
        if below is not None:
            line.command, line.path = below, [*line.path, name]
    if not line.path:
        line.command, line.path = _Nothing(), [word]


class _Nothing:
    """A command of which nothing is known, such as an extension."""

    params: tuple[Any, ...] = ()


def _commands(line: Line) -> Iterable[tuple[str, str]]:
    table = line.command.table
    yield from ((name, entry.help) for name, entry in table.items() if not getattr(entry, "hidden", False))
    if line.path:
        return
    yield from ((name, text) for name, text in aliases.known().items() if name not in table)
    yield from ((name, path) for name, path in extensions.known().items() if name not in table)
    if line.helps:
        from flexctl.topics import TOPICS

        yield from ((name, meaning) for name, (meaning, _, _) in TOPICS.items())
    else:
        yield "help", "Show help of a command, or of a topic"


def _options(command: Any) -> dict[str, Any]:
    return {flag: p for p in command.params if _is_option(p) for flag in (*p.opts, *p.secondary_opts)}


def _is_option(param: Any) -> bool:
    return bool(param.param_type_name == "option")


def _flags(command: Any) -> Iterable[tuple[str, str]]:
    for param in command.params:
        if _is_option(param) and not param.hidden:
            meaning = str(param.help or "").partition(" [FLEX_")[0]
            yield from ((flag, meaning) for flag in (*param.opts, *param.secondary_opts) if flag.startswith("--"))
    yield "--help", "Show help"


def _argument(line: Line) -> Any:
    """The argument that the last word is."""
    params = [param for param in line.command.params if not _is_option(param)]
    if line.count < len(params):
        return params[line.count]
    return params[-1] if params and params[-1].nargs == -1 else None


def _values(line: Line, param: Any, current: str, names: Names) -> Answer:
    """What a parameter may be: choices that it has itself, names of its kind, or files."""
    choices = _choices(param)
    if choices:
        return Answer(tuple((choice, "") for choice in choices))
    kinds, many = kinds_of(line.path, param)
    if not kinds:
        return Answer(files=str(param.metavar or "").rstrip(".") in {"FILE", "PATH"})
    head = current[: current.rfind(",") + 1] if many else ""
    down = "-" if "columns" in kinds and param.name == "sort_by" and current[len(head) :].startswith("-") else ""
    found: list[str] = []
    for kind in kinds:
        found += _columns(line.command) if kind == "columns" else _known(kind) or names(kind, line.given)
    used = set(head.split(","))
    return Answer(tuple((head + down + name, "") for name in found if name not in used))


def _choices(param: Any) -> tuple[str, ...]:
    kind = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    options = [kind, *get_args(kind)]
    return next((get_args(option) for option in options if get_origin(option) is Literal), ())


EVENTS = (
    "pipeline_status",
    "pipeline_error",
    "pipeline_created",
    "pipeline_updated",
    "pipeline_deleted",
    "camera_added",
    "camera_removed",
    "framegrab_created",
    "geolocation",
    "settings_changed",
    "webhook_failed",
)
"""The types of `--types`, so that completion need not import the models. A test compares them."""

_ARGUMENTS = {
    ("pipeline", "ID"): ("pipeline",),
    ("webhook", "ID"): ("webhook",),
    ("framegrab", "FILE"): ("framegrab",),
    ("framegrab", "FILE|ID"): ("pipeline", "framegrab"),
    ("camera", "CAMERA"): ("camera",),
    ("settings", "NAME=VALUE"): ("assignment",),
    ("context", "NAME"): ("context",),
    ("alias", "NAME"): ("alias",),
    ("play", "NAME"): ("pipeline",),
    ("play", "ID"): ("pipeline",),
    ("wait", "KIND/NAME"): ("target",),
}
"""Group and metavar of an argument -> what it names."""

_OPTIONS = {
    "columns": "columns",
    "sort_by": "columns",
    "context": "context",
    "pipeline": "pipeline",
    "types": "event",
    "events": "message",
    "unset": "setting",
}
"""Name of an option -> what its value names. All but `unset` take several, with commas."""


def kinds_of(path: list[str], param: Any) -> tuple[tuple[str, ...], bool]:
    """What a parameter names, and whether it takes several with commas."""
    if _is_option(param):
        kind = _OPTIONS.get(param.name)
        return ((kind,) if kind else ()), kind != "setting" and path[:1] != ["framegrab"]
    if path[-1:] in (["create"], ["add"], ["set"]) and param.metavar != "NAME=VALUE...":
        return (), False  # a new name is nobody's yet
    return _ARGUMENTS.get((path[0] if path else "", str(param.metavar or "").rstrip(".")), ()), False


def _known(kind: str) -> list[str]:
    """Names that stand in flexctl itself, or in its own files."""
    if kind == "context":
        from flexctl.contexts import names

        return [*names()]
    if kind == "alias":
        return [*aliases.known()]
    if kind in {"setting", "assignment"}:
        from flexctl.views.settings import NAMES

        return [f"{name}=" if kind == "assignment" else name for name in NAMES]
    if kind == "event":
        return [*EVENTS]
    if kind == "message":
        from flexctl.views.webhook import EVENTS as MESSAGES

        return [*MESSAGES]
    return []


def _columns(command: Any) -> list[str]:
    """The columns of what a command shows: of the views that its function names, else of all in its module."""
    from flexctl.views.view import View

    function = getattr(command.callback, "__wrapped__", command.callback)
    around = function.__globals__
    views = [around[name] for name in function.__code__.co_names if isinstance(around.get(name), View)]
    views = views or [thing for thing in around.values() if isinstance(thing, View)]
    return list(dict.fromkeys(column.key for view in views for column in view.columns))


def _begun(found: Answer, current: str) -> Answer:
    """Those that begin so."""
    words = tuple((word, meaning) for word, meaning in found.words if word.startswith(current))
    return Answer(words[:MOST], found.files)
