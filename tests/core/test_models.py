"""The documents: read leniently, written exactly, secrets hidden."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from flexclient import models as m
from flexclient.models._docs import field_docs

ANSWER = {
    "id": "cam1",
    "mode": "simple",
    "on_demand": False,
    "source": {"uri": "test://smpte", "new_field": [1, {"a": None}]},
    "state": "warming",
    "order": "play",
    "klv": {"available": True},
    "created_at": "2026-11-23T10:00:00Z",
    "brand_new": {"x": 1},
}


def test_an_answer_of_a_newer_box_is_read_and_nothing_is_lost() -> None:
    pipeline = m.Pipeline.model_validate(ANSWER)
    assert pipeline.state == "warming"
    assert not pipeline.state.known
    assert pipeline.model_extra == {"brand_new": {"x": 1}}
    assert pipeline.created_at == datetime(2026, 11, 23, 10, tzinfo=UTC)
    again = json.loads(pipeline.model_dump_json(exclude_unset=True))
    assert again == ANSWER


def test_what_an_owner_wrote_can_be_changed_and_put_back() -> None:
    spec = m.Pipeline.model_validate(ANSWER).spec()
    assert type(spec) is m.PipelineSpec
    assert spec.body() == {name: ANSWER[name] for name in ("id", "mode", "on_demand", "source")}
    assert set(spec.body()).isdisjoint(m.READ_ONLY)


def test_a_body_says_exactly_what_was_set() -> None:
    spec = m.PipelineSpec(id="a", overlay=None, encoding=m.Encoding(bitrate=900))
    assert spec.body() == {"id": "a", "overlay": None, "encoding": {"bitrate": 900}}
    assert m.PipelineSpec(id="a").body() == {"id": "a"}


def test_a_password_is_plain_in_a_body_and_nowhere_else() -> None:
    source = m.Source(uri="rtsp://user:geheim@cam/1", password=SecretStr("geheim"))
    spec = m.PipelineSpec(id="a", source=source)
    assert spec.body()["source"]["password"] == "geheim"
    assert spec.body()["source"]["uri"] == "rtsp://user:geheim@cam/1"
    for shown in (repr(spec), str(spec), repr(source), str(source), repr([source])):
        assert "geheim" not in shown
    assert json.loads(source.model_dump_json())["password"] == "**********"
    assert source.model_dump(mode="json")["password"] == "**********"
    assert m.Source(uri="x", password=None).body() == {"uri": "x", "password": None}


def test_documents_do_not_change() -> None:
    with pytest.raises(ValidationError):
        m.Source(uri="test://smpte").uri = "other"  # type: ignore[misc]


def test_errors_repeat_no_input() -> None:
    with pytest.raises(ValidationError) as caught:
        m.Source.model_validate({"uri": 5, "password": ["geheim"]})
    assert "geheim" not in str(caught.value)


@given(st.text())
def test_an_open_enum_takes_any_text_and_stays_itself(text: str) -> None:
    state = m.State(text)
    assert state == text
    assert state.known == (text in {"ready", "starting", "playing", "reconnecting", "stopping", "error"})
    assert json.loads(json.dumps({"state": state})) == {"state": text}
    assert m.PipelineStatus(id="a", state=state).body()["state"] == text


def test_an_enum_of_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="5"):
        m.State(5)  # type: ignore[arg-type]


def test_unset_is_neither_none_nor_true() -> None:
    assert not m.UNSET
    assert repr(m.UNSET) == "UNSET"
    assert m.UNSET is not None


FRAMEGRAB = {"file": "a-00001.avif", "pipeline_id": "a", "size_bytes": 9, "created_at": "2026-11-23T12:00:00Z"}
EVENTS: list[tuple[str, dict[str, Any], type[m.Model]]] = [
    ("pipeline_status", {"id": "a", "state": "playing"}, m.PipelineStatus),
    ("pipeline_error", {"message": "x"}, m.PipelineError),
    ("pipeline_created", {"id": "a", "state": "ready"}, m.Pipeline),
    ("pipeline_updated", {"id": "a", "state": "ready"}, m.Pipeline),
    ("pipeline_deleted", {"id": "a"}, m.PipelineDeleted),
    ("camera_added", {"device_path": "/dev/video0", "device_name": "x"}, m.CameraAdded),
    ("camera_removed", {"device_path": "/dev/video0"}, m.CameraRemoved),
    ("framegrab_created", FRAMEGRAB, m.FramegrabFile),
    ("geolocation", {"id": "a", "latitude": 1.5, "longitude": -2}, m.PipelineGeolocation),
    ("settings_changed", {"cot_enabled": True}, m.Settings),
    ("webhook_failed", {"webhook_id": "wh_12345678", "message": "410 Gone", "disabled": True}, m.WebhookFailed),
    ("gap", {}, m.Gap),
    ("bye", {}, m.Bye),
]


@pytest.mark.parametrize(("type_", "data", "kind"), EVENTS)
def test_every_event_is_typed(type_: str, data: dict[str, Any], kind: type[m.Model]) -> None:
    event = m.read_event(type_, json.dumps(data), "7")
    assert (event.type, event.id, type(event.data)) == (type_, 7, kind)
    with pytest.raises(ValidationError):
        m.read_event(type_, "[]", "7")


def test_every_event_of_the_table_was_tried() -> None:
    assert {row[0] for row in EVENTS} == set(m.EVENT_DATA)


@pytest.mark.parametrize(("mark", "number"), [("12", 12), ("", None), (None, None), ("x1", None), ("-3", None)])
def test_an_event_id_is_a_number_or_none(mark: str | None, number: int | None) -> None:
    assert m.read_event("brand_new", '{"a": 1}', mark).id == number


def test_fields_have_their_sentence() -> None:
    docs = field_docs(m.Pipeline)
    assert docs["state"] == "What it does now."
    assert docs["id"].startswith("Letters, digits")
    assert {"bitrate", "gop_seconds"} <= field_docs(m.Encoding).keys()


def test_codes_and_statuses_are_all_there() -> None:
    assert set(m.STATUS_OF) == set(m.ErrorCode)


def test_the_defaults_are_those_of_the_contract() -> None:
    default = m.DEFAULT_ENCODING
    found = (default.codec, default.bitrate, default.width, default.height, default.fps, default.quality)
    assert found == ("h264", 750, 1920, 1080, 30, 5)
    assert m.Source(uri="x").latency_ms == 200
    assert m.PipelineSpec(id="a").on_demand is True
    assert m.PipelineSpec(id="a").mode == "simple"
    audio = m.Audio(source=m.AudioSource.TEST)
    assert (audio.codec2_mode, audio.noise_filter) == (2400, True)
    grab = m.Framegrab()
    assert (grab.interval_seconds, grab.max_files, grab.quality, grab.speed, grab.motion_keyframe_interval) == (
        1, 10, 80, 4, 30,
    )  # fmt: skip
