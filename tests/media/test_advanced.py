"""Advanced mode: a launch line runs, and only what it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from flexclient import models as m
from flexserver import protocol
from flexserver.media import graph as media
from tests.media.harness import Front, Worker, graph_of
from tests.media.pictures import decoded

X264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=30"


def line(text: str) -> m.PipelineSpec:
    return m.PipelineSpec(id="cam1", mode=m.Mode.ADVANCED, raw_pipeline=text)


def failure(text: str, graph: media.Graph | None = None) -> str:
    with Worker(line(text), graph=graph) as worker:
        failed = worker.wait(protocol.Failed)
        assert failed.part == "graph"
        assert worker.exit_code() == 1
        return failed.message


@pytest.mark.parametrize(
    "text",
    [
        f"videotestsrc is-live=true ! video/x-raw,width=320,height=180 ! {X264}",
        f"videotestsrc is-live=true ! video/x-raw,width=320,height=180 ! {X264} ! rtph264pay name=pay0 pt=96",
        f"videotestsrc ! video/x-raw,width=320,height=180,framerate=30/1 ! {X264}",
    ],
)
def test_a_line_plays(text: str) -> None:
    with Front() as front, Worker(line(text), front) as worker:
        assert worker.playing().width == 320
        frames = list(decoded(front.mount("cam1"), 60))
        assert frames[-1].width == 320
        last = worker.all(protocol.Beat)[-1]
        assert last.frames < 30 * (len(worker.all(protocol.Beat)) + 2)


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("filesrc location=/etc/passwd ! h264parse", "filesrc"),
        ("file:///etc/passwd ! h264parse", "filesrc"),
        (f"videotestsrc ! tee name=t ! {X264} t. ! queue ! filesink location={{}}/evil", "filesink"),
        (f"( videotestsrc ! filesink location={{}}/evil ) videotestsrc ! {X264}", "filesink"),
        (f"bin.( bin.( videotestsrc ! multifilesink location={{}}/evil ) ) videotestsrc ! {X264}", "multifilesink"),
        ("uridecodebin uri=file:///etc/passwd ! x264enc", "uridecodebin"),
        ("appsrc ! h264parse", "appsrc"),
        (f"udpsrc ! {X264} ! tcpserversink", "tcpserversink"),
    ],
)
def test_an_element_off_the_list_is_refused_before_anything_runs(tmp_path: Path, text: str, element: str) -> None:
    assert failure(text.format(tmp_path)) == f"element '{element}' is not allowed on this box"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["multipass-cache-file={}/evil pass=pass1", "option-string=stats={}/evil:pass=1"])
def test_a_property_that_names_a_file_is_refused(tmp_path: Path, words: str) -> None:
    assert "is not allowed on this box" in failure(f"videotestsrc ! x264enc {words.format(tmp_path)}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("! ! !", "syntax error"),
        ("nosuchelement ! x264enc", 'no element "nosuchelement"'),
        ("videotestsrc nosuch=1 ! x264enc", 'no property "nosuch"'),
        ("videotestsrc ! fakesink", "must leave one source pad open"),
        ("videotestsrc", "not what the encoding says"),
    ],
)
def test_a_line_that_cannot_work_says_why(text: str, says: str) -> None:
    assert says in failure(text)


def test_the_list_is_the_boxs() -> None:
    text = f"videotestsrc ! {X264}"
    graph = graph_of(line(text), advanced_elements=("x264enc",))
    assert failure(text, graph) == "element 'videotestsrc' is not allowed on this box"
