"""The graph as a value: what each field becomes, what a change costs, and that hostile text stays a value."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import models as m
from flexserver.media import fit, graph, overlay, sources
from flexserver.media.elements import Element, Graph
from tests.media.harness import graph_of, spec


def properties(found: Graph, name: str) -> dict[str, Any]:
    return dict(found[name].properties)


def order(found: Graph) -> list[str]:
    """Names along the main chain, from the source to the worker's sink."""
    following = {link.source: link.target for link in found.links}
    names = ["source"]
    while names[-1] in following:
        names.append(following[names[-1]])
    return names


HOSTILE = [
    '"',
    "!",
    "<b>x</b>",
    "a\nb",
    "100% %H",
    "'; rm -rf /",
    '" ! filesink location=/tmp/x',
    "\\",
    "\x00\x1b",
    "漢字",
    "&amp;",
]
URIS = ["test://smpte", "rtsp://camera/live", "rtsps://camera:322/live", "udp://239.1.2.3:5000", "udp://:5000?format=rtp",
        "udp://127.0.0.1:5000?format=rtp-ts", "file:///media/a%20b.mp4"]  # fmt: skip


def everything() -> m.PipelineSpec:
    return spec(
        "rtsp://camera/live",
        crop={"left": 2},
        transform={"rotate": 90, "grayscale": True},
        overlay={"text": "x"},
        output={"uri": "udp://127.0.0.1:5000"},
    )


def test_order_of_a_simple_pipeline() -> None:
    assert order(graph_of(everything())) == [
        "source", "decode", "progressive", "planes", "planar", "crop", "turn", "gray", "scale", "shape", "rate",
        "paced", "overlay", "waiting", "encoder", "copies", "leaving", "multiplex", "output",
    ]  # fmt: skip


def test_a_test_source_makes_the_encoded_picture_at_once() -> None:
    found = graph_of(spec(encoding={"width": 641, "height": 360, "fps": 25}))
    assert order(found) == ["source", "made", "encoder", "units"]
    assert properties(found, "made")["caps"] == "video/x-raw,format=I420,width=640,height=360,framerate=25/1"
    assert found.size == (640, 360)


def test_a_test_source_is_cropped_in_its_own_pixels() -> None:
    found = graph_of(spec(crop={"top": 100}))
    assert "width=1280,height=720" in properties(found, "made")["caps"]
    assert properties(found, "crop")["top"] == 100


@pytest.mark.parametrize("uri", URIS)
def test_every_source_survives_json(uri: str) -> None:
    found = graph_of(spec(uri, overlay={"text": "x", "timestamp": True}, output={"uri": "udp://h:1"}))
    assert Graph.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize("uri", URIS)
def test_names_are_unique_and_links_meet_them(uri: str) -> None:
    found = graph_of(spec(uri, crop={"left": 2}, overlay={"text": "x"}))
    names = [element.name for element in found.elements]
    assert len(names) == len(set(names))
    assert {name for link in found.links for name in (link.source, link.target)} == set(names)
    targets = [link.target for link in found.links]
    assert len(targets) == len(set(targets))


def test_a_login_in_the_address_becomes_properties() -> None:
    found = properties(graph_of(spec("rtsp://me:p%40ss@camera:8554/x")), "source")
    assert (found["location"], found["user-id"], found["user-pw"]) == ("rtsp://camera:8554/x", "me", "p@ss")


def test_the_login_fields_win_over_the_address() -> None:
    found = properties(graph_of(spec("rtsp://a:b@camera/x", source={"user": "me", "password": "secret"})), "source")
    assert (found["location"], found["user-id"], found["user-pw"]) == ("rtsp://camera/x", "me", "secret")


def test_udp_formats() -> None:
    def caps_of(query: str) -> str:
        return str(properties(graph_of(spec(f"udp://0.0.0.0:5000{query}")), "source")["caps"])

    assert "video/mpegts" in caps_of("")
    assert "video/mpegts" in caps_of("?format=ts")
    assert "encoding-name=H264" in caps_of("?format=rtp")
    assert "encoding-name=H265" in caps_of("?format=rtp-h265")
    assert "encoding-name=MP2T" in caps_of("?format=rtp-ts")


def test_multicast_interface_and_latency() -> None:
    found = graph_of(spec("udp://239.1.2.3:5000", source={"network_interface": "eth0", "latency_ms": 50}))
    assert properties(found, "source")["multicast-iface"] == "eth0"
    assert properties(found, "tracks")["latency"] == 50


def test_a_file_is_paced_and_waits_for_the_encoder_and_live_sources_do_not() -> None:
    file, live = graph_of(spec("file:///a.mp4")), graph_of(spec("rtsp://camera/x"))
    assert "pace" in file
    assert "leaky" not in properties(file, "waiting")
    assert "pace" not in live
    assert properties(live, "waiting")["leaky"] == "downstream"


@pytest.mark.parametrize(("rotate", "mirror"), list(product((0, 90, 180, 270), ("none", "horizontal", "vertical"))))
def test_turn_and_mirror_become_one_flip(rotate: int, mirror: str) -> None:
    found = graph_of(spec(transform={"rotate": rotate, "mirror": mirror}))
    assert sum(element.factory == "videoflip" for element in found.elements) == (
        0 if (rotate, mirror) == (0, "none") else 1
    )
    assert found.size == (320, 180)


def test_quality_bitrate_and_gop_reach_the_encoder() -> None:
    found = properties(
        graph_of(spec(encoding={"quality": 8, "bitrate": 3000, "gop_seconds": 0.5, "fps": 24})), "encoder"
    )
    assert (found["speed-preset"], found["bitrate"], found["key-int-max"], found["bframes"]) == ("medium", 3000, 12, 0)


def test_without_encoding_the_documented_default_holds() -> None:
    found = graph_of(m.PipelineSpec(id="a", source=m.Source(uri="test://ball")))
    assert found.size == (1920, 1080)
    assert properties(found, "encoder")["bitrate"] == 750
    assert "framerate=30/1" in properties(found, "made")["caps"]


def test_zero_keeps_the_sources_size_and_rate() -> None:
    found = graph_of(spec("rtsp://camera/x", encoding={"width": 0, "height": 0, "fps": 0}))
    assert found.size is None
    assert "rate" not in found
    assert "[16,8192,2]" in properties(found, "shape")["caps"]


@pytest.mark.parametrize(
    ("fps", "written"),
    [(30, "30/1"), (29.97, "30000/1001"), (23.976, "24000/1001"), (12.5, "12500/1000"), (0.5, "500/1000")],
)
def test_rates(fps: float, written: str) -> None:
    assert sources.fraction(fps) == written


def test_threads_grow_with_the_load() -> None:
    def threads(width: int, height: int, quality: int) -> object:
        return properties(graph_of(spec(encoding={"width": width, "height": height, "quality": quality})), "encoder")[
            "threads"
        ]

    assert threads(640, 360, 5) == threads(1280, 720, 1) == 1
    assert threads(1920, 1080, 8) == 0


def test_the_font_is_scaled_to_the_picture() -> None:
    assert (
        properties(graph_of(spec(overlay={"text": "x", "font_size": 48}, encoding={"height": 540})), "overlay")[
            "font-desc"
        ]
        == "Sans 24.00"
    )
    found = graph_of(
        spec("rtsp://camera/x", overlay={"text": "x", "font_size": 48}, encoding={"width": 0, "height": 0})
    )
    assert ("overlay", "font-desc", "Sans 48.00") in fit.settings(found, 1920, 1080, 30)


@pytest.mark.parametrize(
    ("color", "number"),
    [("white", 0xFFFFFFFF), ("#102030", 0xFF102030), ("#10203080", 0x80102030), ("orange", 0xFFFFA500)],
)
def test_colors(color: str, number: int) -> None:
    assert overlay.argb(color) == number


@pytest.mark.parametrize(("down", "across"), list(product(("top", "center", "bottom"), ("left", "center", "right"))))
def test_nine_places(down: str, across: str) -> None:
    words = [word for word in (down, across) if word != "center"] or ["center"]
    found = properties(graph_of(spec(overlay={"text": "x", "position": "-".join(words)})), "overlay")
    assert (found["valignment"], found["halignment"], found["line-alignment"]) == (down, across, across)


def test_an_empty_overlay_draws_nothing() -> None:
    assert "overlay" not in graph_of(spec(overlay={}))


def plain(markup: str) -> str:
    """What Pango draws of markup."""
    text = re.sub(r"<[^>]*>", "", markup)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("text", HOSTILE)
def test_overlay_text_is_literal(text: str) -> None:
    found = graph_of(spec(overlay={"text": text, "background": False}))
    drawn = plain(properties(found, "overlay")["text"])
    assert drawn == re.sub(r"[\x00\x1b]", "\ufffd", text)
    assert [element.factory for element in found.elements if element.factory == "filesink"] == []


def test_a_percent_in_text_is_no_time_and_the_time_has_its_own_line() -> None:
    found = properties(graph_of(spec(overlay={"text": "5% of %H", "timestamp": "%H:%M <now>"})), "overlay")
    assert plain(found["text"]) == "5% of %H\n"
    assert plain(found["time-format"]) == "%H:%M <now>"
    assert "%" not in re.sub("%H:%M", "", found["time-format"])


@given(st.text(max_size=200), st.text(max_size=100))
def test_any_text_anywhere_stays_a_value(text: str, more: str) -> None:
    hostile = spec("rtsp://camera/x", source={"user": text, "password": more}, overlay={"text": text + "x"})
    found = graph_of(hostile)
    shape = [(element.factory, element.name) for element in found.elements]
    calm = graph_of(spec("rtsp://camera/x", source={"user": "a", "password": "b"}, overlay={"text": "x"}))
    assert shape == [(element.factory, element.name) for element in calm.elements]
    assert found.links == calm.links
    assert properties(found, "source")["user-id"] == text
    assert Graph.from_json(json.loads(json.dumps(found.to_json()))) == found


@given(st.text(max_size=200))
def test_escaped_text_is_well_formed_markup(text: str) -> None:
    from xml.etree import ElementTree

    from flexserver.media.overlay import element

    made = element(m.Overlay(text=text, timestamp="%H <"))
    assert made is not None
    found = dict(made.properties)
    root = ElementTree.fromstring(f"<r>{found.get('text', '')} {found['time-format']}</r>")
    assert "%H <" in "".join(root.itertext())


def test_the_launch_line_hides_the_password() -> None:
    line = graph_of(spec("rtsp://camera/x", source={"user": "me", "password": "hunter2"})).to_launch()
    assert "hunter2" not in line
    assert "********" in line


# Changes


def change(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, Any]] | None:
    return graph.changes(graph_of(spec(**before)), graph_of(spec(**after)))


def test_nothing_changed() -> None:
    assert change({}, {}) == []


def test_the_bitrate_changes_live() -> None:
    assert change({}, {"encoding": {"bitrate": 2000}}) == [("encoder", "bitrate", 2000)]


def test_overlay_text_color_place_and_size_change_live() -> None:
    after = {"overlay": {"text": "b", "position": "bottom", "color": "red", "font_size": 30}}
    found = change({"overlay": {"text": "a"}}, after)
    assert found is not None
    assert {prop for _, prop, _ in found} == {
        "text", "color", "halignment", "valignment", "line-alignment", "font-desc",
    }  # fmt: skip


def test_a_font_size_needs_a_restart_where_the_pictures_size_is_unknown() -> None:
    free: dict[str, Any] = {"uri": "rtsp://camera/x", "encoding": {"width": 0, "height": 0}}
    before, after = {**free, "overlay": {"text": "a"}}, {**free, "overlay": {"text": "a", "font_size": 30}}
    assert change(before, after) is None


@pytest.mark.parametrize(
    "after",
    [
        {"encoding": {"width": 640}},
        {"encoding": {"fps": 15}},
        {"encoding": {"quality": 3}},
        {"encoding": {"gop_seconds": 1}},
        {"overlay": {"text": "x"}},
        {"transform": {"rotate": 180}},
        {"crop": {"left": 10}},
        {"uri": "test://ball"},
        {"output": {"uri": "udp://127.0.0.1:5000"}},
    ],
)
def test_what_needs_a_restart(after: dict[str, Any]) -> None:
    assert change({}, after) is None


def test_mounts() -> None:
    assert graph.mount_of(spec(name="cam7")) == "cam7"
    assert graph.mount_of(spec(output={"uri": "rtsp://0.0.0.0:8731/live/a"})) == "live/a"
    assert graph.mount_of(spec(output={"uri": "udp://127.0.0.1:5000"})) is None


def test_an_advanced_line_is_carried_as_it_is() -> None:
    line = "videotestsrc ! x264enc"
    found = graph_of(
        m.PipelineSpec(id="a", mode=m.Mode.ADVANCED, raw_pipeline=line), advanced_elements=("videotestsrc",)
    )
    assert (found.line, found.allowed, found.source) == (line, ("videotestsrc",), "line")
    assert not any(line in str(value) for element in found.elements for _, value in element.properties)


def test_a_simple_pipeline_needs_a_source() -> None:
    with pytest.raises(ValueError, match="source"):
        graph.build(m.PipelineSpec(id="a"), graph.Where())


def test_elements_are_found_by_name() -> None:
    found = graph_of(spec())
    assert isinstance(found["encoder"], Element)
    with pytest.raises(KeyError):
        found["nothing"]
