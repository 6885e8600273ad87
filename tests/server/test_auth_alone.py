"""What a box shows only after a day, or with a thousand sessions: the part itself, without a server around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request

from flexclient.models import ErrorCode
from flexserver import auth as auth_part
from flexserver.auth import Auth, Grant
from flexserver.config import Config
from flexserver.errors import Refusal
from flexserver.passwords import MAX_OF_NETWORK, Hasher
from flexserver.store import Store
from tests.server.door import KEY, WORD


class TestAlone:
    """What a box shows only after a day, or with a thousand sessions: the part itself, without a server around it."""

    def run(self, folder: Path, work: Callable[[Auth], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            store = Store(folder / "flex.db")
            try:
                auth = Auth(store, None)
                auth.start()
                await auth.set_password(Grant(), WORD)
                await work(auth)
                auth.close()
            finally:
                await asyncio.to_thread(store.close)

        asyncio.run(main())

    def test_one_session_too_many_ends_the_oldest(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auth_part, "MAX_SESSIONS", 3)

        async def work(auth: Auth) -> None:
            tokens, ends = [], list[str]()
            for _ in range(5):
                token, _ = await auth.login(WORD)
                tokens.append(token)
                if session := auth.session(request(tokens[0])):
                    session.hold(ends.append)
            assert [auth.session(request(token)) is not None for token in tokens] == [False, False, True, True, True]
            assert set(ends) == {"too_many_sessions"}
            assert len(auth._store.read("SELECT * FROM sessions")) == 3

        self.run(tmp_path, work)

    def test_a_session_that_has_ended_is_told_to_who_comes_too_late(self, tmp_path: Path) -> None:
        async def work(auth: Auth) -> None:
            token, _ = await auth.login(WORD)
            session = auth.session(request(token))
            assert session
            await auth.logout(session)
            ends: list[str] = []
            session.hold(ends.append)
            assert ends == ["logged_out"]
            with pytest.raises(Refusal) as caught:
                await auth.set_password(session, "another")
            assert caught.value.code == "UNAUTHORIZED"
            again, _ = await auth.login(WORD)
            assert auth.session(request(again))

        self.run(tmp_path, work)

    def test_the_clock_decides_and_not_the_timer(self, tmp_path: Path) -> None:
        async def work(auth: Auth) -> None:
            token, expires = await auth.login(WORD)
            auth._clock = lambda: expires - 1
            assert auth.session(request(token))
            auth._clock = lambda: expires
            assert not auth.session(request(token)), "somebody set the clock: nobody waits for the next look at it"

        self.run(tmp_path, work)

    def test_what_needs_the_key_needs_it_always(self, tmp_path: Path) -> None:
        async def work(auth: Auth) -> None:
            token, _ = await auth.login(WORD)
            for shown in (request(token), request(token, "wrong" * 8)):
                with pytest.raises(Refusal, match="has none"):
                    auth.admit(shown, key=True)
            keyed = Auth(auth._store, SecretStr(KEY))
            for shown in (request(token), request(token, KEY[:-1]), request(token, "")):
                with pytest.raises(Refusal, match="this needs the API key"):
                    keyed.admit(shown, key=True)
            assert keyed.admit(request("wrong", KEY), key=True)

        self.run(tmp_path, work)

    def test_nothing_of_it_shows_its_secrets(self, tmp_path: Path) -> None:
        async def work(auth: Auth) -> None:
            token, _ = await auth.login(WORD)
            session = auth.session(request(token))
            shown = repr(auth) + repr(session) + repr(vars(session))
            assert token not in shown
            assert WORD not in shown

        self.run(tmp_path, work)
        assert KEY not in repr(Config(api_key=SecretStr(KEY))) + str(Config(api_key=SecretStr(KEY)).model_dump())


def request(token: str, key: str | None = None) -> Request:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    return Request({"type": "http", "headers": headers + ([(b"x-api-key", key.encode())] if key is not None else [])})


def test_many_logins_from_one_network_take_no_place_from_another() -> None:
    async def main() -> tuple[list[bool | BaseException], bool]:
        hasher = Hasher()
        made = await hasher.hash(WORD)
        flood = [asyncio.create_task(hasher.matches(made, "wrong", "192.0.2.0/24")) for _ in range(100)]
        await asyncio.sleep(0)  # all of them have asked
        honest = await hasher.matches(made, WORD, "198.51.100.0/24")
        return await asyncio.gather(*flood, return_exceptions=True), honest

    answers, honest = asyncio.run(main())
    assert honest
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert {refusal.code for refusal in refused} == {ErrorCode.OVERLOADED}
    assert len(answers) - len(refused) == MAX_OF_NETWORK
