"""Licences as text: what a vendor signed is read exactly, and everything else is refused with a sentence."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flexserver import vendor
from flexserver.errors import Refusal
from flexserver.vendor import Terms
from tests.support.licences import CODECS, Vendor, encoded

VENDOR = Vendor()
KEY = VENDOR.key.public_key()
GOOD = {"serial_number": "F-1", "expiration_date": "2030-01-01T00:00:00Z", "max_video_streams": 2, "codecs": CODECS}
TERMS = Terms("F-1", datetime(2030, 1, 1, tzinfo=UTC), 2, frozenset({"h264"}))


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(Refusal) as caught:
        vendor.read(text, KEY)
    [fault] = caught.value.details
    assert caught.value.hint
    return fault.field, fault.message


def test_a_licence_is_read() -> None:
    assert vendor.read(VENDOR.sign(json.dumps(GOOD)), KEY) == TERMS
    for_ever = {**GOOD, "expiration_date": None, "max_video_streams": None}
    assert vendor.read(VENDOR.sign(json.dumps(for_ever)), KEY) == Terms("F-1", None, None, frozenset({"h264"}))


def test_what_mail_does_to_a_licence_does_no_harm() -> None:
    text = VENDOR.sign(json.dumps(GOOD))
    wrapped = "\r\n".join(text[at : at + 40] for at in range(0, len(text), 40))
    assert vendor.read(f"  {wrapped}\n\n", KEY) == TERMS


def test_an_offset_counts() -> None:
    text = VENDOR.sign(json.dumps({**GOOD, "expiration_date": "2030-01-01T02:00:00+02:00"}))
    assert vendor.read(text, KEY) == TERMS


def test_the_moment_of_expiry() -> None:
    assert not TERMS.expired(datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert TERMS.expired(datetime(2030, 1, 1, tzinfo=UTC))


def test_another_vendors_licence_is_refused_and_not_looked_at() -> None:
    assert refused(Vendor().sign(json.dumps(GOOD))) == (
        "signature",
        "the licence is not signed with the key of this box's vendor",
    )
    assert refused(Vendor().sign("no JSON at all"))[0] == "signature"


def test_a_changed_payload_is_refused() -> None:
    envelope = json.loads(base64.b64decode(VENDOR.sign(json.dumps(GOOD))))
    for changed in ('"max_video_streams": 3', '"max_video_streams":  2'):
        payload = envelope["payload"].replace('"max_video_streams": 2', changed)
        assert payload != envelope["payload"]
        assert refused(encoded({**envelope, "payload": payload}))[0] == "signature"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"serial_number": ""}, "payload.serial_number"),
        ({"serial_number": "x" * 65}, "payload.serial_number"),
        ({"serial_number": "a\nb"}, "payload.serial_number"),
        ({"serial_number": 1}, "payload.serial_number"),
        ({"expiration_date": "2030-01-01"}, "payload.expiration_date"),
        ({"expiration_date": "2030-02-30T00:00:00Z"}, "payload.expiration_date"),
        ({"expiration_date": "2030-01-01T00:00:00"}, "payload.expiration_date"),
        ({"expiration_date": "0001-01-01T00:00:00+14:00"}, "payload.expiration_date"),
        ({"expiration_date": 1893456000}, "payload.expiration_date"),
        ({"max_video_streams": 0}, "payload.max_video_streams"),
        ({"max_video_streams": 10_001}, "payload.max_video_streams"),
        ({"max_video_streams": 1.5}, "payload.max_video_streams"),
        ({"max_video_streams": True}, "payload.max_video_streams"),
        ({"codecs": {"h264": True}}, "payload.codecs.h265"),
        ({"codecs": {**CODECS, "vp9": True}}, "payload.codecs.vp9"),
        ({"codecs": {**CODECS, "av1": "yes"}}, "payload.codecs.av1"),
        ({"codecs": None}, "payload.codecs"),
        ({"box": "1234"}, "payload.box"),
    ],
)
def test_a_payload_is_read_strictly(changes: dict[str, Any], field: str) -> None:
    assert refused(VENDOR.sign(json.dumps({**GOOD, **changes})))[0] == field


@pytest.mark.parametrize("missing", GOOD)
def test_a_payload_says_everything(missing: str) -> None:
    said = {name: value for name, value in GOOD.items() if name != missing}
    assert refused(VENDOR.sign(json.dumps(said)))[0].startswith(f"payload.{missing}")


@pytest.mark.parametrize("payload", ["", "[]", "null", "{", '{"serial_number": "a", "serial_number": "b"}'])
def test_a_payload_is_one_object(payload: str) -> None:
    assert refused(VENDOR.sign(payload))[0] == "payload"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("this is text!", "not base64"),
        ("Grüße", "not base64"),
        ("QUJD", "no whole JSON"),
        ("QUJ", "cut off"),
        (encoded([1]), "object"),
        ("A" * 20_000, "at most"),
    ],
)
def test_garbage_is_named(text: str, said: str) -> None:
    assert said in refused(text)[1]


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({}, "version"),
        ({"version": 2, "payload": "{}", "signature": "AAAA"}, "version"),
        ({"version": True, "payload": "{}", "signature": "AAAA"}, "version"),
        ({"version": "1", "payload": "{}", "signature": "AAAA"}, "version"),
        ({"version": 1, "signature": "AAAA"}, "payload"),
        ({"version": 1, "payload": {"a": 1}, "signature": "AAAA"}, "payload"),
        ({"version": 1, "payload": "{}"}, "signature"),
        ({"version": 1, "payload": "{}", "signature": "?"}, "signature"),
        ({"version": 1, "payload": "{}", "signature": ""}, "signature"),
        ({"version": 1, "payload": "{}", "signature": "AAAA"}, "signature"),
        ({"version": 1, "payload": "{}", "signature": "AAAA", "more": 1}, "more"),
    ],
)
def test_an_envelope_is_read_strictly(envelope: dict[str, Any], field: str) -> None:
    assert refused(encoded(envelope))[0] == field


WHOLE = VENDOR.sign(json.dumps(GOOD))


@given(st.integers(0, len(WHOLE) - 1))
@example(len(WHOLE) - 1)
@settings(deadline=None)
def test_a_part_of_a_licence_is_refused(length: int) -> None:
    refused(WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1), st.characters(codec="ascii", categories=("L", "N", "P")))
@settings(max_examples=300, deadline=None)
def test_one_other_character_is_no_licence_or_the_same_one(at: int, letter: str) -> None:
    """Base64 and JSON allow a few spellings of the same: whatever is taken says exactly what was signed."""
    text = WHOLE[:at] + letter + WHOLE[at + 1 :]
    try:
        assert vendor.read(text, KEY) == TERMS
    except Refusal as refusal:
        assert refusal.details and refusal.code == "VALIDATION_ERROR"  # noqa: PT017, PT018  either way is right


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_anything_at_all_is_refused(data: bytes) -> None:
    refused(data.decode("latin-1"))
    refused(base64.b64encode(data).decode() + "A" if not data else base64.b64encode(data).decode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(GOOD)), JSON, max_size=2))
@settings(max_examples=200, deadline=None)
def test_whatever_the_vendor_signs_is_read_as_it_stands_or_refused(changes: dict[str, Any]) -> None:
    said = {**GOOD, **changes}
    try:
        terms = vendor.read(VENDOR.sign(json.dumps(said)), KEY)
    except Refusal as refusal:
        assert refusal.details[0].field.startswith("payload")  # noqa: PT017  either way is right
        return
    assert terms.serial_number == said["serial_number"]
    assert terms.most == said["max_video_streams"]


# Keys


def test_a_key_is_text_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "vendor.pub.pem"
    path.write_text(VENDOR.pem)
    for given_as in (VENDOR.pem, str(path)):
        assert vendor.load_key(given_as).public_numbers() == KEY.public_numbers()


def _public(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/nowhere/key.pem", "cannot read /nowhere/key.pem: No such file"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no public key in PEM form"),
        (_public(ec.generate_private_key(ec.SECP384R1())), "no key of the curve P-256"),
        (_public(rsa.generate_private_key(65537, 2048)), "no key of the curve P-256"),
        (
            VENDOR.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "this is a private key",
        ),
    ],
)
def test_what_is_no_key_is_named(text: str, said: str) -> None:
    with pytest.raises(vendor.BadKey, match=said):
        vendor.load_key(text)
