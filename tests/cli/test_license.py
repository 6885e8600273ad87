"""`flexctl license` and the vendor's tool, end to end: keys, a licence, a live box, and what it then allows."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flexclient import FlexClient
from flexctl.views.license import LICENSE
from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript
from tests.support.box import Box
from tests.support.licences import Vendor, tool
from tests.support.media_double import fake_media


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the vendor's keys, as the tool makes them."""
    folder = tmp_path_factory.mktemp("vendor")
    subprocess.run(tool("keygen", str(folder / "vendor.pem")), check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def real_box(tmp_path_factory: pytest.TempPathFactory, vendor: Path) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    env = {**media.env, "FLEX_LICENSE_PUBLIC_KEY": str(vendor / "vendor.pub.pem")}
    with Box(tmp_path_factory.mktemp("box") / "data", env=env) as made:
        yield made


@pytest.fixture
def server(real_box: Box) -> Iterator[Box]:
    """The box without a licence and without pipelines, after the test too."""
    yield real_box
    with FlexClient(url=real_box.url, fingerprint=real_box.fingerprint) as client:
        for pipeline in client.pipelines.list():
            client.pipelines.delete(pipeline.id)
        client.license.remove()


def run(box: Box, *argv: str, on: object = PIPE, stdin: str = "") -> Ran:
    return flexctl(*argv, url=box.url, on=on, stdin=stdin, FLEX_FINGERPRINT=box.fingerprint)  # type: ignore[arg-type]


def use(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Run the vendor's tool."""
    env = {**os.environ, **options}
    return subprocess.run(
        tool(*arguments), capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL, check=False
    )


def signed(vendor: Path, name: str = "gate.lic", *arguments: str) -> Path:
    """A licence in a file."""
    key = ("--key", str(vendor / "vendor.pem"))
    given = arguments or ("--serial", "F-0042", "--expires", "2098-12-31", "--streams", "2", "--codec", "h264")
    made = use("sign", *key, *given)
    assert made.returncode == 0, made.stderr
    path = vendor / name
    path.write_text(made.stdout)
    return path


def test_every_form(server: Box, vendor: Path) -> None:
    path = signed(vendor)
    install = ("license", "install", str(path))

    def told(ran: Ran, *argv: str, note: str = "") -> str:
        return transcript(ran, *argv, note=note).replace(str(vendor), ".")

    argv: tuple[str, ...]
    runs = [told(run(server, "license", "show"), "license", "show")]
    runs.append(told(run(server, *install, on=terminal(80, color=True)), *install, note="on a terminal"))
    for form in ("table", "json", "yaml", "ndjson", "csv", "name"):
        argv = ("license", "show", "-o", form)
        runs.append(told(run(server, *argv), *argv))
    argv = ("license", "show")
    runs += [told(run(server, *argv, on=terminal(width)), *argv, note=f"{width} columns") for width in (80, 40)]
    argv = ("license", "remove", "--yes")
    runs.append(told(run(server, *argv, "--dry-run"), *argv, "--dry-run"))
    runs.append(told(run(server, *argv), *argv))
    runs.append(told(run(server, *argv), *argv, note="once more"))
    golden("license", "\n".join(runs))


def test_errors(server: Box, vendor: Path, tmp_path: Path) -> None:
    path = signed(vendor)
    for name, data in (
        ("empty.lic", b""),
        ("cut.lic", path.read_bytes()[:100]),
        ("picture.lic", b"\xff\xd8\xff\xe0"),
        ("large.lic", b"A" * 70_000),
        ("other.lic", Vendor().licence().encode()),
    ):
        (tmp_path / name).write_bytes(data)
    runs = []
    for name in ("nowhere.lic", "empty.lic", "cut.lic", "picture.lic", "large.lic", "other.lic"):
        argv = ("license", "install", str(tmp_path / name))
        ran = run(server, *argv)
        assert (ran.code, ran.out) == (2, "")
        lines = [line for line in transcript(ran, *argv).splitlines() if "request id" not in line]
        runs.append("\n".join(lines).replace(str(tmp_path), ".") + "\n")
    golden("license-errors", "\n".join(runs))


def test_a_licence_comes_through_a_pipe_and_allows_what_it_says(server: Box, vendor: Path) -> None:
    text = signed(vendor).read_text()
    assert run(server, "license", "install", "-", "-o", "name", stdin=text).out == "F-0042\n"
    for name in ("cam1", "cam2"):
        assert run(server, "pipeline", "create", name, "--source", "test://ball", "--play").code == 0
    third = run(server, "pipeline", "create", "cam3", "--source", "test://ball", "--no-on-demand")
    assert third.code == 5
    assert "the licence F-0042 allows 2 playing streams, which are cam1, cam2" in third.err
    assert "`flexctl pipeline stop cam2` makes room. `flexctl license show`" in third.err
    codec = run(server, "pipeline", "create", "cam3", "--source", "test://ball", "--codec", "av1")
    assert codec.code == 5
    assert "the licence F-0042 allows h264, and not av1" in codec.err


def test_a_change_that_waits_for_a_seat_is_stored_and_pending(server: Box, vendor: Path) -> None:
    create = ("pipeline", "create", "--source", "test://ball", "--no-on-demand")
    run(server, "license", "install", str(signed(vendor)))
    for name in ("cam1", "cam2"):
        assert run(server, *create, name).code == 0
    one = signed(vendor, "one.lic", "--serial", "F-1", "--expires", "never", "--streams", "1", "--codec", "h264")
    run(server, "license", "install", str(one))
    changed = run(server, "pipeline", "update", "cam2", "--bitrate", "3M")
    assert changed.code == 8, changed.err
    assert "plays when the licence allows it" in changed.err
    assert run(server, "pipeline", "get", "cam2", "--query", "encoding.bitrate").out == "3000\n"


def test_removing_asks_first(server: Box, vendor: Path) -> None:
    run(server, "license", "install", str(signed(vendor)))
    silent = run(server, "license", "remove")
    assert (silent.code, silent.out) == (2, "")
    assert "Remove the licence F-0042?" in silent.err
    refused = run(server, "license", "remove", on=terminal(80), stdin="n\n")
    assert (refused.code, refused.out) == (1, "")
    assert run(server, "license", "show", "-o", "name").out == "F-0042\n"
    assert run(server, "license", "remove", on=terminal(80), stdin="y\n").code == 0
    assert run(server, "license", "show", "-o", "name").out == ""


def test_a_dry_run_and_a_curl_line_install_nothing(server: Box, vendor: Path) -> None:
    path = signed(vendor)
    text = path.read_text().strip()
    assert text in run(server, "license", "install", str(path), "--dry-run").out
    line = run(server, "license", "install", str(path), "--curl").out
    assert "Content-Type: text/plain" in line
    assert text in line
    assert run(server, "license", "show", "-o", "name").out == ""


def test_a_box_that_is_off_is_told(vendor: Path) -> None:
    for argv in (("show",), ("install", str(signed(vendor))), ("remove", "--yes")):
        ran = flexctl("license", *argv)
        assert (ran.code, ran.out) == (7, "")


def test_the_columns_are_the_models() -> None:
    from flexclient.models import License

    assert {column.key for column in LICENSE.columns} == set(License.model_fields)


# The vendor's tool


def test_keys_are_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    private, public = tmp_path / "v.pem", tmp_path / "v.pub.pem"
    assert use("keygen", str(private)).returncode == 0
    assert private.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in public.read_text()
    before = private.read_bytes()
    again = use("keygen", str(private))
    assert again.returncode == 1
    assert "never overwritten" in again.stderr
    other = use("keygen", str(tmp_path / "w.pem"), str(public))
    assert other.returncode == 1
    assert not (tmp_path / "w.pem").exists()
    assert private.read_bytes() == before


def test_a_locked_key_needs_its_passphrase(tmp_path: Path) -> None:
    private = tmp_path / "v.pem"
    word = {"FLEX_LICENSE_PASSPHRASE": "canary-7f3a9"}
    made = use("keygen", str(private), "--passphrase", **word)
    assert made.returncode == 0
    assert "ENCRYPTED" in private.read_text()
    terms = ("--serial", "F-1", "--expires", "never", "--streams", "unlimited", "--codec", "h264")
    good = use("sign", "--key", str(private), *terms, **word)
    assert good.returncode == 0
    assert "canary" not in made.stdout + made.stderr + good.stdout + good.stderr
    bad = use("sign", "--key", str(private), *terms, FLEX_LICENSE_PASSPHRASE="wrong")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "passphrase" in bad.stderr


def test_a_licence_is_shown_and_checked(vendor: Path, tmp_path: Path) -> None:
    path = signed(
        vendor, "all.lic", "--serial", "F-1", "--expires", "never", "--streams", "unlimited", "--codec", "av1"
    )
    good = use("show", str(path), "--key", str(vendor / "vendor.pub.pem"))
    assert json.loads(good.stdout) == {
        "serial_number": "F-1",
        "expiration_date": None,
        "max_video_streams": None,
        "codecs": {"h264": False, "h265": False, "av1": True},
    }
    assert "is of this key" in good.stderr
    use("keygen", str(tmp_path / "w.pem"))
    bad = use("show", str(path), "--key", str(tmp_path / "w.pub.pem"))
    assert bad.returncode == 1
    assert "NOT of this key" in bad.stderr
    unchecked = use("show", str(path))
    assert unchecked.returncode == 0
    assert "not checked" in unchecked.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"--expires": "2020-01-01"}, "is over"),
        ({"--expires": "soon"}, "'soon' is no day"),
        ({"--expires": "2098-12-31T12:00:00"}, "is no day"),
        ({"--streams": "0"}, "'0' is no number"),
        ({"--streams": "10001"}, "is no number"),
        ({"--serial": ""}, "serial number"),
        ({"--serial": "x" * 65}, "serial number"),
        ({"--serial": "a\nb"}, "serial number"),
        ({"--codec": "vp9"}, "vp9"),
        ({"--key": "/nowhere.pem"}, "/nowhere.pem: No such file"),
    ],
)
def test_a_licence_that_no_box_reads_is_not_signed(vendor: Path, changes: dict[str, str], said: str) -> None:
    given = {
        "--key": str(vendor / "vendor.pem"),
        "--serial": "F-1",
        "--expires": "2098-12-31",
        "--streams": "2",
        "--codec": "h264",
        **changes,
    }
    made = use("sign", *[word for pair in given.items() for word in pair])
    assert made.returncode in (1, 2)
    assert made.stdout == ""
    assert said in made.stderr
    assert "Traceback" not in made.stderr


@pytest.mark.parametrize(
    "text", ["", "abc", "e30=", "W10=", base64.b64encode(b'{"version":1,"payload":"[]"}').decode()]
)
def test_what_is_no_licence_is_not_shown(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.lic"
    path.write_text(text)
    shown = use("show", str(path))
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "Traceback" not in shown.stderr


def test_openssl_verifies_what_the_readme_says(vendor: Path, tmp_path: Path) -> None:
    envelope = json.loads(base64.b64decode(signed(vendor).read_text()))
    (tmp_path / "payload").write_text(envelope["payload"])
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signature"]))
    command = [
        "openssl",
        "dgst",
        "-sha256",
        "-verify",
        str(vendor / "vendor.pub.pem"),
        "-signature",
        "signature",
        "payload",
    ]
    judged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert judged.stdout == "Verified OK\n"
