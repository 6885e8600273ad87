"""The NO SIGNAL picture as access units, made with a graph's own encoder so that a cut changes no parameter set."""

from __future__ import annotations

from dataclasses import replace

from flexserver.media import build, fit
from flexserver.media.elements import ENCODER, UNITS, Element, Fit, Graph, Value, caps, chain, with_settings
from flexserver.media.formats import FORMATS
from flexserver.media.gst import Gst, ask_for_key, bytes_of

TEXT = "NO SIGNAL"
_GROUND = 0xFF202428
_COUNT = 2
"""Two, shown in turn: following IDR pictures must carry different ids."""
_LIMIT = 5 * 10**9


def graph_of(live: Graph, width: int, height: int, fps: float) -> Graph:
    """A graph that makes the slate of a live one, with its encoder's settings."""
    encoder = live[ENCODER] if ENCODER in live else Element(FORMATS[live.codec].encoder, ENCODER, _PLAIN)
    shape = caps("video/x-raw", format="I420", width=width, height=height, framerate=f"{max(1, round(fps))}/1")
    elements = (
        _element("videotestsrc", "ground", num_buffers=_COUNT, pattern="solid-color", foreground_color=_GROUND),
        _element("capsfilter", "shape", caps=shape),
        _element(
            "textoverlay", "words", text=TEXT, auto_resize=False, font_desc=f"Sans Bold {max(8, height // 16)}",
            halignment="center", valignment="center",
        ),
        encoder,
        _element("appsink", UNITS, sync=False),
    )  # fmt: skip
    made = Graph(elements, chain(*elements), codec=live.codec, fit=replace(live.fit, font_size=None))
    return with_settings(made, fit.settings(made, width, height, fps))


def plain(codec: str) -> Graph:
    """Stands in for a live graph where there is none yet."""
    return Graph((), (), codec=codec, fit=Fit(preset="veryfast"))


def units(live: Graph, width: int, height: int, fps: float) -> list[bytes]:
    """The slate's access units, each a key unit. Raises BuildError where the encoder makes none."""
    made = build.pipeline(graph_of(live, width, height, fps))
    sink, encoder = made.get_by_name(UNITS), made.get_by_name(ENCODER)

    def force(*_: object) -> object:
        ask_for_key(coded)
        return Gst.PadProbeReturn.OK

    coded = sink.get_static_pad("sink")
    encoder.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, force)
    made.set_state(Gst.State.PLAYING)
    found: list[bytes] = []
    while len(found) < _COUNT and (sample := sink.try_pull_sample(_LIMIT)) is not None:
        buffer = sample.get_buffer()
        if not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT):
            found.append(bytes_of(buffer))
    made.set_state(Gst.State.NULL)
    if not found:
        raise build.BuildError("the encoder makes no picture")
    return found


def _element(factory: str, name: str, **properties: Value) -> Element:
    return Element(factory, name, tuple((key.replace("_", "-"), value) for key, value in properties.items()))


_PLAIN = (
    ("speed-preset", "veryfast"),
    ("tune", "zerolatency"),
    ("bitrate", 1000),
    ("bframes", 0),
    ("byte-stream", True),
    ("aud", False),
)
