"""Framegrabs by the SDK, on both clients, from the box in memory: downloads into files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flexclient import _saving
from flexclient.errors import NotFound, ProtocolError, Unreachable, UsageError
from flexclient.testing import FakeFlex, Seen
from tests.sdk.harness import Side

FILE = "cam1-00001.avif"
CONTENT = bytes(range(256)) * 20
PIECE = 1000


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_saving, "PIECE", PIECE)


@pytest.fixture
def box() -> FakeFlex:
    made = FakeFlex()
    made.add_framegrab(FILE, CONTENT)
    return made


def ranges(box: FakeFlex) -> list[str]:
    return [seen.headers["range"] for seen in box.requests]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_comes_in_pieces_and_tells_how_far_it_is(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    client = side.client(transport=box)
    where = side.do(client.framegrabs.save(FILE, tmp_path, progress=lambda *now: told.append(now)))
    assert where == tmp_path / FILE
    assert where.read_bytes() == CONTENT
    assert told == [(min(n * PIECE, 5120), 5120) for n in range(1, 7)]
    assert ranges(box)[:2] == ["bytes=0-999", "bytes=1000-1999"]
    assert "if-range" not in box.requests[0].headers
    assert all("if-range" in seen.headers for seen in box.requests[1:])
    assert files(tmp_path) == [FILE]


def test_a_try_that_was_cut_off_is_resumed(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box, retries=0)
    box.on_request = lambda _: box.go_down() if len(box.requests) == 3 else None
    with pytest.raises(Unreachable):
        side.do(client.framegrabs.save(FILE, tmp_path / "a.avif"))
    (part,) = tmp_path.iterdir()
    assert part.name.endswith(".part")
    assert part.read_bytes() == CONTENT[: 3 * PIECE]
    box.on_request = None
    box.come_up()
    box.requests.clear()
    side.do(client.framegrabs.save(FILE, tmp_path / "a.avif"))
    assert ranges(box)[0] == "bytes=3000-3999"
    assert (tmp_path / "a.avif").read_bytes() == CONTENT
    assert files(tmp_path) == ["a.avif"]


@pytest.mark.parametrize("other", [CONTENT[::-1], b"short", CONTENT[:2999]])
def test_pieces_of_two_versions_never_meet(side: Side, box: FakeFlex, tmp_path: Path, other: bytes) -> None:
    """Changed in the middle of a download, and between two tries."""
    client = side.client(transport=box, retries=0)

    def change(_: Seen) -> None:
        if len(box.requests) == 4:
            box.add_framegrab(FILE, other)

    box.on_request = change
    side.do(client.framegrabs.save(FILE, tmp_path / "middle"))
    assert (tmp_path / "middle").read_bytes() == other

    box.on_request = lambda _: box.go_down() if len(box.requests) == 6 + 3 else None
    box.requests[:] = box.requests[:6]
    box.add_framegrab(FILE, CONTENT)
    with pytest.raises(Unreachable):
        side.do(client.framegrabs.save(FILE, tmp_path / "between"))
    box.on_request = None
    box.come_up()
    box.add_framegrab(FILE, other)
    side.do(client.framegrabs.save(FILE, tmp_path / "between"))
    assert (tmp_path / "between").read_bytes() == other
    assert files(tmp_path) == ["between", "middle"]


def test_a_box_that_sends_no_parts(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box)
    box.answer_with(200, CONTENT, {"content-type": "image/avif"})
    told: list[tuple[int, int]] = []
    side.do(client.framegrabs.save(FILE, tmp_path / "a", progress=lambda *now: told.append(now)))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert told == [(5120, 5120)]


def test_a_box_without_versions(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box)
    for begin in range(0, 5120, PIECE):
        piece = CONTENT[begin : begin + PIECE]
        box.answer_with(206, piece, {"content-range": f"bytes {begin}-{begin + len(piece) - 1}/5120"})
    side.do(client.framegrabs.save(FILE, tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.parametrize("place", ["", "bytes 0-5/9", "bytes 5-7/9", "lines 0-2/9"])
def test_a_box_that_sends_nonsense_is_no_endless_loop(side: Side, box: FakeFlex, tmp_path: Path, place: str) -> None:
    client = side.client(transport=box)
    box.answer_with(206, b"abc", {"content-range": place})
    with pytest.raises(ProtocolError):
        side.do(client.framegrabs.save(FILE, tmp_path / "a"))
    assert not (tmp_path / "a").exists()


def test_nothing_is_overwritten_unasked(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box)
    (tmp_path / FILE).write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        side.do(client.framegrabs.save(FILE, tmp_path))
    assert not box.requests
    assert (tmp_path / FILE).read_text() == "mine"
    side.do(client.framegrabs.save(FILE, tmp_path, overwrite=True))
    assert (tmp_path / FILE).read_bytes() == CONTENT


def test_errors_leave_nothing(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box)
    with pytest.raises(NotFound):
        side.do(client.framegrabs.save("cam1-00002.avif", tmp_path))
    with pytest.raises(OSError, match="No such file"):
        side.do(client.framegrabs.save(FILE, tmp_path / "no" / "folder"))
    with pytest.raises(UsageError):
        side.do(client.framegrabs.save("../etc/passwd", tmp_path))
    assert files(tmp_path) == []


def test_names_that_glob_would_take_for_patterns(side: Side, box: FakeFlex, tmp_path: Path) -> None:
    client = side.client(transport=box, retries=0)
    box.on_request = lambda _: box.go_down() if len(box.requests) == 3 else None
    with pytest.raises(Unreachable):
        side.do(client.framegrabs.save(FILE, os.fspath(tmp_path / "[a]*?.avif")))
    box.on_request = None
    box.come_up()
    side.do(client.framegrabs.save(FILE, os.fspath(tmp_path / "[a]*?.avif")))
    assert "bytes=3000-3999" in ranges(box)
    assert files(tmp_path) == ["[a]*?.avif"]


def test_list_and_delete(side: Side, box: FakeFlex) -> None:
    client = side.client(transport=box)
    box.add_framegrab("gate-00007.avifs")
    assert [one.file for one in side.do(client.framegrabs.list())] == [FILE, "gate-00007.avifs"]
    (clip,) = side.do(client.framegrabs.list(pipeline_id="gate"))
    assert (clip.pipeline_id, clip.kind, clip.size_bytes) == ("gate", "clip", 9)
    assert side.do(client.framegrabs.download("gate-00007.avifs", range="bytes=2-3")) == b"pi"
    side.do(client.framegrabs.delete("gate-00007.avifs"))
    assert side.do(client.framegrabs.delete_all("cam1")).deleted == 1
    assert side.do(client.framegrabs.list()) == []
    with pytest.raises(NotFound):
        side.do(client.framegrabs.delete(FILE))
