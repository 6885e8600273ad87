"""The licence through the SDK, both clients, against the box in memory."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from flexclient import errors
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side

PAYLOAD = {
    "serial_number": "F-1",
    "expiration_date": "2030-01-01T00:00:00Z",
    "max_video_streams": 2,
    "codecs": {"h264": True, "h265": True, "av1": False},
}
LICENSE = base64.b64encode(json.dumps({"version": 1, "payload": json.dumps(PAYLOAD), "signature": ""}).encode())


def test_install_read_remove(side: Side) -> None:
    box = FakeFlex()
    client = side.client(transport=box)
    free = side.do(client.license.get())
    assert (free.licensed, free.max_video_streams, free.codecs.av1) == (True, None, True)
    made = side.do(client.license.install(LICENSE.decode() + "\n"))
    assert (made.serial_number, made.max_video_streams) == ("F-1", 2)
    assert (made.codecs.h265, made.codecs.av1) == (True, False)
    assert made.expiration_date == datetime(2030, 1, 1, tzinfo=UTC)
    assert box.requests[-1].headers["content-type"].startswith("text/plain")
    assert side.do(client.license.get()) == made
    assert side.do(client.license.remove()).serial_number is None


@pytest.mark.parametrize("text", ["", "garbage", LICENSE.decode()[:-8]])
def test_what_is_no_licence_is_refused(side: Side, text: str) -> None:
    client = side.client(transport=FakeFlex())
    with pytest.raises(errors.ValidationError_):
        side.do(client.license.install(text))
    assert side.do(client.license.get()).serial_number is None
