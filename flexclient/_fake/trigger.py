"""The fake box's triggers of other media servers. In memory, no I/O."""

from __future__ import annotations

import re

from flexclient._fake.auth import unauthorized
from flexclient._fake.box import FakeAnswer, FakeBox, Kept, Refusal, Seen, spec_of
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, FieldError, Order, State

PATH = "/flex/triggers/mediaMtx/publish"


def _named(box: FakeBox, seen: Seen) -> tuple[str, str]:
    """The pipeline's id, and its source's address. A box without a key lets nobody in here."""
    if box.api_key is None or seen.headers.get("x-api-key") != box.api_key:
        raise unauthorized("this needs the API key", "Send it as 'X-API-Key'.")
    path = seen.query.get("path", "").strip("/")
    name = seen.query.get("pipelineId") or re.sub("[^A-Za-z0-9_-]", "", path)
    if not 0 < len(name) <= 64:
        detail = FieldError(field="path", message="the path gives no id")
        hint = "pipelineId names one where the path gives none."
        raise Refusal(ErrorCode.VALIDATION_ERROR, "path: the path gives no id", hint=hint, details=(detail,))
    return name, f"rtsp://127.0.0.1:8554/{path}"


def _publish(box: FakeBox, seen: Seen) -> FakeAnswer:
    name, uri = _named(box, seen)
    kept = box.kept.get(name)
    if kept is None:
        encoding = {"codec": "h264", "bitrate": 750, "width": 1920, "height": 1080, "fps": 30}
        klv = {"pass_klv": True, "auto_extract_geolocation": True}
        body = {"id": name, "on_demand": False, "source": {"uri": uri}, "encoding": encoding, "klv_config": klv}
        kept = box.kept[name] = Kept(spec_of(body), Order.PLAY, State.READY)
        box.triggered.add(name)
        if not box.plain:
            box.ring.tell("pipeline_created", box.document(kept))
    kept.order = Order.PLAY
    if kept.state != State.PLAYING:
        box.start(kept)
    return json_answer({"status": "ok", "pipelineId": name, "action": "play"})


def _unpublish(box: FakeBox, seen: Seen) -> FakeAnswer:
    name, _ = _named(box, seen)
    kept = box.kept.get(name)
    if kept and name in box.triggered:
        box.triggered.discard(name)
        del box.kept[name]
        if not box.plain:
            box.ring.tell("pipeline_deleted", {"id": name})
    elif kept and "pipelineId" in seen.query:
        kept.order = Order.STOP
        if kept.state != State.READY:
            box.move(kept, State.STOPPING)
            box.move(kept, State.READY)
    return json_answer({"status": "ok", "pipelineId": name, "action": "stop"})


QUERY = ("path", "pipelineId")
ROUTES = (Route("PUT", PATH, _publish, query=QUERY), Route("DELETE", PATH, _unpublish, query=QUERY))
