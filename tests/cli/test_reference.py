"""The man page and the Markdown reference are what the commands say: FLEX_UPDATE_GOLDEN=1 writes them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from flexctl import reference
from flexctl.options import GLOBALS
from flexctl.topics import TOPICS
from tests.cli.test_examples import commands

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def found() -> list[reference.Page]:
    return reference.pages()


def test_what_is_written_is_what_the_commands_say(found: list[reference.Page], tmp_path: Path) -> None:
    if os.environ.get("FLEX_UPDATE_GOLDEN"):
        reference.main(DOCS)
    reference.main(tmp_path)
    for path in (reference.MAN, reference.MARKDOWN):
        said = (DOCS / path).read_text(encoding="utf-8")
        assert said == (tmp_path / path).read_text(encoding="utf-8"), f"{path} is old: python -m flexctl.reference docs"


def test_every_command_is_in_both(found: list[reference.Page]) -> None:
    man, page = reference.man(found), reference.markdown(found)
    for path in commands():
        name = " ".join(("flexctl", *path))
        assert f".SS {name}".replace("-", r"\-") + "\n" in man
        assert re.search(rf"^##+ {name}$", page, re.MULTILINE)
    for setting in GLOBALS:
        assert f"{setting.flags[0]}" in page
    for topic in TOPICS:
        assert f"\n.SH {topic.upper()}\n".replace("-", " ") in man


def test_the_machine_that_made_it_is_not_in_it(
    found: list[reference.Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "flexctl-canary"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "canary" not in reference.markdown(reference.pages())


def test_links_of_the_contents_lead_somewhere(found: list[reference.Page]) -> None:
    page = reference.markdown(found)
    headings = {line.lstrip("# ").replace(" ", "-") for line in page.splitlines() if line.startswith("##")}
    links = re.findall(r"\]\(#([\w-]+)\)", page)
    assert len(links) > 20
    assert set(links) <= headings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (".hidden", r"\&.hidden"),
        ("a-b", r"a\-b"),
        (r"\n", r"\en"),
        ("'quoted'", r"\(aqquoted\(aq"),
    ],
)
def test_roff_is_told_what_is_text(text: str, wanted: str) -> None:
    page = reference.Page("flexctl", "", "flexctl", (text,), (), ())
    assert f"\n{wanted}\n" in reference.man([page])


def test_man_shows_it_without_a_complaint(found: list[reference.Page], tmp_path: Path) -> None:
    path = tmp_path / "flexctl.1"
    path.write_text(reference.man(found), encoding="utf-8")
    ran = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stderr == ""
    assert "flexctl pipeline create cam1 --source rtsp://camera/1" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80
