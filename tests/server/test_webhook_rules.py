"""The pure parts of webhooks: where one may go, what is told, and when it is tried again."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from typing import Any

import pytest

from flexserver.ring import Frame
from flexserver.webhooks.derive import Memory, Run, derive, ended, of_json, to_json
from flexserver.webhooks.documents import item, read
from flexserver.webhooks.sender import Forbidden, Sender, permitted
from flexserver.webhooks.targets import fault_of_address, fault_of_headers, read_url
from flexserver.webhooks.verdict import JITTER, LONGEST, MAX_ATTEMPTS, PAUSES, Outcome, error_of, judge

REFUSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7",
    "203.0.113.9", "224.0.0.1", "239.2.3.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "fe80::1", "fe80::1%1", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1", "::ffff:0.0.0.0",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert fault_of_address(address, ())
    with pytest.raises(Forbidden, match="leads to"):
        permitted("receiver.test", [address], ())


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_not(address: str) -> None:
    assert fault_of_address(address, ()) is None


@pytest.mark.parametrize(
    ("network", "good", "bad"),
    [
        ("127.0.0.0/8", "127.0.0.1", "10.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
        ("10.1.0.0/16", "10.1.2.3", "10.2.0.1"),
        ("100.64.0.0/10", "100.64.0.1", "169.254.0.1"),
        ("fd00::/8", "fd12::1", "fe80::1"),
        ("::1/128", "::1", "127.0.0.1"),
    ],
)
def test_a_network_that_is_allowed_opens_itself_alone(network: str, good: str, bad: str) -> None:
    allowed = (ip_network(network),)
    assert fault_of_address(good, allowed) is None
    assert fault_of_address(bad, allowed)


def test_only_those_addresses_of_a_host_are_used_that_may_be() -> None:
    assert permitted("h.test", ["10.0.0.1", "8.8.8.8", "::1"], ()) == ["8.8.8.8"]
    with pytest.raises(Forbidden, match=r"'h.test' leads to 10.0.0.1, a private address"):
        permitted("h.test", ["10.0.0.1", "::1"], ())
    with pytest.raises(Forbidden, match=r"^127.0.0.1 is the box itself$"):
        permitted("127.0.0.1", ["127.0.0.1"], ())


def test_a_name_is_looked_up_at_each_try() -> None:
    """DNS rebinding: public when it is checked, the box itself when it is sent to."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    async def run() -> Outcome:
        sender = Sender(tuple, resolve)
        target = read_url("http://rebind.test:9/")
        await sender.check(target)
        return await sender.post(target, {}, b"{}")

    outcome = asyncio.run(run())
    assert asked == ["rebind.test"] * 2
    assert (outcome.status, outcome.error) == (None, "'rebind.test' leads to 127.0.0.1, the box itself")


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "path"),
    [
        ("https://example.com", "example.com", 443, "example.com", b"/"),
        ("http://EXAMPLE.com:80/a?b=c", "example.com", 80, "example.com", b"/a?b=c"),
        ("http://example.com:8080/", "example.com", 8080, "example.com:8080", b"/"),
        ("http://[::1]:8080/x", "::1", 8080, "[::1]:8080", b"/x"),
        ("https://bücher.example/ä", "xn--bcher-kva.example", 443, "xn--bcher-kva.example", b"/%C3%A4"),
        ("https://example.com/a%2Fb?x=%20&y={z}?", "example.com", 443, "example.com", b"/a%2Fb?x=%20&y=%7Bz%7D?"),
        ("https://example.com?x", "example.com", 443, "example.com", b"/?x"),
        ("https://[2001:DB8::0001]/", "2001:db8::1", 443, "[2001:db8::1]", b"/"),
        ("HTTPS://my_host.example.com./", "my_host.example.com.", 443, "my_host.example.com.", b"/"),
    ],
)
def test_an_address_is_read_once_for_all(url: str, host: str, port: int, authority: str, path: bytes) -> None:
    target = read_url(url)
    assert (target.host, target.port, target.authority, target.path) == (host, port, authority, path)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.com/", "http://"),
        ("https:///x", "host"),
        ("http://user:secret@example.com/", "header"),
        ("http://secret@example.com/", "header"),
        ("https://example.com/#part", "#"),
        ("http://example.com:0/", "port"),
        ("http://example.com:70000/", "port"),
        ("http://example.com:x/", "port"),
        ("http://[::1", "address"),
        ("http://exa%6dple.com/", "host"),
        ("http://exam ple.com/", "host"),
        ("http://[fe80::1%25eth0]/", "host|address"),
        ("http://evil.com\\.example.com/", "host"),
        ("https://[v1.x]/", "host|address"),
        ("https://[example.com]/", "host|address"),
        ("https://.../", "host"),
        ("https://-/", "host"),
        ("https://a..example/", "host"),
        (f"https://{'x' * 64}.example/", "host"),
        ("http://\x00/", "host"),
    ],
)
def test_an_address_that_is_none_says_why(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as refused:
        read_url(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Content-Type", "Transfer-Encoding", "connection", "Keep-Alive", "TE", "Trailer",
     "Upgrade", "Expect", "Proxy-Authorization", "proxy-connection", "Webhook-Signature", "webhook-id", "webhook-x"],
)  # fmt: skip
def test_headers_of_the_message_and_the_connection_are_the_boxs(name: str) -> None:
    assert name in str(fault_of_headers({name: "x"}))


def test_headers_that_may_be_sent() -> None:
    assert fault_of_headers({"Authorization": "Bearer x", "X-Key": "", "User-Agent": "mine"}) is None
    assert "twice" in str(fault_of_headers({"X-Key": "1", "x-key": "2"}))
    assert "space" in str(fault_of_headers({"X-Key": " 1"}))


# What is told


def frame(type: str, pipeline: str | None = None, **data: Any) -> Frame:  # noqa: A002
    body = json.dumps({**({"id": pipeline} if pipeline else {}), **data}).encode()
    return Frame(1, type, pipeline, body)


def told(*frames: Frame, memory: Memory | None = None) -> tuple[list[str], Memory]:
    found: list[str] = []
    memory = memory or {}
    for one in frames:
        memory, news = derive(memory, one, "box")
        found += [each.event.value for each in news]
    return found, memory


def states(*names: str) -> list[Frame]:
    return [
        frame("pipeline_deleted", "cam1") if name == "deleted" else frame("pipeline_status", "cam1", state=name)
        for name in names
    ]


STARTED, STOPPED = "pipeline.started", "pipeline.stopped"


@pytest.mark.parametrize(
    ("names", "news"),
    [
        (["ready", "starting", "playing"], [STARTED]),
        (["playing", "playing", "reconnecting", "playing"], [STARTED]),
        (["playing", "starting", "playing"], [STARTED]),
        (["playing", "stopping", "ready"], [STARTED, STOPPED]),
        (["playing", "deleted"], [STARTED, STOPPED]),
        (["playing", "stopping", "ready", "deleted"], [STARTED, STOPPED]),
        (["playing", "error", "starting", "playing", "ready"], [STARTED, STARTED, STOPPED]),
        (["playing", "error", "ready"], [STARTED, STOPPED]),
        (["starting", "error", "starting", "ready"], []),
        (["ready", "deleted"], []),
        (["playing", "warming", "playing"], [STARTED]),
    ],
)
def test_a_run_is_told_once_at_its_begin_and_its_end(names: list[str], news: list[str]) -> None:
    found, memory = told(*states(*names))
    assert found == news
    if news and news[-1] == STOPPED:
        assert memory == {}


def test_the_same_trouble_is_told_once_until_it_plays_or_rests() -> None:
    bad = frame("pipeline_error", "cam1", message="no route", code="GSTREAMER_ERROR", reason="source")
    other = frame("pipeline_error", "cam1", message="crashed", code="GSTREAMER_ERROR", reason="crash")
    error = "pipeline.error"
    assert told(bad, bad, other, other, bad)[0] == [error] * 3
    assert told(bad, *states("playing"), bad, *states("ready"), bad)[0] == [error, STARTED, error, STOPPED, error]


def test_cameras_and_pictures_are_told_as_they_are() -> None:
    grab = frame("framegrab_created", "cam1", file="cam1-00001.avif", created_at="2026-11-01T12:00:00Z")
    found, memory = told(frame("camera_added", device_path="/dev/video0"), frame("camera_removed"), grab)
    assert (found, memory) == (["camera.added", "camera.removed", "framegrab.created"], {})
    assert derive({}, grab, "box")[1][0].at == "2026-11-01T12:00:00Z"
    assert derive({}, frame("geolocation", "cam1"), "box") == ({}, ())


def test_the_boxs_name_is_filled_in() -> None:
    status = Frame(1, "pipeline_status", "cam1", b'{"id":"cam1","state":"playing","output_uri":"rtsp://\0:8731/cam1"}')
    assert derive({}, status, "gate.test")[1][0].data["output_uri"] == "rtsp://gate.test:8731/cam1"


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (None, "2026-11-23T20:00:00.500Z"),
        ("2026-11-23T20:00:00Z", "2026-11-23T20:00:00.000Z"),
        ("2026-11-23T20:00:00.250000Z", "2026-11-23T20:00:00.250Z"),
        ("2026-11-23T20:00:00.251Z", "2026-11-23T20:00:00.251Z"),
    ],
)
def test_a_message_has_its_time_in_milliseconds(at: str | None, said: str) -> None:
    made = item("wh_1", "test", {}, 1795464000.5, at)
    assert json.loads(made.body)["timestamp"] == said


def test_the_scheme_is_read_in_any_case() -> None:
    spec, target = read({"url": "HTTPS://example.com/", "events": ["pipeline.started"]})
    assert target.tls
    assert spec.url == "HTTPS://example.com/"


def test_what_ended_unseen_is_told() -> None:
    memory = {"a": Run("on"), "b": Run("failed", "x"), "c": Run("idle", "x"), "d": Run("on")}
    kept, news = ended(memory, ["d"], "the box was restarted")
    assert kept == {"d": Run("on")}
    assert [one.data["id"] for one in news] == ["a", "b"]
    assert news[0].data == {"id": "a", "state": "ready", "reason": "the box was restarted"}


def test_what_is_known_goes_through_the_store_unchanged() -> None:
    memory = {"a": Run("on"), "b": Run("failed", "x y")}
    assert of_json(to_json(memory)) == memory


# When it is tried again


def test_pauses_grow_are_spread_and_end() -> None:
    bad = Outcome(0.1, 500, "the receiver answered 500")
    for attempt, pause in enumerate(PAUSES, 1):
        assert judge(bad, attempt, 0.0).pause == pause
        assert judge(bad, attempt, 1.0).pause == pytest.approx(pause * (1 + JITTER))
        assert judge(bad, attempt, 0.5).kind == "again"
    assert judge(bad, MAX_ATTEMPTS, 0.5).kind == "given up"
    assert sum(PAUSES) > 3 * 86400


def test_a_receiver_may_ask_for_more_time_and_not_for_ever() -> None:
    busy = "busy"
    assert judge(Outcome(0.1, 429, busy, 60.0), 1, 0.0).pause == 60
    assert judge(Outcome(0.1, 503, busy, 1.0), 1, 0.0).pause == PAUSES[0]
    assert judge(Outcome(0.1, 503, busy, 1e9), 1, 1.0).pause == LONGEST
    assert judge(Outcome(0.1, 500, busy, 60.0), 1, 0.0).pause == PAUSES[0]


@pytest.mark.parametrize(("status", "kind"), [(200, "delivered"), (204, "delivered"), (299, "delivered"),
    (301, "again"), (400, "again"), (404, "again"), (410, "gone"), (500, "again")])  # fmt: skip
def test_what_an_answer_comes_to(status: int, kind: str) -> None:
    assert judge(Outcome(0.1, status, error_of(status)), 1, 0.0).kind == kind
