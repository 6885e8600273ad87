"""Every command in each form of output, in a pipe and on terminals of three widths, compared with files.

FLEX_UPDATE_GOLDEN=1 writes them; what changed is then read in the difference.
"""

from __future__ import annotations

import pytest

from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import PIPE, flexctl, golden, terminal, transcript

FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")
READING = {
    "pipeline-list": ("pipeline", "list"),
    "pipeline-get": ("pipeline", "get", "cam1"),
    "pipeline-status": ("pipeline", "status", "cam1"),
    "health": ("health",),
    "version": ("version",),
    "pipeline-wait": ("pipeline", "wait", "cam1"),
}
WRITING = {
    "pipeline-create": ("pipeline", "create", "new", "--source", "test://ball", "--bitrate", "2M", "--timestamp"),
    "pipeline-update": ("pipeline", "update", "cam1", "--bitrate", "4M", "--remove", "overlay"),
    "pipeline-play": ("pipeline", "play", "broken"),
    "pipeline-stop": ("pipeline", "stop", "cam1"),
    "pipeline-delete": ("pipeline", "delete", "cam1", "--yes"),
}


@pytest.mark.parametrize("name", READING)
def test_reading(name: str, box: FakeBox) -> None:
    argv = READING[name]
    runs = [transcript(flexctl(*argv, "-o", form, url=box.url), *argv, "-o", form) for form in FORMS]
    runs += [
        transcript(flexctl(*argv, url=box.url, on=terminal(width)), *argv, note=f"{width} columns")
        for width in (120, 80, 40)
    ]
    runs.append(transcript(flexctl(*argv, url=box.url, on=terminal(80, color=True)), *argv, note="in colour"))
    runs.append(transcript(flexctl(*argv, url=box.url, on=terminal(80, unicode=False)), *argv, note="ASCII"))
    golden(name, "\n".join(runs))


@pytest.mark.parametrize("name", WRITING)
def test_writing(name: str, box: FakeBox) -> None:
    argv = WRITING[name]
    runs = []
    for more in ("--dry-run", "--curl"):
        before = dict(box.pipelines)
        runs.append(transcript(flexctl(*argv, more, url=box.url), *argv, more))
        assert box.pipelines == before, f"{more} changed something"
    ran = flexctl(*argv, "--dry-run", "-o", "json", url=box.url)
    runs.append(transcript(ran, *argv, "--dry-run", "-o", "json"))
    runs.append(transcript(flexctl(*argv, url=box.url, on=terminal(80, color=True)), *argv, note="on a terminal"))
    for form in ("", *FORMS):
        fresh(box)
        more_argv = ("-o", form) if form else ()
        runs.append(transcript(flexctl(*argv, *more_argv, url=box.url, on=PIPE), *argv, *more_argv))
    golden(name, "\n".join(runs))


def fresh(box: FakeBox) -> None:
    """The pipelines as every run finds them."""
    from tests.cli.conftest import fill

    box.pipelines.clear()
    fill(box)


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("pipeline-logs", ("pipeline", "logs", "cam1")),
        ("pipeline-graph", ("pipeline", "graph", "cam1")),
        ("api", ("api", "GET", "/flex/health")),
        ("api-query", ("api", "GET", "/flex/health", "--query", "parts.disk.status")),
    ],
)
def test_texts(name: str, argv: tuple[str, ...], box: FakeBox) -> None:
    runs = [transcript(flexctl(*argv, url=box.url), *argv)]
    runs.append(transcript(flexctl(*argv, url=box.url, on=terminal(80, color=True)), *argv, note="on a terminal"))
    golden(name, "\n".join(runs))


def test_errors(box: FakeBox) -> None:
    """The sentences, one below the other: they should read as if one person had said them."""
    runs = []
    for argv in (
        ("pipeline", "get", "nope"),
        ("pipeline", "create", "cam1", "--source", "test://smpte"),
        ("pipeline", "create", "x/y", "--source", "test://smpte", "--bitrate", "0", "--font-size", "1"),
        ("pipeline", "create", "new"),
        ("pipeline", "create"),
        ("pipeline", "create", "new", "--source", "file:///etc/passwd"),
        ("pipeline", "create", "new", "--source", "test://smpte", "--size", "big"),
        ("pipeline", "create", "new", "--source", "test://smpte", "--wait"),
        ("pipeline", "update", "cam1"),
        ("pipeline", "delete", "cam1"),
        ("pipeline", "delete", "cam1", "nope", "broken", "--yes"),
        ("pipeline", "wait", "broken"),
        ("pipeline", "wait", "cam1", "--for", "gone"),
        ("pipeline", "list", "--columns", "id,colour"),
        ("pipeline", "list", "-o", "xml"),
        ("pipeline", "list", "--query", "[?"),
        ("pipeline", "lst"),
        ("pipelines", "list"),
        ("pipeline", "rm", "cam1"),
        ("pipeline", "list", "--outptu", "json"),
        ("pipeline", "get"),
        ("pipeline", "get", "cam1", "cam2"),
        ("events", "--for", "soon"),
        ("api", "/flex/health"),
        ("api", "FETCH", "/flex/health"),
        ("api", "GET", "/flex/nothing"),
    ):
        ran = flexctl(*argv, url=box.url)
        assert ran.code, f"{argv} went through"
        runs.append(transcript(ran, *argv))
        fresh(box)
    box.fail = Fault(504, "PIPELINE_START_TIMEOUT", "cam1 did not start within 10 s", "it is stored and keeps trying")
    runs.append(transcript(flexctl("pipeline", "play", "cam1", url=box.url), "pipeline", "play", "cam1"))
    golden("errors", "\n".join(runs))


def test_help() -> None:
    pages = [
        (),
        ("pipeline",),
        ("pipeline", "list"),
        ("pipeline", "create"),
        ("pipeline", "wait"),
        ("events",),
        ("api",),
    ]
    runs = [
        transcript(flexctl(*page, "--help", on=terminal(width)), *page, "--help", note=f"{width} columns")
        for page in pages
        for width in (80, 40)
    ]
    golden("help", "\n".join(runs))
