"""Devices that ALSA captures from, as libasound itself says: its cards, and what a configuration adds to them.

A card's device is `hw:CARD,DEVICE`. A software device of an ALSA configuration (a network microphone, a mix, a file) is
there under its own name when it opens for capture; it belongs to no card, so its `card` is -1.
"""

from __future__ import annotations

import contextlib
import ctypes as c
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_CAPTURE = 1
_NONBLOCK = 1
_HANDLER = c.CFUNCTYPE(None, c.c_char_p, c.c_int, c.c_char_p, c.c_int, c.c_char_p)
_NO_DEVICES = frozenset(
    {"null", "default", "sysdefault", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "oss"}
)
"""What ALSA's own configuration names beside devices: converters, and second names of what is listed anyhow."""
_PROC = Path("/proc/asound/pcm")
_LINE = re.compile(r"(\d+)-(\d+): (.*?) : (.*?) :.*\bcapture \d+")
"""`01-00: USB Audio : USB Audio : capture 1`."""


class Alsa:
    """libasound, as far as it is needed. Methods that return an int return a negative error number where it failed."""

    def __init__(self) -> None:
        """Loads it. Raises OSError where it is not installed."""
        self._lib = c.CDLL("libasound.so.2")
        for name in ("snd_ctl_card_info_get_name", "snd_pcm_info_get_name", "snd_device_name_get_hint"):
            getattr(self._lib, name).restype = c.c_void_p
        self._silent = _HANDLER(lambda *_: None)
        """Kept: the library calls it for everything that it would complain about on stderr."""
        self._lib.snd_lib_error_set_handler(self._silent)

    def cards(self) -> Iterator[int]:
        """The numbers of the cards."""
        number = c.c_int(-1)
        while self._lib.snd_card_next(c.byref(number)) == 0 and number.value >= 0:
            yield number.value

    def hardware(self, card: int) -> Iterator[dict[str, Any]]:
        """The capture devices of a card; none where it may not be asked."""
        control = c.c_void_p()
        if self._lib.snd_ctl_open(c.byref(control), b"hw:%d" % card, _NONBLOCK) < 0:
            return
        try:
            name = self._card_name(control)
            number = c.c_int(-1)
            while self._lib.snd_ctl_pcm_next_device(control, c.byref(number)) == 0 and number.value >= 0:
                title = self._pcm_name(control, number.value)
                if title is not None:
                    yield device(card, number.value, title, name)
        finally:
            self._lib.snd_ctl_close(control)

    def software(self) -> Iterator[dict[str, Any]]:
        """What the configuration names, belongs to no card, and opens for capture."""
        hints = c.POINTER(c.c_void_p)()
        if self._lib.snd_device_name_hint(-1, b"pcm", c.byref(hints)) < 0:
            return
        for hint in _until_null(hints):
            name, direction = self._hint(hint, b"NAME") or "", self._hint(hint, b"IOID")
            if ":" in name or name in _NO_DEVICES or direction == "Output" or not self._opens(name):
                continue
            title = (self._hint(hint, b"DESC") or name).replace("\n", ", ")
            yield {"device": name, "name": title, "card_name": "", "card": -1, "subdevice": 0}
        self._lib.snd_device_name_free_hint(hints)

    def _card_name(self, control: c.c_void_p) -> str:
        info = c.c_void_p()
        self._lib.snd_ctl_card_info_malloc(c.byref(info))
        try:
            good = self._lib.snd_ctl_card_info(control, info) >= 0
            return _text(self._lib.snd_ctl_card_info_get_name(info)) if good else ""
        finally:
            self._lib.snd_ctl_card_info_free(info)

    def _pcm_name(self, control: c.c_void_p, number: int) -> str | None:
        """What a device is called; None where it does not capture."""
        info = c.c_void_p()
        self._lib.snd_pcm_info_malloc(c.byref(info))
        try:
            self._lib.snd_pcm_info_set_device(info, c.c_uint(number))
            self._lib.snd_pcm_info_set_subdevice(info, c.c_uint(0))
            self._lib.snd_pcm_info_set_stream(info, c.c_int(_CAPTURE))
            good = self._lib.snd_ctl_pcm_info(control, info) >= 0
            return _text(self._lib.snd_pcm_info_get_name(info)) if good else None
        finally:
            self._lib.snd_pcm_info_free(info)

    def _hint(self, hint: c.c_void_p, field: bytes) -> str | None:
        found = self._lib.snd_device_name_get_hint(hint, field)
        if not found:
            return None
        text = _text(found)
        c.CDLL(None).free(c.c_void_p(found))
        return text

    def _opens(self, name: str) -> bool:
        pcm = c.c_void_p()
        if self._lib.snd_pcm_open(c.byref(pcm), name.encode(), _CAPTURE, _NONBLOCK) < 0:
            return False
        self._lib.snd_pcm_close(pcm)
        return True


def listing() -> dict[str, Any]:
    """`{"devices": [...], "problem": ...}`: the problem says what ALSA did not list and the kernel knows, and why."""
    try:
        alsa = Alsa()
    except OSError:
        found: list[dict[str, Any]] = []
        problem = "libasound2 is not installed"
    else:
        found = [one for card in alsa.cards() for one in alsa.hardware(card)]
        problem = "the box's user has to be in the group 'audio'"
        found += sorted(alsa.software(), key=lambda one: str(one["device"]))
    known = {one["device"] for one in found}
    missing = [one for one in kernel(_read(_PROC)) if one not in known]
    return {"devices": found, "problem": f"{', '.join(missing)} cannot be used: {problem}" if missing else None}


def kernel(text: str) -> list[str]:
    """The capture devices in `/proc/asound/pcm`, to hold against what ALSA lists."""
    return [f"hw:{int(match[1])},{int(match[2])}" for line in text.splitlines() if (match := _LINE.match(line))]


def device(card: int, number: int, name: str, card_name: str) -> dict[str, Any]:
    """One capture device of a card, as the API has it."""
    return {
        "device": f"hw:{card},{number}",
        "name": name or card_name,
        "card_name": card_name,
        "card": card,
        "subdevice": number,
    }


def _until_null(hints: Any) -> Iterator[c.c_void_p]:
    index = 0
    while hints[index]:
        yield c.c_void_p(hints[index])
        index += 1


def _text(pointer: int) -> str:
    return c.string_at(pointer).decode(errors="replace").strip() if pointer else ""


def _read(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(errors="replace")
    return ""
