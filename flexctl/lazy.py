"""Commands that are imported when they are used. With app.py the only file that knows how Typer is built.

Typer reads every value with a pydantic adapter, one per parameter (40 ms for a `--help`, and messages about
validation). Ours are text, numbers, switches and choices, so `_process` reads them itself.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command_from_info
from typer.models import CommandInfo

from flexctl import aliases, extensions
from flexctl.errors import Misuse
from flexctl.meant import SYNONYMS, meant
from flexctl.options import GLOBALS, Setting, read_value
from flexctl.out.help import Section, render
from flexctl.out.terminal import Terminal
from flexctl.topics import TOPICS, show

Command = TyperCommand | TyperGroup


Boxes = Literal["one", "each", "all", "none"]
"""What a command makes of several boxes: it refuses them; it is run once for each; it takes them all and shows them
together by itself; or it is about no box."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of the map: where it lives, and the line that help shows for it."""

    target: str
    """`module:function`, imported when the command is used."""
    help: str
    hidden: bool = False
    calls: tuple[str, ...] = ()
    """The operations of the API that it is there for; a test holds that none is without a command."""
    boxes: Boxes = "one"


@dataclass(frozen=True, slots=True)
class Group:
    """A noun and its verbs."""

    help: str
    entries: Mapping[str, Entry]


def takes(*settings: Setting) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command more options than its signature: those that were given arrive as `state.given`."""

    def mark(function: Callable[..., None]) -> Callable[..., None]:
        function.__flexctl_settings__ = settings  # type: ignore[attr-defined]
        return function

    return mark


def _process(param: Any, ctx: Any, value: Any) -> Any:
    """The value that was meant, or a usage error that names the parameter."""
    if value is None or (isinstance(value, (list, tuple)) and not value):
        if param.required and not ctx.resilient_parsing:
            raise Misuse(f"{_title(param)} is missing", _help_hint(ctx))
        value = None
    elif isinstance(value, (list, tuple)):
        value = [_read(param, ctx, item) for item in value]
    elif isinstance(value, str):
        value = _read(param, ctx, value)
    return param.callback(ctx, param, value) if param.callback else value


def _read(param: Any, ctx: Any, text: str) -> Any:
    kind = param.type_descriptor.annotation
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    try:
        return read_value(kind, text, param.type_descriptor.parameter_info.parser)
    except ValueError as error:
        raise Misuse(f"{_title(param)}: {error}", _help_hint(ctx)) from None


def _title(param: Any) -> str:
    is_option = isinstance(param, TyperOption)
    return str(param.opts[0] if is_option else (param.metavar or param.name).rstrip("."))


class _Option(TyperOption):
    """An option that reads plainly."""

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value that was meant."""
        return _process(self, ctx, value)


class _Argument(TyperArgument):
    """An argument that reads plainly."""

    def get_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002  Typer calls it so
        """`ID`, `ID...`, or `[FILE]` where it may be left out."""
        name = self.metavar or self.name
        return [name if self.required else f"[{name}]"]

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value that was meant."""
        return _process(self, ctx, value)


def _plainly(param: Any) -> Any:
    """Typer makes its own class of parameter and leaves no place to name another: turn it into ours."""
    ours: Any = _Option if isinstance(param, TyperOption) else _Argument
    param.__class__ = ours
    return param


def _annotation(setting: Setting) -> Any:
    info = typer.Option(
        *setting.flags,
        help=setting.help + (f" [{setting.env}]" if setting.env else ""),
        metavar=setting.metavar,
        hidden=setting.hidden,
        rich_help_panel=setting.section,
        parser=setting.read,
    )
    return Annotated[setting.kind | None if setting.kind is not bool else bool, info]


@cache
def _params(settings: tuple[Setting, ...]) -> list[Any]:
    def holder(**_: Any) -> None:
        """Only its signature is used."""

    kinds = {setting.name: _annotation(setting) for setting in settings}
    keyword = inspect.Parameter.KEYWORD_ONLY
    holder.__annotations__ = kinds
    holder.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword, default=None, annotation=kind) for name, kind in kinds.items()]
    )
    return [_plainly(param) for param in _built(holder, "settings", "", TyperCommand).params]


def _built(function: Callable[..., Any], name: str, help: str, cls: type[TyperCommand]) -> Any:  # noqa: A002
    info = CommandInfo(name, callback=function, short_help=help, cls=cls)
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)


class _Helps:
    """Help of our own: sections with two columns, in the terminal's width, without a library."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page."""
        terminal = Terminal.of_process()
        usage = " ".join([ctx.command_path, *self.collect_usage_pieces(ctx)])  # type: ignore[attr-defined]
        formatter.write(render(usage, inspect.cleandoc(self.help or ""), self.sections(ctx), terminal))  # type: ignore[attr-defined]

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, read as plainly as the rest."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        return option and _plainly(option)

    def sections(self, ctx: Any) -> list[Section]:
        """The parameters, by section, in the order they were declared."""
        found: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):  # type: ignore[attr-defined]
            record = param.get_help_record(ctx)
            if record and isinstance(param, TyperArgument):
                found.setdefault("Arguments", []).append((param.metavar or param.name, param.help or ""))
            elif record:
                title = getattr(param, "rich_help_panel", None) or "Options"
                left = record[0].replace(" <bool>", "")
                found.setdefault(title, []).append((left, record[1]))
        return [Section(title, tuple(rows)) for title, rows in found.items()]


class Leaf(_Helps, TyperCommand):
    """A command. Beside its own parameters it takes the global settings, and those of `takes`."""

    extra: frozenset[str] = frozenset()
    boxes: Boxes = "one"

    @classmethod
    def of(cls, name: str, entry: Entry) -> Leaf:
        """Import the command's function and make the command of it."""
        module, _, attribute = entry.target.partition(":")
        function = getattr(import_module(module), attribute)
        leaf: Leaf = _built(function, name, entry.help, cls)
        own = {param.name for param in leaf.params}
        flags = {flag for param in leaf.params for flag in param.opts}
        more = [*getattr(function, "__flexctl_settings__", ()), *GLOBALS]
        added = tuple(s for s in more if s.name not in own and not flags.intersection(s.flags))
        leaf.params = [*map(_plainly, leaf.params), *_params(added)]
        leaf.extra = frozenset(setting.name for setting in added)
        leaf.boxes = entry.boxes
        return leaf

    def sections(self, ctx: Any) -> list[Section]:
        """Its own options; the global ones in one line."""
        own = [s for s in super().sections(ctx) if s.title not in {"Connection", "Output"}]
        flags = ", ".join(setting.flags[0] for setting in GLOBALS if setting.name in self.extra)
        return [*own, Section("Global options", note=f"{flags}. `flexctl --help` explains them.")]

    def invoke(self, ctx: Any) -> Any:
        """Run it, with a `State` of everything that was given, the nearest to the command first."""
        from flexctl.state import State

        given = _given_above(ctx)
        for name in self.extra:
            if (value := ctx.params.pop(name, None)) is not None:
                given[name] = value
        if given.get("yes") and "yes" in ctx.params:  # said before the command's name
            ctx.params["yes"] = True
        with State(given) as ctx.obj:
            boxes: Boxes = "all" if ctx.params.get("watch") else self.boxes
            if boxes in {"one", "each"} and ctx.obj.many:
                return self._on_each(ctx) if boxes == "each" else ctx.obj.refuse_many(ctx.command_path)
            return super().invoke(ctx)

    def _on_each(self, ctx: Any) -> None:
        """Run it once for each box that was named."""
        from flexctl.fanout import fan_out, stdin_for_each

        def work(state: Any) -> None:
            own = copy.copy(ctx)
            own.obj = state
            with state:
                super(Leaf, self).invoke(own)

        words = [ctx.params[param.name] for param in self.params if isinstance(param, TyperArgument)]
        flat = [word for value in words if value for word in (value if isinstance(value, list) else [value])]
        yes = bool(ctx.params.get("yes") or ctx.obj.settings.get("yes"))
        with stdin_for_each(ctx.params, ctx.obj.given):
            fan_out(ctx.obj, " ".join([ctx.command_path, *flat]), work, yes=yes)


def _given_above(ctx: Any) -> dict[str, Any]:
    """The global settings that stood before a command's name, the nearest to it first."""
    given: dict[str, Any] = {}
    while ctx := ctx.parent:
        given = {**{k: v for k, v in ctx.params.items() if v is not None and k != "version"}, **given}
    return given


class Extension(TyperCommand):
    """A program named flexctl-foo, as a command. Whatever stands behind its name is its own."""

    path: str

    @classmethod
    def of(cls, name: str, path: str) -> Extension:
        """Make the command of its program."""
        made = cls(name=name, help=f"Run {path}.", add_help_option=False)
        made.path = path
        return made

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Nothing is ours to read."""
        ctx.args = args
        return args

    def invoke(self, ctx: Any) -> Any:
        """Become the program."""
        from flexctl.state import State

        extensions.run(self.path, ctx.args, extensions.settings_of(State(_given_above(ctx))))


class LazyGroup(_Helps, TyperGroup):
    """A group that knows names and help lines of its commands, and imports one when it is used."""

    table: Mapping[str, Entry | Group]

    @classmethod
    def of(cls, name: str, help: str, table: Mapping[str, Entry | Group], params: Sequence[Any] = ()) -> LazyGroup:  # noqa: A002
        """Make the group of its table."""
        group = cls(
            name=name,
            help=help,
            params=list(params),
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        group.table = table
        return group

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  Typer calls it so
        """The names, in the order of the table."""
        return [name for name, entry in self.table.items() if not getattr(entry, "hidden", False)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  Typer calls it so
        """Import one command."""
        entry = self.table.get(cmd_name)
        if isinstance(entry, Group):
            return LazyGroup.of(cmd_name, entry.help, entry.entries)
        return Leaf.of(cmd_name, entry) if entry else None

    def sections(self, ctx: Any) -> list[Section]:
        """The commands, from the table alone, then the options."""
        rows = tuple((name, self.table[name].help) for name in self.list_commands(ctx))
        more = _more_sections(self.table) if ctx.parent is None else []
        return [Section("Commands", rows), *more, *super().sections(ctx)]

    def resolve_command(self, ctx: Any, args: list[str], more: Sequence[str] = ()) -> tuple[str | None, Any, list[str]]:
        """Find the command that is named, or say which one, or which of `more`, may have been meant."""
        name, *rest = args
        if name == "help":
            return self._helped(ctx, rest)
        if name in self.table or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if ctx.parent is None and (text := aliases.load().get(name)) is not None:
            return super().resolve_command(ctx, [*aliases.words_of(name, text, self.table), *rest])
        if ctx.parent is None and (path := extensions.path_of(name)):
            return name, Extension.of(name, path), rest
        raise self._unknown(ctx, name, more)

    def _unknown(self, ctx: Any, name: str, more: Sequence[str]) -> Misuse:
        known = [*self.list_commands(ctx), *more]
        if ctx.parent is None:
            known += [*aliases.known(), *extensions.known()]
        synonym = SYNONYMS.get(name)
        guess = f". Did you mean '{synonym}'?" if synonym in known else meant(name, known)
        return Misuse(f"there is no command '{ctx.command_path} {name}'{guess}", _help_hint(ctx))

    def _helped(self, ctx: Any, names: list[str]) -> tuple[str | None, Any, list[str]]:
        """`help COMMAND` is `COMMAND --help`; `help TOPIC` is a page about what holds for all commands."""
        topics = TOPICS if ctx.parent is None else {}
        if names and names[0] in topics:
            show(names[0])
            raise typer.Exit
        if names:
            return self.resolve_command(ctx, [*names, "--help"], tuple(topics))
        typer.echo(ctx.get_help())
        raise typer.Exit


def _help_hint(ctx: Any) -> str:
    return f"`{ctx.command_path} --help` shows what there is" if ctx else ""


def _more_sections(table: Mapping[str, Entry | Group]) -> list[Section]:
    """What else stands where a command's name does."""
    own = {name: text for name, text in aliases.known().items() if name not in table}
    programs = {name: path for name, path in extensions.known().items() if name not in table and name not in own}
    topics = tuple((f"help {name}", line) for name, (line, _, _) in TOPICS.items())
    return [
        Section("Aliases", tuple(sorted(own.items()))),
        Section("Extensions", tuple(sorted(programs.items()))),
        Section("Topics", topics),
    ]


def root(help: str, table: Mapping[str, Entry | Group], function: Callable[..., None]) -> LazyGroup:  # noqa: A002
    """The outermost group: its function's own options, and the global settings."""
    own = [_plainly(param) for param in _built(function, "flexctl", "", TyperCommand).params]
    return LazyGroup.of("flexctl", help, table, [*own, *_params(GLOBALS)])


def misuse_of(error: typer.TyperException) -> Misuse:
    """Typer's own usage errors, in our words."""
    ctx = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if option and hasattr(error, "possibilities"):
        known = [flag for param in ctx.command.get_params(ctx) for flag in param.opts] if ctx else []
        return Misuse(f"there is no option '{option}'{meant(option, known)}", _help_hint(ctx))
    message = error.format_message().rstrip(".")
    if message.startswith("Got unexpected extra"):
        message = f"nothing is expected here: {message.partition('(s) (')[2].rstrip(')')}"
    return Misuse(message[:1].lower() + message[1:], _help_hint(ctx))
