"""What the box is licensed for (API.md, Licence): kept in the store, judged by the vendor's key, ended by the clock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from flexclient.models import Codec, License, LicensedCodecs
from flexserver import vendor
from flexserver.errors import Refusal, conflict, invalid_field
from flexserver.pipelines.seats import UNLOCKED, Grant
from flexserver.store import Store
from flexserver.vendor import Terms

FACT = "license"
LOOK = 1.0
"""Seconds between two looks at the clock."""
FREE_CODECS = frozenset({Codec.H264.value})
FREE_STREAMS = 1

log = logging.getLogger(__name__)


class Licensing:
    """`box.license`. Without a vendor's key everything is allowed, and no licence can be read."""

    def __init__(self, store: Store, key: EllipticCurvePublicKey | None) -> None:
        self._store, self._key = store, key
        self._terms: Terms | None = None
        self._why = "there is no licence"
        self.changed: list[Callable[[], None]] = []
        """Called on the loop when something else is allowed than before."""
        self._restore(store.facts().get(FACT))

    @property
    def now(self) -> License:
        """What holds, as it is answered."""
        grant, terms = self.grant(), self._terms
        codecs = {codec.value: grant.allows(codec) for codec in Codec}
        said = {
            "licensed": self._key is None or self._valid(),
            "serial_number": terms.serial_number if terms else None,
            "expiration_date": terms.expires if terms else None,
            "max_video_streams": grant.most,
            "codecs": LicensedCodecs.model_validate(codecs),
            "reason": None if self._key is None or self._valid() else self._reason(),
        }
        return License.model_validate(said)

    def grant(self) -> Grant:
        """What may be encoded now."""
        if self._key is None:
            return UNLOCKED
        if self._terms and self._valid():
            return Grant(self._terms.codecs, self._terms.most, f"the licence {self._terms.serial_number} allows")
        return Grant(FREE_CODECS, FREE_STREAMS, f"{self._reason()}, and without one the box allows")

    async def install(self, text: str) -> License:
        """Put this licence in the place of any other.

        Raises `Refusal`: 400 that says what is wrong with it, 409 on a box that needs none, 507. Then nothing has
        changed.
        """
        if self._key is None:
            hint = "A box that is started with --license-public-key takes licences of that vendor."
            raise conflict("this box has no vendor's key: it is not limited, and cannot read a licence", hint)
        terms = vendor.read(text, self._key)
        if terms.expired(datetime.now(UTC)):
            message = f"the licence {terms.serial_number} expired {_on(terms)}"
            raise invalid_field("payload.expiration_date", message, "Ask the vendor for a new one.")
        await self._store.put(FACT, json.dumps(text.strip()))
        self._terms = terms
        log.info("a licence was installed", extra={"fields": {"serial_number": terms.serial_number}})
        self._tell()
        return self.now

    async def remove(self) -> License:
        """Remove the licence, if there is one. Raises `Refusal` (507)."""
        if self._store.facts().get(FACT) is not None:
            await self._store.put(FACT, None)
        self._terms, self._why = None, "there is no licence"
        self._tell()
        return self.now

    async def watch(self) -> None:
        """Notice when the licence ends, for ever. The clock is looked at: it may be set while the box runs."""
        terms, was_valid = self._terms, self._valid()
        while True:
            await asyncio.sleep(LOOK)
            if self._terms is terms and self._valid() != was_valid:
                log.warning("the clock has changed what is licensed", extra={"fields": {"now": self.grant().says}})
                self._tell()
            terms, was_valid = self._terms, self._valid()

    def _restore(self, stored: str | None) -> None:
        if self._key is None or stored is None:
            return
        try:
            self._terms = vendor.read(str(json.loads(stored)), self._key)
        except Refusal as refusal:
            self._why = "the stored licence is not valid for this box"
            log.error("the stored licence is not used", extra={"fields": {"why": refusal.message}})

    def _valid(self) -> bool:
        return self._terms is not None and not self._terms.expired(datetime.now(UTC))

    def _reason(self) -> str:
        return f"the licence {self._terms.serial_number} expired {_on(self._terms)}" if self._terms else self._why

    def _tell(self) -> None:
        for listener in self.changed:
            listener()


def _on(terms: Terms) -> str:
    return f"on {terms.expires:%Y-%m-%d} at {terms.expires:%H:%M:%S} UTC" if terms.expires else "never"
