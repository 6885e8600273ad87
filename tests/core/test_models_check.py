"""The strict reading: every fault at once, each by its field's name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import models as m

GOOD: dict[str, Any] = {
    "id": "cam-1_A",
    "on_demand": False,
    "source": {"uri": "rtsp://cam/1", "latency_ms": 0, "user": "u", "password": "p", "loop": False},
    "encoding": {"codec": "h264", "bitrate": 750, "width": 0, "height": 0, "fps": 29.97, "quality": 10},
    "transform": {"mirror": "vertical", "rotate": 270, "grayscale": True},
    "crop": {"top": 0, "left": 8},
    "overlay": {"text": "<b>'\"!", "timestamp": "%H:%M", "color": "#FF00FF80", "background": "black"},
    "output": {"uri": "udp://10.0.0.1:5000"},
    "metadata": {"cot_uid": "1"},
}


def faults(document: Any) -> dict[str, str]:
    with pytest.raises(m.InvalidDocument) as caught:
        m.check(m.PipelineSpec, json.dumps(document))
    return {detail.field: detail.message for detail in caught.value.details}


def test_what_is_good_passes_and_comes_back_as_it_was() -> None:
    assert m.check(m.PipelineSpec, json.dumps(GOOD)).body() == GOOD


ROWS: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "id"),
    ({"id": "../x"}, "id"),
    ({"id": "a" * 65}, "id"),
    ({"id": "a\n"}, "id"),
    ({"id": "ü"}, "id"),
    ({"id": 5}, "id"),
    ({"mode": "fancy"}, "mode"),
    ({"on_demand": "yes"}, "on_demand"),
    ({"on_demand": 1}, "on_demand"),
    ({"source": {}}, "source.uri"),
    ({"source": {"uri": ""}}, "source.uri"),
    ({"source": {"uri": "x" * 2049}}, "source.uri"),
    ({"source": {"uri": "x", "latency_ms": -1}}, "source.latency_ms"),
    ({"source": {"uri": "x", "latency_ms": 1.5}}, "source.latency_ms"),
    ({"source": {"uri": "x", "latency_ms": "200"}}, "source.latency_ms"),
    ({"source": {"uri": "x", "typo": 1}}, "source.typo"),
    ({"source": {"uri": "x", "network_interface": "x" * 16}}, "source.network_interface"),
    ({"source": {"uri": "x", "caps": ""}}, "source.caps"),
    ({"source": {"uri": "x", "user": "u" * 257}}, "source.user"),
    ({"raw_pipeline": ""}, "raw_pipeline"),
    ({"encoding": {"codec": "vp8"}}, "encoding.codec"),
    ({"encoding": {"bitrate": 0}}, "encoding.bitrate"),
    ({"encoding": {"quality": 11}}, "encoding.quality"),
    ({"encoding": {"fps": 0.0004}}, "encoding.fps"),
    ({"encoding": {"fps": 0.099}}, "encoding.fps"),
    ({"encoding": {"fps": 240.1}}, "encoding.fps"),
    ({"encoding": {"fps": -1}}, "encoding.fps"),
    ({"encoding": {"width": 100_000}}, "encoding.width"),
    ({"transform": {"rotate": 45}}, "transform.rotate"),
    ({"overlay": {"color": "#12345"}}, "overlay.color"),
    ({"overlay": {"position": "middle"}}, "overlay.position"),
    ({"overlay": {"timestamp": ""}}, "overlay.timestamp"),
    ({"outputs": [{"uri": "x"}, {"ur": "y"}]}, "outputs.1.uri"),
    ({"inputs": []}, "inputs"),
    ({"inputs": [{"source": {"uri": ""}}]}, "inputs.0.source.uri"),
    ({"audio": {"source": "test", "codec2_mode": 1000}}, "audio.codec2_mode"),
    ({"metadata": {"a": 1}}, "metadata.a"),
    ({"typo": None}, "typo"),
]


@pytest.mark.parametrize(("change", "field"), ROWS, ids=[json.dumps(row[0])[:40] for row in ROWS])
def test_each_fault_is_named(change: dict[str, Any], field: str) -> None:
    found = faults({**GOOD, **change})
    assert field in found
    assert found[field]


def test_every_fault_is_told_at_once() -> None:
    found = faults({"id": "../x", "typo": 1, "encoding": {"bitrate": 0, "codec": "vp8"}})
    assert set(found) == {"id", "typo", "encoding.bitrate", "encoding.codec"}


@pytest.mark.parametrize("fps", [0, 0.1, 1, 240])
def test_a_rate_is_0_or_one_that_can_be_kept(fps: float) -> None:
    assert m.check(m.PipelineSpec, json.dumps({**GOOD, "encoding": {"fps": fps}})).encoding == m.Encoding(fps=fps)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}"])
def test_what_is_no_document_at_all(text: str) -> None:
    with pytest.raises(m.InvalidDocument) as caught:
        m.check(m.PipelineSpec, text)
    assert str(caught.value)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=70))
def test_an_id_is_good_or_named(text: str) -> None:
    good = 1 <= len(text) <= 64 and all(c.isascii() and (c.isalnum() or c in "-_") for c in text)
    if good:
        assert m.check(m.PipelineSpec, json.dumps({"id": text})).id == text
    else:
        assert set(faults({"id": text})) == {"id"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from([*GOOD, "inputs", "outputs", "audio", "klv_config", "x"]), JSON, max_size=5)


@given(FIELDS)
def test_no_document_gets_anything_but_a_yes_or_named_faults(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    try:
        spec = m.check(m.PipelineSpec, text)
    except m.InvalidDocument:
        assert all(faults(document).values())
    else:
        assert m.check(m.PipelineSpec, json.dumps(spec.body())) == spec
