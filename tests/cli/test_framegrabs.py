"""`flexctl framegrab`: against a real box with files that the test put there, and drawn on terminals of every kind."""

from __future__ import annotations

import io
import json
import os
import re
import struct
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flexclient import models as m
from flexctl.exits import Exit
from flexctl.out.drawing import colors_of, drawn, fitted
from flexctl.out.terminal import Terminal
from flexctl.views.event import Seen, what
from flexctl.views.pipeline import STATUS
from tests.cli.harness import NOW, PIPE, Ran, flexctl, golden, terminal, transcript
from tests.cli.test_pty import Window
from tests.support.box import Box
from tests.support.media_double import fake_media

FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")
BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191), (0, 0, 0)]


def bars(width: int = 64, height: int = 36) -> Image.Image:
    """Eight bars."""
    image = Image.new("RGB", (width, height))
    for index, color in enumerate(BARS):
        image.paste(color, (index * width // 8, 0, (index + 1) * width // 8, height))
    return image


def avif(**more: Any) -> bytes:
    out = io.BytesIO()
    bars().save(out, "AVIF", quality=100, subsampling="4:4:4", speed=10, **more)
    return out.getvalue()


def padded(content: bytes, size: int) -> bytes:
    """The file with a box of nothing at its end: encoders differ, and tables are compared."""
    return content + struct.pack(">I4s", size - len(content), b"free") + bytes(size - len(content) - 8)


CONTENT = {
    "gate-00001.avif": padded(avif(), 45_584),
    "gate-00002.avif": padded(avif(), 3_000_000),
    "gate-00003.avifs": padded(
        avif(save_all=True, append_images=[bars().transpose(Image.Transpose.ROTATE_180)]), 151_977
    ),
    "yard-00001.avif": b"no picture",
}


@pytest.fixture(scope="module")
def real_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env=media.env) as made:
        yield made


@pytest.fixture
def box(real_box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The box with four files, the newest a minute old; the test is in an empty folder."""
    for index, (name, content) in enumerate(CONTENT.items()):
        path = real_box.data_dir / "framegrabs" / name.rpartition("-")[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        at = (NOW - timedelta(minutes=4 - index)).timestamp()
        os.utime(path, (at, at))
    monkeypatch.chdir(tmp_path)
    return real_box


def run(box: Box, *argv: str, on: Terminal = PIPE, stdin: str = "", **env: str) -> Ran:
    return flexctl("framegrab", *argv, url=box.url, on=on, stdin=stdin, FLEX_FINGERPRINT=box.fingerprint, **env)


def here() -> dict[str, int]:
    return {str(path): path.stat().st_size for path in sorted(Path().rglob("*")) if path.is_file()}


def test_list_in_every_form(box: Box) -> None:
    argv = ("list", "--pipeline", "gate")
    runs = [transcript(run(box, *argv, "-o", form), "framegrab", *argv, "-o", form) for form in FORMS]
    runs += [
        transcript(run(box, *argv, on=terminal(width)), "framegrab", *argv, note=f"{width} columns")
        for width in (120, 80, 40)
    ]
    golden("framegrab-list", "\n".join(runs))


def test_list_of_none(box: Box) -> None:
    ran = run(box, "list", "--pipeline", "nobody")
    assert (ran.code, ran.out, ran.err) == (0, "", "There are no framegrabs of nobody.\n")
    assert json.loads(run(box, "list", "--pipeline", "nobody", "-o", "json").out) == []
    for path in (box.data_dir / "framegrabs").rglob("*.avif*"):
        path.unlink()
    assert run(box, "list").err.startswith("There are no framegrabs yet.\n  Have a pipeline take them while it plays: ")
    ran = run(box, "download", "--all")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("There is nothing to download.")


@pytest.mark.parametrize("verb", ["", "list", "download", "delete", "show"])
def test_help(verb: str) -> None:
    argv = ("framegrab", *([verb] if verb else []), "--help")
    golden(
        "-".join(("framegrab", *([verb] if verb else []), "help")), transcript(flexctl(*argv, on=terminal(80)), *argv)
    )


def test_download_one_and_where_it_goes(box: Box) -> None:
    assert run(box, "download", "gate-00001.avif").code == 0
    assert run(box, "download", "gate-00001.avif", "--to", "other.avif").code == 0
    assert run(box, "download", "gate-00001.avif", "gate-00003.avifs", "--to", "new/deep").code == 0
    ran = run(box, "download", "gate-00002.avif", "--to", "new/", "-o", "json")
    assert json.loads(ran.out) == {
        "file": "gate-00002.avif",
        "path": "new/gate-00002.avif",
        "size_bytes": len(CONTENT["gate-00002.avif"]),
    }
    sizes = {name: len(content) for name, content in CONTENT.items()}
    assert here() == {
        "gate-00001.avif": sizes["gate-00001.avif"],
        "new/deep/gate-00001.avif": sizes["gate-00001.avif"],
        "new/deep/gate-00003.avifs": sizes["gate-00003.avifs"],
        "new/gate-00002.avif": sizes["gate-00002.avif"],
        "other.avif": sizes["gate-00001.avif"],
    }
    assert Path("new/gate-00002.avif").read_bytes() == CONTENT["gate-00002.avif"]


def test_nothing_is_overwritten_silently(box: Box) -> None:
    Path("gate-00001.avif").write_text("mine")
    ran = run(box, "download", "gate-00001.avif")
    assert ran.code == Exit.FAILED
    assert ran.err == (
        "flexctl: gate-00001.avif exists already\n  Choose another name with --to, or replace it with --overwrite\n"
    )
    ran = run(box, "download", "gate-00001.avif", "gate-00003.avifs")
    assert (ran.code, sorted(here())) == (Exit.FAILED, ["gate-00001.avif", "gate-00003.avifs"])
    assert Path("gate-00001.avif").read_text() == "mine"
    assert run(box, "download", "gate-00001.avif", "--overwrite").code == 0
    assert Path("gate-00001.avif").read_bytes() == CONTENT["gate-00001.avif"]


def test_all_and_a_pipelines_can_be_repeated(box: Box) -> None:
    assert run(box, "download", "--pipeline", "gate").code == 0
    assert sorted(here()) == ["gate-00001.avif", "gate-00002.avif", "gate-00003.avifs"]
    ran = run(box, "download", "--all", "-o", "name")
    assert (ran.code, ran.out) == (0, "yard-00001.avif\n")
    assert "gate-00002.avif is here already.\n" in ran.err
    Path("yard-00001.avif").write_text("another size")
    assert run(box, "download", "--all").code == Exit.FAILED


def test_standard_output(box: Box) -> None:
    out = run(box, "download", "gate-00001.avif", "--to", "-")
    assert out.code == 0
    assert "ftypavif" in out.out
    assert here() == {}
    assert run(box, "download", "gate-00001.avif", "--to", "-", on=terminal(80)).code == Exit.USAGE
    ran = run(box, "download", "--all", "--to", "-")
    assert (ran.code, ran.err.splitlines()[0]) == (Exit.USAGE, "flexctl: standard output takes one file")


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("download",), Exit.USAGE, "say which files"),
        (("download", "gate-00001.avif", "--all"), Exit.USAGE, "say which files"),
        (("download", "--all", "--pipeline", "gate"), Exit.USAGE, "say which files"),
        (("download", "gate-00009.avif"), Exit.NOT_FOUND, "`flexctl framegrab list` lists those that do"),
        (("download", "nonsense"), Exit.USAGE, "a file is <pipeline id>-00001.avif"),
        (("download", "gate-00001.avif", "--to", "no/such/folder/a.avif"), Exit.FAILED, "No such file or directory"),
        (("delete",), Exit.USAGE, "say which files"),
        (("delete", "gate-00009.avif", "-y"), Exit.NOT_FOUND, "does not exist"),
        (("delete", "gate-00001.avif"), Exit.USAGE, "say --yes"),
        (("show", "nobody"), Exit.NOT_FOUND, "there are no framegrabs of 'nobody'"),
        (("show", "gate-00009.avif"), Exit.NOT_FOUND, "does not exist"),
        (("show", "gate-00009.avif", "-o", "json"), Exit.NOT_FOUND, "there is no file 'gate-00009.avif'"),
        (("show", "nope.avif"), Exit.NOT_FOUND, "there is no framegrab 'nope.avif'"),
        (("show", "nope.avif", "-o", "json"), Exit.NOT_FOUND, "`flexctl framegrab list`"),
        (("download", "nope.avif"), Exit.NOT_FOUND, "there is no framegrab 'nope.avif'"),
        (("show", "yard"), Exit.FAILED, "cannot be drawn"),
    ],
)
def test_errors_say_what_to_do(box: Box, argv: tuple[str, ...], code: Exit, words: str) -> None:
    ran = run(box, *argv)
    assert (ran.code, ran.out) == (code, "")
    assert words.lower() in ran.err.lower()
    assert here() == {}


def test_a_box_that_is_off() -> None:
    for argv in (("list",), ("download", "--all"), ("delete", "a-00001.avif", "-y"), ("show", "a")):
        ran = flexctl("framegrab", *argv, url="http://127.0.0.1:1")
        assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")


def test_curl_and_dry_run_change_nothing(box: Box) -> None:
    ran = run(box, "download", "gate-00001.avif", "--to", "a b.avif", "--curl")
    assert ran.out.startswith("curl -o 'a b.avif' ")
    assert ran.out.endswith("/flex/files/framegrabs/gate-00001.avif\n")
    assert "-X DELETE" in run(box, "delete", "gate-00001.avif", "--curl").out
    assert "DELETE" in run(box, "delete", "--pipeline", "gate", "--dry-run").out
    assert "framegrabs?pipeline_id=gate" in run(box, "show", "gate", "--curl").out
    assert "framegrabs?pipeline_id=gate" in run(box, "list", "-p", "gate", "--curl").out
    assert len(json.loads(run(box, "list", "-o", "json").out)) == 4
    assert here() == {}


def test_delete_asks_and_deletes(box: Box) -> None:
    ran = run(box, "delete", "gate-00001.avif", on=terminal(80), stdin="n\n")
    assert (ran.code, "Delete gate-00001.avif? [y/N]" in ran.err) == (Exit.FAILED, True)
    assert run(box, "delete", "gate-00001.avif", "yard-00001.avif", on=terminal(80), stdin="y\n").code == 0
    assert run(box, "list", "-o", "name").out.split() == ["gate-00002.avif", "gate-00003.avifs"]
    ran = run(box, "delete", "--pipeline", "gate", "--yes", "-o", "json")
    assert json.loads(ran.out) == {"deleted": 2}
    assert run(box, "delete", "--pipeline", "gate", "--yes").err == "✓ Deleted 0 framegrabs of gate.\n"


def test_show_draws_the_newest_and_the_first_picture_of_a_clip(box: Box) -> None:
    for name in ("gate", "gate-00003.avifs"):
        ran = run(box, "show", name, on=terminal(40, color=True), COLORTERM="truecolor")
        assert ran.code == 0
        lines = ran.out.splitlines()
        assert len(lines) == 11
        assert ran.err == "gate-00003.avifs, 64x36\n"
        first = [tuple(map(int, found)) for found in re.findall(r"38;2;(\d+);(\d+);(\d+)", lines[0])]
        for wanted in BARS[:7]:
            assert any(all(abs(a - b) < 12 for a, b in zip(seen, wanted, strict=True)) for seen in first), wanted


def test_show_where_there_are_no_colours(box: Box) -> None:
    ran = run(box, "show", "gate-00001.avif")
    assert "\x1b" not in ran.out
    assert len(ran.out.splitlines()) == 18
    assert set(ran.out) <= set(" ░▒▓█\n")
    assert set(run(box, "show", "gate-00001.avif", on=terminal(80, unicode=False)).out) <= set(" .:-=+*#%@\n")
    shown = json.loads(run(box, "show", "gate", "-o", "json").out)
    assert shown["file"] == "gate-00003.avifs"


@pytest.mark.parametrize(("columns", "rows"), [(20, 6), (80, 24), (200, 60)])
@pytest.mark.parametrize("size", [(1920, 1080), (108, 1920), (3000, 2), (1, 1), (16, 16)])
def test_a_picture_never_leaves_the_window(columns: int, rows: int, size: tuple[int, int]) -> None:
    width, height = fitted(size, columns, rows)
    assert 1 <= width <= min(columns, max(size[0], 1))
    assert 1 <= height <= rows
    for colors in (0, 256, 16_777_216):
        for unicode in (True, False):
            lines = drawn(bars(*size), columns, rows, colors, unicode=unicode).split("\n")
            assert len(lines) == height
            assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= width for line in lines)


def test_256_colours_are_the_nearest_ones() -> None:
    text = drawn(bars(8, 2), 8, 1, 256)
    assert re.findall(r"38;5;(\d+)", text) == ["250", "142", "37", "34", "127", "124", "19", "16"]


def test_what_the_terminal_says_of_its_colours() -> None:
    assert colors_of({"COLORTERM": "truecolor"}) == colors_of({"TERM": "xterm-direct"}) == 16_777_216
    assert colors_of({"TERM": "xterm-256color"}) == colors_of({}) == 256


def test_status_and_events_tell_of_framegrabs() -> None:
    grabs = {"interval_seconds": 14.2, "files": 3, "last_file": "gate-00003.avif", "reason": "encoding takes longer"}
    status = m.PipelineStatus.model_validate({"id": "gate", "state": "playing", "framegrab": grabs})
    (part,) = [part for part in STATUS.details(status) if part.title == "Framegrabs"]
    assert [(field.label, field.value) for field in part.fields] == [
        ("Newest", "gate-00003.avif"),
        ("Files", 3),
        ("Every", "14.2 s"),
        ("Reason", "encoding takes longer"),
    ]
    plain = m.PipelineStatus.model_validate({"id": "gate", "state": "playing"})
    assert all(not part.fields for part in STATUS.details(plain) if part.title == "Framegrabs")
    data = {"file": "gate-00003.avif", "pipeline_id": "gate", "size_bytes": 1, "created_at": NOW.isoformat()}
    event = m.read_event("framegrab_created", json.dumps(data), "7")
    seen = Seen(NOW, event)
    assert (seen.subject, what(event), seen.time) == ("gate", "gate-00003.avif", NOW)


class On:
    """A real box, for `Window`."""

    def __init__(self, box: Box) -> None:
        self.url = box.url


def test_on_a_terminal_there_is_a_bar_and_it_goes(box: Box) -> None:
    box_url: Any = On(box)
    env = {"FLEX_FINGERPRINT": box.fingerprint}
    window = Window(box_url, "framegrab", "download", "gate-00002.avif", size=(100, 12), **env)
    assert window.end() == 0
    assert "━" in window.raw
    assert "MB" in window.raw
    shown = [line for line in window.lines if line]
    assert len(shown) == 1
    assert re.fullmatch(r"✓ Saved gate-00002.avif \(\d+ KiB\)\.", shown[0])
    quiet = Window(box_url, "framegrab", "download", "gate-00002.avif", "--overwrite", "-q", size=(100, 12), **env)
    assert quiet.end() == 0
    assert quiet.raw.strip() == ""


def test_a_picture_on_a_terminal(box: Box) -> None:
    box_url: Any = On(box)
    env = {"FLEX_FINGERPRINT": box.fingerprint, "COLORTERM": "truecolor"}
    window = Window(box_url, "framegrab", "show", "gate-00001.avif", size=(60, 16), **env)
    assert window.end() == 0
    assert window.screen.buffer[0][2].fg == "bfbfbf"
    assert window.screen.buffer[0][2].data == "▀"
    assert any("gate-00001.avif, 64x36" in line for line in window.lines)
