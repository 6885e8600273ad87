"""A command in a hint is about the box that was named: it is pasted as it stands."""

from __future__ import annotations

import pytest

from flexctl.app import TABLE
from flexctl.errors import addressed
from flexctl.lazy import Group
from flexctl.out.style import fold
from tests.cli.fakebox import Fault
from tests.cli.site import Site, site

__all__ = ["site"]


def locked(site: Site, *names: str) -> None:
    for name in names:
        site.boxes[name].fail = Fault(401, "UNAUTHORIZED", "log in first")


def test_every_command_about_a_box_is_known() -> None:
    groups = {name for name, entry in TABLE.items() if isinstance(entry, Group)}
    none = {"context", "alias"} | {n for n in TABLE.keys() - groups if getattr(TABLE[n], "boxes", "") == "none"}
    for name in TABLE:
        text = addressed(f"flexctl {name} x", "--context yard")
        assert text == (f"flexctl {name} x" if name in none else f"flexctl --context yard {name} x")


@pytest.mark.parametrize(
    "text",
    [
        "flexctl --url https://other:3539 export",
        "this flexctl does not know it",
        "`flexctl pipeline list --help` shows what there is",
    ],
)
def test_what_names_a_box_or_needs_none_stays(text: str) -> None:
    assert addressed(text, "--context yard") == text
    once = addressed("export FLEX_TOKEN=$(flexctl auth login --print-token)", "--context yard")
    assert once == "export FLEX_TOKEN=$(flexctl --context yard auth login --print-token)"
    assert addressed(once, "--context yard") == once


def test_errors(site: Site) -> None:
    locked(site, "roof")
    url = site.boxes["roof"].url
    for named, words in (
        (("--context", "roof"), "flexctl --context roof auth login"),
        (("--url", url), "flexctl --url http://roof auth login"),
    ):
        assert words in site.run("pipeline", "list", *named).err
    for env in ({"FLEX_CONTEXT": "roof"}, {"FLEX_URL": url}):
        assert "log in: flexctl auth login" in site.run("pipeline", "list", **env).err.lower()


def test_several_boxes(site: Site) -> None:
    locked(site, "lab", "roof")
    for argv in (("pipeline", "list"), ("top", "--once")):
        err = site.run(*argv, "--all-contexts").err
        assert "flexctl --context lab auth login" in err
        assert "flexctl --context roof auth login" in err
        assert "flexctl auth login" not in err


def test_doctor(site: Site) -> None:
    locked(site, "lab", "roof")
    assert "flexctl --context roof auth login" in site.run("doctor", "--context", "roof").out
    ran = site.run("doctor", "--context", "lab,roof", "--template", "{mend}")
    assert "flexctl --context lab auth login" in ran.out
    assert "flexctl --context roof auth login" in ran.out
    assert "flexctl auth login" in site.run("doctor", FLEX_CONTEXT="roof").out


def test_a_mistake_in_the_command_line_is_told_once(site: Site) -> None:
    ran = site.run("settings", "set", "--context", "lab,roof", "--yes")
    assert ran.err.count("nothing to change") == 1
    assert "flexctl --context lab,roof settings set" in ran.err


def test_words_of_other_tools(site: Site) -> None:
    assert "Did you mean 'show'?" in site.run("context", "current").err


@pytest.mark.parametrize("room", [8, 40, 61, 62, 63, 94, 95])
def test_a_fingerprint_is_broken_at_its_colons(room: int) -> None:
    shown = ":".join(f"{byte:02X}" for byte in range(32))
    lines = fold(shown, room)
    assert "".join(lines) == shown
    assert all(len(line) <= room and (line.endswith(":") or line is lines[-1]) for line in lines)
