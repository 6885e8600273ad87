"""Small values that everything uses. No pydantic here: a call that reads no document waits for no model."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

STARS = "**********"


class Unset:
    """The type of `UNSET`: an argument that was not given. `None` is a value of its own: JSON `null`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # there is one, in another process too

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


class OpenEnum(StrEnum):
    """Named values, and any other text a newer box may send: `State("warming")` is a State that is not `known`."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[str]]:
        # By its value: a newer box's has no name here.
        return type(self), (self._value_,)

    @property
    def known(self) -> bool:
        """Whether this version of the contract names the value."""
        return self._value_ in type(self)._value2member_map_


class Secret:
    """A text that shows as stars wherever it is shown."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself; named as pydantic's `SecretStr` names it, which is taken wherever this is."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({STARS!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
