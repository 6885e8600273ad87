"""Files and flags as documents: what they mean, and where a fault is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient.models import PipelineSpec
from flexctl.errors import Misuse
from flexctl.manifest import flags
from flexctl.manifest.load import load, load_one
from tests.cli.fakebox import FakeBox
from tests.cli.harness import flexctl

YAML = """\
# A camera
id: cam1
source:
  uri: test://smpte
encoding:
  bitrate: 2000
  fps: 29.97
overlay:
  text: 2026-01-01
  timestamp: yes
"""

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


def write(folder: Path, text: str, name: str = "site.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_yaml_is_read_as_json_values(tmp_path: Path) -> None:
    document = load_one(write(tmp_path, YAML))
    assert document.value["encoding"] == {"bitrate": 2000, "fps": 29.97}
    assert document.value["overlay"] == {"text": "2026-01-01", "timestamp": "yes"}  # YAML 1.2, and no dates
    assert document.lines["encoding.bitrate"] == 6
    assert document.lines["overlay"] == 8


def test_several_documents_and_lists(tmp_path: Path) -> None:
    assert [d.value["id"] for d in load(write(tmp_path, "id: a\n---\nid: b\n---\n"))] == ["a", "b"]
    assert [d.value["id"] for d in load(write(tmp_path, "- id: a\n- id: b\n"))] == ["a", "b"]
    found = load(write(tmp_path, '[{"id": "a"},\n {"id": "b"}]', "site.json"))
    assert [(d.value["id"], d.lines["id"]) for d in found] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id: [cam1\n", ":2:1: expected ',' or ']'"),
        ("id: a\nsource: {uri: x}\nid: b\n", ":3:1: 'id' stands here for the second time"),
        ('{"id": "a",\n "source" }', ":2:11: expecting ':' delimiter"),
        ("- 1\n", ":1:3: a document is a mapping of fields"),
        ("a: &a\n  b: *a\nid: q\n", ":1:4: it is nested deeper than 64 levels"),
        ("[" * 100_000, ": it is nested deeper than 64 levels"),
        ('{"a":' * 5000 + "1" + "}" * 5000, ": it is nested deeper than 64 levels"),
        ("id: a\nencoding:\n  bitrate: " + "9" * 5000, ":3:12: this number has more digits"),
        ('{"bitrate": ' + "9" * 5000 + "}", ": it holds a number of more digits than any field takes"),
        ("? [a, b]\n: c\n", ":1:3: the name of a field is text"),
        (BOMB, ":1:13: with its aliases expanded it holds more than 100000 values"),
        ("just text\n", ":1:1: a document is a mapping of fields"),
        ("", " is empty"),
    ],
)
def test_what_is_no_document_says_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    name = write(tmp_path, text)
    with pytest.raises(Misuse) as caught:
        load(name)
    assert str(caught.value).startswith(name + message)


def test_faulty_fields_say_file_and_line(tmp_path: Path) -> None:
    name = write(tmp_path, YAML.replace("2000", "0").replace("text:", "txet:").replace("cam1", "cam/1"))
    with pytest.raises(Misuse) as caught:
        load_one(name).read(PipelineSpec)
    places = [place for place, _ in caught.value.problem.details]
    assert sorted(places) == [f"{name}:2:1", f"{name}:6:3", f"{name}:9:3"]
    assert "encoding.bitrate: 0 is not from 1 to 1000000" in dict(caught.value.problem.details)[f"{name}:6:3"]


def test_a_file_makes_a_pipeline_and_flags_go_on_top(tmp_path: Path, box: FakeBox) -> None:
    name = write(tmp_path, YAML.replace("yes", "true").replace("id: cam1", "kind: Pipeline\nid: gate"))
    ran = flexctl("pipeline", "create", "-f", name, "--bitrate", "500k", "-o", "name", url=box.url)
    assert (ran.code, ran.out) == (0, "gate\n")
    assert box.pipelines["gate"]["encoding"] == {"bitrate": 500, "fps": 29.97}


def test_standard_input_and_what_get_printed_go_back_in(box: FakeBox) -> None:
    text = flexctl("pipeline", "get", "cam1", "-o", "yaml", url=box.url).out
    ran = flexctl("pipeline", "update", "cam1", "-f", "-", url=box.url, stdin=text.replace("2000", "3000"))
    assert ran.code == 0, ran.err
    assert box.pipelines["cam1"]["encoding"]["bitrate"] == 3000
    assert box.pipelines["cam1"]["overlay"]["text"] == "Gate <b>"


def test_what_the_box_finds_wrong_in_a_file_has_its_line_too(tmp_path: Path, box: FakeBox) -> None:
    name = write(
        tmp_path, YAML.replace("yes", "true").replace("test://smpte", "file:///etc/passwd").replace("cam1", "x")
    )
    ran = flexctl("pipeline", "create", "-f", name, url=box.url)
    assert ran.code == 2
    assert f"{name}:4:3: source.uri: outside the allowed folders" in ran.err


def test_flags_are_documents() -> None:
    given: dict[str, Any] = {
        "spec_source": "test://ball",
        "spec_size": (640, 360),
        "spec_crop": (1, 2, 3, 4),
        "spec_on_demand": False,
        "spec_timestamp": True,
        "spec_metadata": ["site=north", "k=a=b"],
    }
    assert flags.document(given) == {
        "source": {"uri": "test://ball"},
        "encoding": {"width": 640, "height": 360},
        "crop": {"top": 1, "right": 2, "bottom": 3, "left": 4},
        "on_demand": False,
        "overlay": {"timestamp": True},
        "metadata": {"site": "north", "k": "a=b"},
    }


def test_every_flag_names_a_field_that_exists() -> None:
    for flag in flags.FLAGS:
        for field in flag.fields:
            model: Any = PipelineSpec
            for part in field.split("."):
                assert part in model.model_fields, f"{flag.setting.flags}: there is no {field}"
                inner = model.model_fields[part].annotation
                model = next((kind for kind in getattr(inner, "__args__", ()) if hasattr(kind, "model_fields")), inner)


@pytest.mark.parametrize(("text", "value"), [("2000", 2000), ("2000k", 2000), ("2.5M", 2500), ("2M", 2000)])
def test_bitrates(text: str, value: int) -> None:
    assert flags.kilobits(text) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.dictionaries(st.text(max_size=2), JSON, max_size=3))
def test_a_merge_patch_put_on_twice_is_the_same_as_once(target: Any, patch: dict[str, Any]) -> None:
    once = flags.merge(target, patch)
    assert flags.merge(once, patch) == once


def test_a_box_without_patch_gets_the_whole_pipeline(old_box: FakeBox) -> None:
    ran = flexctl("pipeline", "update", "cam1", "--bitrate", "900", "--remove", "overlay", url=old_box.url)
    assert ran.code == 0, ran.err
    assert [method for method, *_ in old_box.requests] == ["GET", "PATCH", "PUT"]
    assert old_box.pipelines["cam1"]["encoding"]["bitrate"] == 900
    assert old_box.pipelines["cam1"]["encoding"]["width"] == 1280
    assert "overlay" not in old_box.pipelines["cam1"]
