"""The one place where a graph becomes real: elements by their factory, properties, links."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flexserver.media.elements import Element, Graph, Link, Value
from flexserver.media.gst import GLib, Gst

FAULT = "flex-fault"
"""Domain of errors whose message is already a sentence for people."""


class BuildError(Exception):
    """The graph can never work on this box. The message is for people."""


def pipeline(graph: Graph) -> Any:
    """A pipeline of the graph's elements, still in NULL. Raises BuildError."""
    made = Gst.Pipeline.new("pipeline")
    add(made, graph.elements)
    join(made, graph.links)
    return made


def add(bin_: Any, elements: Iterable[Element]) -> None:
    """Make the elements and put them into the bin. Raises BuildError."""
    for element in elements:
        bin_.add(_make(element))


def join(bin_: Any, links: Iterable[Link]) -> None:
    """Link elements of the bin. A pad that appears later is linked when it does. Raises BuildError."""
    for link in links:
        source, target = bin_.get_by_name(link.source), bin_.get_by_name(link.target)
        if link.accept is not None:
            _join_later(bin_, source, target, Gst.Caps.from_string(link.accept))
        elif not source.link(target):
            raise BuildError(f"{link.source} and {link.target} cannot be linked")


def set_property(made: Any, name: str, value: Value) -> None:
    """Set one property. Text for a property that is no text (an enum, caps) is read the way GStreamer writes it."""
    spec = made.find_property(name)
    if spec is None:
        raise BuildError(f"{made.get_name()} has no property '{name}'")
    if isinstance(value, str) and spec.value_type.name != "gchararray":
        Gst.util_set_object_arg(made, name, value)
    else:
        made.set_property(name, value)


def fault(message: str) -> Any:
    """An error for the bus whose message is a sentence of ours."""
    return GLib.Error.new_literal(GLib.quark_from_string(FAULT), message, 0)


def _make(element: Element) -> Any:
    made = Gst.ElementFactory.make(element.factory, element.name)
    if made is None:
        raise BuildError(f"GStreamer on this box has no element '{element.factory}'")
    for name, value in element.properties:
        set_property(made, name, value)
    return made


def _join_later(bin_: Any, source: Any, target: Any, accept: Any) -> None:
    """Link the first pad that meets `accept`. All others end in sinks: a demuxer stops when one is not linked."""

    def appeared(_: Any, pad: Any) -> None:
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        sink = target.get_static_pad("sink")
        caps = pad.get_current_caps() or pad.query_caps(None)
        if not sink.is_linked() and caps.can_intersect(accept):
            pad.link(sink)
        else:
            _drain(bin_, pad)

    source.connect("pad-added", appeared)


def _drain(bin_: Any, pad: Any) -> None:
    sink = Gst.ElementFactory.make("fakesink")
    sink.set_property("sync", False)
    sink.set_property("async", False)
    bin_.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad("sink"))
