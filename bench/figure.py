"""What a measurement says, and how two commands are timed against each other."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType


@dataclass(frozen=True)
class Figure:
    """One line of the result: ours against a rival's, or against a fixed limit in seconds."""

    name: str
    ours: float
    unit: str
    rival: str
    theirs: float | None
    allowed: float
    """The largest ratio allowed; where there is no rival, the largest value."""

    @property
    def ratio(self) -> float:
        """Ours divided by the rival's; ours alone where there is none."""
        return self.ours / self.theirs if self.theirs else self.ours

    @property
    def kept(self) -> bool:
        """Whether the budget is kept."""
        return self.ratio <= self.allowed

    def line(self) -> str:
        """The figure as a row of the printed table."""
        theirs = f"{self.theirs:9.3f}" if self.theirs else " " * 9
        measured = f"{self.name:44} {self.ours:9.3f} {theirs} {self.unit:8}"
        verdict = "kept" if self.kept else "OVER"
        return f"{measured} {self.ratio:6.2f} {self.allowed:6.2f} {verdict}  {self.rival}"


HEADER = f"{'figure':44} {'ours':>9} {'rival':>9} {'unit':8} {'ratio':>6} {'limit':>6} kept?  rival"


def seconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Wall time of one whole process. A command that fails is no measurement: it raises."""
    # As it is installed: with compiled modules, which the warm-up writes.
    whole = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **env}
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=whole)
    return time.perf_counter() - begin


def paired(
    ours: Sequence[str], theirs: Sequence[str], *, runs: int = 21, env: Mapping[str, str] = MappingProxyType({})
) -> tuple[float, float]:
    """Median seconds of both, run in turn after a warm-up, so that a machine that drifts drifts for both."""
    pairs = [(seconds(ours, env), seconds(theirs, env)) for _ in range(runs + 1)][1:]
    return median(a for a, _ in pairs), median(b for _, b in pairs)
