"""`flexctl alias set|list|delete`."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from flexctl import aliases
from flexctl.app import TABLE
from flexctl.errors import Stop
from flexctl.exits import Exit
from flexctl.meant import meant
from flexctl.state import state_of
from flexctl.views.view import Column, Field, Part, View


@dataclass(frozen=True, slots=True)
class Alias:
    """A word and what it stands for."""

    name: str
    command: str


ALIAS: View[Alias] = View(
    columns=(
        Column("name", "NAME", lambda a: a.name),
        Column("command", "COMMAND", lambda a: a.command, priority=1, least=16),
    ),
    details=lambda a: [Part("", (Field("Name", a.name), Field("Command", a.command)))],
    name=lambda a: a.name,
    data=asdict,
)
NONE_YET = ("There are no aliases yet.", "Set one: flexctl alias set ps 'pipeline list -o wide'")


def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new word.")],
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="What it stands for, in quotes, without flexctl.")],
) -> None:
    """Give a command a name of one's own. What follows the name on a line is put behind the command.

    flexctl alias set ps 'pipeline list -o wide'
    flexctl alias set sick "pipeline list --query \"[?state=='error'].id\" -o name"
    """
    run = state_of(ctx)
    aliases.check_name(name, TABLE)
    text = command.removeprefix("flexctl ").strip()
    aliases.words_of(name, text, TABLE)
    aliases.change(lambda known: {**known, name: text})
    run.out.changed(f"flexctl {name} is flexctl {text}", [Alias(name, text)], ALIAS)


def list_(ctx: typer.Context) -> None:
    """Show the aliases.

    flexctl alias list
    """
    state_of(ctx).out.list([Alias(name, text) for name, text in sorted(aliases.load().items())], ALIAS, NONE_YET)


def delete(
    ctx: typer.Context, names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The words to forget.")]
) -> None:
    """Forget aliases.

    flexctl alias delete ps
    """
    run, known = state_of(ctx), aliases.load()
    for name in names:
        if name not in known:
            raise Stop(
                f"there is no alias '{name}'{meant(name, known)}", "see them: flexctl alias list", Exit.NOT_FOUND
            )
    aliases.change(lambda known: {name: text for name, text in known.items() if name not in names})
    run.out.done(f"Forgot {', '.join(names)}.")
