"""The same tests once more, with httpx2 in httpx's place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flexclient import _http

INSIDE = bool(os.environ.get("FLEX_TEST_HTTPX2"))


def test_the_library_is_the_one_that_was_asked_for() -> None:
    assert httpx.Client.__module__ == ("httpx2" if INSIDE else "httpx")
    assert _http.Response is httpx.Response


@pytest.mark.timeout(300)
def test_the_suite_runs_with_httpx2() -> None:
    if INSIDE:
        return
    # Without respx's plugin, which imports httpx before any conftest could put another in its place.
    command = [sys.executable, "-m", "pytest", "-p", "no:respx", "-p", "no:xdist", str(Path(__file__).parent)]
    result = subprocess.run(
        command, env={**os.environ, "FLEX_TEST_HTTPX2": "1"}, capture_output=True, text=True, check=False, timeout=290
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-1000:]
