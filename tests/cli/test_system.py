"""`flexctl health --probe`, `metrics` and `openapi`."""

from __future__ import annotations

import json

import pytest

from flexctl.exits import Exit
from flexctl.views.metrics import Sample, samples
from tests.cli.fakebox import FakeBox
from tests.cli.harness import flexctl, golden, terminal, transcript

FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


@pytest.mark.parametrize(
    ("name", "argv"),
    [("health-probe", ("health", "--probe", "ready")), ("metrics", ("metrics",)), ("openapi", ("openapi",))],
)
def test_every_form(name: str, argv: tuple[str, ...], box: FakeBox) -> None:
    runs = [transcript(flexctl(*argv, "-o", form, url=box.url), *argv, "-o", form) for form in FORMS]
    runs += [
        transcript(flexctl(*argv, url=box.url, on=terminal(width)), *argv, note=f"{width} columns")
        for width in (80, 40)
    ]
    runs.append(transcript(flexctl(*argv, "--curl", url=box.url), *argv, "--curl"))
    golden(name, "\n".join(runs))


@pytest.mark.parametrize(
    ("probe", "words"),
    [("live", "is not alive"), ("ready", "takes no work now"), ("startup", "has not come up yet")],
)
def test_a_probe_that_fails_is_exit_1_and_asked_once(box: FakeBox, probe: str, words: str) -> None:
    box.probes = 503
    ran = flexctl("health", "--probe", probe, "-o", "json", url=box.url)
    assert ran.code == Exit.FAILED
    assert json.loads(ran.out) == {"probe": probe, "status": "failed", "message": "the box shuts down"}
    assert ran.err == f"flexctl: the box {words}\n  more: flexctl health\n"
    assert len(box.requests) == 1


def test_a_box_that_is_off_is_exit_7() -> None:
    ran = flexctl("health", "--probe", "live", url="http://127.0.0.1:1")
    assert (ran.code, ran.out) == (Exit.UNREACHABLE, "")


def test_a_box_that_has_no_such_thing_says_so(old_box: FakeBox) -> None:
    for argv in (("metrics",), ("openapi",), ("health", "--probe", "ready")):
        ran = flexctl(*argv, url=old_box.url)
        assert (ran.code, ran.out) == (Exit.NOT_FOUND, "")


def test_a_query_picks_from_the_description(box: FakeBox) -> None:
    assert flexctl("openapi", "--query", "info.title", url=box.url).out == '"Flex Video encoder"\n'


def test_figures_out_of_text() -> None:
    text = """# HELP x what it is
# TYPE x gauge
x 1
x{a="b",c="d \\"e\\" \\\\ \\n"} 2.5e3 1700000000000
x_bucket{le="+Inf"} +Inf
broken{
broken one
"""
    assert list(samples(text)) == [
        Sample("x", {}, 1.0),
        Sample("x", {"a": "b", "c": 'd "e" \\ \n'}, 2500.0),
        Sample("x_bucket", {"le": "+Inf"}, float("inf")),
    ]
