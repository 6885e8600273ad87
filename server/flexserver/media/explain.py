"""Errors of GStreamer as sentences for people. Pure: quark names and codes in, part and sentence out."""

from __future__ import annotations

_SENTENCES = {
    ("gst-resource-error-quark", 3): "there is nothing at this address",
    ("gst-resource-error-quark", 4): "another program uses it",
    ("gst-resource-error-quark", 5): "it cannot be opened",
    ("gst-resource-error-quark", 6): "the destination cannot be opened",
    ("gst-resource-error-quark", 7): "no connection can be made to it",
    ("gst-resource-error-quark", 9): "reading from it failed",
    ("gst-resource-error-quark", 10): "sending to it failed",
    ("gst-resource-error-quark", 13): "settings are not possible for it",
    ("gst-resource-error-quark", 15): "it refused the user name or password",
    ("gst-stream-error-quark", 4): "no video could be recognised in it",
    ("gst-stream-error-quark", 5): "it is not a video of a known kind",
    ("gst-stream-error-quark", 6): "no decoder is installed for it",
    ("gst-stream-error-quark", 7): "its pictures cannot be decoded",
    ("gst-core-error-quark", 12): "no decoder is installed for it",
}


def sentence(domain: str, code: int, message: str, debug: str | None, element: str, subject: str) -> str:
    """What happened: subject and cause, then the element and GStreamer's own words."""
    cause = _SENTENCES.get((domain, code))
    detail = _detail(debug) or message
    words = f"{subject}: {cause}" if cause else f"{subject} failed"
    return f"{words} ({element}: {detail})"


def _detail(debug: str | None) -> str | None:
    """The last line of GStreamer's debug text, without the file and line of its source code."""
    lines = [line.strip() for line in (debug or "").splitlines() if line.strip()]
    found = [
        line for line in lines if not line.split("(", 1)[0].startswith(("../", "gst")) or " " in line.split("(")[0]
    ]
    return found[-1][:300] if found else None
