"""A disk that takes no more: 507, nothing half made, and everything goes on once there is room."""

from __future__ import annotations

import resource

import pytest

from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until


def test_a_full_disk_is_507_and_nothing_is_half_made(fake_boxes: FakeBoxes) -> None:
    """The kernel's limit on file sizes stands in for a full disk: writes to the store fail in the same place."""
    box, media = fake_boxes()
    api = Api(box)
    assert api.create("before", on_demand=False, metadata={"a": "old"}).status_code == 201
    listed = api.get("/flex/pipeline").json()
    resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    with api.listen() as listener:
        for response in (
            api.create("new", on_demand=False),
            api.call("PATCH", "/flex/pipeline/before", json={"metadata": {"a": "new"}}),
            api.call("PUT", "/flex/pipeline/before/stop"),
            api.call("DELETE", "/flex/pipeline/before"),
        ):
            assert (response.status_code, response.json()["code"]) == (507, "INSUFFICIENT_STORAGE"), response.text
            assert "Nothing was changed" in response.json()["hint"]
        assert api.get("/flex/pipeline").json() == listed
        assert api.get("/flex/pipeline/new").status_code == 404
        assert api.get("/flex/health").json()["parts"]["store"]["status"] == "failed"
        assert [seen for seen in listener.events if seen.type != "pipeline_status"] == []
        resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert api.create("new").status_code == 201, "the name and the mount are free"
        listener.wait(lambda seen: seen.type == "pipeline_created")
    until(lambda: api.get("/flex/health").json()["parts"]["store"]["status"] == "ok")
    assert len(media.alive) == 1
    box.kill()
    box.start()
    assert [one["id"] for one in Api(box).get("/flex/pipeline").json()] == ["before", "new"]
    assert Api(box).get("/flex/pipeline/before").json()["metadata"] == {"a": "old"}


@pytest.mark.parametrize("name", ["flex.db", "events.db"])
def test_files_of_the_last_run_that_were_torn(fake_boxes: FakeBoxes, name: str) -> None:
    """A torn tail of the write-ahead log is what a power cut leaves: the database is whole without it."""
    box, _ = fake_boxes()
    Api(box).create("kept")
    box.kill()
    log = box.data_dir / f"{name}-wal"
    log.write_bytes(log.read_bytes() + b"\xff" * 3000)
    box.start()
    assert [one["id"] for one in Api(box).get("/flex/pipeline").json()] == ["kept"]
