"""Saved boxes: `flexctl context`, which box a run is about, and whom it trusts there."""

from __future__ import annotations

import json
import ssl
import stat
import threading
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from flexctl import contexts
from flexctl.exits import Exit
from tests.cli.fakebox import FakeBox
from tests.cli.harness import terminal
from tests.cli.site import Site, site

__all__ = ["site"]

OTHER = ":".join(["AB"] * 32)


@pytest.fixture
def tls() -> Iterator[FakeBox]:
    """A box behind TLS with a certificate that nobody knows."""
    box = FakeBox()
    box.stop()
    renew(box)
    yield box
    box.stop()


def renew(box: FakeBox, *names: str, ends: datetime | None = None) -> None:
    """Start the box with another certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*(names or ("127.0.0.1",)), not_after=ends).configure_cert(context)
    box.tls = context
    box.start()


def saved(site: Site) -> Any:
    return tomllib.loads(site.file.read_text())


class TestAdd:
    def test_asks_shows_and_pins(self, site: Site, tls: FakeBox) -> None:
        ran = site.run("context", "add", "gate", tls.url, on=terminal(100), stdin="y\n")
        assert (ran.code, ran.out) == (0, "")
        pin = saved(site)["contexts"]["gate"]["fingerprint"]
        assert f"SHA-256  {pin}" in ran.err
        assert "yes, for 127.0.0.1" in ran.err
        assert "until " in ran.err
        assert "[y/N]" in ran.err
        assert site.run("pipeline", "list", "--context", "gate", "-o", "json").out == "[]\n"
        assert stat.S_IMODE(site.file.stat().st_mode) == 0o600

    def test_no_is_no(self, site: Site, tls: FakeBox) -> None:
        before = site.file.read_text()
        ran = site.run("context", "add", "gate", tls.url, on=terminal(100), stdin="n\n")
        assert ran.code == Exit.FAILED
        assert (site.file.read_text(), tls.requests) == (before, [])

    def test_without_a_terminal_somebody_has_to_say_which(self, site: Site, tls: FakeBox) -> None:
        ran = site.run("context", "add", "gate", tls.url, "--yes")
        assert ran.code == Exit.USAGE
        assert "--trust-on-first-use" in ran.err
        [line] = [line for line in ran.err.splitlines() if line.strip().startswith("--fingerprint")]
        pin = line.split()[1]
        ran = site.run("context", "add", "gate", tls.url, "--fingerprint", OTHER)
        assert ran.code == Exit.UNREACHABLE
        assert pin in ran.err
        assert OTHER in ran.err
        assert "gate" not in saved(site)["contexts"]
        assert tls.requests == [], "nothing is sent to a box that nobody trusts yet"
        assert site.run("context", "add", "gate", tls.url, "--fingerprint", pin.replace(":", "").lower()).code == 0
        assert site.run("context", "add", "door", tls.url, "--trust-on-first-use").code == 0
        assert {saved(site)["contexts"][name]["fingerprint"] for name in ("gate", "door")} == {pin}

    def test_a_certificate_of_another_name_that_has_ended(self, site: Site, tls: FakeBox) -> None:
        tls.stop()
        renew(tls, "flex.local", ends=datetime(2026, 10, 1, tzinfo=UTC))
        ran = site.run("context", "add", "gate", tls.url, "--trust-on-first-use")
        assert ran.code == 0
        assert "not for 127.0.0.1, but for flex.local" in ran.err
        assert "valid    ended" in ran.err

    def test_a_box_that_is_off(self, site: Site) -> None:
        ran = site.run("context", "add", "far", "https://127.0.0.1:1")
        assert ran.code == Exit.UNREACHABLE
        assert "--no-check" in ran.err
        ran = site.run("context", "add", "far", "https://127.0.0.1:1", "--no-check", "--fingerprint", OTHER)
        assert ran.code == 0
        assert saved(site)["contexts"]["far"] == {"url": "https://127.0.0.1:1", "fingerprint": OTHER}

    def test_what_is_no_box(self, site: Site, tls: FakeBox) -> None:
        plain = tls.url.replace("https", "http")
        assert site.run("context", "add", "gate", plain).code == Exit.UNREACHABLE
        lab = site.boxes["lab"].url.replace("http", "https")
        ran = site.run("context", "add", "gate", lab)
        assert ran.code == Exit.UNREACHABLE
        assert "does not speak TLS" in ran.err
        assert "gate" not in saved(site)["contexts"]

    @pytest.mark.parametrize(
        ("argv", "code", "said"),
        [
            (("lab", "http://127.0.0.1:1"), Exit.REFUSED, "flexctl context trust lab"),
            (("a,b", "http://127.0.0.1:1"), Exit.USAGE, "no context's name"),
            (("a/b", "http://127.0.0.1:1"), Exit.USAGE, "no context's name"),
            (("gate", "ftp://x"), Exit.USAGE, "no address of a box"),
            (("gate", "http://me:pw@x"), Exit.USAGE, "no user and password"),
            (("gate", "http://x", "--insecure"), Exit.USAGE, "--insecure is nothing to be saved"),
        ],
    )
    def test_what_cannot_be(self, site: Site, argv: tuple[str, ...], code: int, said: str) -> None:
        before = site.file.read_text()
        ran = site.run("context", "add", *argv)
        assert (ran.code, site.file.read_text()) == (code, before)
        assert said in ran.err

    def test_an_address_gets_what_is_left_out(self) -> None:
        from flexctl.cmds.context import full_url

        assert full_url("10.0.0.5") == "https://10.0.0.5:3539"
        assert full_url("10.0.0.5:99") == "https://10.0.0.5:99"
        assert full_url("[::1]") == "https://[::1]:3539"
        assert full_url("https://box.local") == "https://box.local"


class TestTrust:
    def test_a_changed_certificate_fails_closed_until_it_is_trusted(self, site: Site, tls: FakeBox) -> None:
        site.add("gate", tls, "--trust-on-first-use")
        old = saved(site)["contexts"]["gate"]["fingerprint"]
        tls.stop()
        renew(tls)
        for argv in (("pipeline", "list"), ("health",), ("pipeline", "stop", "cam1"), ("auth", "status")):
            ran = site.run(*argv, "--context", "gate", FLEX_INSECURE="1")
            assert ran.code == Exit.UNREACHABLE, "an environment for whatever box loosens no pin"
            assert "\n  flexctl context trust gate\n" in ran.err
            assert "--fingerprint" not in ran.err
        assert tls.requests == []
        assert site.run("context", "trust", "gate").code == Exit.USAGE
        ran = site.run("context", "trust", "gate", on=terminal(100), stdin="y\n")
        assert ran.code == 0
        new = saved(site)["contexts"]["gate"]["fingerprint"]
        assert new != old
        assert old in ran.err
        assert new in ran.err
        assert site.run("health", "--context", "gate").code == 0
        ran = site.run("context", "trust", "gate")
        assert "shows the certificate that is pinned" in ran.err

    def test_one_without_a_pin_says_how_to_get_it(self, site: Site, tls: FakeBox) -> None:
        site.add("gate", tls, "--no-check")
        ran = site.run("health", "--context", "gate")
        assert (ran.code, tls.requests) == (Exit.UNREACHABLE, [])
        assert "flexctl context trust gate" in ran.err
        assert site.run("context", "trust", "gate", "--trust-on-first-use").code == 0
        assert site.run("health", "--context", "gate").code == 0

    def test_a_flag_is_stronger_than_the_context(self, site: Site, tls: FakeBox) -> None:
        site.add("gate", tls, "--trust-on-first-use")
        assert site.run("health", "--context", "gate", "--fingerprint", OTHER).code == Exit.UNREACHABLE
        tls.stop()
        renew(tls)
        ran = site.run("health", "--context", "gate", "--insecure")
        assert ran.code == 0
        assert "NOT checked" in ran.err

    def test_an_address_says_how_to_save_it(self, site: Site, tls: FakeBox) -> None:
        assert f"flexctl context add NAME {tls.url}" in site.run("health", "--url", tls.url).err


class TestWhichBox:
    def test_the_order(self, site: Site) -> None:
        urls = {name: box.url for name, box in site.boxes.items()}

        def asked(*argv: str, **env: str) -> set[str]:
            for box in site.boxes.values():
                box.requests.clear()
            assert site.run("health", "-o", "json", *argv, **env).code == 0
            return {name for name, box in site.boxes.items() if box.requests}

        assert asked() == {"lab"}
        assert asked(FLEX_CONTEXT="roof") == {"roof"}
        assert asked(FLEX_URL=urls["lab"], FLEX_CONTEXT="roof") == {"lab"}
        assert asked("--context", "roof", FLEX_URL=urls["lab"]) == {"roof"}
        assert asked("--url", urls["roof"], FLEX_CONTEXT="lab") == {"roof"}
        site.run("context", "use", "roof")
        assert asked() == {"roof"}

    @pytest.mark.parametrize(
        ("argv", "code", "said"),
        [
            (("--url", "http://x", "--context", "lab"), Exit.USAGE, "name two boxes"),
            (("--all-contexts", "--context", "lab"), Exit.USAGE, "say one of them"),
            (("--context", "rof"), Exit.NOT_FOUND, "Did you mean 'roof'?"),
            (("--context", "lab,nope"), Exit.NOT_FOUND, "there is no context 'nope'"),
        ],
    )
    def test_what_cannot_be(self, site: Site, argv: tuple[str, ...], code: int, said: str) -> None:
        ran = site.run("health", *argv)
        assert (ran.code, ran.out) == (code, "")
        assert said in ran.err
        assert all(box.requests == [] for box in site.boxes.values())

    def test_none_at_all(self, tmp_path: Path) -> None:
        site = Site(tmp_path)
        assert "There are no contexts yet" in site.run("context", "list").err
        assert json.loads(site.run("context", "list", "-o", "json").out) == []
        ran = site.run("health", "--all-contexts")
        assert ran.code == Exit.USAGE
        assert "flexctl context add NAME URL" in ran.err
        assert site.run("context", "show").code == Exit.USAGE


class TestFile:
    def test_a_broken_one_is_a_sentence_with_its_line(self, site: Site) -> None:
        site.file.write_text("current = \n")
        for argv in (("health",), ("context", "list"), ("context", "use", "lab")):
            ran = site.run(*argv)
            assert ran.code == Exit.USAGE
            assert "contexts.toml" in ran.err
            assert "line 1" in ran.err
        assert site.file.read_text() == "current = \n"
        assert site.run("health", "--url", site.boxes["lab"].url).code == 0, "who names a box does not need it"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("contexts = 1", "contexts is no table"),
            ("current = 1", "current is no name"),
            ("[contexts.lab]\nfingerprint = 'x'", "context lab has no url"),
            ("[contexts.lab]\nurl = 'x'\nread_only = 'yes'", "read_only of context lab"),
            ("[contexts.'a,b']\nurl = 'x'", "no context's name"),
        ],
    )
    def test_one_that_means_nothing(self, site: Site, text: str, said: str) -> None:
        site.file.write_text(text)
        assert said in site.run("health").err

    def test_what_is_unknown_is_kept(self, site: Site) -> None:
        document = saved(site)
        document["later"] = {"x": [1, 2.5, True]}
        document["contexts"]["lab"]["color"] = "blue"
        import tomli_w

        site.file.write_text(tomli_w.dumps(document))
        assert site.run("context", "use", "roof").code == 0
        assert site.run("context", "rename", "lab", "bench").code == 0
        after = saved(site)
        assert after["later"] == document["later"]
        assert after["contexts"]["bench"] == document["contexts"]["lab"]
        assert list(after["contexts"]) == ["bench", "roof"]

    def test_many_at_once_lose_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLEX_CONFIG_DIR", str(tmp_path))

        def add(number: int) -> None:
            contexts.change(lambda saved: saved.with_box(f"box{number}", {"url": "https://x"}))

        threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(contexts.names()) == sorted(f"box{number}" for number in range(12))

    def test_names_for_completion_never_fail(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLEX_CONFIG_DIR", str(tmp_path))
        assert contexts.names() == ()
        (tmp_path / "contexts.toml").write_text("[")
        assert contexts.names() == ()
        (tmp_path / "contexts.toml").write_text("[contexts.a]\nurl='x'\n[contexts.b]\nurl='y'\n")
        assert contexts.names() == ("a", "b")


class TestOthers:
    def test_list_and_show(self, site: Site) -> None:
        ran = site.run("context", "list", on=terminal(100))
        assert [line.split() for line in ran.out.splitlines()] == [
            ["CURRENT", "NAME", "BOX", "TRUST", "TOKEN", "IN", "READ-ONLY"],
            ["*", "lab", "http://lab", "none", "-", "no"],
            ["roof", "http://roof", "none", "-", "no"],
        ]
        assert site.run("context", "list", "-o", "name").out == "lab\nroof\n"
        found = json.loads(site.run("context", "show", "-o", "json").out)
        assert found == {"name": "lab", "current": True, "url": "http://lab", "trust": "none", "read_only": False}
        assert all(box.requests == [] for box in site.boxes.values()), "no box is asked"
        assert max(map(len, site.run("context", "list", on=terminal(60)).out.splitlines())) <= 60

    def test_show_tells_no_argument_of_a_token_command(self, site: Site) -> None:
        site.add("gate", FakeBox(), "--token-command", "echo canary-7f3a9")
        for form in ("table", "wide", "json", "yaml", "csv"):
            for argv in (("context", "show", "gate"), ("context", "list")):
                ran = site.run(*argv, "-o", form)
                assert "canary" not in ran.out + ran.err
        assert json.loads(site.run("context", "show", "gate", "-o", "json").out)["token_program"] == "echo"
        site.boxes["gate"].stop()

    def test_rename_and_remove(self, site: Site) -> None:
        assert site.run("context", "rename", "lab", "roof").code == Exit.REFUSED
        assert site.run("context", "rename", "nope", "x").code == Exit.NOT_FOUND
        assert site.run("context", "rename", "lab", "bench").code == 0
        assert saved(site)["current"] == "bench"
        assert site.run("context", "remove", "bench").code == Exit.USAGE, "nobody is there to be asked"
        ran = site.run("context", "remove", "bench", on=terminal(80), stdin="n\n")
        assert (ran.code, "bench" in saved(site)["contexts"]) == (Exit.FAILED, True)
        ran = site.run("context", "remove", "bench", "--yes")
        assert ran.code == 0
        assert "flexctl context use roof" in ran.err
        assert saved(site) == {"contexts": {"roof": {"url": site.boxes["roof"].url}}}
