"""Talks to the keyring, as a program of its own that `flexctl.secrets` starts and can end.

A locked keyring waits for ever, a missing one takes a third of a second to be missed, and some ask on the terminal:
nothing of it can reach flexctl from here. Standard input holds one JSON object, standard output gets one.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

SERVICE = "flexctl"


def main() -> None:
    """Read what to do, do it, tell."""
    asked = json.load(sys.stdin)
    # A daemon that the keyring may start inherits no end of the pipe, and what a keyring prints goes nowhere.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    json.dump(_answered(asked), answer)
    answer.close()
    os._exit(0)


def _answered(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        import keyring
        from keyring.core import recommended
    except ImportError:
        return {"problem": "the Python package keyring is not installed"}
    try:
        ring = keyring.get_keyring()
        # Chosen by hand it is taken as it is; found by itself it must be one that encrypts and keeps.
        if not asked.get("backend") and "PYTHON_KEYRING_BACKEND" not in os.environ and not recommended(ring):
            return {"problem": "this machine has no keyring that is running"}
        return {**_done(ring, asked), "backend": f"{type(ring).__module__}.{type(ring).__qualname__}"}
    except Exception as error:  # whatever a backend raises: it becomes a sentence
        return {"problem": f"the keyring failed: {type(error).__name__}: {error}"[:300]}


def _done(ring: Any, asked: dict[str, Any]) -> dict[str, Any]:
    name = asked["name"]
    if asked["do"] == "set":
        ring.set_password(SERVICE, name, asked["secret"])
        if ring.get_password(SERVICE, name) != asked["secret"]:
            return {"problem": "the keyring takes secrets and does not keep them"}
    elif asked["do"] == "delete":
        if ring.get_password(SERVICE, name) is not None:
            ring.delete_password(SERVICE, name)
    else:
        return {"secret": ring.get_password(SERVICE, name)}
    return {}


if __name__ == "__main__":
    main()
