"""What the box is set to (API.md, Endpoints: settings)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient._models import models as m
from flexclient._values import UNSET, Unset


class BoxSettings(Resource[M]):
    """`client.settings`."""

    @endpoint
    def get(self) -> Call[m.Settings]:
        """All settings."""
        return Call("GET", "/flex/settings", lambda: m.Settings)

    @endpoint
    def update(self, changes: m.Settings | Mapping[str, Any], *, if_match: str | Unset = UNSET) -> Call[m.Settings]:
        """Change some settings, those that `changes` names; `None` puts one back. Answers all.

        `if_match`: the `etag` of the reply that was read; raises `PreconditionFailed` where they were changed since.
        Raises `ValidationError_` that names the setting.
        """
        body = dict(changes) if isinstance(changes, Mapping) else changes.body()
        headers = {} if isinstance(if_match, Unset) else {"If-Match": if_match}
        return Call("PUT", "/flex/settings", lambda: m.Settings, json=body, headers=headers)
