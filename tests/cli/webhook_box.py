"""A box in memory whose ids, times and secrets are always the same."""

from __future__ import annotations

import itertools

import pytest

from flexclient import FlexClient
from flexclient.testing import FakeFlex

OPEN = {"webhook_allowed_networks": ["127.0.0.0/8"]}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeFlex:
    """The box that flexctl talks to."""
    for name in ("routes", "webhook"):
        monkeypatch.setattr(f"flexclient._fake.{name}._numbers", itertools.count(1))
    monkeypatch.setattr("flexclient._fake.webhook.now", lambda: "2026-11-01T12:00:00Z")
    monkeypatch.setattr("flexclient._fake.webhook.secrets.token_bytes", lambda count: b"A" * count)
    box = FakeFlex()
    monkeypatch.setattr("flexctl.state.connect", lambda **given: FlexClient(transport=box, **given))
    return box
