"""Links between the pages lead somewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.examples.pages import ROOT, anchors, links

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "server").rglob("*.md"))]


def fault(page: Path, link: str) -> str:
    """What is wrong with a link; empty where nothing is. Addresses elsewhere are not looked at."""
    if "://" in link or link.startswith("mailto:"):
        return ""
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"{link}: there is no such file"
    if not target.is_relative_to(ROOT):
        return f"{link}: is outside the repository"
    if anchor and anchor not in anchors(target):
        return f"{link}: the page has no heading of that name"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [wrong for link in links(page) if (wrong := fault(page, link))] == []


def test_a_dead_link_would_be_found(tmp_path: Path) -> None:
    readme = ROOT / "README.md"
    assert "no such file" in fault(readme, "docs/nothing.md")
    assert "no heading" in fault(readme, "docs/flexctl.md#no-such-thing")
    assert "outside" in fault(readme, "../")
    assert fault(readme, "docs/flexctl.md#exit-codes") == ""
    page = tmp_path / "page.md"
    page.write_text("[a](b.md) `[no](c.md)`\n```\n[no](d.md)\n# no\n```\n# Yes, you can!\n# Yes you can\n")
    assert list(links(page)) == ["b.md"]
    assert anchors(page) == {"", "yes-you-can", "yes-you-can-1"}


def test_every_page_is_reached_from_another() -> None:
    """The manual of the commands is an index of its own."""
    reached = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    pages = {page for page in PAGES if "man" not in page.relative_to(ROOT).parts}
    assert {page.relative_to(ROOT) for page in pages - reached} == {Path("README.md")}
