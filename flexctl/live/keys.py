"""What a terminal sends for the keys of its keyboard, as names of keys. Pure."""

from __future__ import annotations

import codecs
import re

_NAMED = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1b[C": "right",
    "\x1b[D": "left",
    "\x1b[H": "home",
    "\x1b[F": "end",
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b[7~": "home",
    "\x1b[8~": "end",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x15": "clear",
    "\x02": "page up",
    "\x06": "page down",
    "\x0c": "redraw",
}
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~]|[^\[O])|\x1b\[[0-?]*[ -/]*$|\x1bO?$|[^\x1b]", re.DOTALL)


class Keys:
    """Turns what comes from a terminal into keys: `up`, `enter`, `esc`, or the character itself."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""

    @property
    def pending(self) -> bool:
        """Whether a sequence has begun and may go on."""
        return bool(self._rest)

    def read(self, data: bytes) -> list[str]:
        """The keys that are complete. A sequence that means no key of ours is none."""
        text, self._rest = self._rest + self._decode(data), ""
        keys = []
        for found in _SEQUENCE.finditer(text):
            part = found[0]
            if part.startswith("\x1b") and found.end() == len(text) and _unfinished(part):
                self._rest = part
                break
            keys.append(_name(part))
        return [key for key in keys if key]

    def settled(self) -> list[str]:
        """Nothing more came: an escape character that began nothing was the key Esc."""
        rest, self._rest = self._rest, ""
        return ["esc"] if rest else []


def _unfinished(part: str) -> bool:
    return part in {"\x1b", "\x1b[", "\x1bO"} or (part.startswith("\x1b[") and not "@" <= part[-1] <= "~")


def _name(part: str) -> str:
    part = "\x1b[" + part[2:] if part.startswith("\x1bO") else part
    return _NAMED.get(part) or (part if part.isprintable() else "")
