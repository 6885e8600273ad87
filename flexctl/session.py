"""The stored session of a run: its token when it is needed, and another login where the password was kept for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flexctl import secrets
from flexctl.folder import locked

if TYPE_CHECKING:
    from flexclient.models import Session


@dataclass(slots=True)
class StoredToken:
    """What the client asks for a token: before its first request, and again where the box has refused it."""

    account: str
    log_in: Callable[[str], Session] = field(repr=False)
    warn: Callable[[str, str], None] = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    lost: bool = False
    """Whether there is a token that could not be read."""
    _shown: str = field(default="", repr=False)

    def __call__(self) -> str:
        """The token; empty where there is none."""
        try:
            return self._fetched()
        except secrets.NoKeyring as error:
            self.warn(f"the token of your session cannot be read: {error}", "going on without it")
            self.lost = True
            return ""

    def _fetched(self) -> str:
        note = secrets.noted(self.account)
        if note and not self._shown and not note.ended(self.clock()):
            self._shown = secrets.token_of(note) or ""
            if self._shown:
                return self._shown
        if note and note.password:
            self._shown = self._renewed()
        return self._shown

    def _renewed(self) -> str:
        """A token of another login. Of several flexctls that notice the end at once, one logs in for all."""
        with locked(secrets.note_file(self.account)):
            note = secrets.noted(self.account)
            if note is None:  # somebody has logged out meanwhile
                return ""
            token = "" if note.ended(self.clock()) else secrets.token_of(note)
            if token and token != self._shown:
                return token
            return self._logged_in(note, secrets.password_of(note) or "")

    def _logged_in(self, note: secrets.Note, password: str) -> str:
        from flexclient.errors import Unauthorized

        if not password:
            return self._shown
        try:
            session = self.log_in(password)
        except Unauthorized:
            secrets.forget_password(note)
            self.warn("the password that was stored is not good any more, and is forgotten", "flexctl auth login")
            return ""
        token = session.token.get_secret_value()
        try:
            secrets.keep(self.account, token, session.expires_at, in_file=False, password=password)
        except (secrets.NoKeyring, OSError) as error:
            self.warn(f"the token of a new session cannot be kept: {error}", "going on with it")
        return token
