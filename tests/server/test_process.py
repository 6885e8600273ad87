"""The process itself: settings, start, the ready line, refusals to start, signals, TLS."""

# ruff: noqa: A001 - what the API calls id and type is called so here

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from cryptography import x509

from flexserver import certs, config
from flexserver.__main__ import ready_line
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box, BoxError
from tests.support.media_double import FakeMedia, fake_media


def settings(*argv: str, monkeypatch: pytest.MonkeyPatch, **environ: str) -> config.Config:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return config.read(list(argv), dict(os.environ))


def test_flags_go_before_variables_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "flex.toml"
    file.write_text('port = 1\nrtsp_port = 1\nstart_timeout = 1.5\nmedia_roots = ["/a", "/b"]\nallow_advanced = true\n')
    read = settings(
        "--port", "3", "--tls-name", "x", "--tls-name", "y",
        monkeypatch=monkeypatch, FLEX_CONFIG=str(file), FLEX_PORT="2", FLEX_RTSP_PORT="2",
    )  # fmt: skip
    assert (read.port, read.rtsp_port, read.start_timeout) == (3, 2, 1.5)
    assert read.media_roots == (Path("/a"), Path("/b"))
    assert read.allow_advanced
    assert read.tls_names == ("x", "y")
    again = settings("--config", str(file), "--no-allow-advanced", monkeypatch=monkeypatch, FLEX_MEDIA_ROOTS="/c:/d")
    assert again.media_roots == (Path("/c"), Path("/d"))
    assert not again.allow_advanced


@pytest.mark.parametrize(
    ("text", "argv", "said"),
    [
        ("prot = 1\n", [], "'prot', and there is no such setting"),
        ("[server]\nport = 1\n", [], "'server'"),
        ('port = "x"\n', [], "port in the settings file: 'x' is not a number"),
        ("port = \n", [], "is not TOML"),
        ("", ["--port", "abc"], "--port: 'abc' is not a number"),
        ("", ["--port", "70000"], "--port: 70000 is more than 65535"),
        ("", ["--rtsp-port", "-1"], "--rtsp-port: -1 is less than 0"),
        ("", ["--start-timeout", "soon"], "--start-timeout: 'soon' is not a number"),
        ("", ["--start-timeout", "0.1"], "--start-timeout: 0.1 is less than 0.5"),
        ("", ["--log-level", "loud"], "--log-level: 'loud' is not 'debug', 'info', 'warning' or 'error'"),
        ("", ["--host", ""], "--host: it is empty"),
    ],
)
def test_a_bad_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, argv: list[str], said: str
) -> None:
    file = tmp_path / "flex.toml"
    file.write_text(text)
    with pytest.raises(config.ConfigError, match=re.escape(said)):
        settings(*argv, monkeypatch=monkeypatch, FLEX_CONFIG=str(file))


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(config.ConfigError, match=r"^FLEX_PORT: 'abc' is not a number$"):
        settings(monkeypatch=monkeypatch, FLEX_PORT="abc")


def test_a_bad_setting_ends_like_any_bad_command_line() -> None:
    assert run("--port", "abc") == (2, "", "flexserver: --port: 'abc' is not a number\n")


def run(*args: str, seconds: float = 20) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "flexserver", *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, done.stdout, done.stderr


def test_help_names_every_setting() -> None:
    code, out, _ = run("--help")
    assert code == 0
    flags = {config._flag(field) for field in config.Config.model_fields} - {"--api-key", "--publish-key"}
    for name in ("--config", "FLEX_API_KEY", "FLEX_PUBLISH_KEY", *flags):
        assert name in out
    assert "-key " not in out.replace("--license-public-key ", ""), "what is secret has no flag"
    assert "FLEX_RTSP_PORT" in out
    assert run("--prot", "1")[0] == 2
    assert run("--version")[1].startswith("flexserver ")


def test_it_says_where_it_is(fake_box: Box) -> None:
    said = [line for line in fake_box.log.splitlines() if " is ready: " in line]
    address = f"{fake_box.url} {fake_box.rtsp_url} sha256:{fake_box.fingerprint}"
    assert said == [f"flexserver {config.software_version()} is ready: {address}"]


def test_on_every_interface_it_says_an_address_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certs, "_route_address", lambda *_: {"192.0.2.7"})
    version = config.software_version()
    said = f"flexserver {version} is ready: https://192.0.2.7:3539 rtsp://192.0.2.7:8731 sha256:AA:BB"
    assert ready_line("0.0.0.0", 3539, 8731, "AA:BB") == said
    assert " https://[::1]:1 rtsp://[::1]:2 " in ready_line("::1", 1, 2, "AA:BB")


@pytest.mark.parametrize(
    ("host", "faces", "named", "found"),
    [
        ("0.0.0.0", {"192.0.2.7"}, {"127.0.0.1", "192.0.2.9"}, "192.0.2.7"),
        ("0.0.0.0", {"2001:db8::7"}, {"box", "127.0.1.1", "192.0.2.9"}, "192.0.2.9"),
        ("0.0.0.0", {"2001:db8::7"}, {"box", "127.0.1.1", "169.254.1.1"}, "127.0.0.1"),
        ("::", {"2001:db8::7"}, {"::1"}, "2001:db8::7"),
    ],
)
def test_the_address_for_others(
    monkeypatch: pytest.MonkeyPatch, host: str, faces: set[str], named: set[str], found: str
) -> None:
    monkeypatch.setattr(certs, "_route_address", lambda *_: faces)
    monkeypatch.setattr(certs, "local_names", lambda: named | faces)
    assert certs.network_address(host) == found


def test_the_folder_for_files_is_there(fake_box: Box, fake_boxes: FakeBoxes) -> None:
    assert (fake_box.data_dir / "media").stat().st_mode & 0o777 == 0o700
    other, _ = fake_boxes("--media-root", str(fake_box.data_dir))
    assert not (other.data_dir / "media").exists()


def test_a_port_in_use_is_one_clear_sentence(fake_box: Box, fake: FakeMedia, tmp_path: Path) -> None:
    for flag, port in (("--port", fake_box.port), ("--rtsp-port", fake_box.rtsp_port)):
        ports = {"--port": "0", "--rtsp-port": "0", flag: str(port)}
        args = [part for pair in ports.items() for part in pair]
        done = subprocess.run(
            [sys.executable, "-m", "flexserver", "--host", "127.0.0.1", "--data-dir", str(tmp_path / "data"), *args],
            env={**os.environ, **fake.env}, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == (
            f"flexserver: port {port} is in use; choose another with {flag} (0 takes any free one)"
        )
        assert "Traceback" not in done.stderr


def test_what_it_cannot_use_is_one_clear_sentence(fake_box: Box, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    newer, broken = tmp_path / "newer", tmp_path / "broken"
    newer.mkdir()
    broken.mkdir()
    database = sqlite3.connect(newer / "flex.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    (broken / "flex.db").write_bytes(b"rubbish" * 1000)
    cases = {
        ("--data-dir", str(tmp_path / "file" / "x")): "data folder",
        ("--data-dir", str(fake_box.data_dir)): "another flexserver uses the data folder",
        ("--data-dir", str(newer)): "newer flexserver",
        ("--data-dir", str(broken)): "cannot be used",
        ("--host", "203.0.113.7", "--data-dir", str(tmp_path / "c")): "cannot listen on 203.0.113.7",
        ("--config", str(tmp_path / "none.toml")): "cannot read the settings file",
    }
    for args, said in cases.items():
        code, _, complaint = run("--host", "127.0.0.1", "--port", "0", "--rtsp-port", "0", *args)
        last = complaint.splitlines()[-1]
        assert code == (2 if "--config" in args else 1)
        assert last.startswith("flexserver: ")
        assert said in last
        assert "Traceback" not in complaint


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(fake_boxes: FakeBoxes, number: int) -> None:
    box, media = fake_boxes()
    media.script("deaf", "deaf")
    api = Api(box)
    for id in ("cam1", "cam2", "deaf"):
        api.create(id, on_demand=False)
    family = psutil.Process(box.pid).children(recursive=True)
    with api.listen() as listener:
        begun = time.monotonic()
        box.signal(number)
        assert box.wait(5) == 0
        assert time.monotonic() - begun < 5
        assert listener.ended.wait(2)
    assert listener.events[-1].type == "bye"
    assert [process for process in family if process.is_running()] == []
    assert "Traceback" not in box.log
    assert "never awaited" not in box.log


def test_a_second_signal_is_faster(fake_boxes: FakeBoxes) -> None:
    box, media = fake_boxes()
    media.script("deaf", "deaf")
    Api(box).create("deaf", on_demand=False)
    begun = time.monotonic()
    box.signal(signal.SIGTERM)
    time.sleep(0.2)
    box.signal(signal.SIGTERM)
    assert box.wait(5) == 0
    assert time.monotonic() - begun < 1.2
    assert media.alive == []


def test_a_signal_while_it_starts_ends_it_too(tmp_path: Path) -> None:
    media = fake_media(tmp_path / "fake")
    (media.folder / "python").write_text("#!/bin/sh\nexec sleep 600\n")
    box = Box(tmp_path / "data", env=media.env, start=False)
    process = subprocess.Popen(box.command(1), stdout=subprocess.DEVNULL, env={**os.environ, **media.env})
    family = until(lambda: psutil.Process(process.pid).children(), 15)
    process.terminate()
    assert process.wait(5) == 0
    until(lambda: not any(child.is_running() for child in family))


def test_what_waits_for_a_picture_hears_that_the_box_goes(fake_boxes: FakeBoxes) -> None:
    import threading

    box, media = fake_boxes()
    media.script("cam1", "mute")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(Api(box).create("cam1", on_demand=False)))
    thread.start()
    until(lambda: media.alive)
    box.stop()
    thread.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (503, "OVERLOADED")


def test_what_was_ordered_outlives_a_restart(fake_boxes: FakeBoxes) -> None:
    box, media = fake_boxes()
    api = Api(box)
    api.create("armed")
    api.create("plays", on_demand=False)
    api.create("played")
    api.call("PUT", "/flex/pipeline/played/play")
    api.create("stopped", on_demand=False)
    api.call("PUT", "/flex/pipeline/stopped/stop")
    before = {one["id"]: (one["order"], one["created_at"]) for one in api.get("/flex/pipeline").json()}
    etags = {id: api.get(f"/flex/pipeline/{id}").headers["etag"] for id in before}
    box.restart()
    api = Api(box)
    for id, state in {"plays": "playing", "played": "playing", "armed": "ready", "stopped": "ready"}.items():
        api.wait(id, state)
    assert {one["id"]: (one["order"], one["created_at"]) for one in api.get("/flex/pipeline").json()} == before
    assert {id: api.get(f"/flex/pipeline/{id}").headers["etag"] for id in before} == etags
    until(lambda: media.mounts == {"armed", "plays", "played"})


def test_the_certificate_is_for_this_box_and_can_be_trusted(fake_box: Box) -> None:
    certificate = x509.load_pem_x509_certificate(Path(fake_box.ca_file).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", socket.gethostname()} <= set(names.get_values_for_type(x509.DNSName))
    assert "127.0.0.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert certs._load(Path(fake_box.ca_file), Path(fake_box.ca_file).with_name("flex.key")).fingerprint == (  # type: ignore[union-attr]
        fake_box.fingerprint
    )
    presented = ssl.get_server_certificate(("127.0.0.1", fake_box.port))
    assert x509.load_pem_x509_certificate(presented.encode()) == certificate


def test_a_certificate_is_kept_until_it_is_nearly_over(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    first = certs.ensure(tmp_path / "certs", {"box"}, now)
    assert (
        certs.ensure(tmp_path / "certs", {"box"}, now + certs.LIFETIME - certs.RENEW_BEFORE - timedelta(days=1))
        == first
    )
    second = certs.ensure(tmp_path / "certs", {"box"}, now + certs.LIFETIME - certs.RENEW_BEFORE + timedelta(days=1))
    assert second.fingerprint != first.fingerprint
    assert first.key_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("flex.crt", b"rubbish", "flex.crt is not a certificate"),
        ("flex.crt", b"", "flex.crt is not a certificate"),
        ("flex.key", os.urandom(200), "flex.key is not a private key"),
        ("flex.key", None, "flex.key is missing"),
        ("flex.key", "another", "flex.key is not the key of"),
    ],
)
def test_a_damaged_certificate_is_kept_and_the_new_one_is_said_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes | str | None, why: str
) -> None:
    now = datetime.now(UTC)
    first = certs.ensure(tmp_path / "certs", {"box"}, now)
    assert caplog.records == [], "a first certificate surprises nobody"
    if content == "another":
        content = certs.ensure(tmp_path / "other", {"box"}, now).key_file.read_bytes()
    file = tmp_path / "certs" / name
    file.unlink() if content is None else file.write_bytes(bytes(content))  # type: ignore[arg-type]
    second = certs.ensure(tmp_path / "certs", {"box"}, now)
    assert second.fingerprint != first.fingerprint
    if content is not None:
        assert file.with_name(name + ".damaged").read_bytes() == content
    record = next(record for record in caplog.records if record.levelname == "ERROR")
    fields = record.fields  # type: ignore[attr-defined]
    assert "every client must trust it anew" in record.message
    assert why in fields["why"]
    assert ".damaged" in fields["why"]
    assert fields["fingerprint"] == second.fingerprint
    assert certs.ensure(tmp_path / "certs", {"box"}, now) == second


def test_what_was_opened_to_others_is_closed_at_start(fake_boxes: FakeBoxes) -> None:
    box, _ = fake_boxes()
    Api(box).create()
    box.kill()
    modes = {"": 0o700, "certs": 0o700, "certs/flex.key": 0o600}
    modes |= dict.fromkeys(("flex.db", "flex.db-wal", "events.db", "events.db-wal"), 0o600)
    for name in modes:
        (box.data_dir / name).chmod(0o777)
    fingerprint = box.fingerprint
    box.start()
    assert {name: (box.data_dir / name).stat().st_mode & 0o777 for name in modes} == modes
    assert box.fingerprint == fingerprint
    assert "a file was open to others" in box.log


@pytest.mark.parametrize("descriptor", ["77", "-1", "99999999999999"])
def test_a_ready_fd_that_cannot_be_written_ends_it_at_once(tmp_path: Path, descriptor: str) -> None:
    code, _, complaint = run("--data-dir", str(tmp_path / "data"), "--ready-fd", descriptor)
    assert code == 2
    assert complaint.startswith("flexserver: --ready-fd: ")
    assert not (tmp_path / "data").exists()


async def test_a_fresh_certificate_is_presented_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certs, "CHECK_SECONDS", 0.05)
    now = datetime.now(UTC)
    current = certs.ensure(tmp_path, {"127.0.0.1"}, now)
    live = certs.context(current)
    due, told = [now], list[str]()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=live)
    address = server.sockets[0].getsockname()
    keeping = asyncio.ensure_future(
        certs.keep_fresh(current, lambda: certs.ensure(tmp_path, {"127.0.0.1"}, due[0]), live, told.append)
    )
    before = await asyncio.to_thread(ssl.get_server_certificate, address)
    due[0] = now + certs.LIFETIME
    after = before
    for _ in range(100):
        after = await asyncio.to_thread(ssl.get_server_certificate, address)
        if after != before:
            break
        await asyncio.sleep(0.05)
    keeping.cancel()
    server.close()
    assert after != before
    assert after.strip() == current.cert_file.read_text().strip()
    assert told == [certs.ensure(tmp_path, {"127.0.0.1"}, due[0]).fingerprint]


def test_not_ready_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="unrecognized arguments"):
        Box(tmp_path / "data", "--no-such-flag")


def test_ready_fd_gets_one_line_of_json(fake_box: Box, fake: FakeMedia, tmp_path: Path) -> None:
    box = Box(tmp_path / "data", env=fake.env, start=False)
    reading, writing = os.pipe()
    process = subprocess.Popen(
        box.command(writing), pass_fds=[writing], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, **fake.env},
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as ready, process:
        said = json.loads(ready.read())
        process.terminate()
    assert process.returncode == 0
    expected = {"url", "port", "rtsp_port", "rtsp_url", "fingerprint", "ca_file", "data_dir", "pid"}
    assert said.keys() == expected
    assert said["pid"] == process.pid
    assert Path(said["ca_file"]).is_file()
