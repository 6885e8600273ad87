"""What the box is set to: kept in the store, answered whole, changed in parts (API.md, Endpoints: settings).

Only what somebody set is stored, so a default that a later version changes is followed; and what an earlier or later
version stored and this one does not know, stays where it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from flexclient.models import ErrorCode, FieldError, InvalidDocument, Settings, check
from flexserver.errors import Refusal, invalid
from flexserver.events import Hub
from flexserver.store import Store

FACT = "settings"
FIELDS = tuple(Settings.model_fields)

log = logging.getLogger(__name__)


class BoxSettings:
    """`box.settings`. Read it at any time; `changed` are called on the loop, after a change is durable."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store, self._hub = store, hub
        self._stored = _restored(store.facts().get(FACT))
        self._turn = asyncio.Lock()
        self.now: Settings = _usable(self._stored)
        """The settings as they are, defaults filled in."""
        self.changed: list[Callable[[Settings], None]] = []
        """Who wants to know of a change. What one of them raises is logged, and keeps nobody else from it."""

    @property
    def etag(self) -> str:
        """Names this version. There is no secret in it that a hash could tell."""
        return f'"{hashlib.sha256(document(self.now)).hexdigest()[:16]}"'

    async def update(self, body: Mapping[str, Any], if_match: str | None = None) -> Settings:
        """Change what `body` names, null for the default; the settings as they are then.

        Raises `Refusal`: 400 that names the field, 412 where `if_match` is of another version, 507. Then nothing has
        changed.
        """
        async with self._turn:
            stored = merged(self._stored, body)
            self._check_version(if_match)  # asked last: what fails anyway fails for its own reason (RFC 9110, 13.2.1)
            if stored != self._stored:
                await self._store.put(FACT, json.dumps(stored))
            before, self._stored, self.now = self.now, stored, _usable(stored)
            if self.now != before:
                self._tell()
            return self.now

    def _check_version(self, if_match: str | None) -> None:
        tags = [tag.strip() for tag in (if_match or "*").split(",")]
        if "*" not in tags and self.etag not in tags:
            hint = "Read them again, look at what changed, and send the change with the new ETag."
            raise Refusal(ErrorCode.PRECONDITION_FAILED, "the settings were changed since you read them", hint)

    def _tell(self) -> None:
        self._hub.publish("settings_changed", document(self.now))
        for listener in self.changed:
            try:
                listener(self.now)
            except Exception:
                log.exception("a part did not take the new settings")


def document(settings: Settings) -> bytes:
    """All settings as JSON; what is not set and has no default is left out."""
    return settings.model_dump_json(exclude_none=True).encode()


def merged(stored: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored after a PUT. Raises `Refusal` (400) that names every faulty field."""
    # A null has no value to check, but its name is checked: of an unknown field it stays, and is refused.
    said = {name: value for name, value in body.items() if value is not None or name not in FIELDS}
    if faults := _faults(said):
        raise invalid(*faults)
    return {name: value for name, value in {**stored, **body}.items() if value is not None or name not in FIELDS}


def _restored(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _usable(stored: Mapping[str, Any]) -> Settings:
    """The settings out of what is stored. A value that this version cannot use counts as not set, and stays stored."""
    known = {name: value for name, value in stored.items() if name in FIELDS}
    while faults := _faults(known):
        for fault in faults:
            said = {"setting": fault.field, "why": fault.message}
            log.warning("a stored setting is not used", extra={"fields": said})
            known.pop(fault.field.partition(".")[0], None)
    return Settings.model_validate({**Settings().model_dump(), **known})


def _faults(known: Mapping[str, Any]) -> tuple[FieldError, ...]:
    try:
        check(Settings, json.dumps(known))
    except InvalidDocument as error:
        return error.details
    return ()
