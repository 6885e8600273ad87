"""Every setting, declared once: its flag, its environment variable, its key in the configuration, its meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from flexctl.errors import Misuse
from flexctl.meant import meant

if TYPE_CHECKING:
    from flexctl.out.template import Template

Format = Literal["table", "wide", "json", "yaml", "ndjson", "csv", "name"]
"""The forms that data comes in."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind` is its type; `read` makes the value of its text where the type alone does not."""

    name: str
    flags: tuple[str, ...]
    help: str
    kind: Any = str
    metavar: str | None = None
    env: str | None = None
    read: Callable[[str], Any] | None = None
    section: str = "Options"
    hidden: bool = False


def duration(text: str) -> float:
    """Seconds of `10`, `10s`, `500ms`, `1m30s`, `2h`."""
    units = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhd]|$)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"'{text}' is not a duration such as 10s, 500ms or 1m30s")
    return sum(float(number) * units[unit] for number, unit in parts)


def some_time(text: str) -> float:
    """A duration that is more than none."""
    seconds = duration(text)
    if not seconds:
        raise ValueError(f"'{text}' is no time at all")
    return seconds


def names(text: str) -> tuple[str, ...]:
    """Words of a list with commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _order(text: str) -> str:
    """What --sort-by says, once it says something."""
    from flexctl.out.table import orders

    orders(text)
    return text


def _query(text: str) -> str:
    """What --query says, once it can be read: before anything is sent."""
    from flexctl.out.picking import checked

    return checked(text)


def _template(text: str) -> Template:
    """What --template says, read before anything is sent."""
    from flexctl.out.template import read

    return read(text)


_CONNECTION, _OUTPUT = "Connection", "Output"

GLOBALS: tuple[Setting, ...] = (
    Setting(
        "url",
        ("--url",),
        "Address of the box (default: the current context, or https://127.0.0.1:3539)",
        metavar="URL",
        env="FLEX_URL",
        section=_CONNECTION,
    ),
    Setting(
        "context",
        ("--context",),
        "Saved boxes to do it on; `flexctl context list` shows them",
        metavar="NAME,..",
        env="FLEX_CONTEXT",
        read=names,
        section=_CONNECTION,
    ),
    Setting("all_contexts", ("--all-contexts",), "Do it on every saved box", bool, section=_CONNECTION),
    Setting(
        "fingerprint",
        ("--fingerprint",),
        "Trust this certificate alone (its SHA-256)",
        metavar="AA:BB:..",
        env="FLEX_FINGERPRINT",
        section=_CONNECTION,
    ),
    Setting(
        "ca_file",
        ("--ca-file",),
        "Trust certificates signed by this one",
        metavar="FILE",
        env="FLEX_CA_FILE",
        section=_CONNECTION,
    ),
    Setting(
        "insecure",
        ("--insecure",),
        "Trust any certificate: only for a try",
        bool,
        env="FLEX_INSECURE",
        section=_CONNECTION,
    ),
    Setting(
        "token_stdin",
        ("--token-stdin",),
        "Read the token from standard input",
        bool,
        section=_CONNECTION,
    ),
    Setting(
        "read_only",
        ("--read-only",),
        "Refuse whatever would change something",
        bool,
        env="FLEX_READ_ONLY",
        section=_CONNECTION,
    ),
    Setting("yes", ("--yes", "-y"), "Do not ask whether to change several boxes", bool, section=_CONNECTION),
    Setting(
        "timeout",
        ("--timeout",),
        "Longest wait for an answer, retries included (default: 10s a try)",
        metavar="DURATION",
        env="FLEX_TIMEOUT",
        read=some_time,
        section=_CONNECTION,
    ),
    Setting(
        "output",
        ("--output", "-o"),
        "table, wide, json, yaml, ndjson, csv or name",
        Format,
        metavar="FORM",
        env="FLEX_OUTPUT",
        section=_OUTPUT,
    ),
    Setting(
        "columns",
        ("--columns",),
        "Columns of a table, in this order",
        metavar="A,B,..",
        env="FLEX_COLUMNS",
        read=names,
        section=_OUTPUT,
    ),
    Setting(
        "sort_by",
        ("--sort-by",),
        "Order of the rows; -COLUMN or COLUMN:desc turns it round",
        metavar="COLUMN,..",
        read=_order,
        section=_OUTPUT,
    ),
    Setting(
        "query", ("--query",), "Pick from the JSON with JMESPath", metavar="EXPRESSION", read=_query, section=_OUTPUT
    ),
    Setting(
        "template",
        ("--template",),
        "Write each item so: '{id} {stats.fps:.1f}'",
        metavar="TEXT",
        read=_template,
        section=_OUTPUT,
    ),
    Setting("no_pager", ("--no-pager",), "Not through the pager, however long it is", bool, section=_OUTPUT),
    Setting(
        "color",
        ("--color",),
        "Colours (default: auto, on a terminal)",
        Literal["auto", "always", "never"],
        env="FLEX_COLOR",
        section=_OUTPUT,
    ),
    Setting("quiet", ("--quiet", "-q"), "No remarks, only data and errors", bool, env="FLEX_QUIET", section=_OUTPUT),
)
"""What every command takes, before or after its name."""

SECRETS: Mapping[str, str] = {
    "token": "FLEX_TOKEN",
    "api_key": "FLEX_API_KEY",
    "password": "FLEX_PASSWORD",
    "source_password": "FLEX_SOURCE_PASSWORD",
    "webhook_secret": "FLEX_WEBHOOK_SECRET",
}
"""Settings without a flag, because every user of a machine can read its command lines."""


def from_environment(settings: tuple[Setting, ...], environ: Mapping[str, str]) -> dict[str, Any]:
    """The values that the environment gives. An empty variable is one that is not set."""
    found: dict[str, Any] = {name: environ[variable] for name, variable in SECRETS.items() if environ.get(variable)}
    for setting in settings:
        if setting.env and (text := environ.get(setting.env)):
            try:
                found[setting.name] = read_value(setting.kind, text, setting.read)
            except ValueError as error:
                raise Misuse(f"{setting.env}: {error}") from None
    return found


_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def read_value(kind: Any, text: str, read: Callable[[str], Any] | None = None) -> Any:
    """The value that a text stands for. Raises ValueError with a sentence for people."""
    if read:
        return read(text)
    if kind is bool:
        if text.lower() not in _WORDS:
            raise ValueError(f"'{text}' is neither true nor false")
        return _WORDS[text.lower()]
    if kind is int or kind is float:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"'{text}' is not a {'whole ' if kind is int else ''}number") from None
    choices = getattr(kind, "__args__", ())
    if choices and text not in choices:
        raise ValueError(f"'{text}' is not one of {', '.join(choices)}{meant(text, choices)}")
    return text


Id = Annotated[str, typer.Argument(metavar="ID", help="The pipeline's id.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="The pipelines' ids.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")]
Curl = Annotated[bool, typer.Option("--curl", help="Print the curl command that does the same, and send nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
For = Annotated[
    float | None,
    typer.Option("--for", metavar="DURATION", parser=duration, help="Stop by itself after this long."),
]
Count = Annotated[int | None, typer.Option("--count", metavar="N", help="Stop by itself after so many events.")]
SaveSvg = Annotated[str | None, typer.Option("--save-svg", metavar="FILE", hidden=True, help="Save the last screen.")]
