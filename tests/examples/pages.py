"""Pages of Markdown, taken apart: sections, links, lines for a shell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"

HEADING = re.compile(r"^(#{1,6}) (.+)$")
FENCE = re.compile(r"^\s*```")


@dataclass(frozen=True)
class Section:
    """What stands below one heading, up to the next."""

    page: Path
    title: str
    text: str


def sections(page: Path) -> list[Section]:
    """The sections of a page; a # in a block of code is no heading."""
    found: list[tuple[str, list[str]]] = [("", [])]
    fenced = False
    for line in page.read_text(encoding="utf-8").splitlines():
        fenced ^= bool(FENCE.match(line))
        heading = None if fenced else HEADING.match(line)
        if heading:
            found.append((heading[2], []))
        else:
            found[-1][1].append(line)
    return [Section(page, title, "\n".join(lines)) for title, lines in found]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    fenced, kept = False, []
    for line in page.read_text(encoding="utf-8").splitlines():
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            kept.append(line)
    return "\n".join(kept)


def anchors(page: Path) -> set[str]:
    """The anchors that its headings get, as GitHub names them."""
    seen: Counter[str] = Counter()
    named = set()
    for section in sections(page):
        slug = re.sub(r"[^\w\- ]", "", section.title.lower()).replace(" ", "-")
        named.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return named


def links(page: Path) -> Iterator[str]:
    """Where its links and pictures lead; code holds none."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)
