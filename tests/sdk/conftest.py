"""The SDK's tests: each one that talks runs against the blocking and the asynchronous client.

FLEX_TEST_HTTPX2=1 (with `-p no:respx`, whose plugin imports httpx before any conftest) puts httpx2 in httpx's place.
"""

from __future__ import annotations

import os
import sys

if os.environ.get("FLEX_TEST_HTTPX2"):
    import httpx2

    if "httpx" in sys.modules and sys.modules["httpx"] is not httpx2:
        raise RuntimeError("httpx was imported already: run with -p no:respx")
    httpx2.alias_httpx()

from collections.abc import Iterator

import pytest

from flexclient.testing import FakeFlex
from tests.sdk.harness import AsyncSide, Side, SyncSide


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("FLEX_") and name != "FLEX_TEST_HTTPX2"]:
        monkeypatch.delenv(name)


@pytest.fixture(params=[SyncSide, AsyncSide], ids=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    with request.param() as side:
        yield side


@pytest.fixture
def box() -> FakeFlex:
    return FakeFlex()
