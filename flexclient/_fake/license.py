"""The fake box's licence: fully unlocked until one is installed, whose signature nobody checks. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

import base64
import json
from typing import Any

from pydantic import ValidationError

from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen
from flexclient._fake.route import Route, json_answer
from flexclient.models import Codec, ErrorCode, License

UNLOCKED = {"licensed": True, "codecs": {codec.value: True for codec in Codec}}


def _get(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer(box.license or UNLOCKED)


def _install(box: FakeBox, seen: Seen) -> FakeAnswer:
    box.license = _terms(seen.body)
    return _get(box, seen)


def _terms(text: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(base64.b64decode(b"".join(text.split()), validate=True))
        said = {"licensed": True, **json.loads(envelope["payload"])}
        read = License.model_validate(said)
    except (ValueError, KeyError, TypeError, ValidationError):
        raise Refusal(ErrorCode.VALIDATION_ERROR, "this is no licence", hint="Send it as the vendor gave it.") from None
    return read.model_dump(mode="json", exclude_none=True)


def _remove(box: FakeBox, seen: Seen) -> FakeAnswer:
    box.license = None
    return _get(box, seen)


ROUTES = (
    Route("GET", "/flex/licensed", _get),
    Route("POST", "/flex/license", _install, takes=("text/plain",)),
    Route("DELETE", "/flex/license", _remove),
)
