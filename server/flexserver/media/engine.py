"""One running pipeline: its access units, its counters, its source watched, its errors said in sentences."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from flexserver import protocol
from flexserver.media import advanced, build, explain, fit, grab, rewind, slate, snapshot
from flexserver.media.elements import (
    CROP,
    ENCODER,
    OUTPUT,
    PROGRESSIVE,
    SOURCE,
    UNITS,
    WAITING,
    Graph,
    Setting,
)
from flexserver.media.formats import FORMATS
from flexserver.media.gst import GLib, Gst, ask_for_key, picture_of, running_time
from flexserver.media.link import Link
from flexserver.media.patience import Patience
from flexserver.media.shots import Job
from flexserver.protocol import Kind

_LOOK = 250
"""Milliseconds between looks at the source."""
_GO_ON = Gst.PadProbeReturn.OK
_BEHIND, _ON_TIME = 500_000_000, 50_000_000
"""Nanoseconds: an encoder this late passes pictures over until it is no later than that."""
_KEYS_APART = 150_000_000
"""Nanoseconds: many readers who join at once share a key unit."""


class Engine:
    """Plays one graph. `say` gets what the parent is to know; the last thing said is `Failed` or `Ended`."""

    def __init__(self, graph: Graph, link: Link | None, say: Callable[[protocol.Message], None]) -> None:
        """Raises BuildError where the graph cannot be built."""
        self._graph, self._link, self._say = graph, link, say
        self._over = self._arrived = self._said_playing = False
        self._frames = self._bytes = self._lost = 0
        self._latency = self._latencies = 0
        self._last_key = 0
        self._to_clock: int | None = None
        """Makes this segment's timestamps absolute; encoders shift theirs by hours."""
        self._key_planned = self._catching_up = False
        self._give_up = 0
        """When passing pictures over has not helped: the pattern itself takes too long to make."""
        self._slate: tuple[int, int] | None = None
        self._grabber: grab.Grabber | None = None
        self._source_size: tuple[int, int] | None = None
        self._pipeline = build.pipeline(graph)
        if graph.line is not None:
            advanced.add(self._pipeline, graph.line, graph.allowed, graph.elements[0].name)
        self._is_key = FORMATS[graph.codec].is_key
        self._units = self._element(UNITS).get_static_pad("sink")
        self._units.add_probe(Gst.PadProbeType.BUFFER, self._unit)
        self._units.add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._segment_changed)
        self._watch()

    def play(self) -> None:
        """Start. What follows is said."""
        self._patience = Patience(self._graph.source, time.monotonic())
        GLib.timeout_add(_LOOK, self._look)
        if OUTPUT in self._graph:
            threading.Thread(target=self._resolve, name="resolve", daemon=True).start()
        self._pipeline.set_state(Gst.State.PLAYING)
        self._show_slate(*(self._graph.size or fit.NOMINAL_SIZE), fit.NOMINAL_FPS)

    def stop(self) -> None:
        """End the pipeline; a camera is told."""
        self._over = True
        self.grab(None)
        self._pipeline.set_state(Gst.State.NULL)

    def beat(self) -> protocol.Beat:
        """The counters; the latency is the mean since the last beat."""
        total, count = self._latency, self._latencies
        self._latency = self._latencies = 0
        latency = round(total / count / 1e6, 2) if count else None
        return protocol.Beat(self._frames, self._bytes, self._lost, latency)

    def change(self, settings: list[Setting]) -> None:
        """Set properties while it runs. Raises BuildError, and sets none, where they cannot be."""
        edges = {prop: int(value) for name, prop, value in settings if name == CROP}
        if edges and (fault := self._crop_fault(edges)):
            raise build.BuildError(fault)
        for name, prop, value in settings:
            element = self._element(name)
            if element is None:
                raise build.BuildError(f"there is no element '{name}'")
            build.set_property(element, prop, value)

    def snapshot(self, width: int | None) -> bytes:
        """The newest picture as JPEG. Raises LookupError where there is none."""
        return snapshot.jpeg(self._pipeline, width)

    def grab(self, job: Job | None) -> None:
        """Take framegrabs as the job says, or none any more."""
        before, encoder = self._grabber, self._element(ENCODER)
        self._grabber = None
        if before is not None:
            before.stop()
        if job is not None and encoder is not None:
            self._grabber = grab.Grabber(encoder.get_static_pad("sink"), job, self._say, before)

    def dot(self) -> str:
        """The running graph in Graphviz's language, without passwords."""
        text = str(Gst.debug_bin_to_dot_data(self._pipeline, Gst.DebugGraphDetails.ALL))
        for name, value in (pair for element in self._graph.elements for pair in element.properties):
            if name == "user-pw" and value:
                text = text.replace(str(value), "********")
        return text

    def need_key(self) -> None:
        """Have a key unit made soon; requests that come close together share one. From any thread."""
        wait = self._last_key + _KEYS_APART - time.monotonic_ns()
        if wait <= 0:
            ask_for_key(self._units)
        elif not self._key_planned:
            self._key_planned = True
            GLib.timeout_add(wait // 1_000_000 + 1, self._key_due)

    def _key_due(self) -> bool:
        self._key_planned = False
        self.need_key()
        return False

    def _element(self, name: str) -> Any:
        return self._pipeline.get_by_name(name)

    def _watch(self) -> None:
        """Hear errors, see the first data of a network source and the size of the pictures."""
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self._message)
        if (encoder := self._element(ENCODER)) is not None:
            kind = Gst.PadProbeType.EVENT_DOWNSTREAM
            encoder.get_static_pad("sink").add_probe(kind, self._picture_known)
        if CROP in self._graph:
            first = self._element(PROGRESSIVE) or self._element(CROP)
            first.get_static_pad("sink").add_probe(Gst.PadProbeType.EVENT_DOWNSTREAM, self._crop_known)
        if (queue := self._element(WAITING)) is not None and self._graph.source != "file":
            queue.connect("overrun", self._overrun)
        source = self._element(SOURCE)
        if source is not None and (pad := source.get_static_pad("src")) is not None:
            pad.add_probe(Gst.PadProbeType.BUFFER, self._first_data)
        elif source is not None:
            source.connect("pad-added", self._first_data)
        if self._graph.source == "file":
            self._rewind = rewind.Rewind(self._graph, self._pipeline)

    def _resolve(self) -> None:
        """Look an output's host up: the element that sends says nothing when there is none."""
        host = str(dict(self._graph[OUTPUT].properties)["host"])
        try:
            socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError as error:
            self._fail("output", f"output udp://{host}: {error.strerror} (udpsink)")

    def _first_data(self, *_: Any) -> Any:
        self._arrived = True
        return Gst.PadProbeReturn.REMOVE

    def _picture_known(self, _: Any, info: Any) -> Any:
        """Before the encoder sees them: what hangs on the picture's size and rate is set."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            width, height, fps = picture_of(event.parse_caps())
            self.change(fit.settings(self._graph, width, height, fps))
            self._show_slate(width, height, fps or fit.NOMINAL_FPS)
        return Gst.PadProbeReturn.OK

    def _crop_known(self, _: Any, info: Any) -> Any:
        """A crop that leaves nothing shows elsewhere, as an error that nobody understands: say it first."""
        event = info.get_event()
        if event.type == Gst.EventType.CAPS:
            width, height, _fps = picture_of(event.parse_caps())
            self._source_size = width, height
            if fault := self._crop_fault({}):
                self._fail("graph", fault)
        return Gst.PadProbeReturn.OK

    def _crop_fault(self, changed: dict[str, int]) -> str | None:
        """Why the crop, with these edges changed, does not fit the source's picture; None where it does."""
        if self._source_size is None:
            return None
        width, height = self._source_size
        edges = {name: self._element(CROP).get_property(name) for name in ("top", "right", "bottom", "left")} | changed
        if edges["left"] + edges["right"] < width and edges["top"] + edges["bottom"] < height:
            return None
        return f"crop: it leaves nothing of the source's picture, {width}x{height} (videocrop)"

    def _show_slate(self, width: int, height: int, fps: float) -> None:
        """Make the slate of this size, beside the stream, and hand it to the front."""
        link = self._link
        if link is None or self._slate == (width, height):
            return
        self._slate = width, height

        def make() -> None:
            try:
                link.set_slates(slate.units(self._graph, width, height, fps))
            except build.BuildError as error:
                sys.stderr.write(f"slate: {error}\n")

        threading.Thread(target=make, name="slate", daemon=True).start()

    def _unit(self, pad: Any, info: Any) -> Any:
        """One access unit; the only Python that runs for each picture, and it never sees a raw one.

        It runs with cold caches thirty times a second: each call into GStreamer costs, so there are few.
        """
        buffer = info.get_buffer()
        data, pts = buffer.extract_dup(0, buffer.get_size()), buffer.pts
        kind = Kind.KEY if self._is_key(data) else Kind.DELTA
        if self._to_clock is None:
            self._to_clock = running_time(pad, pts) - pts + self._pipeline.get_base_time()
        pts += self._to_clock
        now = time.monotonic_ns()
        self._frames += 1
        self._bytes += len(data)
        behind = now - pts
        self._latency += behind
        self._latencies += 1
        if behind > _BEHIND and not self._catching_up:
            self._catch_up()
        if kind is Kind.KEY:
            self._last_key = now
            if not self._said_playing:
                self._playing(pad.get_current_caps())
        if self._link is not None:
            self._link.send(kind, pts, data)
        return _GO_ON

    def _catch_up(self) -> None:
        """A test source has no queue that could leak: pictures are passed over until the encoder is on time again."""
        if self._graph.source == "test":
            self._catching_up = True
            self._give_up = time.monotonic_ns() + _BEHIND
            self._element(ENCODER).get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._pass_over)

    def _pass_over(self, pad: Any, info: Any) -> Any:
        due = running_time(pad, info.get_buffer().pts) + self._pipeline.get_base_time()
        now = time.monotonic_ns()
        if now - due < _ON_TIME or now > self._give_up:
            self._catching_up = False
            return Gst.PadProbeReturn.REMOVE
        self._lost += 1
        return Gst.PadProbeReturn.DROP

    def _segment_changed(self, _: Any, info: Any) -> Any:
        if info.get_event().type == Gst.EventType.SEGMENT:
            self._to_clock = None
        return Gst.PadProbeReturn.OK

    def _playing(self, caps: Any) -> None:
        self._said_playing = True
        width, height, fps = picture_of(caps)
        encoder = self._element(ENCODER)
        self._say(protocol.Playing(width, height, fps, encoder.get_factory().get_name() if encoder else "line"))

    def _overrun(self, _: Any) -> None:
        """The encoder is behind: the queue before it is full and lets its oldest picture go."""
        self._lost += 1

    def _look(self) -> bool:
        found = self._patience.look(time.monotonic(), arrived=self._arrived, pictures=self._frames)
        if found and not self._over:
            element = self._element(SOURCE) or self._element(advanced.NAME)
            factory = element.get_factory()
            name = factory.get_name() if factory else "line"
            self._fail("source", f"source {self._address()}: {found} ({name})")
        return not self._over

    def _message(self, _: Any, message: Any) -> None:
        if message.type == Gst.MessageType.ERROR:
            self._error(message)
        elif message.type == Gst.MessageType.WARNING:
            error, debug = message.parse_warning()
            sys.stderr.write(f"warning: {message.src.get_name()}: {error.message} {debug or ''}\n")
        elif message.type == Gst.MessageType.EOS:
            self._end()
        elif message.type == Gst.MessageType.STREAM_COLLECTION:
            self._tracks_known(message)
        elif message.type == Gst.MessageType.LATENCY:
            self._pipeline.recalculate_latency()

    def _tracks_known(self, message: Any) -> None:
        """A container without video would end without a word: its other tracks are drained."""
        tracks = message.parse_stream_collection()
        kinds = [tracks.get_stream(index).get_stream_type() for index in range(tracks.get_size())]
        part, _ = self._blame(message.src)
        if part == "source" and not any(kind & Gst.StreamType.VIDEO for kind in kinds):
            self._fail(part, f"source {self._address()}: there is no video track in it")

    def _error(self, message: Any) -> None:
        error, debug = message.parse_error()
        sys.stderr.write(f"error: {message.src.get_name()}: {error.message} {debug or ''}\n")
        part, name = self._blame(message.src)
        factory = message.src.get_factory() if isinstance(message.src, Gst.Element) else None
        subject = f"{part} {self._address()}" if part == "source" else name
        what = factory.get_name() if factory else message.src.get_name()
        if error.domain == build.FAULT:
            self._fail(part, f"{subject}: {error.message} ({what})")
        else:
            self._fail(part, explain.sentence(error.domain, error.code, error.message, debug, what, subject))

    def _blame(self, element: Any) -> tuple[str, str]:
        """Part and name of the graph's element that the failed one is, or is inside of."""
        while element is not None:
            name = element.get_name()
            if name == advanced.NAME:
                return "source", name
            if name in self._graph:
                return self._graph[name].part, name
            element = element.get_parent()
        return "internal", "pipeline"

    def _address(self) -> str:
        """What the source is called to people: never with a password in it."""
        if SOURCE not in self._graph:
            return "of the launch line"
        found = dict(self._graph[SOURCE].properties)
        if "address" in found:
            return f"udp://{found['address']}:{found['port']}"
        return str(found.get("location") or found.get("device") or found.get("pattern", ""))

    def _end(self) -> None:
        if self._graph.source == "file":
            self._over = True
            self._say(protocol.Ended())
        else:
            self._fail("source", f"source {self._address()}: the other side ended the stream")

    def _fail(self, part: str, message: str) -> None:
        if not self._over:
            self._over = True
            self._say(protocol.Failed(part, message))
