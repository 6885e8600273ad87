"""Framegrabs over the API: with files that the test put there, and live with a pipeline that takes them."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.fixtures import BoxFactory

ALL = "/flex/files/framegrabs"
AT = 1_795_000_000.25
SMALL = {"width": 320, "height": 180, "fps": 15, "quality": 1}


def picture(ending: str = "avif", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    one = Image.linear_gradient("L").resize(size).convert("RGB")
    more: dict[str, Any] = {"save_all": True, "append_images": [one.rotate(90)]} if ending == "avifs" else {}
    one.save(out, "AVIF", speed=10, **more)
    return out.getvalue()


STILL, CLIP = picture(), picture("avifs", (80, 60))


@pytest.fixture
def folder(fake_box: Box) -> Iterator[Path]:
    """The folder of the box's framegrabs, with three of gate's and one of yard's."""
    root = fake_box.data_dir / "framegrabs"
    for name in ("gate-00009.avif", "gate-00010.avifs", "gate-100000.avif", "yard-1-00001.avif"):
        put(root, name)
    yield root
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def put(root: Path, name: str, content: bytes | None = None) -> Path:
    path = root / name.rpartition("-")[0] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or (CLIP if name.endswith("s") else STILL))
    os.utime(path, (AT, AT))
    return path


def listed(api: Api, **query: str) -> list[str]:
    return [one["file"] for one in api.get(ALL, params=query).raise_for_status().json()]


def test_the_list_says_what_there_is(api: Api, folder: Path) -> None:
    found = api.get(ALL).json()
    assert found[0] == {
        "file": "gate-00009.avif",
        "pipeline_id": "gate",
        "size_bytes": len(STILL),
        "created_at": "2026-11-18T11:06:40.250000Z",
        "kind": "still",
        "width": 64,
        "height": 48,
    }
    assert (found[1]["kind"], found[1]["width"], found[1]["height"]) == ("clip", 80, 60)
    assert listed(api) == ["gate-00009.avif", "gate-00010.avifs", "gate-100000.avif", "yard-1-00001.avif"]
    assert listed(api, pipeline_id="yard-1") == ["yard-1-00001.avif"]
    assert listed(api, pipeline_id="nobody") == []


def test_only_whole_files_of_ours_are_seen(api: Api, folder: Path) -> None:
    outside = folder.parent / "secret.avif"
    outside.write_bytes(b"secret")
    before = listed(api)
    (folder / "gate" / ".gate-00011.avif.part").write_bytes(b"half")
    (folder / "gate" / "notes.txt").write_bytes(b"mine")
    (folder / "gate" / "yard-00001.avif").write_bytes(STILL)
    (folder / "gate" / "gate-00012.avif").symlink_to(outside)
    (folder / "gate" / "gate-00013.avif").mkdir()
    (folder / "door").symlink_to(folder.parent)
    (folder.parent / "door-00001.avif").write_bytes(b"secret")
    try:
        assert listed(api) == before
        for name in ("gate-00012.avif", "gate-00013.avif", "door-00001.avif", "yard-00001.avif"):
            assert api.get(f"{ALL}/{name}").status_code == 404, name
        assert listed(api, pipeline_id="door") == []
        assert api.call("DELETE", ALL, params={"pipeline_id": "door"}).json() == {"deleted": 0}
        assert (folder.parent / "door-00001.avif").exists()
    finally:
        (folder.parent / "door-00001.avif").unlink()
        outside.unlink()


@pytest.mark.parametrize(
    "name",
    [
        "..%2fflex.db", "%2e%2e/%2e%2e/etc/passwd", "..", "%00", "gate-00009.avif%00", "gate-00009.avif%0a",
        "..%2fgate%2fgate-00009.avif", "gate%2fgate-00009.avif", "%252e%252e%252fflex.db", "gate-9.avif",
        "gate-000010.avif", "gate-00009.AVIF", ".gate-00009.avif.part", "-00009.avif", "gate-00009.avif.", "flex.db",
        "g%C3%A4te-00009.avif", "%EF%BC%8E%EF%BC%8E", "a" * 65 + "-00001.avif", "..\\gate-00009.avif",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_name_is_a_name_and_never_a_path(api: Api, folder: Path, method: str, name: str) -> None:
    url = httpx.URL(api.box.url, raw_path=f"{ALL}/{name}".encode())
    said = api.http.request(method, url)
    assert said.status_code in (400, 404), (name, said.text)
    assert said.json()["code"] in ("VALIDATION_ERROR", "NOT_FOUND")
    assert len(listed(api)) == 4


def test_download_whole(api: Api, folder: Path) -> None:
    for name, content, kind in (
        ("gate-00009.avif", STILL, "image/avif"),
        ("gate-00010.avifs", CLIP, "image/avif-sequence"),
    ):
        said = api.get(f"{ALL}/{name}")
        assert (said.status_code, said.content) == (200, content)
        assert said.headers["content-type"] == kind
        assert said.headers["content-length"] == str(len(content))
        assert said.headers["content-disposition"] == f'inline; filename="{name}"'
        assert said.headers["accept-ranges"] == "bytes"
        assert said.headers["last-modified"] == "Wed, 18 Nov 2026 11:06:40 GMT"
        head = api.call("HEAD", f"{ALL}/{name}", headers={"Range": "bytes=0-1"})
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", said.headers["etag"])
        assert head.headers["content-length"] == str(len(content))


SIZE = len(STILL)


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("bytes=0-9", (0, 9)),
        ("bytes=10-10", (10, 10)),
        ("bytes=5-", (5, SIZE - 1)),
        ("bytes=0-", (0, SIZE - 1)),
        ("bytes=-7", (SIZE - 7, SIZE - 1)),
        (f"bytes=-{SIZE * 2}", (0, SIZE - 1)),
        (f"bytes=3-{SIZE * 9}", (3, SIZE - 1)),
        (f"bytes=3-{'9' * 19}", (3, SIZE - 1)),
        (f"bytes=-{'9' * 400}", (0, SIZE - 1)),
        (f"Bytes={'0' * 30}3-4", (3, 4)),
    ],
)
def test_parts(api: Api, folder: Path, header: str, place: tuple[int, int]) -> None:
    said = api.get(f"{ALL}/gate-00009.avif", headers={"Range": header})
    assert said.status_code == 206
    assert said.headers["content-range"] == f"bytes {place[0]}-{place[1]}/{SIZE}"
    assert said.content == STILL[place[0] : place[1] + 1]
    assert said.headers["content-length"] == str(len(said.content))


@pytest.mark.parametrize(
    "header", ["bytes=9-3", "bytes=-", "bytes=a-b", "lines=0-1", "bytes", "bytes=0-1,5-6", "bytes=0x1-2", "bytes=-1-2"]
)
def test_what_is_no_single_range_is_passed_over(api: Api, folder: Path, header: str) -> None:
    said = api.get(f"{ALL}/gate-00009.avif", headers={"Range": header})
    assert (said.status_code, said.content) == (200, STILL)
    assert "content-range" not in said.headers


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", f"BYTES={'9' * 19}-", "bytes=-0"])
def test_a_range_behind_the_end(api: Api, folder: Path, header: str) -> None:
    said = api.get(f"{ALL}/gate-00009.avif", headers={"Range": header})
    assert (said.status_code, said.headers["content-range"]) == (416, f"bytes */{SIZE}")
    assert said.json()["code"] == "VALIDATION_ERROR"


def test_versions(api: Api, folder: Path) -> None:
    url = f"{ALL}/gate-00009.avif"
    etag = api.get(url).headers["etag"]
    assert etag.startswith('"')

    def status(**headers: str) -> int:
        return api.get(url, headers={name.replace("_", "-"): text for name, text in headers.items()}).status_code

    assert status(If_None_Match=etag) == status(If_None_Match=f'"x", W/{etag}') == status(If_None_Match="*") == 304
    assert status(If_None_Match='"x"') == 200
    assert status(If_None_Match=etag, Range="bytes=0-1") == 304
    assert status(If_Range=etag, Range="bytes=0-1") == 206
    assert status(If_Range='"x"', Range="bytes=0-1") == status(If_Range=f"W/{etag}", Range="bytes=0-1") == 200
    assert status(If_Range="Wed, 18 Nov 2026 11:06:40 GMT", Range="bytes=0-1") == 200
    assert status(If_Range='"x"', Range="bytes=99999-") == 200
    assert status(If_Match=etag) == status(If_Match="*") == 200
    assert status(If_Match='"x"') == 412
    put(folder, "gate-00009.avif", STILL[::-1])
    assert api.get(url).headers["etag"] != etag, "same name, same size, same second"


def test_delete_one(api: Api, folder: Path) -> None:
    assert api.call("DELETE", f"{ALL}/gate-00010.avifs").status_code == 204
    assert api.call("DELETE", f"{ALL}/gate-00010.avifs").status_code == 404
    assert api.get(f"{ALL}/gate-00010.avifs").json()["hint"].startswith("GET /flex/files/framegrabs")
    assert "gate-00010.avifs" not in listed(api)


def test_delete_a_pipelines(api: Api, folder: Path) -> None:
    (folder / "gate" / "notes.txt").write_text("mine")
    assert api.call("DELETE", ALL, params={"pipeline_id": "gate"}).json() == {"deleted": 3}
    assert api.call("DELETE", ALL, params={"pipeline_id": "gate"}).json() == {"deleted": 0}
    assert listed(api) == ["yard-1-00001.avif"]
    assert (folder / "gate" / "notes.txt").exists()
    for query in ({}, {"pipeline_id": "../x"}, {"pipeline_id": ""}):
        said = api.call("DELETE", ALL, params=query)
        assert (said.status_code, said.json()["details"][0]["field"]) == (400, "pipeline_id")


def test_a_download_is_finished_though_the_file_is_rotated_away(api: Api, folder: Path) -> None:
    content = os.urandom(8 * 1024 * 1024)
    path = put(folder, "gate-00001.avif", content)
    with api.http.stream("GET", f"{ALL}/gate-00001.avif") as stream:
        pieces = stream.iter_raw(1000)
        first = next(pieces)
        path.unlink()
        assert first + b"".join(pieces) == content


def test_who_goes_away_in_the_middle_leaves_no_open_file(api: Api, fake_box: Box, folder: Path) -> None:
    path = put(folder, "gate-00001.avif", os.urandom(16 * 1024 * 1024))
    server = psutil.Process(fake_box.pid)
    for _ in range(3):
        with api.http.stream("GET", f"{ALL}/gate-00001.avif") as stream:
            next(stream.iter_raw(1000))
    for headers in ({"If-Match": '"x"'}, {"If-None-Match": "*"}, {"Range": "bytes=999999999-"}):
        api.get(f"{ALL}/gate-00001.avif", headers=headers)
    until(lambda: str(path) not in [found.path for found in server.open_files()], what="closed")


def test_the_two_limits(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    with Api(box) as api:
        for _ in range(60):
            assert api.call("DELETE", f"{ALL}/gate-00001.avif").status_code == 404
        refused = api.call("DELETE", f"{ALL}/gate-00001.avif")
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        for _ in range(10):
            assert api.call("DELETE", ALL, params={"pipeline_id": "gate"}).json() == {"deleted": 0}
        assert api.call("DELETE", ALL, params={"pipeline_id": "gate"}).status_code == 429
        assert api.get(ALL).status_code == 200


def test_left_overs_go_when_the_box_starts(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    root = box.data_dir / "framegrabs"
    put(root, "gate-00001.avif")
    left = root / "gate" / ".gate-00002.avif.part"
    left.write_bytes(b"half")
    box.restart()
    assert not left.exists()
    with Api(box) as api:
        assert listed(api) == ["gate-00001.avif"]


# Live


def test_a_pipeline_takes_pictures_while_it_plays(box_factory: BoxFactory) -> None:
    box = box_factory()
    with Api(box) as api, api.listen() as listener:
        wish = {"interval_seconds": 0.2, "max_files": 3, "speed": 9}
        assert api.create("gate", on_demand=False, encoding=SMALL, framegrab=wish).status_code == 201
        told = listener.wait(lambda seen: seen.type == "framegrab_created" and seen.data["file"] == "gate-00005.avif")
        until(lambda: len(listed(api)) == 3)
        documents = api.get(ALL).json()
        assert told.data in documents or documents[0]["file"] > "gate-00005.avif"
        assert told.data["pipeline_id"] == "gate"
        status = api.status("gate")["framegrab"]
        assert (status["files"], status["last_file"][:5], "reason" in status) == (3, "gate-", False)
        assert 0.15 < status["interval_seconds"] < 1

        changed = api.call(
            "PATCH", "/flex/pipeline/gate", json={"framegrab": {"motion": True, "motion_duration_seconds": 0.3}}
        )
        assert changed.headers["flex-applied"] == "live"
        clip = listener.wait(lambda seen: seen.type == "framegrab_created" and seen.data["kind"] == "clip")
        assert api.status("gate")["restarts"] == 0
        with Image.open(io.BytesIO(api.get(f"{ALL}/{clip.data['file']}").content)) as image:
            assert image.n_frames >= 2  # type: ignore[attr-defined]

        assert api.call("PUT", "/flex/pipeline/gate/stop").status_code == 200
        assert not psutil.Process(box.pid).children(recursive=True) or not encoders(box)
        kept = listed(api)
        assert api.call("DELETE", "/flex/pipeline/gate").status_code == 204
        assert listed(api) == kept, "pictures outlive their pipeline"
        assert api.create("gate", on_demand=False, encoding=SMALL, framegrab=wish).status_code == 201
        listener.wait(lambda seen: seen.type == "framegrab_created" and seen.data["file"] > kept[-1])
        until(lambda: len(listed(api)) == 3, what="rotation goes on")


def encoders(box: Box) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(box.pid).children(recursive=True):
        try:
            found += [process] if "flexserver.media.avif" in process.cmdline() else []
        except psutil.NoSuchProcess:
            continue
    return found


def test_it_is_said_when_pictures_cannot_be_kept(box_factory: BoxFactory) -> None:
    box = box_factory()
    (box.data_dir / "framegrabs").write_text("no folder")
    with Api(box) as api:
        wish = {"interval_seconds": 0.2, "speed": 9}
        assert api.create("gate", on_demand=False, encoding=SMALL, framegrab=wish).status_code == 201
        reason = until(lambda: api.status("gate")["framegrab"].get("reason"), what="the reason")
        assert reason == "the picture could not be written: Not a directory"
        workers = api.get("/flex/health").json()["parts"]["workers"]
        assert (workers["status"], workers["message"]) == ("degraded", f"no framegrabs of gate: {reason}")
        assert f"framegrab: {reason}" in api.get("/flex/pipeline/gate/logs").text
        assert api.status("gate")["state"] == "playing"
        assert listed(api) == []
        (box.data_dir / "framegrabs").unlink()
        until(lambda: listed(api), what="a picture")
        until(lambda: api.get("/flex/health").json()["status"] == "ok", what="health")
        assert "reason" not in api.status("gate")["framegrab"]


def test_a_slow_encoder_says_what_it_reaches(box_factory: BoxFactory) -> None:
    with Api(box_factory()) as api:
        wish = {"interval_seconds": 0.1, "speed": 2}
        encoding = {**SMALL, "width": 1280, "height": 720}
        assert api.create("gate", on_demand=False, encoding=encoding, framegrab=wish).status_code == 201
        said = until(lambda: (now := api.status("gate")["framegrab"]).get("reason") and now, 10, "the reason")
        assert said["interval_seconds"] > 0.15
        assert "a higher framegrab.speed is faster" in said["reason"]


def test_an_advanced_pipeline_takes_none(box_factory: BoxFactory) -> None:
    with Api(box_factory("--allow-advanced")) as api:
        line = "videotestsrc is-live=true ! x264enc"
        said = api.call(
            "POST", "/flex/pipeline", json={"id": "a", "mode": "advanced", "raw_pipeline": line, "framegrab": {}}
        )
        assert (said.status_code, said.json()["details"][0]["field"]) == (400, "framegrab")


def test_many_downloads_at_once(api: Api, folder: Path) -> None:
    content = os.urandom(1024 * 1024)
    put(folder, "gate-00001.avif", content)
    results: list[bool] = []

    def get() -> None:
        with Api(api.box) as other:
            results.append(other.get(f"{ALL}/gate-00001.avif").content == content)

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
