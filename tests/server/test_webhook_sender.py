"""One try to deliver, against receivers that are slow, dead, foreign or somebody else."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from flexserver.webhooks import sender
from flexserver.webhooks.sender import LIMIT, Sender, Unknown
from tests.support.receiver import Receiver
from tests.support.webhook_bench import LOOPBACK, bench, until


async def test_redirects_are_not_followed(tmp_path: Path) -> None:
    with Receiver() as receiver, Receiver() as other:
        receiver.answers += [(307, {"Location": other.url}), (302, {"Location": other.url})]
        async with bench(tmp_path) as box:
            hook = await box.make(receiver.url)
            for status in (307, 302):
                outcome = await box.hooks.test(hook.id)
                assert (outcome.state, outcome.status) == ("failed", status)
                assert outcome.error == f"the receiver answered {status}, and redirects are not followed"
        assert other.got == []


async def test_slow_and_dead_receivers_delay_nobody_else(tmp_path: Path) -> None:
    with Receiver() as good, Receiver() as slow, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens
        slow.hang()
        async with bench(tmp_path) as box:
            dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
            hooks = [await box.make(url) for url in (slow.url, dead, good.url)]
            begun = time.monotonic()
            for number in range(5):
                box.tell(f"video{number}")
            await until(lambda: len(good.got) == 5)
            assert time.monotonic() - begun < LIMIT / 2
            assert len(slow.got) == 1
            refused = await until(lambda: box.deliveries(hooks[1])[-1].error)
            assert refused == "it cannot be reached: Connection refused"
            late = await until(lambda: box.deliveries(hooks[0])[-1].error, LIMIT + 3)
            assert late == "no answer came within 5 seconds"
            assert time.monotonic() - begun < LIMIT + 2


async def test_the_limit_is_for_the_whole_not_for_each_byte(tmp_path: Path) -> None:
    """A receiver that sends its head letter by letter is not waited for."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(0.2)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, bench(tmp_path) as box:
        port = server.sockets[0].getsockname()[1]
        hook = await box.make(f"http://127.0.0.1:{port}/")
        outcome = await box.hooks.test(hook.id)
        assert outcome.error == "no answer came within 5 seconds"
        assert outcome.duration_ms is not None
        assert 4900 < outcome.duration_ms < 6500


async def test_what_does_not_speak_http_is_an_error_in_words(tmp_path: Path) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"SSH-2.0-OpenSSH\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, bench(tmp_path) as box:
        port = server.sockets[0].getsockname()[1]
        plain = await box.hooks.test((await box.make(f"http://127.0.0.1:{port}/")).id)
        assert plain.error == "the receiver does not answer in HTTP, or broke off"
        secure = await box.hooks.test((await box.make(f"https://127.0.0.1:{port}/")).id)
        assert secure.error is not None
        assert secure.error.startswith("TLS failed")


async def test_certificates_are_checked_and_names_are_sent(tmp_path: Path) -> None:
    """The connection goes to the address that was checked; TLS and HTTP go by the name."""
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.test").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    named: list[str | None] = []
    served.sni_callback = lambda _socket, name, _context: named.append(name)

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with Receiver(served) as receiver:
        url = receiver.url.replace("127.0.0.1", "hooks.test")
        async with bench(tmp_path, Sender(lambda: LOOPBACK, resolve, lambda: trusting)) as box:
            good = await box.make(url)
            assert (await box.hooks.test(good.id)).status == 204
            assert (named, receiver.got[0].headers["host"]) == (["hooks.test"], f"hooks.test:{receiver.port}")
            bad = await box.make(url.replace("hooks.test", "other.test"))
            assert "certificate is not trusted" in str((await box.hooks.test(bad.id)).error)
        (tmp_path / "b").mkdir()
        async with bench(tmp_path / "b", Sender(lambda: LOOPBACK, resolve)) as box:
            unknown = await box.make(url)
            assert "certificate is not trusted" in str((await box.hooks.test(unknown.id)).error)
        assert len(receiver.got) == 1


async def test_a_lookup_that_hangs_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver knows no time limit: it hangs in a thread of its own, and delays no other."""
    ask, release = socket.getaddrinfo, threading.Event()

    def slow(host: str, *args: Any, **named: Any) -> Any:
        if host == "slow.test":
            release.wait(30)
        return ask("127.0.0.1", *args, **named)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    monkeypatch.setattr(sender, "LIMIT", 0.3)
    with Receiver() as receiver:
        async with bench(tmp_path) as box:
            hanging = await box.make(receiver.url.replace("127.0.0.1", "slow.test"))
            good = await box.make(receiver.url.replace("127.0.0.1", "good.test"))
            late, fine = await asyncio.gather(box.hooks.test(hanging.id), box.hooks.test(good.id))
            assert (fine.status, late.error) == (204, "no answer came within 0.3 seconds")
            monkeypatch.setattr(sender, "_lookups", threading.BoundedSemaphore(1))
            many = await asyncio.gather(box.hooks.test(hanging.id), box.hooks.test(hanging.id))
            assert "too many names are being looked up at once" in [one.error for one in many]
            release.set()


async def test_a_name_that_leads_nowhere_yet_is_taken_and_told_at_the_try(tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise Unknown(f"the host '{host}' cannot be found")

    async with bench(tmp_path, Sender(lambda: LOOPBACK, resolve)) as box:
        hook = await box.make("https://later.test/")
        assert (await box.hooks.test(hook.id)).error == "the host 'later.test' cannot be found"
