"""The fake box's audio devices. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

from flexclient._fake.box import FakeAnswer, FakeBox, Seen
from flexclient._fake.route import Route, json_answer


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer({"devices": box.audio_devices})


ROUTES = (Route("GET", "/flex/audio-devices", _list),)
