"""Password, sessions and the API key: who is let in, and for how long. Over a real port, with real restarts."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import resource
import sqlite3
import ssl
import threading
import time
import unicodedata
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from flexserver import auth as auth_part
from flexserver.auth import Auth, Grant
from flexserver.config import Config
from flexserver.errors import Refusal
from flexserver.routes import TABLE
from flexserver.store import Store
from tests.server.conftest import FakeBoxes
from tests.support.api import Api, until
from tests.support.box import Box
from tests.support.media_double import FakeMedia

KEY = "canary-key-0123456789abcdef"
WORD = "canary-word correct horse"
BY_KEY = {"X-API-Key": KEY}
STATUS, LOGIN, LOGOUT, PASSWORD = (f"/flex/auth/{name}" for name in ("status", "login", "logout", "password"))

_peers = count(2)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Door(Api):
    """A client from an address that nobody else has: each may try to log in five times."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self.http.close()
        number = next(_peers)
        self.address = f"127.0.{number // 250}.{number % 250 + 2}"
        self.http = httpx.Client(
            base_url=box.url,
            timeout=20,
            transport=httpx.HTTPTransport(
                local_address=self.address,
                verify=ssl.create_default_context(cafile=box.ca_file),
                limits=httpx.Limits(max_keepalive_connections=0),
            ),
        )

    def try_login(self, password: str = WORD) -> httpx.Response:
        return self.call("POST", LOGIN, json={"password": password})

    def login(self, password: str = WORD) -> str:
        token: str = self.try_login(password).raise_for_status().json()["token"]
        return token

    def set(self, password: str = WORD, **headers: str) -> httpx.Response:
        return self.call("PUT", PASSWORD, json={"password": password}, headers=headers)

    def lets_in(self, token: str) -> bool:
        status = self.get("/flex/pipeline", headers=bearer(token)).status_code
        assert status in {200, 401}
        return status == 200


@pytest.fixture(scope="module")
def fake_box(tmp_path_factory: pytest.TempPathFactory, fake: FakeMedia) -> Iterator[Box]:
    """A box with an API key, which logs all it can."""
    with Box(
        tmp_path_factory.mktemp("box") / "data", "--log-level", "debug", env={**fake.env, "FLEX_API_KEY": KEY}
    ) as box:
        yield box


@pytest.fixture
def door(fake_box: Box) -> Iterator[Door]:
    """The box without a password, as it is before and after."""
    with Door(fake_box) as made:
        yield made
        assert made.call("DELETE", PASSWORD, headers=BY_KEY).status_code == 204


@pytest.fixture
def locked(door: Door) -> Door:
    """The box with a password."""
    assert door.set().status_code == 204
    return door


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


class TestWhoIsLetIn:
    def test_everybody_while_there_is_no_password(self, door: Door) -> None:
        assert door.get(STATUS).json() == {"auth_enabled": False}
        assert door.get("/flex/pipeline").status_code == 200
        assert door.get("/flex/pipeline", headers=bearer("from another life")).status_code == 200
        assert door.call("POST", LOGOUT).status_code == 204
        refused = door.try_login()
        assert code(refused) == (409, "CONFLICT")
        assert "PUT /flex/auth/password" in refused.json()["hint"]

    @pytest.mark.parametrize("endpoint", TABLE.endpoints, ids=lambda endpoint: endpoint.name)
    def test_with_one_every_address_that_is_not_public_asks(self, locked: Door, endpoint: Any) -> None:
        path = endpoint.path
        for parameter in endpoint.path_parameters:
            path = path.replace("{" + parameter.name + "}", "x")
        if endpoint.public:
            assert locked.call(endpoint.method, path).status_code != 401 or path == LOGIN
            return
        for headers in ({}, bearer("wrong"), {"X-API-Key": "wrong"}, {"Authorization": f"Basic {KEY}"}):
            refused = locked.call(endpoint.method, path, headers=headers)
            assert code(refused) == (401, "UNAUTHORIZED")
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert refused.json()["hint"]

    def test_the_holder_of_a_token(self, locked: Door) -> None:
        answer = locked.try_login()
        assert answer.headers["cache-control"] == "no-store"
        token, ends = answer.json()["token"], datetime.fromisoformat(answer.json()["expires_at"])
        assert abs(ends - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
        assert locked.lets_in(token)
        assert not locked.lets_in(token[:-1])
        assert not locked.lets_in(token + "x")
        status = locked.get(STATUS, headers=bearer(token)).json()
        assert status == {"auth_enabled": True, "expires_at": answer.json()["expires_at"]}
        assert locked.get(STATUS, headers=bearer("wrong")).json() == {"auth_enabled": True}
        assert locked.get("/flex/pipeline", headers={"Authorization": f"bearer {token}"}).status_code == 200

    def test_the_holder_of_the_key(self, locked: Door) -> None:
        for headers in (BY_KEY, {**BY_KEY, **bearer("wrong")}):
            assert locked.get("/flex/pipeline", headers=headers).status_code == 200
        assert locked.call("POST", LOGOUT, headers=BY_KEY).status_code == 204
        assert locked.get("/flex/pipeline", headers=BY_KEY).status_code == 200, "a key does not end"

    def test_what_needs_the_key_needs_it_without_a_password_too(self, door: Door) -> None:
        keyed = [endpoint for endpoint in TABLE.endpoints if endpoint.key]
        assert len(keyed) == 2
        for endpoint in keyed:
            for headers in ({}, bearer("any"), {"X-API-Key": "wrong"}):
                refused = door.call(endpoint.method, endpoint.path, headers=headers)
                assert code(refused) == (401, "UNAUTHORIZED")
                assert "X-API-Key" in refused.json()["hint"]
            assert door.call(endpoint.method, endpoint.path, headers=BY_KEY).status_code == 400, "let in, and no query"

    def test_no_child_process_has_the_key(self, locked: Door) -> None:
        children = psutil.Process(locked.box.pid).children(recursive=True)
        assert children
        for child in children:
            assert "FLEX_API_KEY" not in child.environ()

    def test_a_wrong_password_is_refused(self, locked: Door) -> None:
        refused = locked.try_login("wrong")
        assert code(refused) == (401, "UNAUTHORIZED")
        assert refused.json()["message"] == "the password is wrong"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "password"),
            ({"password": ""}, "password"),
            ({"password": "x" * 1025}, "password"),
            ({"password": 5}, "password"),
            ({"password": None}, "password"),
            ({"password": WORD, "user": "me"}, "user"),
            ([WORD], ""),
        ],
    )
    def test_what_is_no_password_is_refused_by_name(self, door: Door, body: Any, field: str) -> None:
        refused = door.call("PUT", PASSWORD, json=body)
        assert code(refused) == (400, "VALIDATION_ERROR")
        assert [fault.get("field", "") for fault in refused.json()["details"]] == [field]
        assert WORD not in refused.text
        assert not door.get(STATUS).json()["auth_enabled"]

    def test_the_same_letters_are_the_same_password(self, door: Door) -> None:
        written = "gr\u00fcn \u00e9\u0327t\u00e9 \U0001f3a5" * 100
        assert door.set(written[:1024]).status_code == 204
        other = unicodedata.normalize("NFD", written[:1024])
        assert other != written[:1024]
        assert len(other) > 1024, "the limit is counted as it is written"
        assert door.set("\u00fc", **BY_KEY).status_code == 204
        assert door.lets_in(door.login("u\u0308"))


class TestSessions:
    def test_logging_out_ends_the_one_session_at_once(self, locked: Door) -> None:
        mine, other = locked.login(), locked.login()
        assert locked.call("POST", LOGOUT, headers=bearer(mine)).status_code == 204
        assert not locked.lets_in(mine)
        assert locked.lets_in(other)
        assert code(locked.call("POST", LOGOUT, headers=bearer(mine))) == (401, "UNAUTHORIZED")

    def test_a_new_password_ends_all_others(self, locked: Door) -> None:
        mine, other = locked.login(), locked.login()
        assert locked.set("another", **bearer(mine)).status_code == 204
        assert locked.lets_in(mine)
        assert not locked.lets_in(other)
        assert code(locked.try_login(WORD)) == (401, "UNAUTHORIZED")
        assert locked.lets_in(locked.login("another"))

    def test_the_key_is_the_way_back_in(self, locked: Door) -> None:
        lost = locked.login()
        assert locked.set("another", **BY_KEY).status_code == 204
        assert not locked.lets_in(lost)
        assert locked.lets_in(locked.login("another"))

    def test_without_a_password_there_is_no_session(self, locked: Door) -> None:
        token = locked.login()
        assert locked.call("DELETE", PASSWORD, headers=bearer(token)).status_code == 204
        assert locked.get("/flex/pipeline").status_code == 200
        assert locked.get(STATUS).json() == {"auth_enabled": False}
        assert locked.set("another").status_code == 204, "everybody may"
        assert not locked.lets_in(token)

    def test_only_its_hash_is_on_the_disk(self, locked: Door) -> None:
        token = locked.login()
        digest = hashlib.sha256(token.encode()).digest()
        with contextlib.closing(sqlite3.connect(f"file:{locked.box.data_dir}/flex.db?mode=ro", uri=True)) as store:
            assert (digest,) in store.execute("SELECT digest FROM sessions").fetchall()
            (kept,) = store.execute("SELECT value FROM facts WHERE name = 'password'").fetchone()
            assert "$argon2id$" in kept
        for path in locked.box.data_dir.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert token.encode() not in content
                assert WORD.encode() not in content


def expire(box: Box, token: str, seconds: float) -> None:
    """Let the session of a box that does not run end that many seconds from now."""
    digest = hashlib.sha256(token.encode()).digest()
    with contextlib.closing(sqlite3.connect(box.data_dir / "flex.db")) as store, store:
        store.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?)", (digest, time.time() + seconds))


def kept(box: Box) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{box.data_dir}/flex.db?mode=ro", uri=True)) as store:
        found: int = store.execute("SELECT count(*) FROM sessions").fetchone()[0]
        return found


class TestRestarts:
    @pytest.mark.parametrize("end", [Box.stop, Box.kill], ids=["stop", "kill -9"])
    def test_sessions_and_their_ends_outlive_the_box(self, fake_boxes: FakeBoxes, end: Callable[[Box], object]) -> None:
        box, _ = fake_boxes()
        door = Door(box)
        assert door.set().status_code == 204
        stays, gone = door.login(), door.login()
        assert door.call("POST", LOGOUT, headers=bearer(gone)).status_code == 204
        end(box)
        box.start()
        door = Door(box)
        assert door.lets_in(stays)
        assert not door.lets_in(gone)
        assert door.get("/flex/pipeline").status_code == 401
        assert door.lets_in(door.login())

    def test_a_session_ends_with_its_time_and_takes_its_stream_along(self, fake_boxes: FakeBoxes) -> None:
        box, _ = fake_boxes()
        door = Door(box)
        door.set()
        token = door.login()
        for seconds in (3, 12, 48):  # a busy machine may take longer to start than the session lives
            box.stop()
            expire(box, token, seconds)
            box.start()
            door = Door(box)
            with door.http.stream("GET", "/flex/events", headers=bearer(token), timeout=60) as stream:
                if stream.status_code == 200:
                    text = stream.read().decode()
                    break
        else:
            raise AssertionError("the box never started in time")
        assert 'event: bye\ndata: {"reason":"session_expired"}\n\n' in text, "read() returns: the box ended it"
        assert not door.lets_in(token)
        until(lambda: kept(box) == 0, what="its end on the disk")

    @pytest.mark.parametrize("seconds", [-1, 24 * 3600 + 60], ids=["over", "longer than any can be"])
    def test_a_session_of_a_wrong_time_does_not_come_back(self, fake_boxes: FakeBoxes, seconds: float) -> None:
        box, _ = fake_boxes()
        door = Door(box)
        door.set()
        token = door.login()
        box.stop()
        expire(box, token, seconds)
        box.start()
        assert not Door(box).lets_in(token)
        until(lambda: kept(box) == 0, what="its end on the disk")


class TestStreams:
    def test_a_stream_ends_with_the_session_that_opened_it(self, locked: Door) -> None:
        mine, other = locked.login(), locked.login()
        with locked.listen(headers=bearer(mine)) as first, locked.listen(headers=bearer(other)) as second:
            locked.call("POST", LOGOUT, headers=bearer(mine))
            assert first.wait(lambda seen: seen.type == "bye").data == {"reason": "logged_out"}
            until(first.ended.is_set)
            locked.call("POST", "/flex/pipeline", json={"id": "cam1", "source": {"uri": "test://ball"}}, headers=BY_KEY)
            second.wait(lambda seen: seen.type == "pipeline_created")
            locked.call("DELETE", "/flex/pipeline/cam1", headers=BY_KEY)
            assert not second.ended.is_set()
            assert not [seen for seen in first.events if seen.type != "bye"]

    def test_a_new_password_ends_the_streams_of_the_others(self, locked: Door) -> None:
        mine, other = locked.login(), locked.login()
        with (
            locked.listen(headers=bearer(mine)) as first,
            locked.listen(headers=bearer(other)) as second,
            locked.listen(headers=BY_KEY) as third,
        ):
            locked.set("another", **bearer(mine))
            assert second.wait(lambda seen: seen.type == "bye").data == {"reason": "password_changed"}
            until(second.ended.is_set)
            locked.call("DELETE", PASSWORD, headers=bearer(mine))
            assert first.wait(lambda seen: seen.type == "bye").data == {"reason": "password_removed"}
            assert not third.ended.is_set()
            assert third.events == []

    def test_the_first_password_ends_the_streams_of_everybody(self, door: Door) -> None:
        with door.listen() as nobody, door.listen(headers=BY_KEY) as machine:
            door.set()
            assert nobody.wait(lambda seen: seen.type == "bye").data == {"reason": "password_set"}
            until(nobody.ended.is_set)
            assert not machine.ended.is_set()

    def test_the_last_event_of_a_stream_has_an_id_to_resume_from(self, locked: Door) -> None:
        token = locked.login()
        with locked.listen(headers=bearer(token)) as listener:
            locked.call("POST", "/flex/pipeline", json={"id": "cam1", "source": {"uri": "test://ball"}}, headers=BY_KEY)
            listener.wait(lambda seen: seen.type == "pipeline_created")
            locked.call("POST", LOGOUT, headers=bearer(token))
            bye = listener.wait(lambda seen: seen.type == "bye")
        locked.call("DELETE", "/flex/pipeline/cam1", headers=BY_KEY)
        assert [seen.id for seen in listener.events] == sorted(seen.id for seen in listener.events)
        with locked.listen(headers={**BY_KEY, "Last-Event-ID": str(bye.id)}) as again:
            again.wait(lambda seen: seen.type == "pipeline_deleted")
            assert "pipeline_created" not in {seen.type for seen in again.events}

    def test_a_session_that_ends_while_its_stream_opens(self, locked: Door) -> None:
        for _ in range(4):
            with Door(locked.box) as mine:
                token = mine.login()
                with mine.http.stream("GET", "/flex/events", headers=bearer(token), timeout=10) as stream:
                    assert stream.status_code == 200
                    with Door(locked.box) as other:
                        assert other.call("POST", LOGOUT, headers=bearer(token)).status_code == 204
                    assert "logged_out" in stream.read().decode(), "read() returns: the box ended it"


def at_once(*works: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """The answers to requests that are sent together."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], httpx.Response]) -> httpx.Response:
        gate.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


class TestRaces:
    def test_of_two_who_set_the_first_password_one_is_refused(self, door: Door) -> None:
        with Door(door.box) as other:
            answers = at_once(lambda: door.set("of the one"), lambda: other.set("of the other"))
            assert sorted(answer.status_code for answer in answers) == [204, 401]
            winner = "of the one" if answers[0].status_code == 204 else "of the other"
            assert door.lets_in(door.login(winner))

    def test_of_two_who_change_it_one_is_refused(self, locked: Door) -> None:
        with Door(locked.box) as other:
            mine, theirs = locked.login(), other.login()
            answers = at_once(lambda: locked.set("mine", **bearer(mine)), lambda: other.set("theirs", **bearer(theirs)))
            assert sorted(answer.status_code for answer in answers) == [204, 401]
            won = answers[0].status_code == 204
            assert locked.lets_in(mine) is won
            assert locked.lets_in(theirs) is not won
            locked.login("mine" if won else "theirs")

    def test_no_session_comes_of_a_password_that_changed_meanwhile(self, locked: Door) -> None:
        words = [WORD, *(f"word {number}" for number in range(4))]
        for old, new in pairwise(words):
            with Door(locked.box) as other:
                changed, login = at_once(partial(locked.set, new, **BY_KEY), partial(other.try_login, old))
                assert changed.status_code == 204
                assert login.status_code in {200, 401}
                if login.status_code == 200:
                    assert not locked.lets_in(login.json()["token"])

    def test_two_log_outs_at_once(self, locked: Door) -> None:
        token = locked.login()
        with Door(locked.box) as other:
            answers = at_once(*(partial(one.call, "POST", LOGOUT, headers=bearer(token)) for one in (locked, other)))
            assert {answer.status_code for answer in answers} <= {204, 401}
        assert not locked.lets_in(token)


class TestLimits:
    def test_five_tries_in_fifteen_minutes(self, locked: Door) -> None:
        with Api(locked.box, keep=True) as kept_alive, Door(locked.box) as other:
            tries = [kept_alive.call("POST", LOGIN, json={"password": word}) for word in ("a", WORD, "", "b", "c")]
            assert [answer.status_code for answer in tries] == [401, 200, 400, 401, 401]
            refused = kept_alive.call("POST", LOGIN, json={"password": WORD})
            assert code(refused) == (429, "RATE_LIMITED")
            assert 890 < int(refused.headers["retry-after"]) <= 900
            token = tries[1].json()["token"]
            assert kept_alive.get("/flex/pipeline", headers=bearer(token)).status_code == 200
            assert other.try_login().status_code == 200, "another address is another peer"
            with Api(locked.box) as again:
                assert again.call("POST", LOGIN, json={"password": WORD}).status_code == 429, (
                    "not the connection counts"
                )

    def test_a_flood_of_logins_slows_nobody(self, locked: Door) -> None:
        times: list[float] = []

        def flood() -> set[int]:
            found = set()
            for _ in range(3):
                with Door(locked.box) as one:
                    found |= {one.try_login("wrong").status_code for _ in range(5)}
            return found

        with ThreadPoolExecutor(24) as pool, Api(locked.box, keep=True) as api:
            api.get("/flex/pipeline", headers=BY_KEY)
            futures = [pool.submit(flood) for _ in range(24)]
            while not all(future.done() for future in futures):
                begun = time.monotonic()
                assert api.get("/flex/pipeline", headers=BY_KEY).status_code == 200
                times.append(time.monotonic() - begun)
            statuses = set().union(*(future.result() for future in futures))
        assert statuses <= {401, 503}
        assert len(times) > 10
        assert median(times) < 0.25, "hashed on the event loop, each would wait for two dozen hashes"

    def test_a_full_disk_changes_nothing(self, fake_boxes: FakeBoxes) -> None:
        box, _ = fake_boxes(env={"FLEX_API_KEY": KEY})
        door = Door(box)

        def full(*, is_full: bool) -> None:
            limit = 4096 if is_full else resource.RLIM_INFINITY
            resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        full(is_full=True)
        assert code(door.set()) == (507, "INSUFFICIENT_STORAGE")
        assert door.get("/flex/pipeline").status_code == 200
        full(is_full=False)
        door.set()
        token, other = door.login(), door.login()
        full(is_full=True)
        with door.listen(headers=bearer(other)) as listener:
            for answer in (
                door.try_login(),
                door.call("POST", LOGOUT, headers=bearer(token)),
                door.set("another", **bearer(token)),
                door.call("DELETE", PASSWORD, headers=bearer(token)),
            ):
                assert code(answer) == (507, "INSUFFICIENT_STORAGE")
            assert not listener.ended.is_set()
        assert door.lets_in(token)
        assert door.lets_in(other)
        full(is_full=False)
        assert door.call("POST", LOGOUT, headers=bearer(token)).status_code == 204
        assert door.lets_in(door.login())


def test_nothing_secret_is_ever_logged(locked: Door) -> None:
    token = locked.login()
    locked.set(WORD + "2", **bearer(token))
    locked.try_login(WORD)
    locked.call("POST", LOGIN, content=f'{{"password": "{WORD}"', headers={"Content-Type": "application/json"})
    locked.call("POST", LOGIN, content=WORD, headers={"Content-Type": "text/plain"})
    locked.call("PUT", PASSWORD, json={"password": [WORD]}, headers=bearer(token))
    locked.get("/flex/pipeline", headers=bearer("canary-token"))
    locked.call("POST", LOGOUT, headers=bearer(token))
    log = until(lambda: (said := locked.box.log) and "/flex/auth/logout" in said and said)
    assert "the password was changed" in log
    for secret in (WORD, KEY, token, "canary", "$argon2"):
        assert secret not in log


class TestKey:
    def refused(self, tmp_path: Path, *args: str, **env: str) -> str:
        from tests.support.box import BoxError

        with pytest.raises(BoxError) as caught:
            Box(tmp_path / "data", *args, env=env)
        return str(caught.value)

    @pytest.mark.parametrize("key", ["short", "with a space in the middle", "caf\u00e9" * 8])
    def test_a_key_that_can_be_guessed_or_no_header_carries(self, tmp_path: Path, key: str) -> None:
        said = self.refused(tmp_path, FLEX_API_KEY=key)
        assert "FLEX_API_KEY: a key has at least 16 printable ASCII characters" in said
        assert key not in said

    def test_there_is_no_flag_for_it(self, tmp_path: Path) -> None:
        assert "unrecognized arguments: --api-key" in self.refused(tmp_path, "--api-key", KEY)

    def test_the_file_may_hold_it(self, fake_boxes: FakeBoxes, tmp_path: Path) -> None:
        file = tmp_path / "flex.toml"
        file.write_text(f'api_key = "{KEY}"\n')
        box, _ = fake_boxes("--config", str(file))
        door = Door(box)
        door.set()
        assert door.get("/flex/pipeline", headers=BY_KEY).status_code == 200
        assert door.get("/flex/pipeline").status_code == 401


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
