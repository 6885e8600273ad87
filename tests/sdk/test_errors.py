"""Every way an answer says no, and the error that comes of it."""

from __future__ import annotations

import re
import time
from email.utils import formatdate
from typing import Any, cast

import pytest

from flexclient import errors
from flexclient import models as m
from flexclient._call import Headers
from flexclient._errors import CLASS_OF, error_from, retry_after
from flexclient.errors import ApiError, FlexError
from flexclient.resources.system import System
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side

CLASSES = {
    "VALIDATION_ERROR": errors.ValidationError_,
    "UNAUTHORIZED": errors.Unauthorized,
    "LICENSE_ERROR": errors.LicenseError,
    "LICENSE_LIMIT_EXCEEDED": errors.LicenseLimitExceeded,
    "NOT_FOUND": errors.NotFound,
    "METHOD_NOT_ALLOWED": errors.MethodNotAllowed,
    "CONFLICT": errors.Conflict,
    "PIPELINE_CONFLICT": errors.PipelineConflict,
    "PRECONDITION_FAILED": errors.PreconditionFailed,
    "PAYLOAD_TOO_LARGE": errors.PayloadTooLarge,
    "UNSUPPORTED_MEDIA_TYPE": errors.UnsupportedMediaType,
    "RATE_LIMITED": errors.RateLimited,
    "GSTREAMER_ERROR": errors.GstreamerError,
    "GSTREAMER_UNAVAILABLE": errors.GstreamerUnavailable,
    "OVERLOADED": errors.Overloaded,
    "PIPELINE_START_TIMEOUT": errors.PipelineStartTimeout,
    "INSUFFICIENT_STORAGE": errors.InsufficientStorage,
    "INTERNAL_ERROR": errors.InternalError,
}


def refused(side: Side, box: FakeFlex, **settings: Any) -> FlexError:
    with pytest.raises(FlexError) as caught:
        side.do(side.client(transport=box, retries=0, **settings).pipelines.get("cam1"))
    return caught.value


def test_every_code_of_the_contract_has_its_class() -> None:
    assert {str(code): kind for code, kind in CLASS_OF.items()} == CLASSES
    assert set(CLASSES) == {str(code) for code in m.ErrorCode}


@pytest.mark.parametrize("code", CLASSES)
def test_a_code_becomes_its_class(side: Side, box: FakeFlex, code: str) -> None:
    box.refuse(code, "so it is", hint="do this")
    error = refused(side, box)
    assert type(error) is CLASSES[code]
    assert isinstance(error, ApiError)
    assert (error.code, error.status) == (code, m.STATUS_OF[m.ErrorCode(code)])
    assert (error.message, error.hint) == ("so it is", "do this")
    assert error.request_id
    assert str(error) == f"so it is ({code}, request {error.request_id})"
    assert str(error.call) == "GET /flex/pipeline/cam1"


def test_the_code_decides_before_the_status(side: Side, box: FakeFlex) -> None:
    box.refuse("NOT_FOUND", status=400)
    assert type(refused(side, box)) is errors.NotFound


def test_an_unknown_code_is_classed_by_its_status_and_kept(side: Side, box: FakeFlex) -> None:
    box.refuse("BRAND_NEW", status=409)
    error = refused(side, box)
    assert type(error) is errors.Conflict
    assert error.code == "BRAND_NEW"


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (502, b"<html>Bad Gateway", ApiError, "proxy"),
        (503, b"", ApiError, "proxy"),
        (404, b"not here", errors.NotFound, "address"),
        (403, b"{}", errors.Unauthorized, None),
        (500, b'{"code": 5}', errors.InternalError, None),
        (418, b"[]", ApiError, None),
    ],
)
def test_an_answer_without_error_document(
    side: Side, box: FakeFlex, status: int, body: bytes, kind: type[FlexError], hint: str | None
) -> None:
    box.answer_with(status, body)
    error = refused(side, box)
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert error.code == f"HTTP_{status}"
    assert f"status {status}" in error.message
    assert (hint in (error.hint or "")) if hint else error.hint is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"status": "failed", "message": "the box shuts down"}', "the box shuts down"),
        (b'{"message": 5}', "with status 503 and no reason"),
        (b'["message"]', "with status 503 and no reason"),
        (b"[" * 100_000, "with status 503 and no reason"),
    ],
)
def test_a_probe_says_why_although_it_is_no_error_document(body: bytes, message: str) -> None:
    error = error_from(System.ready.plan(cast("Any", None)), 503, Headers(), body)
    assert isinstance(error, ApiError)
    assert message in error.message
    assert (error.hint is None) == (message == "the box shuts down")


def test_details_name_the_fields(side: Side, box: FakeFlex) -> None:
    spec = {"id": "cam1", "encoding": {"bitrate": -1, "codec": "vp8"}, "sourc": {}}
    with pytest.raises(errors.ValidationError_) as caught:
        side.do(side.client(transport=box).pipelines.create(spec))
    assert {detail.field for detail in caught.value.details} == {"encoding.bitrate", "encoding.codec", "sourc"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "says"),
    [
        (302, b"", {"location": "https://elsewhere/"}, "redirected to https://elsewhere/"),
        (200, b"<html>", {"content-type": "text/html"}, "not what the API promises"),
        (200, b'{"id": "cam1"}', {}, "not what the API promises"),
        (200, b"", {}, "not what the API promises"),
        (304, b"", {}, "status 304"),
    ],
)
def test_what_is_no_answer_of_the_api(
    side: Side, box: FakeFlex, status: int, body: bytes, headers: dict[str, str], says: str
) -> None:
    box.answer_with(status, body, headers)
    error = refused(side, box)
    assert type(error) is errors.ProtocolError
    assert says in error.message
    assert len(box.requests) == 1


def test_one_except_catches_everything() -> None:
    mine = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert len(mine) > 25
    assert all(issubclass(kind, FlexError) for kind in mine)
    assert issubclass(errors.CallTimeout, TimeoutError)
    assert issubclass(errors.UsageError, ValueError)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or "")) | {"FlexError"}
    real = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, FlexError)}
    assert drawn == real


@pytest.mark.parametrize(("text", "seconds"), [("120", 120), (" 0 ", 0), ("soon", None), ("-5", None), (None, None)])
def test_retry_after_seconds(text: str | None, seconds: float | None) -> None:
    assert retry_after(text) == seconds


def test_retry_after_date() -> None:
    assert retry_after(formatdate(time.time() + 90, usegmt=True)) == pytest.approx(90, abs=2)
    assert retry_after(formatdate(time.time() - 90, usegmt=True)) == 0
