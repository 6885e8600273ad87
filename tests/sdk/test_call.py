"""Calls as values: addresses, bodies, and the line for a shell."""

from __future__ import annotations

import json
import shlex
from types import NoneType
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexclient import FlexClient, errors
from flexclient import models as m
from flexclient._call import Call, Headers, decode, params, segment
from flexclient.testing import FakeFlex

ANY_ID = st.text(min_size=1, max_size=40).filter(
    lambda text: "/" not in text and (text.isprintable() or text.isascii())
)


@given(ANY_ID)
def test_an_id_is_one_segment_whatever_it_holds(text: str) -> None:
    url = httpx.URL(f"https://box/flex/pipeline/{segment(text)}/play")
    head, sent, tail = url.raw_path.decode().rpartition("/play")
    assert (sent, tail) == ("/play", "")
    prefix, _, last = head.rpartition("/")
    assert prefix == "/flex/pipeline"
    assert unquote(last) == text


@pytest.mark.parametrize("text", ["..%2F..", "..", ".", "a?b=c", "a#b", "a%2Fb", "ü ö", "\n"])
def test_a_strange_id_asks_for_that_pipeline_and_nothing_else(text: str) -> None:
    box = FakeFlex()
    with FlexClient(transport=box) as client, pytest.raises(errors.ValidationError_, match="an id is"):
        client.pipelines.get(text)
    assert box.requests[0].path.startswith("/flex/pipeline/")


@pytest.mark.parametrize("text", ["", "/", "a/b", "v1/stop", "../../flex/settings"])
def test_an_id_that_is_empty_or_has_a_slash_is_never_sent(text: str) -> None:
    """Encoded or not: a box that decodes early would take the rest for another address."""
    box = FakeFlex()
    with FlexClient(transport=box) as client, pytest.raises(errors.UsageError):
        client.pipelines.delete(text)
    assert box.requests == []


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3))
def test_a_query_arrives_as_it_was_given(query: dict[str, str]) -> None:
    target = Call("GET", "/x", NoneType, query=query).target
    assert dict(httpx.URL("https://box" + target).params) == query


def test_params_leave_out_what_is_unset() -> None:
    given_params = params(a=m.UNSET, b=False, c={"y", "x"}, d=m.State.ERROR, e=3)
    assert given_params == {"b": "false", "c": "x,y", "d": "error", "e": "3"}


def test_curl_is_a_line_that_a_shell_reads_back() -> None:
    call: Call[None] = Call("PUT", "/flex/x", NoneType, json={"text": "it's $HOME `x`"}, query={"a": "b c"})
    words = shlex.split(call.curl("https://box:3539/"))
    assert words[:3] == ["curl", "-X", "PUT"]
    assert words[-1] == "https://box:3539/flex/x?a=b+c"
    assert json.loads(words[words.index("--data-raw") + 1]) == {"text": "it's $HOME `x`"}
    assert "Content-Type: application/json" in words


def test_curl_of_a_client_names_variables_for_secrets(tmp_path: object) -> None:
    with FlexClient(url="box", token="tok-1", insecure=False, transport=FakeFlex()) as client:
        line = client.curl(client.pipelines.get.plan("cam1"))
    assert line == 'curl -H "Authorization: Bearer $FLEX_TOKEN" https://box/flex/pipeline/cam1'


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
def test_a_body_that_json_cannot_hold_is_refused(value: object) -> None:
    with FlexClient(transport=FakeFlex()) as client, pytest.raises(errors.UsageError, match="as JSON"):
        client.request("POST", "/flex/pipeline", json={"x": value})


def test_headers_do_not_mind_case() -> None:
    headers = Headers({"ETag": '"1"', "Set-Cookie": "session"})
    assert headers["etag"] == headers["ETAG"] == '"1"'
    assert "x" not in headers
    assert "session" not in repr(headers)


@pytest.mark.parametrize(
    ("returns", "body", "kind", "value"),
    [
        (bytes, b"\0", "image/jpeg", b"\0"),
        (str, b"\xc3\xbc", "text/plain", "ü"),
        (NoneType, b"anything", "text/plain", None),
        (list[int], b"[1]", "application/json", [1]),
        (
            m.Probe,
            b'{"status": "ok", "new": 1}',
            "application/json",
            m.Probe.model_validate({"status": "ok", "new": 1}),
        ),
    ],
)
def test_decode(returns: type[object], body: bytes, kind: str, value: object) -> None:
    assert decode(returns, body, kind) == value


def test_a_patch_can_say_null_and_a_model_says_only_what_was_set() -> None:
    with FlexClient(transport=FakeFlex()) as client:
        assert client.pipelines.patch.plan("a", {"overlay": None}).json == {"overlay": None}
        spec = m.PipelineSpec(id="a", overlay=None, source=m.Source(uri="test://smpte", password=None))
        assert client.pipelines.create.plan(spec).json == {
            "id": "a",
            "overlay": None,
            "source": {"uri": "test://smpte", "password": None},
        }
