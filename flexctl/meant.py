"""What somebody may have meant who wrote a word that is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SYNONYMS: Mapping[str, str] = {
    "add": "create",
    "new": "create",
    "ls": "list",
    "rm": "delete",
    "remove": "delete",
    "show": "get",
    "describe": "get",
    "edit": "update",
    "set": "update",
    "start": "play",
    "run": "play",
    "watch": "events",
    "log": "logs",
    "image": "snapshot",
    "pipelines": "pipeline",
    "current": "show",
}
"""What people type who come from other tools, for "did you mean"."""


def meant(word: str, known: Iterable[str], ending: str = ".") -> str:
    """`. Did you mean 'state'?` to put behind a sentence; nothing where no known word is like it."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1, 0.6)
    return f"{ending} Did you mean '{near[0]}'?" if near else ""
