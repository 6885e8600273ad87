"""The probes of Kubernetes: where they answer 200, and each reason for 503."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from types import SimpleNamespace
from typing import Any, cast

import psutil

from flexserver.routes import health
from flexserver.routing import Call
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until

LIVE, READY, STARTUP = "/flex/healthz", "/flex/healthz/ready", "/flex/healthz/startup"


def test_a_box_that_is_up_answers_200(api: Api) -> None:
    for path in (LIVE, READY, STARTUP):
        answer = api.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_without_gstreamer_it_lives_and_is_not_ready(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes(problem="no element 'x264enc'")
    with Api(box) as api:
        assert api.get(LIVE).status_code == api.get(STARTUP).status_code == 200
        answer = api.get(READY)
        assert answer.status_code == 503
        assert "x264enc" in answer.json()["message"]


def front_of(pid: int) -> int:
    children = psutil.Process(pid).children()
    return next(child.pid for child in children if "flexserver.media.front" in child.cmdline())


def test_while_the_rtsp_front_is_away_it_is_not_ready(fake_boxes: FakeBoxes) -> None:
    box, media = fake_boxes()
    with Api(box) as api:
        front = front_of(box.pid)
        (media.folder / "python").rename(media.folder / "python.away")  # so that it cannot come back at once
        os.kill(front, signal.SIGKILL)
        until(lambda: api.get(READY).status_code == 503)
        assert "front" in api.get(READY).json()["message"]
        assert api.get(LIVE).status_code == 200
        (media.folder / "python.away").rename(media.folder / "python")
        until(lambda: api.get(READY).status_code == 200, 15)


def ask(handler: Any, **box: Any) -> tuple[int, dict[str, Any]]:
    """What a probe says of a box that looks so."""
    engine = SimpleNamespace(gstreamer=SimpleNamespace(problem=None), front=SimpleNamespace(problem=None))
    call = SimpleNamespace(box=SimpleNamespace(**{"engine": engine, "duties": (), **box}))
    answer = asyncio.run(handler(cast("Call", call)))
    return answer.status_code, json.loads(answer.body)


def test_before_everything_is_back_it_has_neither_started_nor_is_it_ready() -> None:
    for probe in (health.ready, health.startup):
        status, said = ask(probe, started=False, closing=False)
        assert status == 503
        assert said == {"status": "failed", "message": "the box has not come up yet"}


def test_a_box_that_shuts_down_is_not_ready_and_lives() -> None:
    assert ask(health.ready, started=True, closing=True) == (
        503,
        {"status": "failed", "message": "the box shuts down"},
    )
    assert ask(health.live, started=True, closing=True)[0] == 200


def test_it_does_not_live_once_one_of_its_duties_has_ended() -> None:
    async def check() -> None:
        async def ends() -> None:
            return None

        async def lasts() -> None:
            await asyncio.Event().wait()

        tasks = (asyncio.create_task(ends(), name="the supervisor"), asyncio.create_task(lasts(), name="Swagger UI"))
        await asyncio.sleep(0)
        answer = await health.live(cast("Call", SimpleNamespace(box=SimpleNamespace(duties=tasks))))
        assert answer.status_code == 503
        said = json.loads(bytes(answer.body))["message"]
        assert "the supervisor ended" in said
        assert "Swagger" not in said
        tasks[1].cancel()

    asyncio.run(check())
