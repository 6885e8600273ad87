"""A small box on a real port, for tests of flexctl: HTTP, pipelines in memory, an event stream that replays.

Its answers are always the same: times, rates and request ids are fixed, so that output can be compared whole.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flexclient.models import READ_ONLY, InvalidDocument, PipelineSpec, check

MADE = "2026-11-01T12:00:00Z"


METRICS = """\
# HELP flex_pipelines Pipelines by their state.
# TYPE flex_pipelines gauge
flex_pipelines{state="playing"} 1.0
flex_pipelines{state="error"} 1.0
flex_uptime_seconds 3723.5
"""


class Fault(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", details: list[dict[str, str]] | None = None
    ):
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "request_id": "req-1"}
        self.body |= {"hint": hint} if hint else {}
        self.body |= {"details": details} if details else {}  # type: ignore[dict-item]


class FakeBox:
    """The box. `documented` leaves out whatever API.md marks as an addition."""

    def __init__(self, *, documented: bool = False) -> None:
        self.documented = documented
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.ring: list[tuple[int, str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.fail: Fault | None = None
        self.probes = 200
        disk = {"status": "degraded", "message": "91 % full: 3.1 GB left"}
        parts = {"api": {"status": "ok"}, "disk": disk}
        self.health: dict[str, Any] = {"status": "degraded", "parts": parts, "uptime_seconds": 3723.0}
        self.changed = threading.Condition()
        self.generation = 0
        self.streams = 0
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def start(self) -> None:
        box = self

        class Handler(_Handler):
            pass

        Handler.box = box
        self.server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Every stream ends, and nobody listens any more."""
        with self.changed:
            self.generation += 1
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, seconds), "the box waited for it in vain"

    def emit(self, kind: str, data: Any) -> int:
        with self.changed:
            number = self.ring[-1][0] + 1 if self.ring else 1
            self.ring.append((number, kind, json.loads(json.dumps(data))))
            self.changed.notify_all()
        return number

    def status(self, name: str, **more: Any) -> dict[str, Any]:
        pipeline = self.pipelines[name]
        playing = pipeline["state"] == "playing"
        stats = {"fps": 29.97, "bitrate_kbps": 2013.4, "frames": 5994, "dropped": 0, "latency_ms": 3.2}
        known = {
            "id": name,
            "state": pipeline["state"],
            "order": pipeline.get("order"),
            "reason": "",
            "since": MADE,
            "uptime_seconds": 200.0 if playing else None,
            "restarts": 0,
            "output_uri": f"rtsp://127.0.0.1:8731/{name}",
            "readers": 1 if playing else 0,
            "stats": {**stats, "cpu_percent": 14.2, "rss_bytes": 42_991_616} if playing else None,
        }
        return {**{key: value for key, value in known.items() if value is not None}, **more}

    def add(self, name: str, *, state: str = "ready", **fields: Any) -> dict[str, Any]:
        body = {"id": name, "source": {"uri": "test://smpte"}, **fields}
        order = "play" if state == "playing" else "armed"
        full = {"mode": "simple", "on_demand": True, "output": {"uri": f"rtsp://0.0.0.0:8731/{name}"}, **body}
        full |= {"state": state, "klv": {"available": False}}
        if not self.documented:
            full |= {"order": order, "created_at": MADE, "updated_at": MADE}
        self.pipelines[name] = full
        self.emit("pipeline_created", full)
        return full

    def set_state(self, name: str, state: str, **more: Any) -> None:
        self.pipelines[name]["state"] = state
        self.emit("pipeline_status", self.status(name, **more))

    # Requests

    def answer(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes) -> Any:
        if self.fail:
            raise self.fail
        match (method, path.strip("/").split("/")[1:]):
            case "GET", ["health"]:
                return self.health
            case "GET", ["version"]:
                return {"version": "0.1.0", "api_version": "1", "gstreamer_version": "1.22.0", "build": "test"}
            case "GET", ["healthz", *_] | ["openapi.json"] | ["metrics"] as rest:
                return self.about(rest)
            case "GET", ["pipeline"]:
                return [p for p in self.pipelines.values() if all(_word(p.get(k)) == v for k, v in query.items())]
            case "POST", ["pipeline"]:
                return self.create(body)
            case _, ["pipeline", name, *rest]:
                return self.one(method, name, rest, headers, body)
        raise Fault(404, "NOT_FOUND", f"there is no {path}")

    def about(self, path: list[str]) -> Any:
        """The box itself, beside its health: probes, description, figures."""
        if self.documented and path != ["healthz"]:
            raise Fault(404, "NOT_FOUND", f"there is no {'/'.join(path)}")
        if path == ["metrics"]:
            return METRICS
        if path == ["openapi.json"]:
            return {"openapi": "3.1.0", "info": {"title": "Flex Video encoder", "version": "0.1.0"}, "paths": {}}
        if self.probes != 200:
            refused = Fault(self.probes, "", "")
            refused.body = {"status": "failed", "message": "the box shuts down"}
            raise refused
        return {"status": "ok"}

    def create(self, body: bytes) -> Any:
        spec = self.checked(body)
        if spec["id"] in self.pipelines:
            raise Fault(409, "CONFLICT", f"pipeline {spec['id']} exists already", "change it, or choose another id")
        return self.add(spec.pop("id"), state="ready" if spec.get("on_demand", True) else "playing", **spec)

    def checked(self, body: bytes) -> dict[str, Any]:
        kept = {k: v for k, v in json.loads(body).items() if k not in READ_ONLY}
        try:
            spec = check(PipelineSpec, json.dumps(kept)).body()
        except InvalidDocument as error:
            raise Fault(400, "VALIDATION_ERROR", "bad", details=[d.model_dump() for d in error.details]) from None
        if spec.get("source", {}).get("uri") == "file:///etc/passwd":
            details = [{"field": "source.uri", "message": "outside the allowed folders"}]
            raise Fault(400, "VALIDATION_ERROR", "the pipeline is not valid", details=details)
        spec.get("source", {}).pop("password", None)
        return spec

    def one(self, method: str, name: str, rest: list[str], headers: dict[str, str], body: bytes) -> Any:
        """One pipeline: the document itself, or what hangs below it."""
        if name not in self.pipelines:
            raise Fault(404, "NOT_FOUND", f"there is no pipeline '{name}'", "`flexctl pipeline list` shows them")
        pipeline = self.pipelines[name]
        match method, rest:
            case "GET", []:
                return pipeline
            case "PATCH", [] if not self.documented:
                return self.replace(name, _merged(pipeline, json.loads(body)))
            case "PUT", []:
                if headers.get("if-match", etag(pipeline)) != etag(pipeline):
                    raise Fault(412, "PRECONDITION_FAILED", f"pipeline {name} was changed meanwhile")
                return self.replace(name, {"id": name, **self.checked(body)})
            case "DELETE", []:
                del self.pipelines[name]
                self.emit("pipeline_deleted", {"id": name})
                return None
            case "PUT", ["play" | "stop" as verb]:
                pipeline["order"] = verb
                self.set_state(name, "playing" if verb == "play" else "ready")
                return pipeline
            case "GET", [part]:
                return self.part(name, part)
        raise Fault(405, "METHOD_NOT_ALLOWED", f"{method} is not for this")

    def part(self, name: str, part: str) -> Any:
        if part == "status":
            return self.status(name)
        texts = {
            "snapshot.jpg": b"\xff\xd8picture\xff\xd9",
            "logs": "" if name == "quiet" else "worker: playing\nworker: \x1b[31mevil\x1b[0m\n",
            "graph": "gst-launch-1.0 videotestsrc ! x264enc ! fakesink\n",
        }
        if part not in texts or self.documented:
            raise Fault(404, "NOT_FOUND", f"there is no {part}")
        return texts[part]

    def replace(self, name: str, body: dict[str, Any]) -> Any:
        known = self.pipelines[name]
        keep = {k: known[k] for k in READ_ONLY if k in known}
        self.pipelines[name] = {"mode": "simple", "on_demand": True, **body, **keep, "id": name}
        self.emit("pipeline_updated", self.pipelines[name])
        return self.pipelines[name]

    def events(self, after: int, only: set[str] | None) -> Iterator[bytes]:
        generation = self.generation
        with self.changed:
            self.streams += 1
            self.changed.notify_all()
        yield b"retry: 50\n\n"
        while True:
            with self.changed:
                if self.generation == generation and not self.after(after):
                    self.changed.wait(0.5)
                if self.generation != generation:
                    yield b'event: bye\ndata: {"reason": "shutdown"}\n\n'
                    return
                ready = self.after(after)
            yield b": \n\n"
            for number, kind, data in ready:
                after = number
                if only is None or data.get("id") in only:
                    yield f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n".encode()

    def after(self, number: int) -> list[tuple[int, str, Any]]:
        return [entry for entry in self.ring if entry[0] > number]


def etag(pipeline: dict[str, Any]) -> str:
    spec = {key: value for key, value in pipeline.items() if key not in {"state", "updated_at"}}
    return '"' + sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16] + '"'


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    box: FakeBox
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its base calls it so
        """Silent."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        self.box.requests.append((self.command, self.path, headers, body))
        if parts.path.endswith("/events") and not self.box.documented:
            self.stream(parts.path, query, headers)
            return
        try:
            self.reply(200, self.box.answer(self.command, parts.path, query, headers, body))
        except Fault as fault:
            self.reply(fault.status, fault.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def reply(self, status: int, data: Any) -> None:
        content = data if isinstance(data, bytes) else (data or "").encode() if isinstance(data, str) else None
        kind = "image/jpeg" if isinstance(data, bytes) else "text/plain; charset=utf-8"
        if content is None:
            content, kind = json.dumps(data).encode() if data is not None else b"", "application/json"
        self.send_response(204 if data is None else status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Request-Id", "req-1")
        if isinstance(data, dict) and "state" in data and not self.box.documented:
            self.send_header("ETag", etag(data))
        if self.command in {"PUT", "PATCH"} and not self.box.documented:
            self.send_header("Flex-Applied", "live")
        if isinstance(data, list) and not self.box.documented:
            self.send_header("Last-Event-Id", str(self.box.ring[-1][0] if self.box.ring else 0))
        self.end_headers()
        self.wfile.write(content)

    def stream(self, path: str, query: dict[str, str], headers: dict[str, str]) -> None:
        newest = self.box.ring[-1][0] if self.box.ring else 0
        after = int(headers.get("last-event-id") or query.get("since") or newest)
        wanted = query.get("pipeline_id") or (path.split("/")[3] if path.startswith("/flex/pipeline/") else None)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for block in self.box.events(after, set(wanted.split(",")) if wanted else None):
            self.wfile.write(block)


@contextmanager
def fake_box(*, documented: bool = False) -> Iterator[FakeBox]:
    box = FakeBox(documented=documented)
    try:
        yield box
    finally:
        box.stop()
