"""Whom flexctl trusts, and that no secret goes anywhere."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import trustme

from flexctl.exits import Exit
from tests.cli.fakebox import FakeBox
from tests.cli.harness import flexctl

CANARY = "canary-7f3a9"


class TestSecrets:
    def test_a_token_is_sent_and_shown_nowhere(self, box: FakeBox) -> None:
        for argv in (
            ("pipeline", "list", "-o", "json"),
            ("pipeline", "play", "cam1", "--curl"),
            ("pipeline", "play", "cam1", "--dry-run"),
            ("pipeline", "get", "nope"),
            ("api", "GET", "/flex/health", "--include"),
        ):
            ran = flexctl(*argv, url=box.url, FLEX_TOKEN=CANARY)
            assert CANARY not in ran.out + ran.err
        assert f"Bearer {CANARY}" in {headers.get("authorization") for _, _, headers, _ in box.requests}
        ran = flexctl("pipeline", "list", "--token-stdin", url=box.url, stdin=f"{CANARY}\n")
        assert ran.code == 0
        assert box.requests[-1][2]["authorization"] == f"Bearer {CANARY}"

    def test_a_password_of_a_source_is_sent_and_shown_nowhere(self, box: FakeBox, tmp_path: Path) -> None:
        file = tmp_path / "cam.yaml"
        file.write_text(f"id: new\nsource: {{uri: 'rtsp://cam/1', user: me, password: {CANARY}}}\n")
        shown = ""
        for more in (("--dry-run",), ("--curl",), ("--dry-run", "-o", "json"), ("-o", "json")):
            ran = flexctl("pipeline", "create", "-f", str(file), *more, url=box.url)
            assert ran.code == 0, ran.err
            shown += ran.out + ran.err
        assert CANARY not in shown
        assert json.loads(box.requests[-1][3])["source"]["password"] == CANARY

    def test_a_password_comes_from_where_no_one_looks(self, box: FakeBox) -> None:
        made = ("pipeline", "create", "new", "--source", "rtsp://cam/1", "--source-user", "me")
        ran = flexctl(*made, url=box.url, FLEX_SOURCE_PASSWORD=CANARY)
        assert ran.code == 0, ran.err
        assert json.loads(sent(box, "POST"))["source"] == {"uri": "rtsp://cam/1", "user": "me", "password": CANARY}
        ran = flexctl("pipeline", "update", "new", "--source-password-stdin", url=box.url, stdin="p'1\n")
        assert json.loads(sent(box, "PATCH")) == {"source": {"password": "p'1"}}
        assert flexctl("pipeline", "update", "new", "--source-password-stdin", url=box.url).code == 2
        box.pipelines.pop("new")
        ran = flexctl(*made, url=box.url)
        assert "password" not in json.loads(sent(box, "POST"))["source"]
        assert "FLEX_SOURCE_PASSWORD" in ran.err

    def test_a_curl_line_takes_the_password_from_a_variable(self, box: FakeBox) -> None:
        ran = flexctl(
            "pipeline", "create", "new", "--source", "rtsp://cam/1", "--source-user", "me", "--curl", url=box.url
        )
        assert "$FLEX_SOURCE_PASSWORD" in ran.err
        script = f"curl() {{ printf '%s\\n' \"$@\"; }}; {ran.out}"
        shell = subprocess.run(
            ["sh", "-c", script], capture_output=True, text=True, env={"FLEX_SOURCE_PASSWORD": CANARY}, check=True
        )
        [body] = [line for line in shell.stdout.splitlines() if line.startswith("{")]
        assert json.loads(body)["source"]["password"] == CANARY

    def test_a_curl_line_that_lacks_a_secret_says_so(self, box: FakeBox) -> None:
        body = '{"source": {"uri": "rtsp://me:' + CANARY + '@cam/1"}}'
        ran = flexctl("api", "PATCH", "/flex/pipeline/cam1", "-d", body, "--curl", url=box.url)
        assert "Stars stand for a secret" in ran.err
        assert CANARY not in ran.out

    def test_a_password_in_an_argument_is_refused(self, box: FakeBox) -> None:
        ran = flexctl("pipeline", "create", "new", "--source", f"rtsp://me:{CANARY}@cam/1", url=box.url)
        assert (ran.code, box.requests) == (2, [])
        assert "--source-user me" in ran.err
        assert CANARY not in ran.err

    def test_a_password_in_an_address_is_stars(self, box: FakeBox) -> None:
        box.pipelines["cam1"]["source"]["uri"] = f"rtsp://me:{CANARY}@cam/1"
        for form in ("table", "json", "yaml", "csv"):
            assert CANARY not in flexctl("pipeline", "list", "-o", form, url=box.url).out
        box.emit("pipeline_updated", box.pipelines["cam1"])
        assert CANARY not in flexctl("events", "--since", "3", "--count", "1", url=box.url).out


def sent(box: FakeBox, method: str) -> bytes:
    """The body of the last request of that method."""
    return next(body for verb, _, _, body in reversed(box.requests) if verb == method)


class TestTrust:
    def test_a_self_signed_box_says_how_to_trust_it(self, tmp_path: Path) -> None:
        seen, stop = tls_box(tmp_path)
        try:
            ran = flexctl("health", url=seen)
            assert ran.code == Exit.UNREACHABLE
            [line] = [line for line in ran.err.splitlines() if line.strip().startswith("--fingerprint")]
            pin = line.split()[1]
            assert f"export FLEX_FINGERPRINT={pin}" in ran.err
            assert flexctl("health", "--fingerprint", pin, url=seen).code == Exit.DONE
            assert flexctl("health", url=seen, FLEX_FINGERPRINT=pin).code == Exit.DONE
            other = flexctl("health", "--fingerprint", "AB" * 32, url=seen)
            assert other.code == Exit.UNREACHABLE
            assert "another certificate than the pinned one" in other.err
            ran = flexctl("health", "--ca-file", str(tmp_path / "ca.pem"), url=seen, FLEX_FINGERPRINT="AB" * 32)
            assert ran.code == Exit.DONE, "trust that a flag names is not mixed with the environment's"
            ran = flexctl("health", "--insecure", url=seen)
            assert ran.code == Exit.DONE
            assert ran.err.startswith("! the certificate of http://box is NOT checked")
        finally:
            stop()


def tls_box(folder: Path) -> tuple[str, Any]:
    """A fake box behind TLS with a certificate that nobody knows; its authority's is in `ca.pem`."""
    import ssl

    box = FakeBox()
    box.stop()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    box.tls = context
    box.start()
    return box.url, box.stop
