"""The fake box itself: health, version, the API's description. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

from flexclient._fake.box import FakeAnswer, FakeBox, Seen
from flexclient._fake.route import Route, json_answer
from flexclient._version import __version__


def _health(box: FakeBox, seen: Seen) -> FakeAnswer:
    parts = {name: {"status": "ok"} for name in ("api", "rtsp", "workers", "store", "disk")}
    return json_answer({"status": "ok", "parts": parts, "uptime_seconds": 60.0})


def _version(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer({"version": __version__, "api_version": "1", "gstreamer_version": "1.22.0", "build": "fake"})


def _probe(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer({"status": "ok"})


def _openapi(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer(
        {"openapi": "3.1.0", "info": {"title": "Flex Video encoder", "version": __version__}, "paths": {}}
    )


def _metrics(box: FakeBox, seen: Seen) -> FakeAnswer:
    body = f"# TYPE flex_pipelines gauge\nflex_pipelines {len(box.kept)}\n"
    return FakeAnswer(200, {"content-type": "text/plain; version=0.0.4; charset=utf-8"}, body.encode())


ROUTES = (
    Route("GET", "/flex/health", _health, public=True),
    Route("GET", "/flex/healthz", _probe, public=True),
    Route("GET", "/flex/healthz/ready", _probe, public=True, ours=True),
    Route("GET", "/flex/healthz/startup", _probe, public=True, ours=True),
    Route("GET", "/flex/version", _version, public=True),
    Route("GET", "/flex/openapi.json", _openapi, ours=True),
    Route("GET", "/flex/metrics", _metrics, ours=True),
)
