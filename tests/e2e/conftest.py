"""A client of the module's box."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flexclient import FlexClient
from tests.support.box import Box


@pytest.fixture
def client(box: Box) -> Iterator[FlexClient]:
    with FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        yield client
