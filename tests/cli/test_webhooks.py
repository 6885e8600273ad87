"""`flexctl webhook list|create|delete|test|deliveries` against the box in memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flexclient import FlexClient
from flexclient.models import WebhookEvent, read_event
from flexclient.testing import FakeFlex
from flexctl.views.event import Seen, what
from flexctl.views.webhook import EVENTS
from tests.cli.harness import NOW, flexctl, golden, terminal, transcript
from tests.cli.webhook_box import fake

__all__ = ["fake"]

CANARY = "canary-77ab"


@pytest.fixture
def filled(fake: FakeFlex) -> FakeFlex:
    """Three webhooks, one of them off; messages to the first."""
    with FlexClient(transport=fake) as client:
        client.webhooks.create({"url": "https://example.com/hook", "events": ["pipeline.started"]})
        client.webhooks.create({"url": "https://hooks.example.net/services/flex/a/long/way", "events": EVENTS})
        client.webhooks.create({"url": "http://gone.example.org/", "events": ["camera.added"]})
    off = {"disabled_at": "2026-11-01T12:05:00Z", "disabled_reason": "the receiver answered 410: it wants no more"}
    fake._box.webhooks["wh_00000003"].document |= off
    fake.deliver("wh_00000001", "pipeline.started")
    fake.deliver("wh_00000001", "pipeline.started", status=500)
    waiting = fake._box.webhooks["wh_00000001"].deliveries[-1]
    waiting |= {"state": "pending", "next_attempt_at": "2026-11-01T12:10:00Z", "attempts": 2}
    return fake


FORMS = ("table", "wide", "json", "yaml", "ndjson", "csv", "name")


@pytest.mark.parametrize(
    ("name", "argv"),
    [("webhook-list", ("webhook", "list")), ("webhook-deliveries", ("webhook", "deliveries", "wh_00000001"))],
)
def test_reading(name: str, argv: tuple[str, ...], filled: FakeFlex) -> None:
    runs = [transcript(flexctl(*argv, "-o", form), *argv, "-o", form) for form in FORMS]
    runs += [transcript(flexctl(*argv, on=terminal(w)), *argv, note=f"{w} columns") for w in (120, 80, 40)]
    runs.append(transcript(flexctl(*argv, on=terminal(80, color=True)), *argv, note="in colour"))
    runs.append(transcript(flexctl(*argv, "--curl"), *argv, "--curl"))
    golden(name, "\n".join(runs))


def test_writing(filled: FakeFlex, tmp_path: Path) -> None:
    headers = tmp_path / "headers"
    headers.write_text(f"X-Key: {CANARY}\n\nAuthorization:  Bearer {CANARY}  \n")
    create = ("webhook", "create", "https://example.com/new", "--events", "camera.added,camera.removed")
    runs = []
    for argv in (
        (*create, "--header-file", str(headers), "--dry-run"),
        (*create, "--header-file", str(headers), "--dry-run", "-o", "json"),
        (*create, "--header-file", str(headers), "--curl"),
        (*create, "--header-file", str(headers)),
        *((*create, "-o", form) for form in FORMS),
        (*create, "--query", "secret"),
        ("webhook", "test", "wh_00000002"),
        ("webhook", "test", "wh_00000002", "-o", "json"),
        ("webhook", "test", "wh_00000002", "--curl"),
        ("webhook", "test", "wh_00000001"),
        ("webhook", "delete", "wh_00000001", "--dry-run"),
        ("webhook", "delete", "wh_00000001", "wh_00000002", "--yes"),
    ):
        ran = flexctl(*argv)
        assert CANARY not in ran.out + ran.err
        shown = tuple("headers.txt" if word == str(headers) else word for word in argv)
        runs.append(transcript(ran, *shown))
    golden("webhook-writing", "\n".join(runs))
    sent = [json.loads(seen.body) for seen in filled.requests if seen.method == "POST" and seen.path.endswith("hooks")]
    assert sent[3]["headers"] == {"X-Key": CANARY, "Authorization": f"Bearer {CANARY}"}


def test_errors(fake: FakeFlex, tmp_path: Path) -> None:
    """The sentences, one below the other: they should read as if one person had said them."""
    bad = {
        "empty": "\n",
        "words": f"just words {CANARY}\n",
        "twice": f"X-Key: {CANARY}\nx-key: b\n",
        "letters": f"X-Kéy: {CANARY}\n",
    }
    for name, text in bad.items():
        (tmp_path / name).write_text(text)
    create = ("webhook", "create", "https://example.com/hook")
    runs = []
    for argv in (
        ("webhook", "list"),
        ("webhook", "deliveries", "wh_nothing1"),
        ("webhook", "test", "wh_nothing1"),
        ("webhook", "delete", "wh_nothing1"),
        ("webhook", "delete", "wh_nothing1", "--yes"),
        create,
        (*create, "--events", "pipeline.exploded"),
        ("webhook", "create", "ftp://example.com", "--events", "all"),
        ("webhook", "create", "http://127.0.0.1/", "--events", "all"),
        *((*create, "--events", "all", "--header-file", str(tmp_path / name)) for name in (*bad, "nowhere")),
        ("webhook", "listen"),
        ("webhook", "listen", "--secret-stdin"),
        ("webhook", "listen", "--register", "--secret-stdin"),
        ("webhook", "listen", "--events", "camera.added"),
        ("webhook", "listen", "--register"),
        ("webhook", "listen", "--register", "--host", "0.0.0.0"),
        ("webhook", "listen", "--register", "--host", "not a host"),
        ("webhook", "listen", "--register", "--port", "99999"),
        ("webhook", "listen", "--register", "-o", "csv"),
    ):
        ran = flexctl(*argv)
        assert ran.code or argv == ("webhook", "list")
        assert CANARY not in ran.out + ran.err
        runs.append(transcript(ran, *(word.replace(str(tmp_path), "/tmp") for word in argv)))
    ran = flexctl("webhook", "listen", FLEX_WEBHOOK_SECRET=f"not {CANARY}")
    assert CANARY not in ran.out + ran.err
    runs.append(transcript(ran, "webhook", "listen", note="FLEX_WEBHOOK_SECRET is none"))
    golden("webhook-errors", "\n".join(runs).replace(str(tmp_path), "/tmp"))
    assert fake._box.webhooks == {}


def test_a_person_is_asked_before_something_is_deleted(filled: FakeFlex) -> None:
    ran = flexctl("webhook", "delete", "wh_00000001", on=terminal(80), stdin="n\n")
    assert (ran.code, "Delete webhook wh_00000001? [y/N]" in ran.err) == (1, True)
    assert flexctl("webhook", "delete", "wh_00000001", on=terminal(80), stdin="y\n").code == 0
    assert list(filled._box.webhooks) == ["wh_00000002", "wh_00000003"]


def test_the_boxs_address_may_stand_behind_the_command() -> None:
    create = ("webhook", "create", "https://example.com/", "--events", "all", "--dry-run")
    assert "POST https://gate.test/flex/webhooks" in flexctl(*create, "--url", "https://gate.test").out
    assert "--url" in flexctl("webhook", "listen", "--help").out


def test_headers_come_through_a_pipe_too(fake: FakeFlex) -> None:
    ran = flexctl(
        *("webhook", "create", "https://example.com/", "--events", "all", "--header-file", "-"), stdin="X-Key: a: b\n"
    )
    assert ran.code == 0
    assert json.loads(fake.requests[-1].body)["headers"] == {"X-Key": "a: b"}


def test_the_events_of_help_are_those_of_the_models() -> None:
    assert tuple(event.value for event in WebhookEvent) == EVENTS


def test_what_was_given_up_is_told_in_the_stream_of_events() -> None:
    data = {"webhook_id": "wh_1", "event": "camera.added", "message": "the receiver answered 410", "disabled": True}
    seen = Seen(NOW, read_event("webhook_failed", json.dumps(data), "7"))
    assert (seen.subject, what(seen.event)) == ("wh_1", "the receiver answered 410; it is switched off")


def test_help() -> None:
    pages = [("webhook",), *(("webhook", name) for name in ("create", "listen"))]
    runs = [
        transcript(flexctl(*page, "--help", on=terminal(width)), *page, "--help", note=f"{width} columns")
        for page in pages
        for width in (80, 40)
    ]
    golden("webhook-help", "\n".join(runs))
