"""Numbered programs and manifests that show the toolkit; every one runs in the tests."""
