"""`flexctl settings` against a real box: read, set by words, edit as a text; nothing that was written is lost."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flexclient import FlexClient
from flexclient.models import Settings
from flexclient.testing import FakeFlex, Seen
from flexctl.editing import editor
from flexctl.errors import Misuse
from flexctl.manifest import assign
from flexctl.views.settings import NAMES, editable
from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript
from tests.support.box import Box
from tests.support.media_double import fake_media


@pytest.fixture(scope="module")
def real_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env=media.env) as made:
        yield made


@pytest.fixture
def server(real_box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The box with its settings as they come; drafts go to the test's own folder."""
    with client(real_box) as one:
        one.settings.update(dict.fromkeys(NAMES))
    (tmp_path / "drafts").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "drafts"))
    return real_box


def client(box: Box) -> FlexClient:
    return FlexClient(url=box.url, fingerprint=box.fingerprint)


def run(box: Box, *argv: str, on: Any = PIPE, stdin: str = "", **env: str) -> Ran:
    return flexctl(*argv, url=box.url, on=on, stdin=stdin, FLEX_FINGERPRINT=box.fingerprint, **env)


def now(box: Box) -> Settings:
    with client(box) as one:
        return one.settings.get()


def writes(tmp_path: Path, *replacements: tuple[str, str]) -> str:
    """An editor that replaces text, once for each time it is opened."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import json, re, sys\n"
        f"steps = json.loads(open({str(tmp_path / 'steps')!r}).read())\n"
        "path = sys.argv[1]\n"
        "text = open(path).read()\n"
        "old, new = steps.pop(0)\n"
        "assert re.search(old, text), text\n"
        "open(path, 'w').write(re.sub(old, new, text))\n"
        f"open({str(tmp_path / 'steps')!r}, 'w').write(json.dumps(steps))\n"
    )
    (tmp_path / "steps").write_text(json.dumps(replacements))
    return f"{sys.executable} {script}"


def kept(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "drafts").iterdir())


# get and set


def test_every_form(server: Box) -> None:
    argv: tuple[str, ...]
    runs = [transcript(run(server, "settings", "get"), "settings", "get")]
    for form in ("json", "yaml", "ndjson", "csv", "wide", "name"):
        argv = ("settings", "get", "-o", form)
        runs.append(transcript(run(server, *argv), *argv))
    argv = ("settings", "get")
    runs += [transcript(run(server, *argv, on=terminal(width)), *argv, note=f"{width} columns") for width in (80, 40)]
    argv = ("settings", "set", "name=gate", "cot_enabled=yes", "webhook_allowed_networks=10.0.0.0/8,fd00::/8")
    for more in (("--dry-run",), ("--dry-run", "-o", "json")):
        runs.append(transcript(run(server, *argv, *more), *argv, *more))
    assert now(server).name is None, "--dry-run changed something"
    runs.append(transcript(run(server, *argv, on=terminal(80, color=True)), *argv, note="on a terminal"))
    runs.append(transcript(run(server, *argv), *argv, note="once more"))
    argv = ("settings", "set", "name=", "--unset", "webhook_allowed_networks", "cot_interval_seconds=2.5")
    runs.append(transcript(run(server, *argv, "-o", "json"), *argv, "-o", "json"))
    golden("settings", "\n".join(runs))


def test_some_alone(server: Box) -> None:
    run(server, "settings", "set", "name=gate")
    assert run(server, "settings", "get", "name").out.split() == ["name", "gate"]
    ran = run(server, "settings", "get", "cot_enabled", "name", "-o", "json")
    assert json.loads(ran.out) == {"cot_enabled": False, "name": "gate"}
    assert run(server, "settings", "get", "name", "-o", "csv").out.split() == ["name", "gate"]
    ran = run(server, "settings", "get", "nmae")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no setting 'nmae'" in ran.err
    assert "cot_address" in ran.err


def test_errors(server: Box) -> None:
    runs = []
    for words in (
        (),
        ("name",),
        ("colour=red",),
        ("cot_adress=tak:6969",),
        ("name=a", "name=b"),
        ("name=a", "--unset", "name"),
        ("cot_enabled=perhaps",),
        ("cot_interval_seconds=soon",),
        ("cot_interval_seconds=7200", "cot_address=tak", "webhook_allowed_networks=10.0.0.0/8,10.0.0.1/8"),
    ):
        argv = ("settings", "set", *words)
        ran = run(server, *argv)
        assert (ran.code, ran.out) == (2, "")
        runs.append(transcript(ran, *argv))
    golden("settings-errors", "\n".join(runs))
    assert now(server) == Settings.model_validate(Settings().model_dump(exclude_none=True))


def test_the_curl_line_says_the_same(server: Box) -> None:
    ran = run(server, "settings", "set", "cot_enabled=true", "name=", "--curl")
    assert """--data-raw '{"cot_enabled": true, "name": null}'""" in ran.out
    assert now(server).cot_enabled is False


def test_a_box_that_is_off_is_told(tmp_path: Path) -> None:
    for argv in (("settings", "get"), ("settings", "set", "name=gate"), ("settings", "edit", "--yes")):
        ran = flexctl(*argv, EDITOR="true")
        assert (ran.code, ran.out) == (7, "")
        assert "cannot reach http://box" in ran.err


# edit


def test_an_edit_is_shown_and_sent(server: Box, tmp_path: Path) -> None:
    edits = writes(tmp_path, ("cot_enabled: false", "cot_enabled: true"))
    ran = run(server, "settings", "edit", "--yes", EDITOR=edits, on=terminal(80, color=True))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines()[:2] == ["\x1b[31m- cot_enabled: false\x1b[0m", "\x1b[32m+ cot_enabled: true\x1b[0m"]
    assert ran.err.endswith("Changed: cot_enabled is true.\n")
    assert now(server).cot_enabled is True
    assert kept(tmp_path) == []


def test_visual_goes_before_editor_and_data_after_talk(server: Box, tmp_path: Path) -> None:
    edits = writes(tmp_path, ("name: null", "name: gate"))
    ran = run(server, "settings", "edit", "--yes", "-o", "json", VISUAL=edits, EDITOR="false")
    assert json.loads(ran.out)["name"] == "gate"


def test_no_difference_sends_nothing(server: Box, tmp_path: Path) -> None:
    for change in (("name: null", "name:"), ("# Default: none", ""), ("239.2.3.1:6969\n", "'239.2.3.1:6969'\n")):
        ran = run(server, "settings", "edit", "--yes", EDITOR=writes(tmp_path, change))
        assert (ran.code, ran.err) == (0, "Nothing is different, and nothing was sent.\n")
    assert kept(tmp_path) == []


def test_a_line_that_is_gone_is_the_default(server: Box, tmp_path: Path) -> None:
    run(server, "settings", "set", "name=gate", "cot_interval_seconds=9")
    ran = run(server, "settings", "edit", "--yes", EDITOR=writes(tmp_path, ("cot_interval_seconds: 9\n", "")))
    assert "- cot_interval_seconds: 9\n+ cot_interval_seconds: (its default)\n" in ran.err
    assert (now(server).cot_interval_seconds, now(server).name) == (5, "gate")


def test_a_stale_copy_is_refused_and_what_was_written_is_kept(server: Box, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text(
        "import sys\n"
        "from flexclient import FlexClient\n"
        f"FlexClient(url={server.url!r}, fingerprint={server.fingerprint!r}).settings.update({{'name': 'theirs'}})\n"
        "text = open(sys.argv[1]).read()\n"
        "open(sys.argv[1], 'w').write(text.replace('name: null', 'name: mine'))\n"
    )
    ran = run(server, "settings", "edit", "--yes", EDITOR=f"{sys.executable} {theirs}")
    assert (ran.code, ran.out) == (5, "")
    assert "somebody else changed the settings meanwhile; nothing was sent" in ran.err
    [path] = kept(tmp_path)
    assert f"flexctl settings edit --from {path}" in ran.err
    assert "name: mine" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert now(server).name == "theirs"
    again = run(server, "settings", "edit", "--from", str(path), "--yes", EDITOR="true")
    assert "- name: theirs\n+ name: mine\n" in again.err
    assert now(server).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cot_enabled: false", "cot_enabled: [", r":1[0-9]:\d+: .*expected"),
        ("cot_enabled: false", "cot_enabled: maybe", r":\d+: cot_enabled: Input should be a valid boolean"),
        (
            "cot_interval_seconds: 5",
            "cot_interval_seconds: 0",
            r":\d+: cot_interval_seconds: 0.* is not from 1 to 3600",
        ),
        ("cot_enabled: false", "colour: red", r":\d+: colour: there is no such field"),
        (r"(?s).*", "", "is empty"),
    ],
)
def test_a_text_that_cannot_be_is_kept_with_its_line(
    server: Box, tmp_path: Path, old: str, new: str, said: str
) -> None:
    ran = run(server, "settings", "edit", "--yes", EDITOR=writes(tmp_path, (old, new)))
    assert (ran.code, ran.out) == (2, "")
    assert re.search(said, ran.err)
    [path] = kept(tmp_path)
    assert str(path) in ran.err
    assert now(server).cot_enabled is False


@pytest.mark.parametrize("environ", [{"EDITOR": "touch ran"}, {"VISUAL": "touch ran"}])
def test_nobody_to_ask_starts_no_editor(
    server: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(server, "settings", "edit", **environ)
    assert ran.code == 2
    assert "--yes" in ran.err
    assert not Path("ran").exists()
    assert kept(tmp_path) == []


def test_no_terminal_and_no_editor_that_was_chosen(server: Box, tmp_path: Path) -> None:
    for argv in ((), ("--yes",)):
        ran = run(server, "settings", "edit", *argv, EDITOR="", VISUAL="")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("flexctl: there is no terminal")
        assert "flexctl settings set" in ran.err
    assert kept(tmp_path) == []
    assert now(server).name is None


@pytest.mark.parametrize("command", ["false", "/nowhere/editor", "'"])
def test_an_editor_that_fails_changes_nothing(server: Box, tmp_path: Path, command: str) -> None:
    ran = run(server, "settings", "edit", "--yes", EDITOR=command)
    assert ran.code in (1, 2)
    assert "editor" in ran.err or "EDITOR" in ran.err
    assert kept(tmp_path) == [], "nothing was written"


def test_a_dry_run_of_an_edit(server: Box, tmp_path: Path) -> None:
    edits = writes(tmp_path, ("name: null", "name: gate"))
    ran = run(server, "settings", "edit", "--dry-run", EDITOR=edits)
    assert 'If-Match: "' in ran.out
    assert '"name": "gate"' in ran.out
    assert now(server).name is None


def test_a_box_without_etags_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeFlex(plain=True)
    monkeypatch.setattr("flexctl.state.connect", lambda **_: FlexClient(transport=fake))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ran = flexctl("settings", "edit", "--yes", EDITOR=writes(tmp_path, ("name: null", "name: gate")))
    assert (ran.code, FlexClient(transport=fake).settings.get().name) == (0, "gate")

    def change(seen: Seen) -> None:
        if seen.method == "GET" and len(fake.requests) == first + 2:
            FlexClient(transport=fake).settings.update({"name": "theirs"})

    first, fake.on_request = len(fake.requests), change
    ran = flexctl("settings", "edit", "--yes", EDITOR=writes(tmp_path, ("name: gate", "name: mine")))
    assert ran.code == 5
    assert "somebody else changed the settings" in ran.err
    assert FlexClient(transport=fake).settings.get().name == "theirs"


def person(server: Box, tmp_path: Path, edits: str) -> Any:
    """flexctl on a terminal."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FLEX_")}
    told = {"FLEX_URL": server.url, "FLEX_FINGERPRINT": server.fingerprint, "EDITOR": edits, "TERM": "xterm"}
    return pexpect.spawn(
        sys.executable,
        ["-m", "flexctl", "settings", "edit"],
        env={**clean, **told, "TMPDIR": str(tmp_path / "drafts"), "LC_ALL": "C.UTF-8"},
        encoding="utf-8",
        timeout=20,
        dimensions=(24, 200),
    )


def test_a_person_mends_a_fault_and_agrees(server: Box, tmp_path: Path) -> None:
    edits = writes(tmp_path, ("mdns_enabled: true", "mdns_enabled: 7"), ("mdns_enabled: 7", "mdns_enabled: false"))
    child = person(server, tmp_path, edits)
    child.expect_exact("mdns_enabled: Input should be a valid boolean")
    child.expect_exact("Mend it in the editor? [y/N]")
    child.sendline("y")
    child.expect_exact("- mdns_enabled: true")
    child.expect_exact("+ mdns_enabled: false")
    child.expect_exact("Send this? [y/N]")
    child.sendline("y")
    child.expect_exact("Changed: mdns_enabled is false.")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert now(server).mdns_enabled is False
    assert kept(tmp_path) == []


def test_a_person_who_does_not_agree_keeps_the_text(server: Box, tmp_path: Path) -> None:
    child = person(server, tmp_path, writes(tmp_path, ("name: null", "name: gate")))
    child.expect_exact("Send this? [y/N]")
    child.sendline("n")
    child.expect_exact("What you wrote is in ")
    child.expect_exact("nothing was sent")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1
    assert "name: gate" in kept(tmp_path)[0].read_text()
    assert now(server).name is None


# The pure parts


def test_the_names_are_the_models() -> None:
    assert tuple(Settings.model_fields) == NAMES


def test_no_editor_at_all() -> None:
    with pytest.raises(Misuse, match="there is no editor"):
        editor({"PATH": "/nowhere"})
    assert editor({"EDITOR": "code --wait", "VISUAL": ""}) == ["code", "--wait"]


def test_what_a_newer_box_has_can_be_edited() -> None:
    assert "\nlater: 3\n" in editable({"later": 3}, "https://box")


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=63),
        "cot_enabled": st.booleans(),
        "cot_interval_seconds": st.integers(1, 3600) | st.floats(1, 3600),
        "webhook_allowed_networks": st.lists(st.sampled_from(["10.0.0.0/8", "fd00::/8", "192.0.2.0/24"]), min_size=1),
    },
)


@given(VALUES)
@examples(deadline=None)
def test_what_is_shown_can_be_set(values: dict[str, Any]) -> None:
    words = [f"{name}={assign.shown(value)}" for name, value in values.items()]
    assert assign.assigned(Settings, words) == values


@given(VALUES)
@examples(deadline=None, max_examples=60)
def test_what_is_edited_and_not_changed_is_the_same(values: dict[str, Any]) -> None:
    from flexctl.manifest.load import _yaml

    [document] = _yaml("text", editable(values, "https://box"))
    read = {name: value for name, value in document.value.items() if value is not None}
    assert assign.difference(values, read, NAMES) == {}
