"""What each command imports. Start-up time is imports: bench/ has the seconds, this has the reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.cli.fakebox import FakeBox

HEAVY = {"pydantic", "httpx", "rich", "click", "ruamel", "keyring", "jmespath", "flexclient", "asyncio", "pygments"}

PROGRAM = """
import json, sys
from flexctl.__main__ import run
code = run(sys.argv[1:])
tops = sorted({name.partition('.')[0] for name, module in sys.modules.items() if module is not None})
mine = sorted(name for name in sys.modules if name.startswith('flexctl.'))
print(json.dumps([code, tops, mine]), file=sys.stderr)
"""


def imported(*argv: str, **env: str) -> tuple[set[str], set[str]]:
    """Top-level packages, and flexctl's own modules, that a run loads."""
    command = [sys.executable, "-c", PROGRAM, *argv]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, timeout=60, check=True)
    code, tops, mine = json.loads(ran.stderr.splitlines()[-1])
    assert code == 0, ran.stderr
    return set(tops), set(mine)


@pytest.mark.parametrize(
    "argv",
    [
        *(
            ("--version",),
            ("--help",),
            ("pipeline", "--help"),
            ("pipeline", "create", "--help"),
            ("discover", "--help"),
        ),
        *((name, "--help") for name in ("apply", "diff", "doctor", "events", "open", "play", "top", "wait")),
    ],
    ids=" ".join,
)
def test_help_and_version_import_nothing_heavy(argv: tuple[str, ...]) -> None:
    tops, mine = imported(*argv)
    assert not tops & HEAVY
    if argv in {("--version",), ("--help",), ("pipeline", "--help")}:
        assert not {name for name in mine if name.startswith("flexctl.cmds")}


def test_completion_imports_no_command() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "flexctl", "pipeline", "pl"]
    env = {**os.environ, "_FLEXCTL_COMPLETE": "zsh"}
    ran = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=True)
    assert ran.stdout.startswith("names\nplay\t")
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "flexctl.app" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in HEAVY or name.startswith("flexctl.cmds.")}


@pytest.mark.parametrize("form", ["json", "ndjson", "name", "csv", "table"])
def test_a_list_imports_what_it_needs_and_no_more(box: FakeBox, form: str) -> None:
    tops, mine = imported("pipeline", "list", "-o", form, FLEX_URL=box.url)
    assert "httpx" in tops
    assert ("pydantic" in tops) == (form not in {"json", "ndjson"}), "programs get the document as it came, unread"
    assert not tops & {"rich", "click", "ruamel", "keyring", "jmespath", "pygments"}
    assert not {name for name in mine if name.startswith("flexctl.live")}
