"""What a request and an answer of each operation look like. A test holds them against the schemas."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

from flexclient.models import ErrorCode
from flexserver.routing import JSON, MERGE_PATCH, Answer, Endpoint

Json: TypeAlias = Any

_MADE, _LATER = "2026-03-02T08:15:00.250Z", "2026-03-03T08:15:00.250Z"
_SPEC = {
    "id": "gate",
    "source": {"uri": "rtsp://192.0.2.20/stream1", "user": "viewer", "password": "correct horse"},
    "encoding": {"codec": "h264", "bitrate": 1500, "width": 1280, "height": 720, "fps": 25},
    "overlay": {"text": "Gate", "timestamp": True, "position": "bottom-left"},
}
_PIPELINE = {
    "id": "gate",
    "mode": "simple",
    "on_demand": True,
    "source": {"uri": "rtsp://192.0.2.20/stream1", "user": "viewer"},
    "encoding": {"codec": "h264", "bitrate": 1500, "width": 1280, "height": 720, "fps": 25},
    "overlay": {"text": "Gate", "timestamp": True, "position": "bottom-left"},
    "state": "ready",
    "klv": {"available": False},
    "order": "armed",
    "created_at": _MADE,
    "updated_at": _MADE,
}
_STATUS = {
    "id": "gate",
    "state": "playing",
    "order": "play",
    "since": _MADE,
    "uptime_seconds": 86.4,
    "restarts": 0,
    "output_uri": "rtsp://192.0.2.7:8731/gate",
    "readers": 2,
    "klv": {"available": False},
    "stats": {
        "fps": 25.0,
        "bitrate_kbps": 1493.2,
        "frames": 2160,
        "dropped": 0,
        "latency_ms": 41.0,
        "cpu_percent": 14.5,
        "rss_bytes": 88_080_384,
    },
}
_CAMERA = {"path": "/dev/video0", "name": "USB Camera", "driver": "uvcvideo", "format_count": 2}
_CAPABILITY = {
    "format": "YUYV",
    "width": 1920,
    "height": 1080,
    "fps": 30.0,
    "gstreamer_caps": "video/x-raw,format=YUY2,width=1920,height=1080,framerate=30/1",
    "quality_score": 9.3,
}
_SETTINGS = {
    "name": "north-gate",
    "cot_enabled": False,
    "cot_address": "239.2.3.1:6969",
    "cot_interval_seconds": 5.0,
    "mdns_enabled": True,
    "webhook_allowed_networks": [],
    "ingress_rtsp_enabled": False,
    "ingress_rtmp_enabled": False,
}
_GRAB = {
    "file": "gate-00001.avif",
    "pipeline_id": "gate",
    "size_bytes": 48_213,
    "created_at": _MADE,
    "kind": "still",
    "width": 1280,
    "height": 720,
}
_HOOK = {
    "id": "wh_3kq9x2ma",
    "url": "https://example.com/flex",
    "events": ["pipeline.error", "camera.removed"],
    "created_at": _MADE,
}
_DELIVERY = {
    "id": "msg_2hsk41vq",
    "webhook_id": "wh_3kq9x2ma",
    "event": "pipeline.error",
    "state": "delivered",
    "attempts": 1,
    "created_at": _MADE,
    "last_attempt_at": _MADE,
    "status": 204,
    "duration_ms": 31.5,
}
_LICENSE = {"licensed": True, "codecs": {"h264": True, "h265": True, "av1": True}}

REQUESTS: Mapping[str, Json] = {
    "auth.login": {"password": "correct horse battery"},
    "auth.set_password": {"password": "correct horse battery"},
    "license.install": "eyJ2ZXJzaW9uIjoxLCJwYXlsb2FkIjoi...",
    "pipelines.create": _SPEC,
    "pipelines.patch": {"encoding": {"bitrate": 3000}, "overlay": None},
    "pipelines.replace": {**_SPEC, "on_demand": False},
    "settings.update": {"name": "north-gate", "mdns_enabled": True},
    "webhooks.create": {
        "url": "https://example.com/flex",
        "events": ["pipeline.error", "camera.removed"],
        "headers": {"Authorization": "Bearer of-the-receiver"},
    },
}
"""What is sent, by operation."""

ANSWERS: Mapping[str, Json] = {
    "audio_devices.list": {
        "devices": [{"device": "hw:1,0", "name": "USB Audio", "card_name": "USB Microphone", "card": 1, "subdevice": 0}]
    },
    "auth.login": {"token": "kq1Yb0c2vW3uT4x5", "expires_at": _LATER},
    "auth.status": {"auth_enabled": True},
    "cameras.get": {
        **{name: _CAMERA[name] for name in ("path", "name", "driver")},
        "id": "usb-046d_0825-1",
        "capabilities": [_CAPABILITY],
        "formats": ["YUYV", "MJPG"],
        "best_capability": _CAPABILITY,
    },
    "cameras.list": {"cameras": [{**_CAMERA, "id": "usb-046d_0825-1"}]},
    "framegrabs.delete_all": {"deleted": 10},
    "framegrabs.list": [_GRAB],
    "license.get": _LICENSE,
    "license.install": {
        **_LICENSE,
        "serial_number": "FX-0001",
        "expiration_date": "2027-03-02T00:00:00Z",
        "max_video_streams": 8,
    },
    "license.remove": {
        "licensed": False,
        "codecs": {"h264": True, "h265": False, "av1": False},
        "max_video_streams": 1,
        "reason": "there is no licence",
    },
    "pipelines.create": _PIPELINE,
    "pipelines.get": _PIPELINE,
    "pipelines.graph": "videotestsrc is-live=true ! videoconvert ! x264enc tune=zerolatency ! h264parse ! fakesink\n",
    "pipelines.list": [_PIPELINE],
    "pipelines.logs": "2026-03-02T08:15:00.250Z playing 1280x720 at 25\n",
    "pipelines.patch": _PIPELINE,
    "pipelines.play": {**_PIPELINE, "state": "playing", "order": "play"},
    "pipelines.replace": {**_PIPELINE, "on_demand": False, "state": "playing", "order": "play"},
    "pipelines.status": _STATUS,
    "pipelines.stop": {**_PIPELINE, "order": "stop"},
    "settings.get": _SETTINGS,
    "settings.update": _SETTINGS,
    "system.health": {
        "status": "ok",
        "parts": {name: {"status": "ok"} for name in ("api", "rtsp", "workers", "store", "disk")},
        "uptime_seconds": 86.412,
    },
    "system.live": {"status": "ok"},
    "system.metrics": '# TYPE flex_pipelines gauge\nflex_pipelines{state="playing"} 3.0\n',
    "system.ready": {"status": "ok"},
    "system.startup": {"status": "ok"},
    "system.version": {
        "version": "0.1.0",
        "api_version": "1",
        "gstreamer_version": "1.22.0",
        "build": "CPython 3.11.2 x86_64",
    },
    "triggers.publish": {"status": "ok", "pipelineId": "livemystream", "action": "play"},
    "triggers.unpublish": {"status": "ok", "pipelineId": "livemystream", "action": "stop"},
    "webhooks.create": {**_HOOK, "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"},
    "webhooks.deliveries": [_DELIVERY],
    "webhooks.list": [_HOOK],
    "webhooks.test": {**_DELIVERY, "event": "test"},
}
"""What is answered, by operation; nothing for events and files."""

_PARAMETERS: Mapping[str, Json] = {
    "id": "gate",
    "file": "gate-00001.avif",
    "path": "/dev/video0",
    "pipeline_id": "gate",
    "types": ["pipeline_status", "pipeline_error"],
    "width": 640,
    "tail": 20,
}
_OF_ONE: Mapping[tuple[str, str], Json] = {
    ("events.stream", "pipeline_id"): ["gate"],
    ("triggers.publish", "path"): "live/mystream",
    ("triggers.unpublish", "path"): "live/mystream",
    ("webhooks.delete", "id"): "wh_3kq9x2ma",
    ("webhooks.deliveries", "id"): "wh_3kq9x2ma",
    ("webhooks.test", "id"): "wh_3kq9x2ma",
}
"""Where a parameter means something else than elsewhere."""

MESSAGES: Mapping[ErrorCode, str] = {
    ErrorCode.VALIDATION_ERROR: "encoding.bitrate: 0 is not from 1 to 1000000",
    ErrorCode.UNAUTHORIZED: "this needs a token",
    ErrorCode.LICENSE_ERROR: "the licence does not allow h265",
    ErrorCode.LICENSE_LIMIT_EXCEEDED: "the licence allows one playing stream, and 'yard' plays",
    ErrorCode.NOT_FOUND: "the pipeline 'gate' does not exist",
    ErrorCode.METHOD_NOT_ALLOWED: "this address does not answer POST",
    ErrorCode.CONFLICT: "there is a pipeline 'gate' already",
    ErrorCode.PIPELINE_CONFLICT: "the camera /dev/video0 belongs to the pipeline 'yard'",
    ErrorCode.PRECONDITION_FAILED: "the pipeline 'gate' was changed since you read it",
    ErrorCode.PAYLOAD_TOO_LARGE: "the body is larger than 1048576 bytes",
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: "the body has no Content-Type; this needs application/json",
    ErrorCode.RATE_LIMITED: "this may be asked 5 times in 900 seconds",
    ErrorCode.GSTREAMER_ERROR: "rtspsrc: could not connect to 192.0.2.20",
    ErrorCode.GSTREAMER_UNAVAILABLE: "there is no GStreamer on this box",
    ErrorCode.OVERLOADED: "the box works on too many requests",
    ErrorCode.PIPELINE_START_TIMEOUT: "the pipeline 'gate' did not play within 10 seconds",
    ErrorCode.INSUFFICIENT_STORAGE: "the change could not be stored: the disk is full",
    ErrorCode.INTERNAL_ERROR: "the box failed to answer this request",
}
"""What each error says, for instance."""


def request(endpoint: Endpoint) -> Json:
    """A body for it; None where it takes none."""
    return REQUESTS.get(endpoint.name)


def answer(name: str, said: Answer) -> Json:
    """What it answers; None where a picture or a stream comes, or a part of something."""
    if said.status >= 500:  # a probe's
        return {"status": "failed", "message": "the RTSP front has not started yet"}
    return ANSWERS.get(name) if said.status < 206 else None


def parameter(endpoint: Endpoint, name: str) -> Json:
    """A value for a parameter of its path or query; None where it is best left out."""
    return _OF_ONE.get((endpoint.name, name), _PARAMETERS.get(name))


def error(code: ErrorCode) -> Json:
    """An error document."""
    message = MESSAGES[code]
    field, found, fault = message.partition(": ")
    named = {"details": [{"field": field, "message": fault}]} if found and code == ErrorCode.VALIDATION_ERROR else {}
    return {"code": code.value, "message": message, **named, "request_id": "5d1c0a77c2f04b1e"}


def curl(endpoint: Endpoint) -> str:
    """The request as a line for a shell that has `FLEX_URL`, `CURL_CA_BUNDLE` and, where it is needed, a token."""
    words = ["curl", *(["-X", endpoint.method] if endpoint.method != "GET" else [])]
    if endpoint.key:
        words += ["-H", '"X-API-Key: $FLEX_API_KEY"']
    elif not endpoint.public:
        words += ["-H", '"Authorization: Bearer $FLEX_TOKEN"']
    if (body := request(endpoint)) is not None:
        kind = (endpoint.takes or ((MERGE_PATCH,) if endpoint.method == "PATCH" else (JSON,)))[0]
        text = body if isinstance(body, str) else json.dumps(body)
        words += ["-H", shlex.quote(f"Content-Type: {kind}"), "--data-raw", shlex.quote(text)]
    return " ".join([*words, f'"$FLEX_URL{_target(endpoint)}"'])


def _target(endpoint: Endpoint) -> str:
    path = endpoint.path
    for one in endpoint.path_parameters:
        path = path.replace(f"{{{one.name}}}", quote(str(parameter(endpoint, one.name))))
    told = [query for query in endpoint.query if query.required or (endpoint.key and query.name == "path")]
    query = urlencode({one.name: parameter(endpoint, one.name) for one in told}, safe="/")
    return f"{path}?{query}" if query else path
