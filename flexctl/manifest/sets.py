"""Which webhooks a set made: a file of ids, because a webhook has no place for a note.

Pipelines carry their set in their metadata, which every machine sees; this file is known to this machine alone. Where
it is missing, `--prune` leaves webhooks where they are.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flexctl.folder import config_dir, write


def _file(url: str, name: str) -> Path:
    digest = hashlib.sha256(f"{url.rstrip('/')}\n{name}".encode()).hexdigest()[:32]
    return config_dir() / "sets" / f"{digest}.json"


def webhooks_of(url: str, name: str) -> frozenset[str]:
    """The ids that were noted; none where nothing can be read."""
    try:
        found = json.loads(_file(url, name).read_bytes())["webhooks"]
    except (OSError, ValueError, TypeError, KeyError):
        return frozenset()
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def note(url: str, name: str, webhooks: frozenset[str]) -> None:
    """Note them. Raises OSError."""
    path = _file(url, name)
    if not webhooks:
        path.unlink(missing_ok=True)
        return
    write(path, json.dumps({"url": url, "set": name, "webhooks": sorted(webhooks)}))
