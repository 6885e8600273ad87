"""What the box can do, in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from flexserver.media import probe
from tests.media.harness import SERVER


def ask(**environment: str) -> tuple[int, dict[str, object]]:
    words = [sys.executable, "-m", "flexserver.media.probe"]
    found = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": SERVER, **environment}
    )
    assert found.stdout.count("\n") == 1
    answer: dict[str, object] = json.loads(found.stdout)
    return found.returncode, answer


def test_gstreamer_is_here() -> None:
    code, answer = ask()
    assert code == 0
    assert str(answer["version"]).startswith("1.")
    assert (answer["missing"], answer["problem"]) == ([], None)


def test_plugins_are_missing(tmp_path: Path) -> None:
    none = str(tmp_path)
    code, answer = ask(GST_PLUGIN_SYSTEM_PATH_1_0=none, GST_PLUGIN_PATH_1_0=none, GST_REGISTRY_1_0=f"{none}/registry")
    assert code == 1
    assert "x264enc" in str(answer["problem"])


def test_the_binding_is_missing(tmp_path: Path) -> None:
    (tmp_path / "gi").mkdir()
    (tmp_path / "gi" / "__init__.py").write_text("raise ImportError('no gi here')")
    code, answer = ask(PYTHONPATH=f"{tmp_path}:{SERVER}")
    assert code == 1
    assert "no gi here" in str(answer["problem"])


def test_every_needed_element_is_named_once() -> None:
    assert len(probe.NEEDED) == len(set(probe.NEEDED))
