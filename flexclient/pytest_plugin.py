"""Fixtures for the tests of programs that use flexclient; pytest finds them by itself once the package is installed.

    def test_my_program(fake_flex, flex_client):
        fake_flex.add({"id": "gate", "source": {"uri": "test://smpte"}})
        my_program(flex_client)
        assert fake_flex.requests[-1].path == "/flex/pipeline/gate/play"

Nothing is imported until a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flexclient import AsyncFlexClient, FlexClient
    from flexclient.testing import FakeFlex

VARIABLES = ("URL", "TOKEN", "API_KEY", "FINGERPRINT", "CA_FILE", "INSECURE", "CONTEXT")


@pytest.fixture
def fake_flex(monkeypatch: pytest.MonkeyPatch) -> FakeFlex:
    """A box in memory, new for each test: `flexclient.testing.FakeFlex`. `FLEX_URL` and the like are not set."""
    for name in VARIABLES:
        monkeypatch.delenv(f"FLEX_{name}", raising=False)
    from flexclient.testing import FakeFlex

    return FakeFlex()


@pytest.fixture
def flex_client(fake_flex: FakeFlex) -> Iterator[FlexClient]:
    """A `FlexClient` of that box, closed at the end of the test."""
    from flexclient import FlexClient

    with FlexClient(transport=fake_flex) as client:
        yield client


@pytest.fixture
def async_flex_client(fake_flex: FakeFlex) -> AsyncFlexClient:
    """An `AsyncFlexClient` of that box, for whichever plugin runs asynchronous tests. It has no connection to close."""
    from flexclient import AsyncFlexClient

    return AsyncFlexClient(transport=fake_flex)
