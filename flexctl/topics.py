"""Pages of `flexctl help TOPIC`: what holds for all commands. Tables come from where the code has them."""

from __future__ import annotations

from collections.abc import Callable

from flexctl.out.help import Section, render
from flexctl.out.terminal import Terminal

_CONTEXTS = """A context is a saved box: its address, whom to trust, and whether it may be changed.

The first contact shows the fingerprint of the box's certificate and pins it once it is confirmed. A box that shows
another one later is refused, with the command that pins anew.

Which box a command is about: --url, then --context, then FLEX_URL, then FLEX_CONTEXT, then the context in use, then
https://127.0.0.1:3539. With several names, or --all-contexts, a command runs on all of these boxes at once: tables get
a first column CONTEXT, JSON is an object with one document a box, and NDJSON lines have a field "context". A box that
fails keeps no other from it; the first failure, in the order of the names, is the exit code.

They are saved in contexts.toml in the configuration folder, which FLEX_CONFIG_DIR names. No secret is in it.

flexctl context add lab https://10.0.0.5:3539
flexctl context use lab
flexctl pipeline list --context lab,roof
"""

_ENVIRONMENT = """An option goes before its variable, a variable before what is saved. An empty variable is one that
is not set. Secrets have no option, because everyone on a machine can read its command lines.
"""

_EXIT_CODES = """Each exit code has one meaning, so that a script can branch without reading a message.

With several boxes or names the first failure decides. `diff` has its own: 0 the same, 1 something differs, 2 and up
a failure.

flexctl pipeline get cam1 -o name --quiet || test $? -eq 3
"""

_EXTENSIONS = """A program named flexctl-foo anywhere in PATH runs as `flexctl foo`, and help lists it. What stands
behind its name is its own; its exit code is passed on. Global options that stand before the name, and the box of the
context in use, reach it as variables: FLEX_URL, FLEX_FINGERPRINT, FLEX_CA_FILE, FLEX_OUTPUT and so on. A token does
not, unless FLEX_TOKEN is set already.

An alias is a word for a longer command; what follows it on a line is put behind. It begins with a command, so none
leads back to itself, and commands cannot be renamed. A command goes before an alias, an alias before an extension.

flexctl alias set ps 'pipeline list -o wide'
flexctl --url https://10.0.0.5:3539 foo --bar
"""

_OUTPUT = r"""stdout is data, stderr is talk. A terminal shows rates, sizes and times as people read them, in its
width; a pipe gets every value exactly and whole. What others wrote cannot steer the terminal: control characters are
shown as marks, and as escapes in JSON.

--sort-by takes several columns, the largest first with -COLUMN or COLUMN:desc. Rows without a value come last.

--query picks from the JSON document with JMESPath (https://jmespath.org) before the form is made, so -o csv, table and
name show what was picked. Numbers in it stand in backticks.

--template writes each item of the JSON document so: {id} is a field, {stats.fps:.1f} one inside another with a format
as in Python, {inputs[0].id} one of a list, {metadata[a.b]} one with a dot in its name, {} the item itself. What is not
there is empty, in as many columns as its format has. \t \n \0 and \\ are what they are in shells, {{ and }} braces.
Each item ends a line, unless the template ends with \n or \0.

What is longer than the screen of a terminal goes through FLEX_PAGER, or PAGER where that is not set; --no-pager and an
empty FLEX_PAGER keep it from that. Live output never does.

flexctl pipeline list --sort-by state,-created_at --columns id,state,created_at
flexctl pipeline list --query "[].{id: id, source: source.uri}" -o csv
flexctl pipeline list --query "[?encoding.bitrate > `2000`].id"
flexctl pipeline list --template '{id:<20} {state}'
flexctl framegrab list --template '{file}\0' | xargs -0 -n 1 flexctl framegrab download
"""

_FORMS = (
    ("table", "for people: columns fold to the window"),
    ("wide", "the same with every column"),
    ("json", "the box's own document, secrets as stars"),
    ("yaml", "the same as YAML"),
    ("ndjson", "one JSON object a line"),
    ("csv", "every column, for spreadsheets"),
    ("name", "names alone, for xargs"),
)
_OTHERS = (
    ("FLEX_TOKEN", "who asks: a session's token"),
    ("FLEX_API_KEY", "who asks: a key"),
    ("FLEX_PASSWORD", "the box's password, of auth login"),
    ("FLEX_SOURCE_PASSWORD", "the password of a source"),
    ("FLEX_WEBHOOK_SECRET", "what webhooks are signed with"),
    ("FLEX_CONFIG_DIR", "where contexts and aliases are saved"),
    ("FLEX_PAGER, PAGER", "what shows text that is longer than the screen; empty for none"),
    ("VISUAL, EDITOR", "what `settings edit` opens"),
    ("NO_COLOR", "no colours anywhere"),
    ("FORCE_COLOR, CLICOLOR_FORCE", "colours also in a pipe; 0 for none"),
    ("CLICOLOR", "0 for no colours"),
    ("TERM", "dumb: no colours, nothing drawn in place"),
)


def _environment() -> list[Section]:
    from flexctl.options import GLOBALS

    rows = tuple((setting.env, f"{setting.help} ({setting.flags[0]})") for setting in GLOBALS if setting.env)
    return [Section("As options", rows), Section("Others", _OTHERS)]


def _exit_codes() -> list[Section]:
    from flexctl.exits import Exit

    return [Section("Codes", tuple((str(int(code)), code.meaning) for code in Exit))]


TOPICS: dict[str, tuple[str, str, Callable[[], list[Section]]]] = {
    "contexts": ("saved boxes, and several at once", _CONTEXTS, list),
    "environment": ("every variable", _ENVIRONMENT, _environment),
    "exit-codes": ("what the exit code says", _EXIT_CODES, _exit_codes),
    "extensions": ("commands of one's own: aliases and flexctl-foo", _EXTENSIONS, list),
    "output": ("forms, columns, order, queries, templates", _OUTPUT, lambda: [Section("Forms", _FORMS)]),
}
"""Topic -> its line in help, its text, its tables."""


def page(name: str, terminal: Terminal) -> str:
    """A topic as text."""
    _, text, sections = TOPICS[name]
    return render(f"flexctl help {name}", text, sections(), terminal, title="Topic")


def show(name: str) -> None:
    """Write a topic, through the pager where it is longer than the screen."""
    from flexctl.out.out import Out
    from flexctl.state import now

    terminal = Terminal.of_process()
    Out(terminal, clock=now, pager=terminal.pager).page(page(name, terminal))
