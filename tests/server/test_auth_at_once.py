"""Auth when much happens at once: open streams, races, floods of logins, a full disk."""

from __future__ import annotations

import json
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from statistics import median

import httpx
import pytest

from tests.server.conftest import FakeBoxes
from tests.server.door import BY_KEY, KEY, LOGIN, LOGOUT, PASSWORD, WORD, Door, bearer, code
from tests.server.test_http import answer, raw
from tests.support.api import Api, until


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


class TestSlowBodies:
    """Who was let in when his request came must still be let in when its body is here."""

    @pytest.mark.parametrize(
        ("head", "body"),
        [
            ("PUT /flex/settings HTTP/1.1\r\nContent-Type: application/json", b'{"name": "late"}'),
            ("POST /flex/license HTTP/1.1\r\nContent-Type: text/plain", b"licence"),
        ],
    )
    def test_what_ended_before_the_body_came_lets_nobody_in(self, locked: Door, head: str, body: bytes) -> None:
        token = locked.login()
        with raw(locked.box) as connection:
            began = f"{head}\r\nHost: a\r\nAuthorization: Bearer {token}\r\nX-Request-Id: slow\r\n"
            rest = f"Connection: close\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall((began + rest).encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 100"), "it is admitted, and its body is waited for"
            assert locked.call("POST", LOGOUT, headers=bearer(token)).status_code == 204
            connection.sendall(body)
            status, headers, said = answer(connection)
        assert (status, json.loads(said)["code"]) == (401, "UNAUTHORIZED")
        assert headers["www-authenticate"].startswith("Bearer")
        assert "name" not in locked.get("/flex/settings", headers=BY_KEY).json()

    def test_the_first_password_shuts_out_whose_body_is_late(self, door: Door) -> None:
        body = b'{"name": "late"}'
        with raw(door.box) as connection:
            connection.sendall(
                b"PUT /flex/settings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n"
                b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
            assert door.set().status_code == 204
            connection.sendall(body)
            assert answer(connection)[0] == 401


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
