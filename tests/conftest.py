"""Fixtures of the whole suite."""

from tests.support.fixtures import box, box_factory

__all__ = ["box", "box_factory"]
