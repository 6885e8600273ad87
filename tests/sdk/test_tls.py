"""Trust, on real connections: what is believed, what is refused, and that nothing is sent to who is not trusted."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from flexclient import FlexClient, InsecureWarning, errors
from tests.sdk.harness import Side
from tests.sdk.wire import STREAM_HEAD, Visit, Wire, answer_with, chunk, fingerprint, nobody

VERSION = {"version": "1.2.3"}


@dataclass
class Tls:
    """A running server, its certificate and its authority."""

    wire: Wire
    pin: str
    ca_file: str
    cert_file: str


def serve(tmp_path: Path, *names: str) -> tuple[ssl.SSLContext, str, str, str]:
    ca = trustme.CA()
    cert = ca.issue_cert(*names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    ca_file, cert_file = tmp_path / "ca.pem", tmp_path / "cert.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    pem = cert.cert_chain_pems[0]
    pem.write_to_path(str(cert_file))
    return context, fingerprint(pem.bytes()), str(ca_file), str(cert_file)


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    context, pin, ca_file, cert_file = serve(tmp_path, "127.0.0.1")
    with Wire(answer_with(VERSION), context) as wire:
        yield Tls(wire, pin, ca_file, cert_file)


@pytest.fixture
def other_name(tmp_path: Path) -> Iterator[Tls]:
    context, pin, ca_file, cert_file = serve(tmp_path, "somewhere.else")
    with Wire(answer_with(VERSION), context) as wire:
        yield Tls(wire, pin, ca_file, cert_file)


def version(side: Side, tls: Tls, **settings: Any) -> str:
    return str(side.do(side.client(url=tls.wire.url, **settings).system.version()).version)


def refused(side: Side, tls: Tls, **settings: Any) -> errors.TlsError:
    """The error; and that the server decrypted no request, and was asked once."""
    with pytest.raises(errors.TlsError) as caught:
        version(side, tls, token="secret", **settings)
    assert tls.wire.heads == []
    assert tls.wire.connections == 1
    return caught.value


WAYS = [
    str,
    str.lower,
    lambda pin: pin.replace(":", ""),
    lambda pin: f"SHA256 Fingerprint={pin}",
    lambda pin: f"sha256:{pin}",
    lambda pin: f"  {pin.replace(':', ' ')}\n",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_pin_is_taken_in_every_spelling(side: Side, tls: Tls, way: Any) -> None:
    assert version(side, tls, fingerprint=way(tls.pin)) == "1.2.3"
    assert tls.wire.connections == 1, "the pin is checked on the connection that carries the request"


def test_a_pin_needs_no_matching_name(side: Side, other_name: Tls) -> None:
    assert version(side, other_name, fingerprint=other_name.pin) == "1.2.3"


def test_another_certificate_than_the_pinned_one(side: Side, tls: Tls) -> None:
    wrong = tls.pin[:-1] + ("0" if tls.pin[-1] != "0" else "1")
    error = refused(side, tls, fingerprint=wrong)
    assert error.fingerprint == tls.pin
    assert tls.pin in error.message
    assert wrong in error.message
    assert error.hint
    assert error.call


@pytest.mark.parametrize("beside", ["ca_file", "insecure"])
def test_a_wrong_pin_is_not_excused(side: Side, tls: Tls, beside: str) -> None:
    more = {"ca_file": tls.ca_file} if beside == "ca_file" else {"insecure": True}
    refused(side, tls, fingerprint="00" * 32, **more)


def test_a_pin_holds_for_streams(side: Side, tmp_path: Path) -> None:
    context, pin, _, _ = serve(tmp_path, "127.0.0.1")

    def stream(visit: Visit) -> None:
        visit.send(STREAM_HEAD + chunk(b'id: 1\nevent: pipeline_deleted\ndata: {"id": "x"}\n\n') + chunk(b""))

    with Wire(stream, context) as wire:
        fine = side.client(url=wire.url, fingerprint=pin).events.stream(resume=False)
        assert [event.id for event in side.all(fine)] == [1]
        with pytest.raises(errors.TlsError):
            side.all(side.client(url=wire.url, fingerprint="00" * 32).events.stream())
        assert len(wire.heads) == 1


def test_the_systems_trust_refuses_a_box_of_its_own_making(side: Side, tls: Tls) -> None:
    error = refused(side, tls)
    assert error.fingerprint == tls.pin
    assert tls.pin in error.message
    assert "FLEX_FINGERPRINT" in (error.hint or "")


def test_a_ca_file_by_authority_and_by_the_certificate_itself(side: Side, tls: Tls) -> None:
    assert version(side, tls, ca_file=tls.ca_file) == "1.2.3"
    assert version(side, tls, ca_file=tls.cert_file) == "1.2.3"


def test_a_ca_file_still_needs_the_right_name(side: Side, other_name: Tls) -> None:
    error = refused(side, other_name, ca_file=other_name.ca_file)
    assert "127.0.0.1" in error.message


def test_another_ca_file(side: Side, tls: Tls, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert refused(side, tls, ca_file=str(other)).fingerprint == tls.pin


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_is_none(side: Side, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.UsageError, match="CA file"):
        side.client(ca_file=str(path))


def test_insecure_works_and_is_loud(side: Side, tls: Tls, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.warns(InsecureWarning, match="not checked"):
        client = side.client(url=tls.wire.url, insecure=True)
    assert side.do(client.system.version()).version == "1.2.3"
    assert "not checked" in caplog.text


def test_trust_from_the_environment(side: Side, tls: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEX_FINGERPRINT", tls.pin)
    monkeypatch.setenv("FLEX_INSECURE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert version(side, tls) == "1.2.3"


def test_what_a_program_says_is_not_mixed_with_the_environment(
    side: Side, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEX_FINGERPRINT", "00" * 32)
    assert version(side, tls, ca_file=tls.ca_file) == "1.2.3"


@pytest.mark.parametrize("text", ["abc", "AA:BB", "zz" * 32, "0" * 63, "0" * 65])
def test_a_pin_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(errors.UsageError, match="SHA-256"):
        FlexClient(fingerprint=text)


def test_no_old_tls(side: Side, tmp_path: Path) -> None:
    context, pin, _, _ = serve(tmp_path, "127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Wire(answer_with(VERSION), context) as wire, pytest.raises(errors.ConnectError):
        side.do(side.client(url=wire.url, fingerprint=pin, retries=0).system.version())
    assert wire.heads == []


def test_a_port_without_tls(side: Side) -> None:
    with Wire(answer_with(VERSION)) as wire, pytest.raises(errors.TlsError) as caught:
        side.do(side.client(url=f"https://127.0.0.1:{wire.port}", retries=0).system.version())
    assert "3539" in (caught.value.hint or "")


def test_plain_http_to_a_port_with_tls(side: Side, tls: Tls) -> None:
    with pytest.raises(errors.ConnectError) as caught:
        side.do(side.client(url=f"http://127.0.0.1:{tls.wire.port}", retries=0).system.version())
    assert "https://" in (caught.value.hint or "")


def test_nobody_there(side: Side) -> None:
    with nobody() as url, pytest.raises(errors.Unreachable, match="Connection refused") as caught:
        side.do(side.client(url=url, retries=0).system.version())
    assert url in caught.value.message


def test_no_such_host(side: Side) -> None:
    with pytest.raises(errors.Unreachable):
        side.do(side.client(url="https://no-such-host.invalid", retries=0).system.version())
