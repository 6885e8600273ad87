"""Password and sessions: the methods, and the login that a client does by itself."""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from flexclient import AsyncFlexClient, FlexClient, PasswordLogin, errors
from flexclient import models as m
from flexclient.testing import FakeFlex
from tests.sdk.harness import Side
from tests.support.box import Box
from tests.support.media_double import fake_media

WORD = "canary-word"


def logins(box: FakeFlex) -> int:
    return sum(seen.path == "/flex/auth/login" for seen in box.requests)


def test_a_whole_life(side: Side) -> None:
    box = FakeFlex()
    client = side.client(transport=box)
    assert side.do(client.auth.status()).auth_enabled is False
    with pytest.raises(errors.Conflict):
        side.do(client.auth.login(WORD))
    side.do(client.auth.set_password(WORD))
    with pytest.raises(errors.Unauthorized) as caught:
        side.do(client.pipelines.list())
    assert caught.value.hint
    session = side.do(client.auth.login(WORD))
    known = client.with_options(token=session.token)
    assert side.do(known.pipelines.list()) == []
    assert side.do(known.auth.status()) == m.AuthStatus(auth_enabled=True, expires_at=session.expires_at)
    other = client.with_options(token=side.do(client.auth.login(WORD)).token)
    side.do(known.auth.set_password("another"))
    assert side.do(known.pipelines.list()) == []
    with pytest.raises(errors.Unauthorized):
        side.do(other.pipelines.list())
    side.do(known.auth.logout())
    with pytest.raises(errors.Unauthorized):
        side.do(known.auth.remove_password())
    side.do(client.with_options(token=PasswordLogin("another")).auth.remove_password())
    assert side.do(client.pipelines.list()) == []


@pytest.mark.parametrize("password", ["", "x" * 1025])
def test_what_is_no_password(side: Side, password: str) -> None:
    with pytest.raises(errors.ValidationError_) as caught:
        side.do(side.client(transport=FakeFlex()).auth.set_password(password))
    assert caught.value.details[0].field == "password"


def test_an_api_key_is_as_good_as_a_token(side: Side) -> None:
    box = FakeFlex(password=WORD, api_key="the-key")
    assert side.do(side.client(transport=box, api_key="the-key").pipelines.list()) == []
    with pytest.raises(errors.Unauthorized):
        side.do(side.client(transport=box, api_key="another").pipelines.list())


class TestPasswordLogin:
    def test_it_logs_in_when_the_box_asks_and_again_when_the_session_has_ended(self, side: Side) -> None:
        box = FakeFlex(password=WORD)
        client = side.client(token=PasswordLogin(WORD), transport=box)
        side.do(client.system.health())
        assert logins(box) == 0, "what is public needs no login"
        side.do(client.pipelines.list())
        side.do(client.with_options(timeout=5).pipelines.create({"id": "cam1", "source": {"uri": "test://smpte"}}))
        assert logins(box) == 1, "a copy shares the session"
        box.end_sessions()
        assert side.do(client.pipelines.get("cam1")).id == "cam1"
        assert logins(box) == 2

    def test_a_box_without_a_password_is_never_bothered(self, side: Side) -> None:
        box = FakeFlex()
        assert side.do(side.client(token=PasswordLogin(WORD), transport=box).pipelines.list()) == []
        assert logins(box) == 0

    def test_a_wrong_password_is_tried_once(self, side: Side) -> None:
        box = FakeFlex(password="another")
        client = side.client(token=PasswordLogin(WORD), transport=box)
        with pytest.raises(errors.Unauthorized, match="the password is wrong"):
            side.do(client.pipelines.list())
        assert logins(box) == 1
        with pytest.raises(errors.Unauthorized, match="the password is wrong"):
            side.do(client.auth.login(WORD))
        assert logins(box) == 2, "a login of one's own is no reason for another"

    def test_too_many_tries_are_told_at_once(self, side: Side) -> None:
        box = FakeFlex(password=WORD)
        box.on_request = lambda seen: (
            box.refuse("RATE_LIMITED", retry_after=800) if seen.path == "/flex/auth/login" else None
        )
        with pytest.raises(errors.RateLimited) as caught:
            side.do(side.client(token=PasswordLogin(WORD), transport=box).pipelines.list())
        assert caught.value.retry_after == 800
        assert logins(box) == 1

    def test_a_stream_goes_on_over_the_end_of_its_session(self, side: Side) -> None:
        box = FakeFlex(password=WORD)
        client = side.client(token=PasswordLogin(WORD), transport=box)
        stream = client.events.stream()
        box.script([lambda: box.add({"id": "cam1"}), lambda: box.set_state("cam1", "starting")])
        assert side.next(stream).data.state == "starting"
        box.script([box.end_sessions, lambda: box.set_state("cam1", "playing")])
        seen = side.next(stream)
        while seen.type != "pipeline_status":
            seen = side.next(stream)
        assert seen.data.state == "playing"
        assert logins(box) == 2
        side.do(stream.close())

    def test_it_shows_its_password_nowhere(self, side: Side, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        box = FakeFlex(password="another")
        login = PasswordLogin(WORD)
        client = side.client(token=login, transport=box)
        shown = [
            repr(login),
            str(login),
            repr(client),
            repr(client._settings),
            client.curl(client.pipelines.list.plan()),
        ]
        shown += [repr(client.auth.login.plan(WORD)), client.curl(client.auth.set_password.plan(WORD))]
        try:
            side.do(client.pipelines.list())
        except errors.Unauthorized as error:
            shown += [repr(error), str(error), repr(error.call), "".join(traceback.format_exception(error))]
        shown += [record.getMessage() for record in caplog.records]
        assert len(shown) > 10
        assert not [text for text in shown if WORD in text]
        session = side.do(client.auth.login("another"))
        assert session.token.get_secret_value() not in repr(session) + str(session) + session.model_dump_json()
        assert "$FLEX_TOKEN" in client.curl(client.pipelines.list.plan())

    def test_an_empty_one_is_refused(self) -> None:
        with pytest.raises(errors.UsageError):
            PasswordLogin("")


def test_threads_that_notice_the_end_together_log_in_once() -> None:
    box = FakeFlex(password=WORD)
    with FlexClient(token=PasswordLogin(WORD), transport=box) as client, ThreadPoolExecutor(8) as pool:
        gate = threading.Barrier(8)

        def ask(_: int) -> list[m.Pipeline]:
            gate.wait(10)
            return client.pipelines.list()

        for round_ in (1, 2, 3):
            assert list(pool.map(ask, range(8))) == [[]] * 8
            assert logins(box) == round_
            box.end_sessions()


def test_tasks_that_notice_the_end_together_log_in_once() -> None:
    box = FakeFlex(password=WORD)

    async def main() -> None:
        async with AsyncFlexClient(token=PasswordLogin(WORD), transport=box) as client:
            for round_ in (1, 2, 3):
                assert await asyncio.gather(*(client.pipelines.list() for _ in range(8))) == [[]] * 8
                assert logins(box) == round_
                box.end_sessions()

    asyncio.run(main())


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    media = fake_media(tmp_path_factory.mktemp("fake"))
    with Box(tmp_path_factory.mktemp("box") / "data", env=media.env) as box:
        yield box


def test_a_real_box(side: Side, real: Box) -> None:
    settings = {"url": real.url, "ca_file": real.ca_file}
    nobody = side.client(**settings)
    with pytest.raises(errors.Conflict):
        side.do(nobody.auth.login(WORD))
    side.do(nobody.auth.set_password(WORD))
    client = side.client(**settings, token=PasswordLogin(WORD))
    assert side.do(client.pipelines.list()) == []
    ends = side.do(client.auth.status()).expires_at
    assert ends is not None
    assert 23.9 < (ends - datetime.now(UTC)).total_seconds() / 3600 < 24.1
    real.restart()
    assert side.do(client.auth.status()).expires_at == ends, "no new login over a restart"
    with pytest.raises(errors.Unauthorized) as caught:
        side.do(nobody.pipelines.list())
    assert caught.value.hint
    assert caught.value.request_id
    side.do(client.auth.logout())
    assert side.do(client.auth.status()).expires_at is None
    side.do(client.auth.remove_password())
    assert side.do(nobody.auth.status()) == m.AuthStatus(auth_enabled=False)
