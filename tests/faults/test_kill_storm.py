"""`kill -9` of the server during a storm of writes, fifty times: every acknowledged change is there when it comes back.

Ten tests of five rounds, so that several processes can share them. The pipelines are on demand: no media is needed, and
the storm is nothing but writes.
"""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.server.conftest import FakeBoxes
from tests.support.api import Api, Listener, spec, until
from tests.support.box import Box

ROUNDS = 5
WRITERS = 4


@dataclass
class Writer:
    """Changes its own pipelines and remembers what was acknowledged, and the one change that may go either way."""

    number: int
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: tuple[str, dict[str, Any] | None] | None = None
    acknowledged: int = 0

    def storm(self, api: Api, dice: random.Random) -> None:
        """Write until the box is gone."""
        try:
            while True:
                self._one(api, dice)
        except httpx.HTTPError:
            return

    def _one(self, api: Api, dice: random.Random) -> None:
        id = f"w{self.number}-{dice.randrange(6)}"
        path, now = f"/flex/pipeline/{id}", self.known.get(id)
        if now is None:
            wanted: dict[str, Any] | None = {"n": str(dice.random()), "order": "armed"}
            method, tail, body = "POST", "/flex/pipeline", spec(id, metadata={"n": wanted["n"]})  # type: ignore[index]
        elif dice.random() < 0.2:
            wanted, method, tail, body = None, "DELETE", path, None
        elif dice.random() < 0.3:
            wanted, method, tail, body = {**now, "order": "stop"}, "PUT", f"{path}/stop", None
        else:
            wanted = {**now, "n": str(dice.random())}
            method, tail, body = "PATCH", path, {"metadata": {"n": wanted["n"]}}
        self.pending = (id, wanted)
        response = api.call(method, tail, **({"json": body} if body else {}))
        assert response.status_code in (200, 201, 204), response.text
        self._settle(id, wanted)
        self.acknowledged += 1

    def _settle(self, id: str, wanted: dict[str, Any] | None) -> None:
        if wanted is None:
            self.known.pop(id, None)
        else:
            self.known[id] = wanted
        self.pending = None

    def judge(self, found: dict[str, dict[str, Any]]) -> None:
        """Compare with what the box has; the change that was not answered may have happened or not."""
        if self.pending:
            id, wanted = self.pending
            assert found.get(id) in (self.known.get(id), wanted), f"{id} is half made"
            self._settle(id, found.get(id))
        mine = {id: state for id, state in found.items() if id.startswith(f"w{self.number}-")}
        assert mine == self.known


def state_of(api: Api) -> dict[str, dict[str, Any]]:
    return {one["id"]: {"n": one["metadata"]["n"], "order": one["order"]} for one in api.get("/flex/pipeline").json()}


def one_round(box: Box, writers: list[Writer], dice: random.Random) -> None:
    wanted = dice.randrange(10, 60)
    threads = [
        threading.Thread(target=writer.storm, args=(Api(box, keep=True), random.Random(dice.random())))
        for writer in writers
    ]
    for thread in threads:
        thread.start()
    so_far = sum(writer.acknowledged for writer in writers)
    until(lambda: sum(writer.acknowledged for writer in writers) - so_far > wanted, 30, "the storm")
    box.kill()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    box.start()
    found = state_of(Api(box))
    for writer in writers:
        writer.judge(found)


def follow(listener: Listener, known: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a reader who only has the events believes."""
    for seen in listener.events:
        if seen.type in ("pipeline_created", "pipeline_updated"):
            known[seen.data["id"]] = {"n": seen.data["metadata"]["n"], "order": seen.data["order"]}
        elif seen.type == "pipeline_status":
            known[seen.data["id"]] = {**known[seen.data["id"]], "order": seen.data["order"]}
        elif seen.type == "pipeline_deleted":
            known.pop(seen.data["id"], None)
    return known


@pytest.mark.parametrize("seed", range(10))
def test_every_acknowledged_change_survives(fake_boxes: FakeBoxes, seed: int) -> None:
    dice = random.Random(seed)
    box, _ = fake_boxes()
    writers = [Writer(number) for number in range(WRITERS)]
    for _ in range(ROUNDS):
        one_round(box, writers, dice)
    api = Api(box)
    with api.listen("/flex/events?since=0") as listener:
        last = int(api.get("/flex/pipeline").headers["last-event-id"])
        api.create("the-end", metadata={"n": "0"})
        listener.wait(lambda seen: seen.data.get("id") == "the-end" and seen.type == "pipeline_status", 10)
    ids = [seen.id for seen in listener.events]
    assert ids == sorted(set(ids)), "an id was given twice"
    assert last < ids[-1]
    assert "gap" not in [seen.type for seen in listener.events]
    assert follow(listener, {}) == state_of(api), "the events tell another story than the store"
