from __future__ import annotations

from tests.server.conftest import fake_boxes

__all__ = ["fake_boxes"]
