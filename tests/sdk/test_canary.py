"""A token, a password and an API key go through everything that shows something, and appear nowhere."""

from __future__ import annotations

import io
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from rich.traceback import Traceback

from flexclient import FlexFleet, PasswordLogin, errors, otel
from flexclient import models as m
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side
from tests.sdk.test_otel import Noted

TOKEN, PASSWORD, KEY, CAMERA, HOOK = (f"canary-{name}-7f3a" for name in ("token", "password", "key", "camera", "hook"))
SPEC: dict[str, Any] = {"id": "gate", "source": {"uri": f"rtsp://u:{CAMERA}@cam/1", "password": CAMERA}}
WEBHOOK: dict[str, Any] = {"url": "https://x/", "events": ["pipeline.started"], "headers": {"X-Mine": HOOK}}


def clean(*shown: object) -> None:
    for thing in shown:
        for secret in (TOKEN, PASSWORD, KEY, CAMERA, HOOK):
            assert secret not in str(thing), f"{secret} in {str(thing)[:500]}"


def rich_of(error: BaseException) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=False))
    out: Any = console.file
    return str(out.getvalue())


def shown_of(error: BaseException) -> list[str]:
    """An error in each form that somebody may see."""
    back = pickle.loads(pickle.dumps(error))
    plain = "".join(traceback.format_exception(error))
    return [
        pickle.dumps(error).decode("latin-1"),
        str(error),
        repr(error),
        repr(vars(error)),
        plain,
        rich_of(error),
        repr(back),
        repr(vars(back)),
    ]


CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda c: c.pipelines.create(SPEC),
    "ensure": lambda c: c.pipelines.ensure(SPEC),
    "replace": lambda c: c.pipelines.replace("gate", SPEC),
    "patch": lambda c: c.pipelines.patch("gate", {"source": {"password": CAMERA}}),
    "webhook": lambda c: c.webhooks.create(m.WebhookSpec.model_validate(WEBHOOK)),
    "login": lambda c: c.auth.login(PASSWORD),
    "password": lambda c: c.auth.set_password(PASSWORD),
    "list": lambda c: c.pipelines.list(),
    "request": lambda c: c.request("POST", "/flex/pipeline", json=SPEC, headers={"X-API-Key": KEY}),
}
FATES: dict[str, Callable[[FakeFlex], object]] = {
    "answered": lambda box: None,
    "refused": lambda box: box.refuse("CONFLICT", times=9),
    "busy": lambda box: box.refuse("OVERLOADED", times=2, retry_after=0),
    "unauthorized": lambda box: box.refuse("UNAUTHORIZED", times=9),
    "off": lambda box: box.go_down(),
    "nonsense": lambda box: box.answer_with(200, f'{{"id": 3, "token": "{TOKEN}"}}'.encode()),
    "a page": lambda box: box.answer_with(502, f"<html>{TOKEN}</html>".encode(), {"content-type": "text/html"}),
}


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("call", CALLS)
def test_a_call(side: Side, caplog: pytest.LogCaptureFixture, call: str, fate: str) -> None:
    caplog.set_level(logging.DEBUG)
    box, tracer = FakeFlex(), Noted()
    FATES[fate](box)
    login = PasswordLogin(PASSWORD)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        settings: dict[str, Any] = {"token": TOKEN, "api_key": KEY, "insecure": True, "retries": 1, "deadline": 5}
        client = side.client(transport=box, on_call=otel.traced(tracer), **settings)
        shown: list[object] = [client, login, client._settings, client._settings.auth, client.pipelines, tracer.spans]
        try:
            shown.append(side.do(CALLS[call](client)))
        except errors.FlexError as error:
            shown += shown_of(error)
    assert box.requests or fate == "off"
    clean(*shown, tracer.spans, box.requests, box, *[str(one.message) for one in warned], caplog.text)
    clean(*[repr(vars(record)) for record in caplog.records])


def test_plans_and_curl(side: Side) -> None:
    client = side.client(transport=FakeFlex(), token=TOKEN, api_key=KEY, headers={"Authorization": TOKEN})
    plans = [
        client.pipelines.create.plan(SPEC), client.webhooks.create.plan(m.WebhookSpec.model_validate(WEBHOOK)),
        client.auth.login.plan(PASSWORD), client.auth.set_password.plan(PASSWORD),
        client.pipelines.patch.plan("gate", {"source": {"password": CAMERA}}),
    ]  # fmt: skip
    for plan in plans:
        clean(plan, repr(plan), client.curl(plan), plan.curl("https://x"), plan.shown_body())
        assert b"canary" in (plan.body() or b""), "on the wire it is"


def test_what_the_box_in_memory_noted(side: Side) -> None:
    box = FakeFlex(token=TOKEN, password=PASSWORD, api_key=KEY)
    client = side.client(transport=box, token=TOKEN)
    side.do(client.pipelines.create(SPEC))
    clean(box, repr(box), box.requests, repr(box.requests[0]), vars(box)["_box"])
    assert box.requests[0].json["source"]["password"] == CAMERA, "who asks for it by name has it"
    assert box.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_stream_and_a_fleet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    box = FakeFlex(token="another")
    with FlexFleet({"gate": {"url": "https://x", "token": TOKEN, "api_key": KEY, "transport": box}}) as fleet:
        found = fleet.map(lambda one: one.pipelines.list())
        (item,) = list(fleet.events())
        assert isinstance(item.error, errors.Unauthorized)
        clean(fleet, repr(found), item, *shown_of(item.error), caplog.text, repr(fleet["gate"].events.stream()))
