"""A day with `flexctl auth` at a real terminal, with a real box."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pytest

from flexctl.exits import Exit
from tests.cli.desk import WORD, Desk
from tests.support.box import Box
from tests.support.media_double import fake_media


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", "--log-level", "debug", env=media.env) as box:
        yield box


@pytest.fixture
def at_terminal(real: Box, desk: Desk) -> Callable[..., Any]:
    def spawn(*argv: str) -> Any:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
        env = {**clean, **desk.env, "FLEX_URL": real.url, "FLEX_FINGERPRINT": real.fingerprint, "LC_ALL": "C.UTF-8"}
        return pexpect.spawn(sys.executable, ["-m", "flexctl", *argv], env=env, encoding="utf-8", timeout=20, echo=True)

    return spawn


def ended(child: Any) -> tuple[int, str]:
    """The exit code, and the rest of what it said."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def test_a_day_at_a_terminal(at_terminal: Callable[..., Any], real: Box, desk: Desk) -> None:
    child = at_terminal("auth", "set-password")
    child.expect("New password of https://.*: ")
    child.sendline(WORD)
    child.expect("The same again: ")
    child.sendline("canary-slip")
    code, said = ended(child)
    assert code == Exit.USAGE
    assert "the two are not the same" in said
    assert "canary" not in said

    child = at_terminal("auth", "set-password")
    for question in ("New password of", "The same again"):
        child.expect(question)
        child.sendline(WORD)
    code, said = ended(child)
    assert (code, "canary" in said) == (0, False)

    child = at_terminal("auth", "login")
    child.expect("Password of https://127.0.0.1:")
    child.sendintr()
    assert ended(child)[0] == Exit.INTERRUPTED

    child = at_terminal("auth", "login")
    child.expect("Password of https://127.0.0.1:")
    child.sendline(WORD)
    code, said = ended(child)
    assert code == 0, said
    assert "Logged in to" in said
    assert "canary" not in said
    assert ended(at_terminal("pipeline", "list"))[0] == 0

    assert ended(at_terminal("pipeline", "create", "cam1", "--source", "test://ball"))[0] == 0
    stream = at_terminal("events", "--scroll", "--since", "0")
    stream.expect("pipeline_created")
    real.restart()
    assert ended(at_terminal("pipeline", "list"))[0] == 0, "the session is still good"
    assert ended(at_terminal("auth", "logout"))[0] == 0
    code, said = ended(stream)
    assert code == Exit.FORBIDDEN
    assert "has ended" in said

    code, said = ended(at_terminal("pipeline", "list"))
    assert code == Exit.FORBIDDEN
    assert "flexctl auth login" in said
    assert WORD not in real.log
    assert WORD not in "".join(path.read_text() for path in desk.folder.rglob("*.json"))
