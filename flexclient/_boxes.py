"""Which boxes a fleet is made of: from a mapping, from addresses, from the saved contexts. Reading a file is the only
I/O here.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import urlsplit

from flexclient._auth import LOGIN
from flexclient._config import Settings, settings_from
from flexclient.errors import UsageError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from flexclient._auth import TokenSource
    from flexclient._call import Call, OnCall

READS = frozenset({"GET", "HEAD", "OPTIONS"})

TOKEN_SECONDS = 30.0
"""How long a `token_command` may take."""

TRY_IT = "Run it yourself: it writes the token as its first line."


class BoxOptions(TypedDict, total=False):
    """One box of a fleet: the settings of a client, of which only `url` is needed."""

    url: str
    token: str | SecretStr | TokenSource | None
    api_key: str | SecretStr | None
    fingerprint: str | None
    ca_file: str | None
    insecure: bool
    timeout: float
    deadline: float
    retries: int
    headers: Mapping[str, str]
    guard: Callable[[Call[Any]], None] | None
    on_call: OnCall | None
    transport: Any


Box = str | BoxOptions
"""An address, or settings."""

DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("token", "api_key", "fingerprint", "ca_file", "insecure", "headers", "guard", "on_call")),
    "timeout": 10.0,
    "deadline": 60.0,
    "retries": 3,
}


def boxes_of(given: Mapping[str, Box] | Iterable[str]) -> dict[str, BoxOptions]:
    """The boxes by name; addresses alone are named by host and port. Raises `UsageError`."""
    if isinstance(given, str):
        raise UsageError("a fleet is a list of addresses, or a mapping of names to them", hint="Put it into a list.")
    named = given if isinstance(given, Mapping) else {_name(url): url for url in given}
    return {
        name: cast("BoxOptions", {"url": box} if isinstance(box, str) else dict(box)) for name, box in named.items()
    }


def settings_of(name: str, box: BoxOptions) -> Settings:
    """How the client of one box is set. The environment has no say: its token is that of one box, not of all."""
    if not box.get("url"):
        raise UsageError(f"the box '{name}' has no url")
    said = {key: value for key, value in box.items() if key != "transport"}
    if unknown := said.keys() - {"url", *DEFAULTS}:
        raise UsageError(f"the box '{name}' has no setting {', '.join(sorted(unknown))}")
    return settings_from({}, **{**DEFAULTS, **said})


def _name(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    return parts.netloc.rpartition("@")[2] or url


def contexts(names: Iterable[str], file: str | os.PathLike[str] | None = None) -> dict[str, BoxOptions]:
    """The contexts that `flexctl context add` saved, all or those named. Raises `UsageError`."""
    import tomllib

    path = Path(file) if file is not None else config_dir() / "contexts.toml"
    try:
        saved: Any = tomllib.loads(path.read_text(encoding="utf-8")).get("contexts", {})
        found = {name: _box(values) for name, values in saved.items()}
    except FileNotFoundError:
        raise UsageError(f"no boxes are saved: there is no {path}", hint="flexctl context add NAME URL") from None
    except (ValueError, OSError, AttributeError, KeyError) as error:
        raise UsageError(f"{path} holds no contexts: {error}") from None
    wanted = list(names) or list(found)
    if unknown := [name for name in wanted if name not in found]:
        raise UsageError(f"there is no context '{unknown[0]}'", hint=f"There are: {', '.join(found)}")
    return {name: found[name] for name in wanted}


def _box(values: Mapping[str, Any]) -> BoxOptions:
    box: BoxOptions = {"url": values["url"]}
    for key in ("fingerprint", "ca_file"):
        if values.get(key):
            box[key] = values[key]
    if command := values.get("token_command"):
        box["token"] = _token_from(command)
    if values.get("read_only"):
        box["guard"] = _only_reads
    return box


def _only_reads(call: Call[Any]) -> None:
    if call.method not in READS and call.path != LOGIN:
        raise UsageError(f"{call} changes something, and this context is read_only", call=call)


def _token_from(command: str) -> Callable[[], str]:
    """A function that asks a command for the token, as flexctl does: without a shell."""

    def token() -> str:
        try:
            done = subprocess.run(  # noqa: S603 - its owner wrote it into a file of theirs
                shlex.split(command), stdout=subprocess.PIPE, text=True, check=True, timeout=TOKEN_SECONDS
            )
            return done.stdout.splitlines()[0].strip()
        except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
            # Neither its arguments nor what it wrote: both may tell more than others should see.
            raise UsageError(f"the token_command gives no token ({type(error).__name__})", hint=TRY_IT) from None

    return token


def config_dir() -> Path:
    """The folder in which flexctl keeps its configuration."""
    if given := os.environ.get("FLEX_CONFIG_DIR"):
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "flex"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "flex"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "flex"
