"""Password, sessions and the API key: who is let in, and for how long. Over a real port, with real restarts."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from flexserver.routes import TABLE
from tests.server.conftest import FakeBoxes
from tests.server.door import BY_KEY, KEY, LOGIN, LOGOUT, PASSWORD, STATUS, WORD, Door, bearer, code
from tests.support.api import until
from tests.support.box import Box


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
