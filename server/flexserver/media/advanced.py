"""Advanced mode: the one place that reads a launch line, in the worker only.

The line is parsed and looked at in state NULL: nothing of it has run, opened or connected yet. Then every element, also
inside bins, must be of an allowed factory and must not name a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flexserver.media import build
from flexserver.media.build import BuildError
from flexserver.media.elements import Graph
from flexserver.media.gst import GLib, Gst

NAME = "line"
_FILES = frozenset({"multipass-cache-file", "option-string", "stats-file", "filename", "dump-location"})
"""Properties by which an allowed element could still reach a file."""


def add(pipeline: Any, line: str, allowed: tuple[str, ...], first: str) -> None:
    """Put the line's elements into the pipeline and link its open pad to the element `first`. Raises BuildError."""
    bin_ = _parse(line)
    for element in _elements(bin_):
        _check(element, frozenset(allowed))
    _without_payloader(bin_)
    pad = bin_.find_unlinked_pad(Gst.PadDirection.SRC)
    if pad is None:
        raise BuildError("the launch line must leave one source pad open, which gives the encoded video")
    bin_.add_pad(Gst.GhostPad.new("src", pad))
    pipeline.add(bin_)
    if not bin_.link(pipeline.get_by_name(first)):
        raise BuildError(f"what the launch line gives is not what the encoding says: {_caps_of(pad)}")


def check(graph: Graph) -> None:
    """Build the graph as a worker does, and throw it away: nothing of it runs. Raises BuildError."""
    pipeline = build.pipeline(graph)
    if graph.line is not None:
        add(pipeline, graph.line, graph.allowed, graph.elements[0].name)


def _parse(line: str) -> Any:
    try:
        bin_ = Gst.parse_bin_from_description_full(line, False, None, Gst.ParseFlags.FATAL_ERRORS)
    except GLib.Error as error:
        raise BuildError(f"the launch line cannot be read: {error.message}") from None
    if bin_ is None:
        raise BuildError("the launch line is empty")
    bin_.set_name(NAME)
    return bin_


def _without_payloader(bin_: Any) -> None:
    """A line made for an RTSP server ends in `rtph264pay name=pay0`: the front has its own."""
    if (payloader := bin_.get_by_name("pay0")) is not None:
        sink = payloader.get_static_pad("sink")
        if (peer := sink.get_peer()) is not None:
            peer.unlink(sink)
        bin_.remove(payloader)


def _elements(bin_: Any) -> Iterator[Any]:
    found = bin_.iterate_recurse()
    while True:
        result, element = found.next()
        if result != Gst.IteratorResult.OK:
            return
        yield element


def _check(element: Any, allowed: frozenset[str]) -> None:
    factory = element.get_factory()
    name = factory.get_name() if factory else type(element).__name__
    if name == "bin":
        return
    if name not in allowed:
        raise BuildError(f"element '{name}' is not allowed on this box")
    for spec in element.list_properties():
        if spec.name in _FILES and element.get_property(spec.name) != spec.default_value:
            raise BuildError(f"property '{spec.name}' of '{name}' is not allowed on this box")


def _caps_of(pad: Any) -> str:
    return str(pad.query_caps(None).to_string())[:200]
