"""A box whose media processes are `fake_media.py`: what its workers do is written down beforehand."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FakeMedia:
    """The folder that steers the fake processes of one box."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """For the server, whose children inherit it."""
        return {"FAKE_MEDIA": str(self.folder), "FLEX_MEDIA_PYTHON": str(self.folder / "python")}

    def script(self, pipeline: str, *words: str) -> None:
        """What this pipeline's workers do, one word a start; the last one stays."""
        (self.folder / pipeline).write_text(" ".join(words))

    def forget(self) -> None:
        """Every pipeline just plays again, and nobody watches."""
        for path in self.folder.iterdir():
            if path.name not in ("python", "mounts", "starts", "problem"):
                path.unlink(missing_ok=True)

    def watch(self, *mounts: str) -> None:
        """Who is watched from now on."""
        draft = self.folder / "readers.new"
        draft.write_text("\n".join(mounts))
        draft.rename(self.folder / "readers")

    @property
    def mounts(self) -> set[str]:
        """What the front offers now."""
        path = self.folder / "mounts"
        return set(path.read_text().split()) if path.exists() else set()

    def starts(self, pipeline: str) -> list[int]:
        """The process ids of all workers that this pipeline had."""
        path = self.folder / "starts"
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [int(pid) for name, _, pid in rows if name == pipeline]

    def graph(self, pipeline: str) -> str:
        """The graph that the newest worker got, as JSON."""
        return (self.folder / f"{pipeline}.graph").read_text()

    @property
    def alive(self) -> list[int]:
        """Workers of any pipeline that still run."""
        path = self.folder / "starts"
        pids = [int(line.split()[2]) for line in path.read_text().splitlines()] if path.exists() else []
        return [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def fake_media(folder: Path, problem: str | None = None) -> FakeMedia:
    """Make the folder and the stand-in for a Python with GStreamer."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_media.py")}" "$@"\n')
    os.chmod(python, 0o700)  # noqa: PTH101
    if problem:
        (folder / "problem").write_text(problem)
    return FakeMedia(folder)
