"""Every error code of the contract, provoked on a live box: the document, its status, and that nothing else is said."""

from __future__ import annotations

import resource
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from flexclient.models import STATUS_OF, ErrorCode, ErrorDocument
from flexserver import openapi
from flexserver.events import MAX_READERS
from flexserver.limits import MAX_BODY
from flexserver.openapi.operations import codes
from flexserver.routes import TABLE
from tests.support.api import Api
from tests.support.box import Box
from tests.support.licences import Vendor
from tests.support.media_double import FakeMedia, fake_media

JSON = {"Content-Type": "application/json"}


@dataclass
class Scene:
    """One box with fake media, and a client of it."""

    box: Box
    media: FakeMedia
    api: Api


Provocation: TypeAlias = Callable[[Scene], httpx.Response]


def validation(scene: Scene) -> httpx.Response:
    return scene.api.create("cam1", encoding={"bitrate": 0})


def unauthorized(scene: Scene) -> httpx.Response:
    scene.api.call("PUT", "/flex/auth/password", json={"password": "correct horse battery"}).raise_for_status()
    return scene.api.get("/flex/pipeline")


def license_error(scene: Scene) -> httpx.Response:
    return scene.api.create("cam1", on_demand=False, encoding={"codec": "h265"})


def license_limit(scene: Scene) -> httpx.Response:
    scene.api.create("cam1", on_demand=False).raise_for_status()
    return scene.api.create("cam2", on_demand=False)


def not_found(scene: Scene) -> httpx.Response:
    return scene.api.get("/flex/pipeline/ghost")


def method_not_allowed(scene: Scene) -> httpx.Response:
    return scene.api.call("DELETE", "/flex/version")


def conflict(scene: Scene) -> httpx.Response:
    scene.api.create("cam1").raise_for_status()
    return scene.api.create("cam1")


def pipeline_conflict(scene: Scene) -> httpx.Response:
    camera = {"uri": "v4l2:///dev/video0"}
    scene.api.create("cam1", source=camera).raise_for_status()
    return scene.api.create("cam2", source=camera)


def precondition_failed(scene: Scene) -> httpx.Response:
    scene.api.create("cam1").raise_for_status()
    return scene.api.call("DELETE", "/flex/pipeline/cam1", headers={"If-Match": '"of-another-time"'})


def payload_too_large(scene: Scene) -> httpx.Response:
    return scene.api.call("POST", "/flex/pipeline", content=b" " * (MAX_BODY + 1), headers=JSON)


def unsupported_media_type(scene: Scene) -> httpx.Response:
    return scene.api.call("POST", "/flex/pipeline", content=b"id: cam1", headers={"Content-Type": "application/yaml"})


def rate_limited(scene: Scene) -> httpx.Response:
    answers = [scene.api.call("POST", "/flex/auth/login", json={"password": "guess"}) for _ in range(6)]
    assert [answer.status_code for answer in answers[:5]].count(429) == 0
    return answers[5]


def gstreamer_error(scene: Scene) -> httpx.Response:
    scene.media.script("cam1", "graph")
    return scene.api.create("cam1", on_demand=False)


def gstreamer_unavailable(scene: Scene) -> httpx.Response:
    return scene.api.create("cam1", on_demand=False)


def overloaded(scene: Scene) -> httpx.Response:
    context = ssl.create_default_context(cafile=scene.box.ca_file)
    with ExitStack() as streams:
        for _ in range(MAX_READERS):
            plain = streams.enter_context(socket.create_connection(("127.0.0.1", scene.box.port), 10))
            stream = streams.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
            stream.sendall(b"GET /flex/events HTTP/1.1\r\nHost: a\r\n\r\n")
            assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        return scene.api.get("/flex/events")


def start_timeout(scene: Scene) -> httpx.Response:
    scene.media.script("cam1", "mute")
    return scene.api.create("cam1", on_demand=False)


def insufficient_storage(scene: Scene) -> httpx.Response:
    limit = resource.prlimit(scene.box.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    answer = scene.api.create("cam1")
    resource.prlimit(scene.box.pid, resource.RLIMIT_FSIZE, limit)
    return answer


def internal_error(scene: Scene) -> httpx.Response:
    scene.media.folder.joinpath("broken").touch()
    answer = scene.api.get("/flex/version")
    assert "Traceback" in scene.box.log
    assert answer.json()["request_id"] in scene.box.log
    assert "boom" not in answer.text
    return answer


PROVOKED: dict[ErrorCode, Provocation] = {
    ErrorCode.VALIDATION_ERROR: validation,
    ErrorCode.UNAUTHORIZED: unauthorized,
    ErrorCode.LICENSE_ERROR: license_error,
    ErrorCode.LICENSE_LIMIT_EXCEEDED: license_limit,
    ErrorCode.NOT_FOUND: not_found,
    ErrorCode.METHOD_NOT_ALLOWED: method_not_allowed,
    ErrorCode.CONFLICT: conflict,
    ErrorCode.PIPELINE_CONFLICT: pipeline_conflict,
    ErrorCode.PRECONDITION_FAILED: precondition_failed,
    ErrorCode.PAYLOAD_TOO_LARGE: payload_too_large,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: unsupported_media_type,
    ErrorCode.RATE_LIMITED: rate_limited,
    ErrorCode.GSTREAMER_ERROR: gstreamer_error,
    ErrorCode.GSTREAMER_UNAVAILABLE: gstreamer_unavailable,
    ErrorCode.OVERLOADED: overloaded,
    ErrorCode.PIPELINE_START_TIMEOUT: start_timeout,
    ErrorCode.INSUFFICIENT_STORAGE: insufficient_storage,
    ErrorCode.INTERNAL_ERROR: internal_error,
}
HEADERS = {
    ErrorCode.UNAUTHORIZED: "www-authenticate",
    ErrorCode.METHOD_NOT_ALLOWED: "allow",
    ErrorCode.RATE_LIMITED: "retry-after",
}
"""What has to come with it."""

ALONE = {
    ErrorCode.GSTREAMER_UNAVAILABLE,
    ErrorCode.INTERNAL_ERROR,
    ErrorCode.LICENSE_ERROR,
    ErrorCode.LICENSE_LIMIT_EXCEEDED,
    ErrorCode.OVERLOADED,
    ErrorCode.UNAUTHORIZED,
}
"""These change the box, or need another one."""

BREAKABLE = """
import os, pathlib, platform
machine = platform.machine
def breakable():
    if pathlib.Path(os.environ["FAKE_MEDIA"], "broken").exists():
        raise RuntimeError("boom")
    return machine()
platform.machine = breakable
"""
"""A fault of the box that nobody foresaw, once a file says so."""


def box_for(code: ErrorCode, folder: Path) -> tuple[Box, FakeMedia]:
    media = fake_media(folder / "fake", "no plugins" if code == ErrorCode.GSTREAMER_UNAVAILABLE else None)
    env, flags = media.env, ["--start-timeout", "0.5"]
    if code in (ErrorCode.LICENSE_ERROR, ErrorCode.LICENSE_LIMIT_EXCEEDED):
        flags += ["--license-public-key", Vendor().pem]
    if code == ErrorCode.INTERNAL_ERROR:
        (folder / "broken").mkdir()
        (folder / "broken" / "sitecustomize.py").write_text(BREAKABLE)
        env["PYTHONPATH"] = str(folder / "broken")
    return Box(folder / "data", *flags, env=env), media


def test_every_code_of_the_contract_is_provoked() -> None:
    assert set(PROVOKED) == set(ErrorCode)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One box for all that leave no trace but pipelines."""
    box, media = box_for(ErrorCode.NOT_FOUND, tmp_path_factory.mktemp("shared"))
    with box, Api(box) as api:
        yield Scene(box, media, api)


@pytest.fixture
def scene(code: ErrorCode, shared: Scene, tmp_path: Path) -> Iterator[Scene]:
    if code in ALONE:
        box, media = box_for(code, tmp_path)
        with box, Api(box) as api:
            yield Scene(box, media, api)
        return
    yield shared
    shared.media.forget()
    for one in shared.api.get("/flex/pipeline").json():
        shared.api.call("DELETE", f"/flex/pipeline/{one['id']}").raise_for_status()


@pytest.mark.parametrize("code", ErrorCode)
def test_it_comes_as_the_document_says(code: ErrorCode, scene: Scene) -> None:
    answer = PROVOKED[code](scene)
    said = ErrorDocument.model_validate_json(answer.text)
    assert (answer.status_code, said.code) == (STATUS_OF[code], code), answer.text
    assert said.message.strip()
    assert said.request_id == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    assert said.details or code != ErrorCode.VALIDATION_ERROR
    if code in HEADERS:
        assert answer.headers[HEADERS[code]]


def test_every_code_is_described_somewhere() -> None:
    described = {code for endpoint in TABLE.endpoints for code in codes(endpoint)}
    assert described == set(ErrorCode) - {ErrorCode.METHOD_NOT_ALLOWED}, "405 is of an address, and of no operation"
    document: dict[str, Any] = openapi.describe(TABLE.endpoints)
    assert "405" in document["info"]["description"]
