"""`flexctl doctor`, `open` and `play`: what they find, what they start, and that they never hang."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from flexclient.models import AuthStatus, Health, Version
from flexctl.cmds.open import has_browser, has_none_yet
from flexctl.doctor import here, judge
from flexctl.doctor.certificate import read
from flexctl.doctor.examine import Look, examine
from flexctl.doctor.finding import Finding
from flexctl.errors import Misuse, Stop
from flexctl.players import command_of, playable
from tests.cli.fakebox import FakeBox, Fault
from tests.cli.harness import NOW, Ran, flexctl, terminal
from tests.support.box import Box

OFF = "http://127.0.0.1:1"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, Any]:
    return {"FLEX_CONFIG_DIR": str(tmp_path / "config"), "FLEX_TOKEN": "canary-token"}


def findings(ran: Ran) -> dict[str, dict[str, str]]:
    return {found["check"]: found for found in json.loads(ran.out)}


@contextmanager
def listener(*, answer: bytes | None = None) -> Iterator[int]:
    """A port that takes connections, and says this to whoever asks; None for nothing, ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    stream, _ = server.accept()
                except OSError:
                    return
                kept.append(stream)
                if answer is not None and stream.recv(1024):
                    stream.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for stream in kept:
                stream.close()


class TestDoctor:
    def test_a_real_box(self, tmp_path: Path, env: dict[str, Any]) -> None:
        del env["FLEX_TOKEN"]
        with Box(tmp_path / "data") as box:
            ran = flexctl("doctor", "-o", "json", url=box.url, **env)
            found = findings(ran)
            assert ran.code == 1
            assert found["certificate"]["mend"] == f"export FLEX_FINGERPRINT={box.fingerprint}"
            assert found["box"]["status"] == "skip"
            assert "versions" not in found, "nothing is sent to a box that is not trusted"

            env["FLEX_FINGERPRINT"] = box.fingerprint
            flexctl("pipeline", "create", "cam1", "--source", "test://smpte", url=box.url, **env)
            found = findings(flexctl("doctor", "-o", "json", url=box.url, **env))
            assert {name for name, one in found.items() if one["status"] == "fail"} <= {"clock", "expiry"}
            assert found["certificate"]["message"] == "it is pinned"
            assert found["rtsp output"]["message"] == f"{box.rtsp_url.rstrip('/')} answers"
            assert found["login"]["mend"] == "flexctl auth set-password"
            assert found["gstreamer"]["status"] == "ok"

            env["FLEX_FINGERPRINT"] = "AA" * 32
            changed = findings(flexctl("doctor", "-o", "json", url=box.url, **env))["certificate"]
            assert changed["status"] == "fail"
            assert "ANOTHER one" in changed["message"]

    def test_a_box_that_is_off(self, env: dict[str, Any]) -> None:
        ran = flexctl("doctor", url=OFF, on=terminal(60), **env)
        assert ran.code == 1
        assert "nobody listens there" in ran.out
        assert "→ on the box: sudo systemctl start flexserver" in ran.out
        assert "✓ player" in ran.out or "! player" in ran.out
        assert "1 thing fails" in ran.err
        mends = [line for line in ran.out.splitlines() if "→" in line]
        assert max(len(line) for line in ran.out.splitlines() if line not in mends) <= 60

    def test_a_name_that_nobody_knows(self, env: dict[str, Any]) -> None:
        found = findings(flexctl("doctor", "-o", "json", url="https://box.invalid", **env))
        assert found["address"]["status"] == "fail"
        assert found["address"]["mend"] == "flexctl discover"

    def test_a_box_that_says_nothing_does_not_hold_it_up(self, env: dict[str, Any]) -> None:
        with listener() as port:
            start = time.monotonic()
            ran = flexctl("doctor", "--timeout", "300ms", "-o", "json", url=f"https://127.0.0.1:{port}", **env)
            assert time.monotonic() - start < 8
        assert findings(ran)["certificate"]["message"] == "the handshake failed: no answer within 0.3 s"

    def test_a_port_that_speaks_no_tls(self, env: dict[str, Any]) -> None:
        with listener(answer=b"HTTP/1.0 400 no\r\n\r\n") as port:
            ran = flexctl("doctor", "--timeout", "2s", "-o", "json", url=f"https://127.0.0.1:{port}", **env)
        assert "does not speak TLS as it should" in findings(ran)["certificate"]["message"]

    def test_an_old_box_and_its_troubles(self, box: FakeBox, env: dict[str, Any]) -> None:
        message = "there is no GStreamer: GStreamer has no element x264enc, h264parse"
        box.health["parts"]["rtsp"] = {"status": "failed", "message": message}
        ran = flexctl("doctor", "-o", "json", url=box.url, **env)
        found = findings(ran)
        assert ran.code == 1
        assert found["gstreamer"]["mend"] == "sudo apt install gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
        assert found["gstreamer"]["where"] == "box"
        assert found["box: disk"]["status"] == "warn"
        assert found["keyring"]["status"] == "ok"
        assert "canary" not in ran.out + ran.err

    def test_an_answer_that_is_none_is_a_finding(self, box: FakeBox, env: dict[str, Any]) -> None:
        box.fail = Fault(500, "INTERNAL_ERROR", "it broke")
        ran = flexctl("doctor", "-o", "json", url=box.url, **env)
        assert findings(ran)["versions"]["message"] == "it broke"
        assert "Traceback" not in ran.out + ran.err

    def test_ports_that_need_a_login_are_not_guessed(self, box: FakeBox, env: dict[str, Any]) -> None:
        box.fail = Fault(401, "UNAUTHORIZED", "log in")
        found = findings(flexctl("doctor", "-o", "json", url=box.url, **env))["rtsp output"]
        assert (found["status"], found["message"]) == ("skip", "not looked at: it needs a login")
        assert not found.get("mend")

    @pytest.mark.parametrize("form", ["table", "wide", "csv", "name", "yaml", "ndjson"])
    def test_forms(self, form: str, box: FakeBox, env: dict[str, Any]) -> None:
        ran = flexctl("doctor", "-o", form, url=box.url, **env)
        assert "rtsp output" in ran.out

    def test_files_of_its_own(self, env: dict[str, Any], tmp_path: Path) -> None:
        folder = tmp_path / "config"
        folder.mkdir()
        (folder / "aliases.toml").write_text("a = \n")
        (folder / "contexts.toml").write_text("current = 5\n")
        (folder / "other.toml").write_text("a = 1\n")
        (folder / "other.toml").chmod(0o644)
        ran = flexctl("doctor", "-o", "json", url=OFF, **env)
        faults = [one for one in json.loads(ran.out) if one["check"] == "config"]
        assert [one["status"] for one in faults] == ["fail", "fail", "warn"]
        assert faults[2]["mend"] == f"chmod 600 '{folder}/other.toml'"

    def test_a_file_of_contexts_that_is_broken_is_found_and_not_fatal(
        self, env: dict[str, Any], tmp_path: Path
    ) -> None:
        folder = tmp_path / "config"
        folder.mkdir()
        (folder / "contexts.toml").write_text("[contexts\n")
        ran = flexctl("doctor", "-o", "json", FLEX_URL="", **env)
        assert ran.code == 1
        assert findings(ran)["config"]["mend"].startswith("mv ")

    def test_several_boxes(self, env: dict[str, Any], tmp_path: Path, box: FakeBox) -> None:
        folder = tmp_path / "config"
        folder.mkdir()
        (folder / "contexts.toml").write_text(f'[contexts.a]\nurl = "{box.url}"\n[contexts.b]\nurl = "{OFF}"\n')
        (folder / "contexts.toml").chmod(0o600)
        del env["FLEX_TOKEN"]
        ran = flexctl("doctor", "--all-contexts", "-o", "json", FLEX_URL="", **env)
        assert ran.code == 1
        found = {name: {one["check"]: one["status"] for one in told} for name, told in json.loads(ran.out).items()}
        assert (found["a"]["connection"], found["b"]["connection"]) == ("ok", "fail")


class TestJudgements:
    @pytest.mark.parametrize(
        ("ahead", "status"), [(0, "ok"), (4, "ok"), (-4, "ok"), (6, "warn"), (-299, "warn"), (301, "fail")]
    )
    def test_clock(self, ahead: int, status: str) -> None:
        header = (NOW + timedelta(seconds=ahead)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        [found] = judge.clock(header, NOW)
        assert found.status == status

    def test_a_box_without_a_clock(self) -> None:
        assert [one.status for one in judge.clock(None, NOW)] == ["warn"]

    @pytest.mark.parametrize(("days", "status"), [(400, "ok"), (15, "ok"), (13, "warn"), (0, "fail"), (-1, "fail")])
    def test_expiry(self, days: int, status: str) -> None:
        ca = trustme.CA()
        cert = ca.issue_cert("box.example", not_after=NOW + timedelta(days=days), not_before=NOW - timedelta(days=9))
        pem = cert.cert_chain_pems[0].bytes().decode()
        found = read(ssl.PEM_cert_to_DER_cert(pem))
        assert judge.expiry("expiry", found, NOW, "mend it").status == status

    def test_names(self) -> None:
        pem = trustme.CA().issue_cert("box.example", "*.lab.example", "192.0.2.7", "2001:db8::7").cert_chain_pems[0]
        found = read(ssl.PEM_cert_to_DER_cert(pem.bytes().decode()))
        assert not found.own
        for host in ("BOX.example", "a.lab.example", "192.0.2.7", "2001:db8:0::7"):
            assert judge.names(found, host, pinned=False).status == "ok"
        for host in ("a.b.lab.example", "lab.example", "192.0.2.8"):
            assert judge.names(found, host, pinned=False).status == "fail"
            assert judge.names(found, host, pinned=True).status == "ok"

    @pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x05ab", b"\x30\x03\x30\x01\x02", b"\xff" * 40])
    def test_what_is_no_certificate(self, der: bytes) -> None:
        with pytest.raises(ValueError, match="certificate"):
            read(der)

    def test_versions(self) -> None:
        def status(version: str, api: str | None) -> str:
            [found] = judge.versions(Version(version=version, api_version=api), "0.1.0")
            return found.status

        assert [status("0.1.7", "1"), status("0.1.0", None), status("0.2.0", "1"), status("0.1.0", "2")] == [
            *("ok", "ok", "warn", "fail")
        ]

    def test_login(self) -> None:
        def status(ends: timedelta | None, *, let_in: bool) -> tuple[str, str]:
            told = AuthStatus(auth_enabled=True, expires_at=NOW + ends if ends else None)
            found = judge.login(told, NOW, let_in=let_in)
            return found.status, found.mend

        assert status(None, let_in=False) == ("fail", "flexctl auth login")
        assert status(timedelta(minutes=5), let_in=True) == ("warn", "flexctl auth login")
        assert status(timedelta(hours=5), let_in=True) == ("ok", "")
        assert status(None, let_in=True) == ("ok", "")

    def test_ingest_ports(self) -> None:
        parts = {"ingress": {"status": "ok", "message": "RTSP on port 9554, RTMP on port 2935; publishers: 0"}}
        health = Health.model_validate({"status": "ok", "parts": parts})
        assert judge.ingest_ports(health) == {"RTSP": 9554, "RTMP": 2935}

    def test_terminals(self) -> None:
        def status(**more: Any) -> str:
            return next(iter(here.terminal(terminal(80, **more), {}))).status

        assert (status(), status(unicode=False)) == ("ok", "warn")

    def test_a_ca_file(self, tmp_path: Path) -> None:
        path = tmp_path / "ca.crt"
        trustme.CA().cert_pem.write_to_path(path)
        assert [one.status for one in here.ca_file(str(path), datetime.now(UTC))] == ["ok"]
        path.write_text("no certificate")
        assert [one.status for one in here.ca_file(str(path), NOW)] == ["fail"]
        assert [one.status for one in here.ca_file(str(tmp_path / "none"), NOW)] == ["fail"]

    def test_what_is_late_or_breaks_is_a_finding(self) -> None:
        never = threading.Event()

        def late() -> Iterator[Finding]:
            yield Finding("a", "ok", "first")
            never.wait()

        def broken() -> Iterator[Finding]:
            raise RuntimeError("it broke")
            yield

        found = examine([Look("late", late), Look("broken", broken)], 0.2)
        never.set()
        assert [(one.check, one.status) for one in found] == [("a", "ok"), ("late", "fail"), ("broken", "fail")]
        assert "it broke" in found[2].message


class TestPlay:
    def test_it_passes_the_players_exit_code(self, box: FakeBox) -> None:
        ran = flexctl("play", "cam1", "--player", "sh -c 'exit 7'", url=box.url)
        assert ran.code == 7
        assert "Playing rtsp://127.0.0.1:8731/cam1 with sh" in ran.err
        assert flexctl("play", "cam1", "--player", "sh -c 'kill -9 $$'", url=box.url).code == 137

    def test_it_prints_the_address(self, box: FakeBox) -> None:
        assert flexctl("play", "cam1", "--print", url=box.url).out == "rtsp://127.0.0.1:8731/cam1\n"
        ran = flexctl("play", "cam1", "--print", "-o", "json", url=box.url)
        assert json.loads(ran.out) == {"uri": "rtsp://127.0.0.1:8731/cam1"}
        assert flexctl("play", "nope", url=box.url).code == 3
        assert flexctl("play", "cam1").code == 7

    def test_no_player(self, box: FakeBox) -> None:
        ran = flexctl("play", "cam1", url=box.url, PATH="/nowhere")
        assert ran.code == 1
        assert "sudo apt install ffmpeg" in ran.err
        assert "rtsp://127.0.0.1:8731/cam1" in ran.err
        assert flexctl("play", "cam1", "--player", "mpv", url=box.url, PATH="/nowhere").code == 2

    def test_one_that_was_stopped_is_armed(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["order"] = "stop"
        assert flexctl("play", "cam1", "--player", "true", url=box.url).code == 0
        assert json.loads(box.requests[-1][3]) == {"on_demand": True}
        box.pipelines["cam1"]["on_demand"] = False
        ran = flexctl("play", "cam1", "--player", "true", url=box.url)
        assert ran.code == 5
        assert "flexctl pipeline play cam1" in ran.err

    def test_the_two_plays_tell_each_other_apart(self) -> None:
        assert "not `flexctl pipeline play`" in " ".join(flexctl("play", "--help").out.split())

    @pytest.mark.parametrize("uri", ["file:///etc/passwd", "-exec", "rtsp://a/b ! filesink", "rtsp://a/\nb", ""])
    def test_what_is_no_address_goes_on_no_command_line(self, uri: str) -> None:
        with pytest.raises(Stop):
            playable(uri, "box")

    def test_addresses(self) -> None:
        assert playable("rtsp://0.0.0.0:8731/cam1", "2001:db8::7") == "rtsp://[2001:db8::7]:8731/cam1"
        assert playable("udp://239.1.2.3:5000", "box") == "udp://239.1.2.3:5000"

    def test_commands(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("mpv", "gst-launch-1.0"):
            (tmp_path / name).write_text("#!/bin/sh\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert command_of(None, "rtsp://a/b", "b")[0] == "mpv"
        assert "--rtsp-transport=tcp" in command_of("mpv --fs", "rtsp://a/b", "b")
        assert "--rtsp-transport=tcp" not in command_of("mpv --fs", "udp://a:1", "b")
        assert command_of("gst-launch-1.0", "rtsp://a/b", "b") == ["gst-launch-1.0", "playbin", "uri=rtsp://a/b"]
        for wish in ("", "'", "ffplay"):
            with pytest.raises(Misuse):
                command_of(wish, "rtsp://a/b", "b")


class TestOpen:
    def test_it_prints_the_address_where_no_browser_is(self) -> None:
        ssh: dict[str, Any] = {"SSH_CONNECTION": "1", "DISPLAY": ":0", "BROWSER": ""}
        ran = flexctl("open", "--print", url="https://box.example:3539", **ssh)
        assert ran.out == "https://box.example:8443/\n"
        with listener() as port:
            ran = flexctl("open", "--port", str(port), url="http://127.0.0.1:1", **ssh)
        assert (ran.code, ran.out) == (0, f"https://127.0.0.1:{port}/\n")
        ran = flexctl("open", "--print", "--port", "9443", "-o", "json", url="https://[2001:db8::7]:3539")
        assert json.loads(ran.out) == {"url": "https://[2001:db8::7]:9443/"}

    def test_it_starts_a_browser(self, tmp_path: Path) -> None:
        seen = tmp_path / "seen"
        browser = tmp_path / "browser"
        browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
        browser.chmod(0o755)
        with listener() as port:
            ran = flexctl("open", "--port", str(port), url="http://127.0.0.1:1", BROWSER=f"{browser} %s")
        assert (ran.code, ran.out) == (0, "")
        assert seen.read_text() == f"https://127.0.0.1:{port}/"

    def test_nobody_there(self) -> None:
        for browser, far in (("true", ""), ("", "1")):
            ran = flexctl("open", "--port", "1", url=OFF, BROWSER=browser, SSH_CONNECTION=far)
            assert (ran.code, ran.out) == (7, "")
            assert "flexctl doctor" in ran.err

    def test_a_box_that_has_none_yet(self, box: FakeBox) -> None:
        ran = flexctl("open", "--port", "1", url=box.url, BROWSER="true")
        assert (ran.code, ran.out) == (7, "")
        assert "has no web interface yet" in ran.err

    def test_which_versions_have_one(self) -> None:
        assert [has_none_yet(told) for told in ("0.1.0", "0.1.7.dev1", "0.2.0", "1.0", "own")] == [
            *(True, True, False, False, False)
        ]

    def test_where_a_browser_is_seen(self) -> None:
        assert has_browser({"DISPLAY": ":0"}, "linux")
        assert has_browser({}, "darwin")
        assert not has_browser({}, "linux")
        assert not has_browser({"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, "linux")
