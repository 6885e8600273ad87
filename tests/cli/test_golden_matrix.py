"""Every command of the map in every form of output, its errors, and a box that is off: one golden file a command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from flexctl.app import TABLE
from tests.cli.harness import PIPE, golden, terminal, transcript
from tests.cli.matrix import CASES, FORMS, run
from tests.cli.test_examples import commands

NO_BOX = {name for name in CASES if name.split()[0] in {"alias", "context", "completion", "discover", "doctor"}} | {
    "open",
    "webhook listen",
}
"""Commands that say the same with the box off."""
FOLLOWS = {"camera events", "discover", "events", "pipeline events", "webhook listen"}
"""Commands that draw again and again on a terminal: their own tests look at the screen."""
TELLS_BY_EXIT = {"context trust", "diff", "doctor"}
"""Commands whose exit code is what they found; the box in memory has no certificate to trust."""


def settled(text: str) -> str:
    """Without the port that the system chose."""
    return re.sub(r"(?<=127\.0\.0\.1:)\d{2,5}", "PORT", text)


def test_no_command_is_left_out() -> None:
    assert set(CASES) == {" ".join(path) for path in commands(TABLE)}


@pytest.mark.parametrize("name", CASES)
def test_every_form(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case, runs = CASES[name], []
    words = name.split()

    def shown(args: str, *more: str, folder: str, note: str = "", **how: bool) -> None:
        place = tmp_path / folder
        monkeypatch.chdir(tmp_path)
        ran = run(place, name, [*shlex.split(args), *more], on=terminal(60) if note == "60 columns" else PIPE, **how)
        runs.append(settled(transcript(ran, *words, *shlex.split(args), *more, note=note)))
        if note in {"refused", "the box is off"} or (more == ("-o", "ndjson") and name not in TELLS_BY_EXIT):
            assert bool(ran.code) == bool(note), runs[-1]

    for form in FORMS:
        shown(case.argv, "-o", form, folder=form)
    if name not in FOLLOWS:
        shown(case.argv, folder="narrow", note="60 columns")
    if case.wrong is not None:
        shown(case.wrong, folder="wrong", note="refused")
    if name not in NO_BOX:
        shown(case.argv, folder="off", note="the box is off", off=True)
    golden(f"matrix/{'-'.join(words)}", "\n".join(runs))
