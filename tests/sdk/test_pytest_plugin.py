"""The pytest plugin as its user has it: found by itself, three fixtures, nothing imported until one is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

PROGRAM = """
import asyncio, os, sys

def test_nothing_is_imported():
    assert not {"httpx", "pydantic", "flexclient.client", "flexclient.testing"} & set(sys.modules)

def test_sync(fake_flex, flex_client):
    fake_flex.add({"id": "gate", "source": {"uri": "test://smpte"}})
    assert flex_client.pipelines.play("gate").state == "playing"
    assert fake_flex.requests[-1].path == "/flex/pipeline/gate/play"

def test_new_for_each_test(fake_flex, flex_client):
    assert flex_client.pipelines.list() == []
    assert "FLEX_TOKEN" not in os.environ
    from flexclient import FlexClient
    assert FlexClient(transport=fake_flex).url == "https://127.0.0.1:3539"

def test_async(fake_flex, async_flex_client):
    fake_flex.add({"id": "gate", "source": {"uri": "test://smpte"}})
    assert [one.id for one in asyncio.run(async_flex_client.pipelines.list())] == ["gate"]
"""


def test_a_users_tests(tmp_path: Path) -> None:
    (tmp_path / "test_program.py").write_text(PROGRAM)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    # Of the plugins that are installed here only ours: the others import what they like.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "flex", "-p", "no:cacheprovider"]
    env = {**os.environ, "FLEX_TOKEN": "x", "FLEX_URL": "https://elsewhere", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_pytest_finds_it() -> None:
    (found,) = entry_points(group="pytest11", name="flex")
    assert found.value == "flexclient.pytest_plugin"
