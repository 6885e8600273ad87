"""What is refused, by field."""

from __future__ import annotations

from typing import Any

import pytest

from flexclient import models as m
from flexserver.media import graph
from flexserver.media.checks import check_shape
from tests.media.harness import spec


def fields(faults: list[m.FieldError]) -> list[str]:
    return [fault.field for fault in faults]


@pytest.mark.parametrize(
    "uri",
    [
        "test://smpte", "test://zone-plate", "rtsp://camera/live", "rtsp://u:p@10.0.0.1:554/a?x=1", "rtsps://[fe80::1]/a",
        "udp://239.1.2.3:5000", "udp://:5000", "udp://0.0.0.0:5000?format=rtp-h265", "file:///a/b%20c.mp4",
    ],
)  # fmt: skip
def test_good_sources(uri: str) -> None:
    assert graph.check_source(m.Source(uri=uri)) == []


@pytest.mark.parametrize(
    "uri",
    [
        "", "smpte", "http://camera/x", "test://", "test://nope", "test://smpte/x", "rtsp://", "rtsp:///x",
        "rtsp://a b/x",
        "rtsp://camera:99999/x", "rtsp://camera:x/y", "udp://239.1.2.3", "udp://239.1.2.3:0", "udp://h:5000?format=mp4",
        "udp://h:5000?x=1", "file://host/a.mp4", "file://a.mp4", "file:///", "file:///a\x00b", "file:///a%00b",
        "file:///a?b", "rtsp://camera/a\nb", "rtsp://[::1/x",
    ],
)  # fmt: skip
def test_bad_sources_name_the_address(uri: str) -> None:
    assert fields(graph.check_source(m.Source(uri=uri))) == ["source.uri"]


@pytest.mark.parametrize("uri", ["rtsp://h:99999/x", "rtsp://h:port/x", "udp://1.2.3.4:70000", "udp://1.2.3.4:-1"])
def test_a_port_that_is_none_is_what_is_named(uri: str) -> None:
    faults = [*graph.check_source(m.Source(uri=uri)), *graph.check_output(m.Output(uri=uri), 8731)]
    assert [fault.message for fault in faults] == ["the port is not a number from 1 to 65535"] * 2


def test_faults_of_another_input_carry_its_name() -> None:
    assert fields(graph.check_source(m.Source(uri="x"), "inputs.0.source")) == ["inputs.0.source.uri"]


def test_only_files_loop_and_a_password_needs_a_user() -> None:
    assert fields(graph.check_source(m.Source(uri="test://ball", loop=True))) == ["source.loop"]
    source = m.Source.model_validate({"uri": "rtsp://camera/x", "password": "x"})
    assert fields(graph.check_source(source)) == ["source.user"]


@pytest.mark.parametrize(
    "uri",
    [
        "rtsp://0.0.0.0:8731/cam",
        "rtsp://box/cam",
        "rtsp://box:9000/a/b-c_d",
        "udp://127.0.0.1:5000",
        "udp://239.0.0.1:1",
    ],
)
def test_good_outputs(uri: str) -> None:
    assert graph.check_output(m.Output(uri=uri), 9000) == []


@pytest.mark.parametrize(
    "uri",
    [
        "", "http://x/y", "rtsp://0.0.0.0:554/cam", "rtsp://0.0.0.0:8731/", "rtsp://0.0.0.0:8731/a b", "rtsp://h/a//b",
        "rtsp://h/../x", "rtsp://h/" + "a" * 129, "rtsp://u:p@h/x", "rtsp://h/x?y=1", "udp://127.0.0.1", "udp://:5000",
        "udp://h:5000/x", "udp://h:70000",
    ],
)  # fmt: skip
def test_bad_outputs_name_the_address(uri: str) -> None:
    assert fields(graph.check_output(m.Output(uri=uri), 9000)) == ["output.uri"]


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"mode": "multiview"}, "mode"),
        ({"mode": "advanced"}, "mode"),
        ({"inputs": [{"source": {"uri": "test://ball"}}]}, "inputs"),
        ({"audio": {"source": "test"}}, "audio"),
        ({"outputs": []}, "outputs"),
        ({"encoding": {"codec": "h265"}}, "encoding.codec"),
        ({"encoding": {"codec": "av1"}}, "encoding.codec"),
        ({"uri": "srt://h:1"}, "source.uri"),
    ],
)
def test_what_is_not_built_yet_is_refused_by_name(parts: dict[str, Any], field: str) -> None:
    assert fields(graph.unsupported(spec(**parts), advanced=False)) == [field]


def test_what_works_is_not_refused() -> None:
    assert graph.unsupported(spec(klv_config={"pass_klv": True}, metadata={"a": "b"}), advanced=False) == []
    assert graph.unsupported(m.PipelineSpec(id="a", mode=m.Mode.ADVANCED), advanced=True) == []


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"id": "a"}, ["source"]),
        ({"id": "a", "source": {"uri": "test://ball"}, "raw_pipeline": "x"}, ["raw_pipeline"]),
        ({"id": "a", "source": {"uri": "test://ball"}, "crop": {"left": 640, "right": 640}}, ["crop"]),
        ({"id": "a", "source": {"uri": "test://ball"}, "crop": {"left": 640}}, []),
        ({"id": "a", "mode": "advanced"}, ["raw_pipeline"]),
        ({"id": "a", "mode": "advanced", "raw_pipeline": "x", "source": {"uri": "test://ball"}}, ["source"]),
        ({"id": "a", "mode": "advanced", "raw_pipeline": "x", "overlay": {"text": "x"}}, ["overlay"]),
    ],
)
def test_parts_that_cannot_go_together(document: dict[str, Any], found: list[str]) -> None:
    assert fields(check_shape(m.PipelineSpec.model_validate(document))) == found


@pytest.mark.parametrize(
    ("timestamp", "message"),
    [
        ("%c" * 60, "longer than the clock can draw"),
        ("&" * 100, "longer than the clock can draw"),
        ("%9999d", "sets a width"),
        ("%-08H", "sets a width"),
    ],
)
def test_a_time_that_the_clock_cannot_draw_is_refused(timestamp: str, message: str) -> None:
    faults = check_shape(spec(overlay={"timestamp": timestamp}))
    assert [(fault.field, message in fault.message) for fault in faults] == [("overlay.timestamp", True)]


@pytest.mark.parametrize("timestamp", [True, "%A %d %B %Y %H:%M:%S %Z", "%-H & <b>%%</b> 100%", "é" * 90])
def test_a_time_that_it_can_draw_is_not(timestamp: str | bool) -> None:
    assert check_shape(spec(overlay={"timestamp": timestamp, "text": "x" * 1024})) == []
