"""The box in memory and a real one over one script of calls, answer by answer: status, fields, headers that matter.

Two things the box in memory does not judge, and so they are not in the script: whether a source can be had, which
depends on the box, and the signature of a licence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from flexclient.testing import FakeFlex
from tests.support.box import Box

KEY = "k" * 32
FILE = "cam1-00001.avif"
PICTURE = b"\0\0\0\x1cftypavif" + bytes(4096)


class Ask(NamedTuple):
    """One call."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it

    def __str__(self) -> str:
        more = " ".join(f"{name}={value[:20]}" for name, value in self.headers.items())
        return f"{self.method} {self.path} {'' if self.body is None else str(self.body)[:60]} {more}".strip()


P, ONE = "/flex/pipeline", "/flex/pipeline/cam1"
SPEC = {"id": "cam1", "source": {"uri": "test://smpte"}, "output": {"uri": "udp://127.0.0.1:9"}}
TEXT = {"content-type": "text/plain"}
PATCH = {"content-type": "application/merge-patch+json"}
OLD = {"if-match": '"0000000000000000"'}
TRIGGER = "/flex/triggers/mediaMtx/publish"
FILES = "/flex/files/framegrabs"
BEARER = {"authorization": "Bearer <token>"}

SCRIPT: list[Ask] = [
    # The box itself
    Ask("GET", "/flex/version"), Ask("GET", "/flex/healthz"), Ask("GET", "/flex/healthz/ready"),
    Ask("GET", "/flex/healthz/startup"), Ask("GET", "/flex/metrics"), Ask("GET", "/flex/health"),
    Ask("GET", "/flex/nope"), Ask("GET", "/flex/version?x=1"), Ask("POST", "/flex/version"),
    Ask("DELETE", P), Ask("PATCH", "/flex/settings", {}), Ask("HEAD", "/flex/version"),
    # Pipelines
    Ask("GET", P), Ask("GET", ONE), Ask("GET", f"{ONE}/status"), Ask("PUT", f"{ONE}/play"), Ask("DELETE", ONE),
    Ask("GET", "/flex/pipeline/b%20d"), Ask("GET", f"/flex/pipeline/{'x' * 65}"),
    Ask("POST", P, SPEC), Ask("POST", P, SPEC), Ask("GET", ONE), Ask("GET", ONE, None, {"if-none-match": "<etag>"}),
    Ask("GET", P), Ask("GET", f"{P}?state=ready&mode=simple&on_demand=true"), Ask("GET", f"{P}?state=playing"),
    Ask("GET", f"{P}?on_demand=maybe"), Ask("GET", f"{P}?mode=round"), Ask("GET", f"{P}?state=asleep"),
    Ask("GET", f"{P}?colour=red"), Ask("GET", f"{ONE}/status"), Ask("GET", f"{ONE}/logs"),
    Ask("GET", f"{ONE}/logs?tail=0"), Ask("GET", f"{ONE}/logs?tail=x"), Ask("GET", f"{ONE}/graph"),
    Ask("GET", f"{ONE}/graph?format=png"), Ask("GET", f"{ONE}/graph?format=dot"), Ask("GET", f"{ONE}/snapshot.jpg"),
    Ask("GET", f"{ONE}/snapshot.jpg?width=1"),
    Ask("POST", P, {}), Ask("POST", P, []), Ask("POST", P, "{"), Ask("POST", P, {"id": "b d"}),
    Ask("POST", P, {"id": "b", "typo": 1}), Ask("POST", P, {"id": "b", "source": {"uri": "test://smpte", "x": 1}}),
    Ask("POST", P, {"id": "b", "encoding": {"bitrate": 0, "codec": "vp8"}, "source": {"uri": "test://smpte"}}),
    Ask("POST", P, {**SPEC, "id": "b", "output": {"uri": "rtsp://0.0.0.0:8731/m"}}),
    Ask("POST", P, {**SPEC, "id": "c", "output": {"uri": "rtsp://0.0.0.0:8731/m"}}),
    Ask("DELETE", f"{P}/b"), Ask("POST", P, json.dumps(SPEC), TEXT), Ask("POST", P, ""),
    Ask("PUT", ONE, {**SPEC, "metadata": {"a": "b"}}), Ask("PUT", ONE, {**SPEC, "id": "other"}),
    Ask("PUT", ONE, SPEC, OLD), Ask("PUT", ONE, SPEC, {"if-match": "<etag>"}), Ask("PUT", ONE, SPEC, {"if-match": "*"}),
    Ask("PUT", f"{P}/nope", {**SPEC, "id": "nope"}), Ask("PUT", ONE, {"id": "cam1", "typo": 1}),
    Ask("PATCH", ONE, {"metadata": {"a": "c"}}, PATCH), Ask("PATCH", ONE, {"metadata": None}, PATCH),
    Ask("PATCH", ONE, {"encoding": {"bitrate": 0}}, PATCH), Ask("PATCH", ONE, {}, OLD), Ask("PATCH", ONE, []),
    Ask("PATCH", f"{P}/nope", {}), Ask("PUT", f"{ONE}/stop"), Ask("GET", f"{ONE}/status"),
    Ask("PUT", f"{ONE}/play"), Ask("PUT", f"{ONE}/stop"), Ask("PUT", f"{P}/nope/stop"),
    Ask("GET", f"{P}/nope/events"), Ask("GET", f"{P}/nope/graph"), Ask("GET", f"{P}/nope/logs"),
    Ask("GET", "/flex/events?since=x"), Ask("GET", "/flex/events?types=nothing"), Ask("GET", "/flex/events?x=1"),
    Ask("DELETE", ONE, None, OLD), Ask("DELETE", ONE, None, {"if-match": "*"}), Ask("DELETE", ONE),
    # Settings
    Ask("GET", "/flex/settings"), Ask("GET", "/flex/settings", None, {"if-none-match": "<etag>"}),
    Ask("PUT", "/flex/settings", {"typo": 1}), Ask("PUT", "/flex/settings", []), Ask("PUT", "/flex/settings", {}, OLD),
    Ask("PUT", "/flex/settings", {"webhook_allowed_networks": ["10.0.0.0/8"]}), Ask("GET", "/flex/settings"),
    Ask("PUT", "/flex/settings", {"webhook_allowed_networks": ["nonsense"]}),
    # Webhooks
    Ask("GET", "/flex/webhooks"), Ask("POST", "/flex/webhooks", {}),
    Ask("POST", "/flex/webhooks", {"url": "http://192.168.0.1/x", "events": ["pipeline.started"]}),
    Ask("POST", "/flex/webhooks", {"url": "http://10.1.2.3/x", "events": ["pipeline.started"]}),
    Ask("POST", "/flex/webhooks", {"url": "http://10.1.2.3/x", "events": ["nothing"]}),
    Ask("POST", "/flex/webhooks", {"url": "http://10.1.2.3/x", "events": []}),
    Ask("POST", "/flex/webhooks", {"url": "ftp://10.1.2.3/x", "events": ["pipeline.started"]}),
    Ask("GET", "/flex/webhooks"), Ask("GET", "/flex/webhooks/<id>/deliveries"), Ask("DELETE", "/flex/webhooks/<id>"),
    Ask("DELETE", "/flex/webhooks/<id>"), Ask("POST", "/flex/webhooks/wh_00000000/test"),
    Ask("GET", "/flex/webhooks/wh_00000000/deliveries"),
    # Cameras, sound
    Ask("GET", "/flex/camera"), Ask("GET", "/flex/camera?path=/etc/passwd"),
    Ask("GET", "/flex/camera?path=/dev/video99"), Ask("GET", "/flex/cameras?x=1"),
    # Framegrabs
    Ask("GET", FILES), Ask("GET", f"{FILES}?pipeline_id=cam1"), Ask("GET", f"{FILES}?pipeline_id=none"),
    Ask("GET", f"{FILES}/{FILE}"), Ask("GET", f"{FILES}/{FILE}", None, {"if-none-match": "<etag>"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "bytes=0-9"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "bytes=-10"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "bytes=4000-"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "bytes=99999-"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "lines=1-2"}),
    Ask("GET", f"{FILES}/{FILE}", None, {"range": "bytes=0-9", "if-range": '"other"'}),
    Ask("GET", f"{FILES}/{FILE}", None, {"if-match": '"other"'}), Ask("HEAD", f"{FILES}/{FILE}"),
    Ask("GET", f"{FILES}/nothing.txt"), Ask("GET", f"{FILES}/cam1-00009.avif"),
    Ask("DELETE", f"{FILES}/cam1-00009.avif"),
    Ask("DELETE", f"{FILES}/{FILE}"), Ask("DELETE", f"{FILES}?pipeline_id=cam1"), Ask("DELETE", FILES),
    # Licence
    Ask("GET", "/flex/licensed"), Ask("POST", "/flex/license", {}), Ask("DELETE", "/flex/license"),
    # Triggers
    Ask("PUT", f"{TRIGGER}?path=live/x"), Ask("PUT", f"{TRIGGER}?path=%20", None, {"x-api-key": KEY}),
    Ask("DELETE", f"{TRIGGER}?path=live/none", None, {"x-api-key": KEY}),
    Ask("PUT", f"{TRIGGER}?nope=1", None, {"x-api-key": KEY}),
    Ask("PUT", f"{TRIGGER}?path=x", None, {"x-api-key": "no"}),
    # Who asks
    Ask("GET", "/flex/auth/status"), Ask("POST", "/flex/auth/login", {"password": "right horse"}),
    Ask("PUT", "/flex/auth/password", {"password": ""}), Ask("PUT", "/flex/auth/password", {}),
    Ask("PUT", "/flex/auth/password", {"password": "right horse"}), Ask("GET", "/flex/auth/status"), Ask("GET", P),
    Ask("GET", P, None, {"authorization": "Bearer wrong"}), Ask("GET", P, None, {"x-api-key": KEY}),
    Ask("GET", "/flex/version"), Ask("POST", "/flex/auth/login", {"password": "wrong"}),
    Ask("POST", "/flex/auth/login", {}),
    Ask("POST", "/flex/auth/login", {"password": "right horse"}), Ask("GET", P, None, BEARER),
    Ask("GET", "/flex/auth/status", None, BEARER), Ask("GET", "/flex/nope"), Ask("DELETE", P),
    Ask("POST", "/flex/auth/logout", None, BEARER), Ask("GET", P, None, BEARER),
    Ask("DELETE", "/flex/auth/password"), Ask("DELETE", "/flex/auth/password", None, {"x-api-key": KEY}), Ask("GET", P),
]  # fmt: skip

HEADERS = {"allow", "content-range", "content-type", "etag", "flex-applied", "last-event-id", "location",
           "retry-after", "www-authenticate", "x-request-id"}  # fmt: skip
SHOWN = {"content-type", "content-range", "flex-applied", "allow", "www-authenticate"}
"""Headers whose values are compared, too; of the others it is enough that they are there."""
VOLATILE = {"created_at", "updated_at", "since", "uptime_seconds", "version", "build", "gstreamer_version", "token",
            "expires_at", "id", "request_id", "secret", "message", "hint", "output_uri", "stats", "reason", "parts",
            "disk", "width", "height"}  # fmt: skip


class Side:
    """One of the two boxes, and what its last answers named."""

    def __init__(self, http: httpx.Client) -> None:
        self.http, self.named = http, {"<etag>": "", "<id>": "wh_00000000", "<token>": ""}

    def ask(self, ask: Ask) -> dict[str, Any]:
        filled = {name: self._fill(value) for name, value in ask.headers.items()}
        content = ask.body if ask.body is None or isinstance(ask.body, str) else json.dumps(ask.body)
        if content is not None:
            filled.setdefault("content-type", "application/json")
        reply = self.http.request(ask.method, self._fill(ask.path), content=content, headers=filled)
        self._learn(ask, reply)
        return answer(reply)

    def _fill(self, text: str) -> str:
        return re.sub("<(etag|id|token)>", lambda found: self.named[found[0]], text)

    def _learn(self, ask: Ask, reply: httpx.Response) -> None:
        if reply.is_success:
            self.named["<etag>"] = reply.headers.get("etag", self.named["<etag>"])
        if reply.status_code == 201 and ask.path == "/flex/webhooks":
            self.named["<id>"] = reply.json()["id"]
        if reply.status_code == 200 and ask.path.endswith("login"):
            self.named["<token>"] = reply.json()["token"]


def answer(reply: httpx.Response) -> dict[str, Any]:
    """What is compared of an answer."""
    headers = {name: _header(name, value) for name, value in reply.headers.items() if name in HEADERS}
    kind = reply.headers.get("content-type", "")
    body: Any = None
    if kind.startswith("application/json") and reply.content:
        body = shape(reply.json())
    elif kind.startswith("image/"):
        body = reply.content
    return {"status": reply.status_code, "headers": headers, "body": body}


def _header(name: str, value: str) -> str:
    if name == "allow":
        return ", ".join(sorted(set(value.split(", ")) - {"HEAD", "OPTIONS"}))
    return value if name in SHOWN else "..."


def shape(value: Any, name: str = "") -> Any:
    """The same JSON with what no two boxes can have in common replaced by its type."""
    if isinstance(value, dict):
        if name in VOLATILE:
            return "..."
        return {key: shape(item, key) for key, item in sorted(value.items())}
    if isinstance(value, list):
        listed = [shape(item, name) for item in value]
        return sorted(listed, key=str) if name == "details" else listed
    return "..." if name in VOLATILE and value is not None else value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Any, Any]]]:
    data = tmp_path_factory.mktemp("same") / "data"
    folder = data / "framegrabs" / "cam1"
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(PICTURE)
    os.utime(folder / FILE, (1_700_000_000, 1_700_000_000))
    fake = FakeFlex(api_key=KEY)
    fake.add_framegrab(FILE, PICTURE, event=False)
    with (
        Box(Path(data), env={"FLEX_API_KEY": KEY}) as box,
        httpx.Client(base_url=box.url, verify=False, timeout=30) as real,
        httpx.Client(base_url="https://fake", transport=fake) as memory,
    ):
        one, other = Side(real), Side(memory)
        yield [(one.ask(ask), other.ask(ask)) for ask in SCRIPT]


@pytest.mark.parametrize("number", range(len(SCRIPT)), ids=[f"{n:03} {ask}" for n, ask in enumerate(SCRIPT)])
def test_they_answer_alike(answers: list[tuple[Any, Any]], number: int) -> None:
    real, fake = answers[number]
    assert fake == real
