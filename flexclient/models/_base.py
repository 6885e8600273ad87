"""What every model shares: frozen, unknown fields kept, enums that stay open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from flexclient._log import mask_text
from flexclient._values import UNSET, OpenEnum, Unset

__all__ = ["UNSET", "Model", "OpenEnum", "Unset"]


class Model(BaseModel):
    """A document of the API.

    Reading is lenient: a field this version does not know is kept (`model_extra`), so a newer box is no error and a
    document that is read, changed and written back loses nothing. Writing is strict where the box reads it: `check`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        defer_build=True,
        hide_input_in_errors=True,
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What a repr shows: everything but passwords inside addresses."""
        for name, value in super().__repr_args__():
            yield name, mask_text(value) if isinstance(value, str) and "://" in value else value

    def body(self) -> dict[str, Any]:
        """The JSON body that says exactly what was set: absent fields stay absent, `None` becomes `null`."""
        return self.model_dump(mode="json", exclude_unset=True, context={"secrets": True})
