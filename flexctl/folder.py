"""flexctl's own folder: where it is, and files in it that nobody else can read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def config_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of flexctl's own files."""
    if chosen := environ.get("FLEX_CONFIG_DIR"):
        return Path(chosen)
    if sys.platform == "linux":
        return _at_home("XDG_CONFIG_HOME", ".config", environ)
    import platformdirs

    return platformdirs.user_config_path("flex", appauthor=False)


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of what can be had again."""
    if sys.platform == "linux":
        return _at_home("XDG_CACHE_HOME", ".cache", environ)
    import platformdirs

    return platformdirs.user_cache_path("flex", appauthor=False)


def _at_home(variable: str, folder: str, environ: Mapping[str, str]) -> Path:
    """As platformdirs has it, without the 6 ms of its import in every run."""
    said = environ.get(variable, "").strip()
    return (Path(said) if said else Path.home() / folder) / "flex"


def write(path: Path, text: str) -> None:
    """Write a file that nobody else can read, whole or not at all."""
    import tempfile

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # 0600 from the first moment
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other flexctls from reading, changing and writing this file meanwhile. They wait; nobody waits for ever,
    because the lock of a process that has ended is open.
    """
    import fcntl

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
