"""The edge over a real connection: every fault is an error document, nothing is a 500, and limits hold."""

# ruff: noqa: A002 - what the API calls id and type is called so here

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from flexclient.models import ErrorDocument
from tests.support.api import Api, spec, until
from tests.support.box import Box

JSON = {"Content-Type": "application/json"}


def fault(response: Any, status: int, code: str) -> ErrorDocument:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    document = ErrorDocument.model_validate_json(response.text)
    assert document.code == code
    assert document.message
    assert document.request_id == response.headers["x-request-id"]
    return document


def post(api: Api, body: bytes, **headers: str) -> Any:
    return api.call("POST", "/flex/pipeline", content=body, headers={**JSON, **headers})


@contextmanager
def raw(box: Box) -> Iterator[ssl.SSLSocket]:
    parts = urlsplit(box.url)
    context = ssl.create_default_context(cafile=box.ca_file)
    with (
        socket.create_connection((str(parts.hostname), parts.port or 0), 20) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as wrapped,
    ):
        yield wrapped


def answer(connection: ssl.SSLSocket) -> tuple[int, dict[str, str], bytes]:
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(first.split()[1]), headers, body


def test_an_unknown_path_is_404(api: Api) -> None:
    for path in ("/", "/flex", "/flex/nope", "/flex/pipeline/", "/flex/pipeline/a/nope", "/flex%2Fversion"):
        assert "openapi" in (fault(api.get(path), 404, "NOT_FOUND").hint or "")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/flex/version", "GET, HEAD, OPTIONS"),
        ("DELETE", "/flex/pipeline", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/flex/pipeline/a", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", "/flex/pipeline/a/play", "OPTIONS, PUT"),
        ("HEAD", "/flex/pipeline/a/stop", "OPTIONS, PUT"),
        ("BREW", "/flex/events", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_wrong_method_is_405_and_says_which_are_right(api: Api, method: str, path: str, allow: str) -> None:
    response = api.call(method, path)
    assert response.headers["allow"] == allow
    if method != "HEAD":
        fault(response, 405, "METHOD_NOT_ALLOWED")


def test_options_and_head(api: Api) -> None:
    options = api.call("OPTIONS", "/flex/pipeline")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    head, get = api.call("HEAD", "/flex/version"), api.get("/flex/version")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    events = api.call("HEAD", "/flex/events")
    assert (events.status_code, events.content) == (200, b"")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert api.call("HEAD", "/flex/nope").status_code == 404


def test_request_ids(api: Api) -> None:
    assert api.get("/flex/version", headers={"X-Request-Id": "my.id-1_a"}).headers["x-request-id"] == "my.id-1_a"
    for bad in ("a b", "x" * 65, "", 'a"b', "a/b"):
        assert api.get("/flex/version", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad
    assert api.get("/flex/version").headers["x-request-id"] != api.get("/flex/version").headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"{", "line 1, column 2"),
        (b'{\n "id": cam1}', "line 2, column 8"),
        (b'{"id": "a",}', "column"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"null", "object"),
        (b"\xff\xfe{}", "UTF-8 at byte 0"),
        (b'{"id": "\xc3\x28"}', "UTF-8"),
        (b"NaN", "NaN"),
        (b"[" * 100_000, "deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deep"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "deep"),
        (b'{"id": "a\\u0000b"}', "U+0000"),
        (b'{"metadata": {"a": "\\ud800"}}', "surrogate"),
        (b'{"metadata": {"\\ud800": "a"}}', "surrogate"),
    ],
)
def test_what_is_not_json_is_400_and_says_where(api: Api, body: bytes, said: str) -> None:
    document = fault(post(api, body), 400, "VALIDATION_ERROR")
    assert said in document.message
    assert len(document.message) < 300


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (b'{"id": "a", "id": "b"}', "id", "twice"),
        (b'{"source": {"uri": "a", "uri": "b", "uri": "c"}}', "source.uri", "twice"),
        (b'{"inputs": [{}, {"source": {"uri": "a", "uri": 1}}]}', "inputs.1.source.uri", "twice"),
        (b'{"encoding": {"bitrate": NaN}}', "encoding.bitrate", "NaN"),
        (b'{"encoding": {"fps": -Infinity}}', "encoding.fps", "Infinity"),
        (b'{"encoding": {"fps": 1e999}}', "encoding.fps", "too large"),
        (b'{"encoding": {"bitrate": ' + b"9" * 5000 + b"}}", "encoding.bitrate", "too large"),
    ],
)
def test_a_value_that_is_none_is_named_with_its_whole_path(api: Api, body: bytes, field: str, said: str) -> None:
    details = fault(post(api, body), 400, "VALIDATION_ERROR").details
    assert [detail.field for detail in details] == [field]
    assert said in details[0].message
    assert len(details[0].message) < 300


@pytest.mark.parametrize("value", [b"2147483648", b"-1", b"9223372036854775808", b"1.5", b'"1"', b"true", b"[]", b"{}"])
def test_a_number_that_is_none_is_named(api: Api, value: bytes) -> None:
    body = b'{"id": "a", "source": {"uri": "test://smpte"}, "encoding": {"bitrate": %s}}' % value
    document = fault(post(api, body), 400, "VALIDATION_ERROR")
    assert [detail.field for detail in document.details] == ["encoding.bitrate"]


@pytest.mark.parametrize(
    "declared",
    [
        "text/plain", "", "application/x-www-form-urlencoded", "application/json; charset=latin-1",
        "application/json; charset=utf-8; charset=utf-16", "application/jsonx", "text/plain; application/json",
    ],
)  # fmt: skip
def test_another_media_type_is_415(api: Api, declared: str) -> None:
    response = api.call("POST", "/flex/pipeline", content=b"{}", headers={"Content-Type": declared})
    assert "application/json" in (fault(response, 415, "UNSUPPORTED_MEDIA_TYPE").hint or "")


@pytest.mark.parametrize("parameters", [' charset="UTF-8"', "foo=bar", ";", " Charset = utf-8 ; foo=bar"])
def test_json_with_its_charset_or_other_parameters_is_fine(api: Api, parameters: str) -> None:
    headers = {"Content-Type": f"application/json;{parameters}"}
    assert api.call("POST", "/flex/pipeline", content=json.dumps(spec()), headers=headers).status_code == 201


def test_a_body_too_large_is_413_declared_or_not(api: Api) -> None:
    fault(post(api, b" " * (1024 * 1024 + 1)), 413, "PAYLOAD_TOO_LARGE")
    licence = api.call(
        "POST", "/flex/license", content=b"x" * (1024 * 1024 + 1), headers={"Content-Type": "text/plain"}
    )
    assert "pipeline" not in (fault(licence, 413, "PAYLOAD_TOO_LARGE").hint or "")
    chunks = (b" " * 65536 for _ in range(17))
    fault(api.call("POST", "/flex/pipeline", content=chunks, headers=JSON), 413, "PAYLOAD_TOO_LARGE")
    big = spec(metadata={"a": "x" * 900_000})
    assert api.call("POST", "/flex/pipeline", json=big).status_code == 201


def test_unknown_and_bad_query_parameters_are_named(api: Api) -> None:
    for query, field in [
        ("nope=1", "nope"),
        ("state=odd", "state"),
        ("on_demand=yes", "on_demand"),
        ("mode=a&mode=b", "mode"),
    ]:
        document = fault(api.get(f"/flex/pipeline?{query}"), 400, "VALIDATION_ERROR")
        assert field in [detail.field for detail in document.details]
    document = fault(api.get("/flex/files/framegrabs?pipeline_id=.."), 400, "VALIDATION_ERROR")
    assert document.details[0].message == "'..' is none: an id is 1 to 64 letters, digits, '-' and '_'"
    api.create()
    for tail in ("0", "1001", "-1", "x", "1e2", "9" * 40, "\u0663"):
        fault(api.get("/flex/pipeline/cam1/logs", params={"tail": tail}), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("id", ["a%20b", "a%00b", "%C3%A9", "x" * 65, "a.b", "%2e%2e", "a%2Fb", "%2F", "..%2f..%2fx"])
def test_an_id_that_none_can_have_is_400(api: Api, id: str) -> None:
    for method, tail in [("GET", ""), ("DELETE", ""), ("PUT", "/play"), ("GET", "/status"), ("GET", "/events")]:
        document = fault(api.call(method, f"/flex/pipeline/{id}{tail}"), 400, "VALIDATION_ERROR")
        assert [detail.field for detail in document.details] == ["id"]


@pytest.mark.parametrize("tail", ["%2Fstop", "%2fstop", "%252Fstop", "%2F..%2Fv1%2Fstop", "%2Fstatus"])
def test_an_encoded_slash_begins_no_other_address(api: Api, tail: str) -> None:
    api.create("v1", on_demand=False)
    for method in ("PUT", "GET", "DELETE"):
        fault(api.call(method, f"/flex/pipeline/v1{tail}"), 400, "VALIDATION_ERROR")
    assert api.status("v1")["order"] == "play"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"https://gate.example:3539/flex/version", 200),
        (b"HTTPS://gate.example/flex/pipeline/cam1/status?", 200),
        (b"https://gate.example/flex/pipeline?nope=1", 400),
        (b"https://gate.example/flex/nope", 404),
        (b"https://gate.example", 404),
        (b"https://gate.example?x=1", 404),
    ],
)
def test_a_target_may_be_a_whole_address(api: Api, target: bytes, status: int) -> None:
    """RFC 9112, 3.2.2: then its host counts, and not the header's."""
    api.create()
    with raw(api.box) as connection:
        connection.sendall(b"GET " + target + b" HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
        said, _, body = answer(connection)
    assert said == status, body
    if b"status" in target:
        assert json.loads(body)["output_uri"].startswith("rtsp://gate.example:")


def test_a_path_may_be_encoded_otherwise(api: Api) -> None:
    api.create("v1")
    assert api.get("/fl%65x/pipeline/%76%31").status_code == 200


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        (b"Content-Length: " + b"9" * 5000, b"", "Content-Length"),
        (b"Content-Length: -1", b"", "Content-Length"),
        (b"Content-Length: 1\r\nContent-Length: 2", b"", "conflicting Content-Length"),
        (b"Transfer-Encoding: chunked", b"zz\r\n{}\r\n", "chunk"),
        (b"Transfer-Encoding: gzip", b"", "Transfer-Encoding"),
        (
            b"Content-Length: 2\r\nTransfer-Encoding: chunked",
            b"2\r\n{}\r\n0\r\n\r\n",
            "both Content-Length and Transfer-",
        ),
    ],
)
def test_what_is_wrong_with_the_framing_is_said(fake_box: Box, head: bytes, body: bytes, said: str) -> None:
    begin = b"POST /flex/pipeline HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    with raw(fake_box) as connection:
        connection.sendall(begin + head + b"\r\n\r\n" + body)
        status, headers, document = answer(connection)
    assert (status, headers["connection"]) == (400, "close")
    assert said in json.loads(document)["message"]


def test_what_is_not_http_gets_the_error_document_too(fake_box: Box) -> None:
    for junk in (b"\x16\x03 nonsense\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET /flex/version HTTP/1.1\r\n\r\n"):
        with raw(fake_box) as connection:
            connection.sendall(junk)
            status, headers, body = answer(connection)
            assert status == 400
            assert json.loads(body)["code"] == "VALIDATION_ERROR"
            assert json.loads(body)["request_id"] == headers["x-request-id"]


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_headers_too_large_are_refused(fake_box: Box, end: bytes) -> None:
    with raw(fake_box) as connection:
        connection.sendall(
            b"GET /flex/version HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Big: " + b"x" * 40_000 + end
        )
        status, _, body = answer(connection)
    assert (status, json.loads(body)["code"]) == (400, "VALIDATION_ERROR")


def test_an_unread_body_does_not_keep_the_connection(fake_box: Box) -> None:
    with raw(fake_box) as connection:
        connection.sendall(b"POST /flex/nope HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{")
        status, headers, _ = answer(connection)
    assert (status, headers["connection"]) == (404, "close")


def test_a_slow_body_and_slow_headers_are_let_go(fake_box: Box) -> None:
    """Both at once, because each takes its ten seconds; others are served meanwhile."""
    with raw(fake_box) as slow_body, raw(fake_box) as slow_head, raw(fake_box) as idle, Api(fake_box) as other:
        slow_body.sendall(
            b"POST /flex/pipeline HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
        )
        slow_head.sendall(b"GET /flex/version HTTP/1.1\r\nHost:")
        assert other.get("/flex/version").elapsed.total_seconds() < 1
        for connection, said in ((slow_body, "body"), (slow_head, "headers")):
            status, _, body = answer(connection)
            assert status == 400
            assert f"the {said} did not arrive" in json.loads(body)["message"]
        assert idle.recv(100) == b"", "a connection that asked nothing is just closed"


def test_a_client_that_hangs_up_in_its_body_harms_nobody(api: Api) -> None:
    for _ in range(5):
        with raw(api.box) as connection:
            connection.sendall(
                b"POST /flex/pipeline HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Content-Length: 99\r\n\r\n{"
            )
    assert api.get("/flex/pipeline").json() == []
    until(lambda: "connection was closed" in api.box.log or api.box.log.count("path=/flex/pipeline status=400") >= 5)
    assert "Traceback" not in api.box.log


def test_expect_100_continue_is_refused_before_the_body_is_sent(fake_box: Box) -> None:
    with raw(fake_box) as connection:
        connection.sendall(
            b"POST /flex/pipeline HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
        )
        status, _, body = answer(connection)
    assert (status, json.loads(body)["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_the_access_log_is_one_line_a_request_and_keeps_secrets(api: Api) -> None:
    source = {"uri": "rtsp://127.0.0.1:1/x", "user": "u", "password": "Hush-Hush-1"}
    api.call("POST", "/flex/pipeline", json=spec(source=source), headers={"X-Request-Id": "logged-1"})
    api.get("/flex/pipeline?nope=Hush-Hush-1", headers={"Authorization": "Bearer Hush-Hush-1"})
    api.get("/flex/a%0Ab%20c")
    lines = [line for line in api.box.log.splitlines() if "request_id=logged-1" in line and "message=request" in line]
    assert len(lines) == 1
    assert "method=POST path=/flex/pipeline status=201" in lines[0]
    assert r'path="/flex/a\nb c"' in api.box.log
    assert "Hush-Hush-1" not in api.box.log
