"""`flexctl webhook listen`: the receiver against real requests, good ones and bad ones."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from flexclient import FlexClient
from flexclient.testing import FakeFlex
from flexclient.webhooks import sign
from flexctl.__main__ import run
from flexctl.errors import ClosedPipe
from flexctl.live import receiver
from flexctl.views.webhook import EVENTS
from tests.cli.harness import PIPE, Ran, flexctl, terminal
from tests.cli.webhook_box import OPEN, fake
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.media_double import fake_media

__all__ = ["fake"]

SECRET = "whsec_" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
BODY = (
    b'{"type":"pipeline.started","timestamp":"2026-11-01T12:00:00Z","data":{"id":"cam1","output_uri":"rtsp://b/cam1"}}'
)


def headers(body: bytes = BODY, id: str = "msg_1", secret: str = SECRET, age: int = 0) -> dict[str, str]:  # noqa: A002
    now = int(time.time()) - age
    return {"webhook-id": id, "webhook-timestamp": str(now), "webhook-signature": sign(id, now, body, secret)}


def post(port: int, body: bytes = BODY, **how: Any) -> int:
    return httpx.post(f"http://127.0.0.1:{port}/any/path", content=body, headers=headers(body, **how)).status_code


def listen(fake: FakeFlex, act: Callable[[int], Any], *argv: str, on: Any = PIPE) -> tuple[Ran, Any]:
    """Run the listener; `act` gets its port in a thread. What came of both."""
    with FlexClient(transport=fake) as client:
        client.settings.update(OPEN)
    found: list[Any] = []

    def later() -> None:
        url = until(lambda: [hook.document["url"] for hook in fake._box.webhooks.values()])[0]
        try:
            found.append(act(int(url.rpartition(":")[2])))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=later, daemon=True)
    thread.start()
    ran = flexctl("webhook", "listen", "--register", "--for", "20s", *argv, on=on)
    thread.join(10)
    if isinstance(found[0], BaseException):
        raise found[0]
    return ran, found[0]


def test_a_pipe_gets_a_json_object_a_line(fake: FakeFlex) -> None:
    ran, statuses = listen(fake, lambda port: [post(port), post(port, id="msg_2")], "--count", "2")
    assert (ran.code, statuses) == (0, [204, 204])
    first, second = map(json.loads, ran.out.splitlines())
    assert first == {"id": "msg_1", **json.loads(BODY), "timestamp": "2026-11-01T12:00:00Z"}
    assert second["id"] == "msg_2"
    assert "Listening: the box sends to http://127.0.0.1:" in ran.err
    assert fake._box.webhooks == {}, "the webhook is gone again"
    made = next(json.loads(seen.body) for seen in fake.requests if seen.method == "POST")
    assert made["events"] == list(EVENTS)


def test_a_terminal_shows_a_line_a_message(fake: FakeFlex) -> None:
    ran, _ = listen(fake, post, "--count", "1", "--events", "pipeline.started", on=terminal(80))
    assert ran.out.split() == ["12:00:00", "pipeline.started", "cam1", "rtsp://b/cam1"]
    ran, _ = listen(fake, post, "--count", "1", "-o", "json", on=terminal(80))
    assert json.loads(ran.out)["type"] == "pipeline.started"


def test_what_is_not_signed_is_answered_401_and_told(fake: FakeFlex) -> None:
    def act(port: int) -> list[int]:
        plain = httpx.post(f"http://127.0.0.1:{port}/", content=BODY).status_code
        return [
            plain,
            post(port, secret="whsec_AAAA"),
            post(port, age=301),
            post(port, age=-301),
            post(port, b"[]"),
            post(port, age=290),
        ]

    ran, statuses = listen(fake, act, "--count", "1")
    assert statuses == [401, 401, 401, 401, 400, 204]
    assert len(ran.out.splitlines()) == 1
    assert ran.err.count("refused what came from 127.0.0.1") == 5
    assert SECRET not in ran.err + ran.out


def test_a_message_that_comes_again_is_answered_and_not_printed(fake: FakeFlex) -> None:
    ran, statuses = listen(fake, lambda port: [post(port), post(port), post(port, id="msg_2")], "--count", "2")
    assert statuses == [204, 204, 204]
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ["msg_1", "msg_2"]


def test_control_characters_do_not_reach_the_terminal(fake: FakeFlex) -> None:
    evil = BODY.replace(b"cam1", b"\\u001b[31mcam\\u0007")
    ran, _ = listen(fake, lambda port: post(port, evil), "--count", "1", on=terminal(80))
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


def raw(port: int, request: bytes) -> bytes:
    """What comes back for these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(request)
        found = b""
        with contextlib.suppress(ConnectionResetError):  # what it did not read it throws away, its answer perhaps too
            while chunk := one.recv(65536):
                found += chunk
        return found


def test_what_is_no_message_is_refused_without_being_read_whole(fake: FakeFlex) -> None:
    def act(port: int) -> list[bytes]:
        said = [
            raw(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            raw(port, b"nonsense\r\n\r\n"),
            raw(port, b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n"),
            b"%d" % httpx.post(f"http://127.0.0.1:{port}/", content=b"x" * (receiver.MAX_BODY + 1)).status_code,
        ]
        post(port)
        return said

    ran, said = listen(fake, act, "--count", "1")
    assert ran.code == 0
    assert said[0].startswith(b"HTTP/1.1 405 ")
    assert said[1].startswith(b"HTTP/1.1 400 ")
    assert said[2][:13] in {b"HTTP/1.1 431 ", b""}
    assert said[3] == b"413"


def test_a_slow_client_blocks_nobody_and_is_let_go(fake: FakeFlex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "SECONDS", 1.0)

    def act(port: int) -> tuple[float, bytes]:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
            slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
            begun = time.monotonic()
            assert post(port) == 204
            took = time.monotonic() - begun
            try:
                rest = slow.recv(1)
            except ConnectionResetError:
                rest = b""
            assert post(port, id="msg_2") == 204
            return took, rest

    _, (took, rest) = listen(fake, act, "--count", "2")
    assert took < 1
    assert rest == b"", "the connection was ended"


def test_connections_are_bounded(fake: FakeFlex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(receiver, "SECONDS", 2.0)

    def act(port: int) -> bytes:
        idle = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(3)]
        try:
            surplus = idle[2].recv(1)
        except ConnectionResetError:
            surplus = b""
        for one in idle:
            one.close()
        assert until(lambda: _tried(port)) == 204
        return surplus

    _, surplus = listen(fake, act, "--count", "1")
    assert surplus == b""


def _tried(port: int) -> int | None:
    try:
        return post(port)
    except httpx.HTTPError:
        return None


def test_a_closed_pipe_ends_it_and_the_webhook(fake: FakeFlex) -> None:
    with FlexClient(transport=fake) as client:
        client.settings.update(OPEN)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, patch.object(sys, "stdout", pipe), pytest.raises(ClosedPipe):
        run(["webhook", "listen", "--register", "--for", "20s"])
    assert fake._box.webhooks == {}


def test_a_secret_of_ones_own_needs_no_box(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(**_: Any) -> FlexClient:
        raise AssertionError("the box is not asked for anything")

    monkeypatch.setattr("flexctl.state.connect", nobody)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    thread = threading.Thread(target=lambda: until(lambda: _tried(port), 10), daemon=True)
    thread.start()
    argv = ("webhook", "listen", "--port", str(port), "--count", "1", "--for", "20s")
    ran = flexctl(*argv, "--secret-stdin", stdin=SECRET + "\n")
    assert (ran.code, json.loads(ran.out)["id"]) == (0, "msg_1")
    assert f"Listening on http://127.0.0.1:{port}." in ran.err
    ran = flexctl(*argv[:4], "--for", "0s", FLEX_WEBHOOK_SECRET=SECRET)
    assert (ran.code, ran.out) == (0, "")
    with socket.create_server(("127.0.0.1", port)):
        ran = flexctl(*argv, FLEX_WEBHOOK_SECRET=SECRET)
    assert (ran.code, "in use" in ran.err) == (2, True)


def test_a_box_that_is_off_at_the_end_leaves_a_remark(fake: FakeFlex) -> None:
    def act(port: int) -> int:
        fake.go_down()
        return post(port)

    ran, _ = listen(fake, act, "--count", "1")
    assert ran.code == 0
    assert "wh_00000001 is still there" in ran.err
    assert "flexctl webhook delete wh_00000001" in ran.err


@pytest.fixture(scope="module")
def real_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env=media.env) as made:
        yield made


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_real_box_is_listened_to_until_a_signal_and_forgets_it(real_box: Box, number: int, code: int) -> None:
    env = {**os.environ, "FLEX_URL": real_box.url, "FLEX_FINGERPRINT": real_box.fingerprint}
    command = [sys.executable, "-m", "flexctl", "webhook", "listen", "--register"]
    with Api(real_box) as api:
        api.call("PUT", "/flex/settings", json=OPEN).raise_for_status()
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                (made,) = until(lambda: api.get("/flex/webhooks").json(), 15)
                api.create("cam1", on_demand=False)
                first = json.loads(process.stdout.readline())
                assert (first["type"], first["data"]["id"]) == ("pipeline.started", "cam1")
                assert api.call("POST", f"/flex/webhooks/{made['id']}/test").json()["status"] == 204
                assert json.loads(process.stdout.readline())["type"] == "test"
                process.send_signal(number)
                assert process.wait(10) == code
            finally:
                process.kill()
                api.call("DELETE", "/flex/pipeline/cam1")
        assert api.get("/flex/webhooks").json() == []
