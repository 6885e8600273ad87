"""The fake box's settings. In memory, no I/O."""

from __future__ import annotations

import hashlib
from typing import Any

from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen, dumps, parsed
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, InvalidDocument, Settings, check


def _all(box: FakeBox) -> dict[str, Any]:
    return Settings.model_validate(box.settings).model_dump(mode="json", exclude_none=True)


def _etag(box: FakeBox) -> str:
    return f'"{hashlib.sha256(dumps(_all(box))).hexdigest()[:16]}"'


def _answer(box: FakeBox) -> FakeAnswer:
    return json_answer(_all(box)) if box.plain else json_answer(_all(box), etag=_etag(box))


def _get(box: FakeBox, seen: Seen) -> FakeAnswer:
    if not box.plain and seen.headers.get("if-none-match") == _etag(box):
        return FakeAnswer(304, {"etag": _etag(box)})
    return _answer(box)


def _update(box: FakeBox, seen: Seen) -> FakeAnswer:
    changes, fields = parsed(seen), Settings.model_fields
    if not box.plain and seen.headers.get("if-match") not in {None, "*", _etag(box)}:
        message = "the settings were changed since they were read"
        raise Refusal(ErrorCode.PRECONDITION_FAILED, message, hint="Read them again.")
    if isinstance(changes, dict):
        nulls = {name for name, value in changes.items() if value is None and name in fields}
        changes = {name: value for name, value in changes.items() if name not in nulls}
        kept = {name: value for name, value in box.settings.items() if name not in nulls}
    else:
        kept = {}
    try:
        check(Settings, dumps(changes))
    except InvalidDocument as fault:
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the settings are not valid", details=fault.details) from None
    before, box.settings = _all(box), {**kept, **changes}
    if not box.plain and _all(box) != before:
        box.ring.tell("settings_changed", _all(box))
    return _answer(box)


ROUTES = (Route("GET", "/flex/settings", _get), Route("PUT", "/flex/settings", _update))
