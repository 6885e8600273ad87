"""Files: start at the pipeline's time whatever the first timestamp is, and begin again at the end without a break.

At its end a file's elements are replaced by new ones whose pictures continue where the last one ended. That works with
every container, also those that cannot be sought in, and nothing after the source notices.
"""

from __future__ import annotations

from typing import Any

from flexserver.media import build
from flexserver.media.elements import PICTURES, Graph
from flexserver.media.gst import GLib, Gst, running_time

_LAST = "decode"
_STILL = 40_000_000
"""Nanoseconds that a picture without a length of its own is shown."""


class Rewind:
    """Looks after the file elements of one running pipeline."""

    def __init__(self, graph: Graph, pipeline: Any) -> None:
        self._elements = [element for element in graph.elements if element.part == "source"]
        names = {element.name for element in self._elements}
        self._links = [link for link in graph.links if link.source in names]
        self._loop, self._pipeline = graph.loop, pipeline
        self._begin = 0
        self._watch()

    def _watch(self) -> None:
        self._pipeline.get_by_name(_LAST).connect("pad-added", self._decoded)

    def _decoded(self, _: Any, pad: Any) -> None:
        pad.add_probe(Gst.PadProbeType.BLOCK | Gst.PadProbeType.BUFFER, self._align)
        if self._loop:
            pad.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._ended)

    def _align(self, pad: Any, info: Any) -> Any:
        """Shift the file so that its first picture is due now, or right after the last one of the round before."""
        playing = self._pipeline.get_state(0)[1] == Gst.State.PLAYING
        now = self._pipeline.get_clock().get_time() - self._pipeline.get_base_time() if playing else 0
        pad.set_offset(max(now if not self._begin else 0, self._begin) - running_time(pad, info.get_buffer().pts))
        return Gst.PadProbeReturn.REMOVE

    def _ended(self, _: Any, info: Any) -> Any:
        if info.get_event().type != Gst.EventType.EOS:
            return Gst.PadProbeReturn.OK
        GLib.idle_add(self._again)
        return Gst.PadProbeReturn.DROP

    def _again(self) -> bool:
        sample = self._pipeline.get_by_name(PICTURES).get_property("last-sample")
        if sample is None:
            error = build.fault("the file has no picture to begin again with")
            self._pipeline.post_message(Gst.Message.new_error(self._pipeline, error, ""))
            return False
        last = sample.get_buffer()
        length = last.duration if 0 < last.duration < Gst.SECOND else _STILL
        self._begin = sample.get_segment().to_running_time(Gst.Format.TIME, last.pts) + length
        for element in self._elements:
            old = self._pipeline.get_by_name(element.name)
            old.set_state(Gst.State.NULL)
            self._pipeline.remove(old)
        build.add(self._pipeline, self._elements)
        build.join(self._pipeline, self._links)
        self._watch()
        for element in reversed(self._elements):
            self._pipeline.get_by_name(element.name).sync_state_with_parent()
        return False
