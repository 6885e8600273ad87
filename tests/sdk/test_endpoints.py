"""Every endpoint: what goes over the wire, and what is made of the answer."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from flexclient import models as m
from tests.sdk.harness import Side

URL = "https://box.test:3539"
SPEC = {"id": "cam1", "source": {"uri": "test://smpte"}}
PIPELINE = {**SPEC, "on_demand": True, "state": "playing", "klv": {"available": False}, "order": "play"}
STATUS = {"id": "cam1", "state": "playing", "stats": {"fps": 29.97}}
HEALTH = {"status": "degraded", "parts": {"disk": {"status": "degraded", "message": "94 % full"}}}
VERSION = {"version": "1.2.3", "gstreamer_version": None}
DIFF = {"encoding": {"bitrate": 900}, "overlay": None}
MERGE_PATCH = {"content-type": "application/merge-patch+json"}

SESSION = {"token": "a-token", "expires_at": "2026-11-24T12:00:00Z"}
SETTINGS = {"cot_enabled": True, "cot_address": "239.2.3.1:6969"}
LICENSE = {"licensed": True, "serial_number": "7", "max_video_streams": 4, "codecs": {"h264": True, "h265": True}}
CAMERA = {"path": "/dev/video0", "name": "Cam", "driver": "uvcvideo", "format_count": 2}
WAY = {"format": "YUYV", "width": 640, "height": 480, "fps": 30, "gstreamer_caps": "video/x-raw", "quality_score": 1}
DETAIL = {"capabilities": [WAY], "formats": ["YUYV"], "best_capability": WAY}
DEVICE = {"device": "hw:1,0", "name": "Mic", "card_name": "USB", "card": 1, "subdevice": 0}
FILE = {"file": "cam1-00001.avif", "pipeline_id": "cam1", "size_bytes": 9, "created_at": "2026-11-23T12:00:00Z"}
HOOK = {"url": "https://example.com/hook", "events": ["pipeline.started"]}
WEBHOOK = {**HOOK, "id": "wh_12345678", "created_at": "2026-11-23T12:00:00Z"}
DELIVERY = {"id": "msg_1", "webhook_id": "wh_12345678", "event": "test", "state": "delivered", "attempts": 1,
            "created_at": "2026-11-23T12:00:00Z", "status": 204}  # fmt: skip
TRIGGERED = {"status": "ok", "pipelineId": "livemystream", "action": "play"}
GRABS, HOOKS = "/flex/files/framegrabs", "/flex/webhooks"

P, S = m.Pipeline.model_validate(PIPELINE), m.PipelineStatus.model_validate(STATUS)
ONE = "/flex/pipeline/cam1"


class Row:
    """One endpoint: a client's method and arguments; what must be sent; the answer, and what must come of it."""

    def __init__(self, method: str, *args: Any, **named: Any) -> None:
        self.method, self.args, self.named = method, args, named
        self.body: Any = None
        self.headers: dict[str, str] = {}

    def sends(self, line: str, body: Any = None, headers: dict[str, str] | None = None) -> Row:
        self.line, self.body, self.headers = line, body, headers or {}
        return self

    def gets(self, answer: httpx.Response, data: Any) -> Any:
        self.answer, self.data = answer, data
        return pytest.param(self, id=f"{self.method} {self.line}")

    def on(self, client: Any) -> Any:
        return attrgetter(self.method)(client)


def js(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers=headers)


ROWS = [
    Row("pipelines.list").sends("GET /flex/pipeline").gets(js([PIPELINE]), [P]),
    Row("pipelines.list", mode=m.Mode.SIMPLE, on_demand=False, state="error")
    .sends("GET /flex/pipeline?mode=simple&on_demand=false&state=error")
    .gets(js([]), []),
    Row("pipelines.get", "cam1").sends(f"GET {ONE}").gets(js(PIPELINE), P),
    Row("pipelines.create", SPEC).sends("POST /flex/pipeline", SPEC).gets(js(PIPELINE, 201), P),
    Row("pipelines.create", m.PipelineSpec.model_validate(SPEC))
    .sends("POST /flex/pipeline", SPEC)
    .gets(js(PIPELINE, 201), P),
    Row("pipelines.create", P).sends("POST /flex/pipeline", {**SPEC, "on_demand": True}).gets(js(PIPELINE, 201), P),
    Row("pipelines.replace", "cam1", SPEC, if_match='"v1"')
    .sends(f"PUT {ONE}", SPEC, {"if-match": '"v1"'})
    .gets(js(PIPELINE), P),
    Row("pipelines.patch", "cam1", DIFF).sends(f"PATCH {ONE}", DIFF, MERGE_PATCH).gets(js(PIPELINE), P),
    Row("pipelines.patch", "cam1", DIFF, if_match='"v1"')
    .sends(f"PATCH {ONE}", DIFF, {**MERGE_PATCH, "if-match": '"v1"'})
    .gets(js(PIPELINE), P),
    Row("pipelines.delete", "cam1").sends(f"DELETE {ONE}").gets(httpx.Response(204), None),
    Row("pipelines.delete", "cam1", if_match='"v1"')
    .sends(f"DELETE {ONE}", headers={"if-match": '"v1"'})
    .gets(httpx.Response(204), None),
    Row("pipelines.play", "cam1").sends(f"PUT {ONE}/play").gets(js(PIPELINE), P),
    Row("pipelines.stop", "cam1").sends(f"PUT {ONE}/stop").gets(js(PIPELINE), P),
    Row("pipelines.status", "cam1").sends(f"GET {ONE}/status").gets(js(STATUS), S),
    Row("pipelines.snapshot", "cam1", width=320)
    .sends(f"GET {ONE}/snapshot.jpg?width=320", headers={"accept": "image/jpeg"})
    .gets(httpx.Response(200, content=b"\xff\xd8\xff"), b"\xff\xd8\xff"),
    Row("pipelines.graph", "cam1")
    .sends(f"GET {ONE}/graph?format=launch", headers={"accept": "text/plain"})
    .gets(httpx.Response(200, text="gst-launch-1.0 ü"), "gst-launch-1.0 ü"),
    Row("pipelines.graph", "cam1", format="dot")
    .sends(f"GET {ONE}/graph?format=dot")
    .gets(httpx.Response(200, text="digraph {}"), "digraph {}"),
    Row("pipelines.logs", "cam1", tail=5)
    .sends(f"GET {ONE}/logs?tail=5")
    .gets(httpx.Response(200, text="a\nb\n"), "a\nb\n"),
    Row("system.health").sends("GET /flex/health").gets(js(HEALTH), m.Health.model_validate(HEALTH)),
    Row("system.version").sends("GET /flex/version").gets(js(VERSION), m.Version.model_validate(VERSION)),
    Row("system.live").sends("GET /flex/healthz").gets(js({"status": "ok"}), m.Probe(status=m.Condition.OK)),
    Row("system.ready").sends("GET /flex/healthz/ready").gets(js({"status": "ok"}), m.Probe(status=m.Condition.OK)),
    Row("system.startup").sends("GET /flex/healthz/startup").gets(js({"status": "ok"}), m.Probe(status=m.Condition.OK)),
    Row("auth.status").sends("GET /flex/auth/status").gets(js({"auth_enabled": True}), m.AuthStatus(auth_enabled=True)),
    Row("auth.login", "pass")
    .sends("POST /flex/auth/login", {"password": "pass"})
    .gets(js(SESSION), m.Session.model_validate(SESSION)),
    Row("auth.logout").sends("POST /flex/auth/logout").gets(httpx.Response(204), None),
    Row("auth.set_password", SecretStr("pass"))
    .sends("PUT /flex/auth/password", {"password": "pass"})
    .gets(httpx.Response(204), None),
    Row("auth.remove_password").sends("DELETE /flex/auth/password").gets(httpx.Response(204), None),
    Row("settings.get").sends("GET /flex/settings").gets(js(SETTINGS), m.Settings.model_validate(SETTINGS)),
    Row("settings.update", {"name": None}, if_match='"v1"')
    .sends("PUT /flex/settings", {"name": None}, {"if-match": '"v1"'})
    .gets(js(SETTINGS), m.Settings.model_validate(SETTINGS)),
    Row("settings.update", m.Settings(cot_enabled=True))
    .sends("PUT /flex/settings", {"cot_enabled": True})
    .gets(js(SETTINGS), m.Settings.model_validate(SETTINGS)),
    Row("license.get").sends("GET /flex/licensed").gets(js(LICENSE), m.License.model_validate(LICENSE)),
    Row("license.install", "abc=")
    .sends("POST /flex/license", b"abc=", {"content-type": "text/plain; charset=utf-8"})
    .gets(js(LICENSE), m.License.model_validate(LICENSE)),
    Row("license.remove").sends("DELETE /flex/license").gets(js({"licensed": False}), m.License(licensed=False)),
    Row("cameras.list")
    .sends("GET /flex/cameras")
    .gets(js({"cameras": [CAMERA]}), m.Cameras.model_validate({"cameras": [CAMERA]})),
    Row("cameras.get", "/dev/video0")
    .sends("GET /flex/camera?path=%2Fdev%2Fvideo0")
    .gets(js(DETAIL), m.CameraDetail.model_validate(DETAIL)),
    Row("audio_devices.list")
    .sends("GET /flex/audio-devices")
    .gets(js({"devices": [DEVICE]}), m.AudioDevices.model_validate({"devices": [DEVICE]})),
    Row("framegrabs.list", pipeline_id="cam1")
    .sends(f"GET {GRABS}?pipeline_id=cam1")
    .gets(js([FILE]), [m.FramegrabFile.model_validate(FILE)]),
    Row("framegrabs.download", "cam1-00001.avif", range="bytes=0-3", if_match='"v1"')
    .sends(f"GET {GRABS}/cam1-00001.avif", headers={"range": "bytes=0-3", "if-match": '"v1"'})
    .gets(httpx.Response(206, content=b"ftyp"), b"ftyp"),
    Row("framegrabs.delete", "cam1-00001.avif")
    .sends(f"DELETE {GRABS}/cam1-00001.avif")
    .gets(httpx.Response(204), None),
    Row("framegrabs.delete_all", "cam1")
    .sends(f"DELETE {GRABS}?pipeline_id=cam1")
    .gets(js({"deleted": 3}), m.FramegrabsDeleted(deleted=3)),
    Row("webhooks.create", HOOK).sends(f"POST {HOOKS}", HOOK).gets(js(WEBHOOK, 201), m.Webhook.model_validate(WEBHOOK)),
    Row("webhooks.create", m.WebhookSpec.model_validate({**HOOK, "headers": {"X-Key": "k"}}))
    .sends(f"POST {HOOKS}", {**HOOK, "headers": {"X-Key": "k"}})
    .gets(js(WEBHOOK, 201), m.Webhook.model_validate(WEBHOOK)),
    Row("webhooks.list").sends(f"GET {HOOKS}").gets(js([WEBHOOK]), [m.Webhook.model_validate(WEBHOOK)]),
    Row("webhooks.delete", "wh_12345678").sends(f"DELETE {HOOKS}/wh_12345678").gets(httpx.Response(204), None),
    Row("webhooks.test", "wh_12345678")
    .sends(f"POST {HOOKS}/wh_12345678/test")
    .gets(js(DELIVERY), m.Delivery.model_validate(DELIVERY)),
    Row("webhooks.deliveries", "wh_12345678")
    .sends(f"GET {HOOKS}/wh_12345678/deliveries")
    .gets(js([DELIVERY]), [m.Delivery.model_validate(DELIVERY)]),
    Row("triggers.publish", "live/mystream")
    .sends("PUT /flex/triggers/mediaMtx/publish?path=live%2Fmystream")
    .gets(js(TRIGGERED), m.TriggerResult.model_validate(TRIGGERED)),
    Row("triggers.unpublish", "live/mystream", pipeline_id="cam1")
    .sends("DELETE /flex/triggers/mediaMtx/publish?path=live%2Fmystream&pipelineId=cam1")
    .gets(js(TRIGGERED), m.TriggerResult.model_validate(TRIGGERED)),
    Row("system.metrics")
    .sends("GET /flex/metrics", headers={"accept": "text/plain"})
    .gets(httpx.Response(200, text="flex_up 1\n"), "flex_up 1\n"),
    Row("system.openapi").sends("GET /flex/openapi.json").gets(js({"openapi": "3.1.0"}), {"openapi": "3.1.0"}),
]


def _sent(request: httpx.Request, like: Any) -> Any:
    """The body, bytes where bytes are expected, else its JSON."""
    return request.content if isinstance(like, bytes) else json.loads(request.content) if request.content else None


@pytest.mark.parametrize("row", ROWS)
def test_endpoint(side: Side, row: Row) -> None:
    with respx.mock(assert_all_called=True, using=None) as router:
        route = router.route().mock(return_value=row.answer)
        client = side.client(url=URL, token="secret-token", transport=side.router(router))
        method = row.on(client)

        plan = method.plan(*row.args, **row.named)
        assert f"{plan.method} {plan.target}" == row.line
        assert route.call_count == 0, "a plan is not sent"

        assert side.do(method(*row.args, **row.named)) == row.data
        reply = side.do(method.raw(*row.args, **row.named))
        assert (reply.data, reply.status) == (row.data, row.answer.status_code)

    for call in route.calls:
        request = call.request
        assert f"{request.method} {request.url.raw_path.decode()}" == row.line
        assert _sent(request, row.body) == row.body
        assert request.headers.items() >= row.headers.items()
        assert request.headers["authorization"] == "Bearer secret-token"
        assert request.headers["user-agent"].startswith("flexclient/")
        assert "content-type" in request.headers or row.body is None


@pytest.mark.parametrize(
    ("method", "args", "line"),
    [
        ("events.stream", {}, "GET /flex/events"),
        (
            "events.stream",
            {"types": ["pipeline_status", "pipeline_error"], "pipeline_id": "cam1", "since": 7},
            "GET /flex/events?types=pipeline_error,pipeline_status&pipeline_id=cam1&since=7",
        ),
        ("cameras.events", {}, "GET /flex/cameras/events"),
        ("pipelines.events", {"id": "cam1"}, "GET /flex/pipeline/cam1/events"),
        ("pipelines.events", {"id": "cam1", "since": 7}, "GET /flex/pipeline/cam1/events?since=7"),
    ],
)
def test_stream_endpoint(side: Side, method: str, args: dict[str, Any], line: str) -> None:
    body = b'id: 8\nevent: pipeline_status\ndata: {"id": "cam1", "state": "playing"}\n\n'
    with respx.mock(assert_all_called=True, using=None) as router:
        route = router.route().mock(
            return_value=httpx.Response(200, content=body, headers={"content-type": "text/event-stream"})
        )
        client = side.client(url=URL, api_key="secret-key", transport=side.router(router))
        stream = attrgetter(method)(client)(**args, resume=False)
        assert route.call_count == 0, "it opens when it is first read"
        (event,) = side.all(stream)

    assert event == m.Event("pipeline_status", m.PipelineStatus(id="cam1", state=m.State.PLAYING), 8)
    request = route.calls.last.request
    assert f"{request.method} {request.url.raw_path.decode()}" == line
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["x-api-key"] == "secret-key"


def test_free_request(side: Side) -> None:
    with respx.mock(using=None) as router:
        router.put(f"{URL}/flex/x?a=b").mock(return_value=js({"n": 1}, 202, etag='"e"'))
        router.get(f"{URL}/flex/text").mock(return_value=httpx.Response(200, text="hello"))
        router.get(f"{URL}/flex/bytes").mock(return_value=httpx.Response(200, content=b"\0"))
        router.delete(f"{URL}/flex/none").mock(return_value=httpx.Response(204))
        client = side.client(url=URL, transport=side.router(router))
        reply = side.do(client.request("put", "flex/x", json=None, query={"a": "b"}, headers={"X-Mine": "1"}))
        assert (reply.data, reply.status, reply.etag) == ({"n": 1}, 202, '"e"')
        sent = router.calls.last.request
        assert (sent.content, sent.headers["x-mine"]) == (b"null", "1")
        assert side.do(client.request("GET", "/flex/text")).data == "hello"
        assert side.do(client.request("GET", "/flex/bytes")).data == b"\0"
        assert side.do(client.request("DELETE", "/flex/none")).data is None


def test_not_modified_is_an_answer_to_who_asked(side: Side) -> None:
    with respx.mock(using=None) as router:
        router.route().mock(return_value=httpx.Response(304, headers={"ETag": '"v1"'}))
        client = side.client(url=URL, transport=side.router(router))
        reply = side.do(client.request("GET", "/flex/pipeline/cam1", headers={"If-None-Match": '"v1"'}))
    assert (reply.status, reply.data, reply.etag) == (304, None, '"v1"')


def test_reply_names_what_headers_say(side: Side) -> None:
    answer = httpx.Response(
        200, json=PIPELINE, headers={"ETag": '"v2"', "X-Request-Id": "r1", "Flex-Applied": "restart"}
    )
    with respx.mock(using=None) as router:
        router.route().mock(return_value=answer)
        client = side.client(url=URL, transport=side.router(router))
        reply = side.do(client.pipelines.patch.raw("cam1", DIFF))
    assert (reply.etag, reply.request_id, reply.applied) == ('"v2"', "r1", "restart")
