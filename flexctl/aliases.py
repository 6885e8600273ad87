"""Words of one's own for long commands: `aliases.toml` in the configuration folder.

    [aliases]
    ps = "pipeline list -o wide"

Read only for a word that is no command, and for lists of commands; without the file nothing is imported.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from flexctl.errors import Misuse
from flexctl.folder import config_dir, locked, write

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def file_of() -> Path:
    """Where they are saved."""
    return config_dir() / "aliases.toml"


def load() -> dict[str, str]:
    """Name -> what it stands for. Raises Misuse for a file that cannot be read as what it should be."""
    path = file_of()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    import tomllib

    try:
        found = tomllib.loads(text).get("aliases", {})
    except ValueError as error:
        raise Misuse(f"{path}: {error}", "mend it, or move it away and set the aliases anew") from None
    if not isinstance(found, dict) or not all(isinstance(words, str) for words in found.values()):
        raise Misuse(f"{path}: aliases is a table of texts", 'such as: ps = "pipeline list -o wide"')
    return found


def known() -> dict[str, str]:
    """The same for help and completion, to which a broken file is none."""
    try:
        return load()
    except (Misuse, OSError):
        return {}


def words_of(name: str, text: str, commands: Mapping[str, object]) -> list[str]:
    """What an alias stands for, as words. It begins with a command, so that none can lead back to itself."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Misuse(f"alias '{name}': {str(error).lower()}", _HINT) from None
    if not words or words[0] not in commands:
        sentence = f"'{words[0]}' is no command" if words else "it says nothing"
        raise Misuse(f"alias '{name}': {sentence}", _HINT)
    return words


_HINT = "an alias begins with a command: flexctl alias set ps 'pipeline list -o wide'"


def check_name(name: str, commands: Mapping[str, object]) -> None:
    """Raises Misuse for a name that no alias can have."""
    if name in commands or name == "help":
        raise Misuse(f"'{name}' is a command, and no alias can take its place", "choose another name")
    if not _NAME.fullmatch(name):
        raise Misuse(f"'{name}' can be no alias", "small letters, digits, - and _, and a letter or digit first")


def change(make: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Read, change and save them, while no other flexctl does."""
    import tomli_w

    with locked(file_of()):
        write(file_of(), tomli_w.dumps({"aliases": make(load())}))
