"""Several looks at once, none of which can hold up the others. The doctor's only threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Thread
from time import monotonic

from flexctl.doctor.finding import Finding


@dataclass(slots=True)
class Look:
    """One look: what it is called, and what does it. Findings count as soon as they are there."""

    name: str
    act: Callable[[], Iterable[Finding]]
    found: list[Finding] = field(default_factory=list)
    done: bool = False

    def run(self) -> None:
        """Look. Whatever goes wrong is a finding, too."""
        try:
            for finding in self.act():
                self.found.append(finding)
        except Exception as error:
            self.found.append(Finding(self.name, "fail", f"it could not be looked at: {error or type(error).__name__}"))
        self.done = True


def examine(looks: Sequence[Look], seconds: float) -> list[Finding]:
    """All of them at once, and what they found, in their order. What is late is told, and left behind."""
    threads = [Thread(target=look.run, daemon=True, name=look.name) for look in looks]
    end = monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(end - monotonic(), 0))
    findings: list[Finding] = []
    for look in looks:
        findings += look.found[:]
        if not look.done:
            findings.append(Finding(look.name, "fail", f"no answer within {seconds:g} s"))
    return findings
