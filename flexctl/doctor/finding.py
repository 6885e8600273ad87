"""What a look at something has found. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail", "skip"]
Where = Literal["here", "box"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    status: Status
    message: str
    mend: str = ""
    """The command that mends it; nothing where nothing is to be done, or no command does it."""
    where: Where = "here"
    """Where that command runs."""


def failed(findings: Iterable[Finding]) -> int:
    """How many of them keep something from working."""
    return sum(finding.status == "fail" for finding in findings)
