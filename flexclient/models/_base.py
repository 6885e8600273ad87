"""What every model shares: frozen, unknown fields kept, enums that stay open."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict

from flexclient._log import mask_text


class Unset:
    """The type of `UNSET`: an argument that was not given. `None` is a value of its own: JSON `null`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


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


class OpenEnum(StrEnum):
    """Named values, and any other text a newer box may send: `State("warming")` is a State that is not `known`."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """Whether this version of the contract names the value."""
        return self._value_ in type(self)._value2member_map_
