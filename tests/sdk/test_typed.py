"""A typed program as a user writes it, checked by mypy --strict and by pyright against the installed package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
from typing import assert_type

from flexclient import AsyncFlexClient, Change, Ensured, EventStream, FlexClient, FlexError, FlexFleet, Reply, errors
from flexclient import models as m
from flexclient import otel
from flexclient.fleet import FleetItem, Results
from flexclient.testing import FakeFlex


def main(box: FakeFlex) -> None:
    with FlexClient(transport=box, on_call=otel.traced()) as client:
        assert_type(client.pipelines.ensure(m.PipelineSpec(id="gate")), Ensured)
        assert_type(client.pipelines.get.raw("gate"), Reply[m.Pipeline])
        assert_type(client.pipelines.wait("gate", until=lambda status: status.readers), m.PipelineStatus)
        assert_type(client.watch(pipeline_id=["gate"]), EventStream[Change])
        for change in client.watch():
            print({name: row.state for name, row in change.pipelines.items()})
        try:
            client.pipelines.play("gate")
        except errors.PipelineStartTimeout as error:
            print(error.hint, error.status)
    with FlexFleet({"gate": "https://a", "roof": {"url": "https://b", "token": "t"}}) as fleet:
        found = fleet.map(lambda one: one.pipelines.list(), deadline=5)
        assert_type(found, Results[list[m.Pipeline]])
        assert_type(found.good, dict[str, list[m.Pipeline]])
        assert_type(found.failed, dict[str, FlexError])
        for item in fleet.stream(lambda one: one.watch()):
            assert_type(item, FleetItem[Change])


async def other() -> None:
    async with AsyncFlexClient(url="https://a") as client:
        assert_type(await client.pipelines.list(), list[m.Pipeline])
        assert_type(await client.pipelines.wait("gate"), m.PipelineStatus)
        async for event in client.events.stream():
            print(event.type, event.id)


asyncio.run(other())
"""
MISTAKES = """
from flexclient import FlexClient

client = FlexClient(link="https://a")
client.pipelines.get(3)
client.pipelines.pley("gate")
state: int = client.pipelines.get("gate").state
"""

CHECKERS = {
    "mypy": ["mypy", "--strict", "--no-incremental", "--cache-dir", "/dev/null", "--config-file", ""],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_program(tmp_path: Path, checker: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    for name, wrong in (("program.py", 0), ("mistakes.py", 4)):
        command = [sys.executable, "-m", *CHECKERS[checker], name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110)
        assert (done.returncode == 0) is (wrong == 0), done.stdout + done.stderr
        found = {line for line in done.stdout.splitlines() if f"{name}:" in line and "error" in line}
        assert len(found) == wrong, done.stdout
