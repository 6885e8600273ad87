"""Saved boxes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flexctl.contexts import Box
from flexctl.out.human import moment
from flexctl.views.view import Column, Field, Part, View


@dataclass(frozen=True, slots=True)
class Saved:
    """A context, and what is kept for it. Nothing of it is secret."""

    name: str
    box: Box
    current: bool
    token_in: str | None = None
    """`keyring`, `file` or `token_command`."""
    expires_at: datetime | None = None
    renews: bool = False

    @property
    def trust(self) -> str:
        """Whom it trusts: `pin`, `ca_file`, `system`, or `none` of an address without TLS."""
        if not self.box.url.startswith("https://"):
            return "none"
        return "pin" if self.box.fingerprint else "ca_file" if self.box.ca_file else "system"

    @property
    def program(self) -> str | None:
        """The program of its token_command: the arguments may tell more than others should see."""
        return (self.box.token_command or "").split(" ", 1)[0] or None


_TRUST = {
    "pin": "the pinned certificate alone",
    "ca_file": "what the CA file has signed",
    "system": "whom this machine trusts",
    "none": "anybody: the address has no TLS",
}


def _details(saved: Saved) -> list[Part]:
    fields = [
        Field("Context", saved.name),
        Field("Current", True if saved.current else None, "bool"),
        Field("Box", saved.box.url),
        Field("Trusts", _TRUST[saved.trust]),
        Field("Fingerprint", saved.box.fingerprint),
        Field("CA file", saved.box.ca_file),
        Field("Read-only", True if saved.box.read_only else None, "bool"),
        Field("Token in", saved.token_in),
        Field("Program", saved.program),
        Field("Ends", saved.expires_at),
        Field("Then", "logs in again by itself" if saved.renews else None),
    ]
    return [Part("", tuple(field for field in fields if field.value is not None))]


def _data(saved: Saved) -> dict[str, Any]:
    known = {
        "name": saved.name,
        "current": saved.current,
        "url": saved.box.url,
        "trust": saved.trust,
        "fingerprint": saved.box.fingerprint,
        "ca_file": saved.box.ca_file,
        "read_only": saved.box.read_only,
        "token_in": saved.token_in,
        "token_program": saved.program,
        "expires_at": moment(saved.expires_at) if saved.expires_at else None,
        "renews": saved.renews or None,
    }
    return {name: value for name, value in known.items() if value is not None}


CONTEXT: View[Saved] = View(
    columns=(
        Column("current", "CURRENT", lambda s: s.current, shown=lambda s: "*" if s.current else " "),
        Column("name", "NAME", lambda s: s.name),
        Column("url", "BOX", lambda s: s.box.url, least=20),
        Column("trust", "TRUST", lambda s: s.trust, priority=1),
        Column("token_in", "TOKEN IN", lambda s: s.token_in, priority=2),
        Column("read_only", "READ-ONLY", lambda s: s.box.read_only, "bool", priority=3),
        Column("expires_at", "ENDS", lambda s: s.expires_at, wide=True),
        Column("fingerprint", "FINGERPRINT", lambda s: s.box.fingerprint, wide=True),
    ),
    details=_details,
    name=lambda s: s.name,
    data=_data,
)
