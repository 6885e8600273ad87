"""Saved boxes: `contexts.toml` in the configuration folder, and which of them a run is about.

    current = "lab"

    [contexts.lab]
    url = "https://10.0.0.5:3539"
    fingerprint = "AA:BB:..."
    read_only = true
    token_command = "pass show flex/lab"

Read by every run, so it is cheap: without the file nothing is imported. What this version does not know stays in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flexctl.errors import Misuse, Stop
from flexctl.exits import Exit
from flexctl.folder import config_dir, locked, write

DEFAULT_URL = "https://127.0.0.1:3539"
TRUST = ("fingerprint", "ca_file", "insecure")
"""The settings that say whom to trust: they come from one place, never half from here and half from there."""
KINDS = {"url": str, "fingerprint": str, "ca_file": str, "read_only": bool, "token_command": str}
"""What a context may say, and what it is."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box as a run addresses it."""

    url: str
    context: str | None = None
    """The name it is saved under; None where an address alone names it."""
    fingerprint: str | None = None
    ca_file: str | None = None
    insecure: bool = False
    read_only: bool = False
    token_command: str | None = None

    @property
    def account(self) -> str:
        """The name of its secrets. Address and context are in it: what was kept for one never goes to another."""
        return f"{self.context} {same(self.url)}" if self.context else same(self.url)

    @property
    def title(self) -> str:
        """What to call it."""
        return self.context or self.url


def same(url: str) -> str:
    """One spelling for an address that can be spelled in several ways."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}{parts.path.rstrip('/')}"


@dataclass(frozen=True, slots=True)
class Contexts:
    """All that is saved. A value: a change makes another one."""

    document: Mapping[str, Any] = field(default_factory=dict)
    """The file as it is, with what this version does not know."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the file's order."""
        return tuple(self.document.get("contexts", {}))

    @property
    def current(self) -> str | None:
        """The one that is taken where none is named."""
        return self.document.get("current") or None

    def box(self, name: str) -> Box:
        """The box of a context. Raises Stop where there is none of that name."""
        if name not in self.names:
            from flexctl.meant import meant

            there = f"there are {', '.join(self.names)}" if self.names else "make it: flexctl context add NAME URL"
            raise Stop(f"there is no context '{name}'{meant(name, self.names)}", there, Exit.NOT_FOUND)
        known = self.document["contexts"][name]
        return Box(context=name, **{key: known[key] for key in KINDS if key in known})

    def with_box(self, name: str, values: Mapping[str, Any]) -> Contexts:
        """With this context made, or changed; None takes a value out."""
        before = self.document.get("contexts", {})
        merged = {**before.get(name, {}), **values}
        return self._having({**before, name: {key: value for key, value in merged.items() if value is not None}})

    def renamed(self, old: str, new: str) -> Contexts:
        """With another name, in its place."""
        found = {new if name == old else name: value for name, value in self.document["contexts"].items()}
        made = self._having(found)
        return made.using(new) if self.current == old else made

    def without(self, name: str) -> Contexts:
        """Without this one. Where it was the current one there is none now."""
        left = {other: value for other, value in self.document["contexts"].items() if other != name}
        made = self._having(left)
        return made.using(None) if self.current == name else made

    def using(self, name: str | None) -> Contexts:
        """With this one as the current one."""
        left = {key: value for key, value in self.document.items() if key != "current"}
        return Contexts({"current": name, **left} if name else left)

    def _having(self, contexts: Mapping[str, Any]) -> Contexts:
        return Contexts({**self.document, "contexts": contexts})


def file_of() -> Path:
    """Where they are saved."""
    return config_dir() / "contexts.toml"


def load() -> Contexts:
    """What is saved. Raises Misuse for a file that cannot be read as what it should be."""
    path = file_of()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Contexts()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    import tomllib

    try:
        return checked(tomllib.loads(text))
    except ValueError as error:
        raise Misuse(f"{path}: {error}", "mend it, or move it away and add the contexts anew") from None


def checked(document: dict[str, Any]) -> Contexts:
    """A document as contexts. Raises ValueError with what is wrong with it."""
    contexts = document.get("contexts", {})
    if not isinstance(contexts, dict):
        raise ValueError("contexts is no table")
    if not isinstance(document.get("current", ""), str):
        raise ValueError("current is no name")
    for name, values in contexts.items():
        if not good_name(name):
            raise ValueError(f"'{name}' can be no context's name")
        if not isinstance(values, dict) or not values.get("url"):
            raise ValueError(f"context {name} has no url")
        for key, kind in KINDS.items():
            if not isinstance(values.get(key, kind()), kind):
                raise ValueError(f"{key} of context {name} is not a {'text' if kind is str else 'true or false'}")
    return Contexts(document)


def change(make: Callable[[Contexts], Contexts]) -> Contexts:
    """Read, change and save them, while no other flexctl does."""
    import tomli_w

    with locked(file_of()):
        after = make(load())
        write(file_of(), tomli_w.dumps(after.document))
    return after


def names() -> tuple[str, ...]:
    """The names that are saved, for completion: quick, and never an error."""
    try:
        return load().names
    except (Stop, OSError):
        return ()


def good_name(name: str) -> bool:
    """Whether a context may be called so. Commas and slashes are taken: `--context a,b`, and `lab/cam1` in output."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name))


def named(given: Mapping[str, Any], around: Mapping[str, Any], saved: Callable[[], Contexts]) -> tuple[str, ...]:
    """The contexts a run is about, by its flags and its environment; none where an address is named instead."""
    if given.get("url"):
        if given.get("context") or given.get("all_contexts"):
            raise Misuse("--url and a context name two boxes: say one of them")
        return ()
    if given.get("context") and given.get("all_contexts"):
        raise Misuse("--context and --all-contexts at once: say one of them")
    if given.get("all_contexts"):
        found = saved().names
        if not found:
            raise Misuse("there are no contexts yet", "make one: flexctl context add NAME URL")
        return found
    if given.get("context"):
        return _unique(given["context"])
    if around.get("url"):
        return ()
    if around.get("context"):
        return _unique(around["context"])
    current = saved().current
    return (current,) if current else ()


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def box_of(name: str | None, given: Mapping[str, Any], around: Mapping[str, Any], saved: Contexts) -> Box:
    """The box, with what flags and environment say put on top of what is saved.

    Whom to trust is said in one place: by flags, else by the context, else by the environment. What an environment
    says, for whatever box, never loosens a context's pin. Any that says read-only is enough.
    """
    box = saved.box(name) if name else Box(str(given.get("url") or around.get("url") or DEFAULT_URL))
    own = {key: getattr(box, key) for key in TRUST}
    trust = next((found for found in (_trust(given), own, _trust(around)) if any(found.values())), own)
    read_only = box.read_only or bool(given.get("read_only")) or bool(around.get("read_only"))
    return Box(box.url, box.context, **trust, read_only=read_only, token_command=box.token_command)


def _trust(settings: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: settings.get(key) for key in TRUST}
    return {**found, "insecure": bool(found["insecure"])}
