"""A media graph as a value: elements with their properties, and the links between them.

Nothing here imports GStreamer or pydantic: the API process builds and compares graphs, the worker reads one back from
JSON and makes it real (`media.build`). A property's value is plain data. Text that a user wrote is only ever such a
value; it becomes part of a launch line nowhere but in `Graph.to_launch`, which quotes it and is for people to read.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeAlias

Value: TypeAlias = bool | int | float | str
"""A property's value. Caps and enum values are written the way GStreamer serialises them."""
Setting: TypeAlias = tuple[str, str, Value]
"""Element name, property, value."""

ENCODER = "encoder"
UNITS = "units"
"""The sink that gives access units out."""
PICTURES = "pictures"
"""The sink that keeps the newest raw picture of a file that begins again."""
FORM = "form"
"""The caps of access units."""
WAITING = "waiting"
"""The queue before the encoder."""
OVERLAY = "overlay"
SOURCE = "source"
OUTPUT = "output"
PROGRESSIVE = "progressive"
"""What decoded pictures meet first."""
CROP = "crop"
ENTRY = "entry"
"""The element that a source's decoded pictures enter by."""

_SECRET = frozenset({"user-pw"})
_MASK = "********"
_PLAIN = re.compile(r"[A-Za-z0-9_./:+-]+")


@dataclass(frozen=True, slots=True)
class Element:
    """One element: made by its factory, given its properties."""

    factory: str
    name: str
    properties: tuple[tuple[str, Value], ...] = ()
    part: str = "internal"
    """Whose fault a failure here is: `source`, `output`, `graph` or `internal` (protocol.Failed)."""


@dataclass(frozen=True, slots=True)
class Link:
    """From one element's source pad to another's sink pad."""

    source: str
    target: str
    accept: str | None = None
    """The pad appears later, with caps that meet these: the first such pad is linked, all others are drained."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What the picture's real size and rate decide, once they are known (`media.fit`)."""

    preset: str = "veryfast"
    gop_seconds: float = 2.0
    font_size: int | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole pipeline as a value."""

    elements: tuple[Element, ...]
    links: tuple[Link, ...]
    codec: str = "h264"
    source: str = "test"
    """Kind of source: `test`, `file`, `camera`, `rtsp`, `udp` or `line`."""
    loop: bool = False
    """Files: begin again at the end."""
    size: tuple[int, int] | None = None
    """Width and height of the encoded picture; None where the source decides."""
    fit: Fit = field(default_factory=Fit)
    line: str | None = None
    """Advanced mode: the launch line whose open pad feeds `elements[0]`."""
    allowed: tuple[str, ...] = ()
    """Advanced mode: the factories that the line may use."""

    def __getitem__(self, name: str) -> Element:
        """The element of that name. Raises KeyError where there is none."""
        for element in self.elements:
            if element.name == name:
                return element
        raise KeyError(name)

    def __contains__(self, name: str) -> bool:
        return any(element.name == name for element in self.elements)

    def to_json(self) -> dict[str, Any]:
        """Plain data for `protocol.Start`; `from_json` gives an equal graph back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Graph:
        """The graph of `to_json`, also after it went through JSON text."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        fields["elements"] = tuple(_element(item) for item in data["elements"])
        fields["links"] = tuple(Link(**item) for item in data["links"])
        fields["fit"] = Fit(**data["fit"])
        return cls(**fields)

    def to_launch(self) -> str:
        """A `gst-launch-1.0` line, quoted for a shell, that does the same. Passwords are starred out."""
        return "gst-launch-1.0 " + " ".join(word if word == "!" else shlex.quote(word) for word in _words(self))


def _element(data: dict[str, Any]) -> Element:
    return Element(**{**data, "properties": tuple((name, value) for name, value in data["properties"])})


def chain(*elements: Element) -> tuple[Link, ...]:
    """Links that join the elements in order."""
    return tuple(Link(a.name, b.name) for a, b in pairwise(elements))


def with_settings(graph: Graph, settings: list[Setting]) -> Graph:
    """The same graph with some properties set otherwise."""
    by_name: dict[str, dict[str, Value]] = {}
    for name, prop, value in settings:
        by_name.setdefault(name, {})[prop] = value
    elements = tuple(
        replace(e, properties=tuple({**dict(e.properties), **by_name[e.name]}.items())) if e.name in by_name else e
        for e in graph.elements
    )
    return replace(graph, elements=elements)


def caps(media: str, /, **fields: Value) -> str:
    """Caps in GStreamer's writing. Field names take `_` for `-`; only this program's own values belong here."""
    return ",".join([media, *(f"{name.replace('_', '-')}={value}" for name, value in fields.items())])


# The launch line


def _words(graph: Graph) -> list[str]:
    """The words of the line: one chain that follows a tee's last branch, then `tee. ! ...` for the others."""
    by_name = {element.name: element for element in graph.elements}
    rest = list(graph.links)
    words = [*_split(graph.line), "!"] if graph.line else []
    at = graph.elements[0].name
    words += _element_words(graph.elements[0])
    while rest:
        link = next((link for link in reversed(rest) if link.source == at), rest[0])
        rest.remove(link)
        words += ["!"] if link.source == at else [f"{link.source}.", "!"]
        words += [link.accept, "!"] if link.accept else []
        words += _element_words(by_name[link.target])
        at = link.target
    return words


def _split(line: str) -> list[str]:
    """A user's line in words, as a shell would read it; gst-launch quotes them again for itself."""
    try:
        return shlex.split(line)
    except ValueError:
        return [line]


def _element_words(element: Element) -> list[str]:
    settings = [f"{name}={_quoted(_MASK if name in _SECRET else value)}" for name, value in element.properties]
    return [element.factory, f"name={element.name}", *settings]


def _quoted(value: Value) -> str:
    """A value as the launch syntax wants it. Text that begins with a quote is serialised first: that gets undone."""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(value):
        return value
    if value.startswith('"'):
        safe = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
        value = '"' + "".join(chr(b) if b in safe else f"\\{b:03o}" for b in value.encode()) + '"'
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
