"""Names of what a box has, for completion: from a file that is at most ten seconds old, or is being made anew.

What is there is answered at once. When it is old, a process of its own asks the box, once, with 300 ms for it; who is
typing never waits for that. Only names are kept: no address, no token, nothing else that a box says.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from zlib import crc32

from flexctl import contexts
from flexctl.folder import cache_dir
from flexctl.options import GLOBALS, from_environment

if TYPE_CHECKING:
    from flexctl.contexts import Box

FRESH_SECONDS = 10.0
CALL_SECONDS = 0.3
OLDEST_SECONDS = 86_400.0
"""Names older than a day are not shown: who knows of which box they are."""
MOST = 2000
_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9@%+.:_/-]{0,199}")
"""Names that mean nothing to a shell. Others are not kept: what a box made up never becomes a part of a line."""
KINDS = {
    "pipeline": ("pipelines", "", "id"),
    "webhook": ("webhooks", "", "id"),
    "framegrab": ("framegrabs", "", "file"),
    "camera": ("cameras", "cameras", "path"),
}
"""Kind -> the resource that lists it, the list's name in the answer, and the field with the name."""


def live(kind: str, given: Mapping[str, Any]) -> list[str]:
    """The names of this kind on the box, or boxes, that a line is about."""
    if kind == "target":
        return [f"{one}/{name}" for one in ("pipeline", "webhook", "camera") for name in live(one, given)]
    if kind not in KINDS:
        return []
    around = from_environment(GLOBALS, os.environ)
    saved = contexts.load()
    wanted = contexts.named(given, around, lambda: saved) or (None,)
    boxes = [contexts.box_of(name, given, around, saved) for name in wanted]
    return list(dict.fromkeys(name for box in boxes for name in _of_box(kind, box, around)))


def _of_box(kind: str, box: Box, around: Mapping[str, Any]) -> list[str]:
    path = file_of(kind, box)
    age = _age(path)
    if age > FRESH_SECONDS and _age(path.with_suffix(".asked")) > FRESH_SECONDS:
        ask_apart(kind, box, around)
    if age > OLDEST_SECONDS:
        return []
    return path.read_text(encoding="utf-8").splitlines()


def file_of(kind: str, box: Box) -> Path:
    """Where the names are: a file for each box, as it is addressed and trusted."""
    about = f"{box.account} {box.fingerprint}"
    return cache_dir() / "names" / f"{re.sub('[^A-Za-z0-9-]+', '_', about)[:80]}-{crc32(about.encode()):08x}-{kind}"


def _age(path: Path) -> float:
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return float("inf")


def keep(path: Path, names: list[str]) -> None:
    """Write the names, for nobody else to read."""
    from flexctl.folder import write

    write(path, "".join(f"{name}\n" for name in names if _PLAIN.fullmatch(name)))


def ask_apart(kind: str, box: Box, around: Mapping[str, Any]) -> None:
    """Ask the box in a process of its own, which nobody waits for. Not again within ten seconds, whatever happens."""
    keep(file_of(kind, box).with_suffix(".asked"), [])
    if not hasattr(os, "fork") or os.fork():
        return
    with suppress(BaseException):
        _apart(kind, box, around)
    os._exit(0)


def _apart(kind: str, box: Box, around: Mapping[str, Any]) -> NoReturn:
    """The child: away from the shell that waits for our output, and not for long."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.closerange(3, 256)
    signal.alarm(3)
    keep(file_of(kind, box), ask(kind, box, around))
    os._exit(0)


def ask(kind: str, box: Box, around: Mapping[str, Any]) -> list[str]:
    """The names that the box has now. With a token of the environment or of a file: nothing that may ask a person."""
    import warnings
    from dataclasses import replace

    from flexctl.state import connect

    warnings.simplefilter("ignore")
    resource, under, key = KINDS[kind]
    trust = {"fingerprint": box.fingerprint, "ca_file": box.ca_file, "insecure": box.insecure}
    secrets = {"token": around.get("token") or _stored(box), "api_key": around.get("api_key")}
    limits = {"timeout": CALL_SECONDS, "deadline": CALL_SECONDS, "retries": 0}
    with connect(url=box.url, **trust, **secrets, **limits) as client:
        anything: Any = Any
        found = client.send(replace(getattr(client, resource).list.plan(), returns=anything)).data
    rows = found[under] if under else found
    return [str(row[key]) for row in rows][-MOST:]


def _stored(box: Box) -> str | None:
    """The token of a login that was kept in a file. A keyring may want to be unlocked, so it is left alone."""
    from flexctl.secrets import noted, token_of

    note = noted(box.account)
    return token_of(note) if note and note.place == "file" else None
