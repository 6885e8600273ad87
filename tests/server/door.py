"""A locked box, and clients of it from addresses that nobody else has. Fixtures of the tests of auth."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.support.api import Api
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


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


@pytest.fixture(scope="module")
def keyed_box(tmp_path_factory: pytest.TempPathFactory, fake: FakeMedia) -> Iterator[Box]:
    """A box with an API key, which logs all it can."""
    with Box(
        tmp_path_factory.mktemp("box") / "data", "--log-level", "debug", env={**fake.env, "FLEX_API_KEY": KEY}
    ) as box:
        yield box


@pytest.fixture
def door(keyed_box: Box) -> Iterator[Door]:
    """The box without a password, as it is before and after."""
    with Door(keyed_box) as made:
        yield made
        assert made.call("DELETE", PASSWORD, headers=BY_KEY).status_code == 204


@pytest.fixture
def locked(door: Door) -> Door:
    """The box with a password."""
    assert door.set().status_code == 204
    return door
