"""Swagger UI: works offline in a real browser, and what it sends reaches the API over HTTPS."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from flexserver.routes import TABLE
from tests.support.box import Box
from tests.support.media_double import fake_media

KEY = "a-key-of-the-tests-0123456789abcdef0123456789"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def swagger_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def swagger_box(tmp_path_factory: pytest.TempPathFactory, swagger_port: int) -> Iterator[Box]:
    env = {**fake_media(tmp_path_factory.mktemp("fake")).env, "FLEX_API_KEY": KEY}
    folder = tmp_path_factory.mktemp("box") / "data"
    with Box(folder, "--swagger-port", str(swagger_port), env=env) as made:
        yield made


@pytest.fixture
def url(swagger_box: Box, swagger_port: int) -> str:
    return f"http://127.0.0.1:{swagger_port}"


@dataclass
class Seen:
    """A page, and what went wrong or elsewhere on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@pytest.fixture
def seen(browser: Browser, url: str) -> Iterator[Seen]:
    context = browser.new_context(ignore_https_errors=True)  # as if the certificate had been accepted
    found = Seen(context.new_page())
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.hosts.add(request.url.split("/")[2]))
    found.page.goto(url)
    yield found
    context.close()


def test_every_operation_is_shown_and_nothing_is_fetched_from_elsewhere(seen: Seen, url: str) -> None:
    expect(seen.page.locator(".opblock")).to_have_count(len(TABLE.endpoints))
    assert seen.hosts == {url.removeprefix("http://")}
    assert seen.complaints == []


def try_out(page: Page, method: str, path: str) -> Page:
    operation = page.locator(f".opblock-{method}", has=page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    return page


def answered(page: Page) -> str:
    return page.locator(".live-responses-table .response-col_status").nth(1).inner_text().strip()


def test_it_reads_and_makes_with_the_examples_as_they_stand(seen: Seen, swagger_box: Box) -> None:
    try_out(seen.page, "get", "/flex/version")
    expect(seen.page.locator(".live-responses-table")).to_contain_text('"api_version"')
    assert answered(seen.page).startswith("200")
    seen.page.locator(".opblock-get .opblock-summary", has=seen.page.locator('[data-path="/flex/version"]')).click()
    try_out(seen.page, "post", "/flex/pipeline")
    expect(seen.page.locator(".live-responses-table")).to_contain_text('"gate"')
    assert answered(seen.page).startswith("201")
    assert seen.complaints == []


def test_a_certificate_that_is_not_trusted_is_explained(browser: Browser, url: str, swagger_box: Box) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    try_out(page, "get", "/flex/version")
    expect(page.locator(".live-responses-table")).to_contain_text("Failed to fetch")
    note = page.locator("#note")
    expect(note).to_contain_text("accept the box's certificate")
    assert note.locator("a").get_attribute("href") == f"{swagger_box.url}/flex/version"
    context.close()


@pytest.fixture
def api(swagger_box: Box) -> Iterator[httpx.Client]:
    verify = ssl.create_default_context(cafile=swagger_box.ca_file)
    with httpx.Client(base_url=swagger_box.url, verify=verify) as client:
        yield client


def test_the_api_lets_in_that_origin_alone(api: httpx.Client, url: str) -> None:
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}
    good = api.options("/flex/pipeline/x", headers={"Origin": url, **asked})
    assert good.status_code == 200
    assert good.headers["access-control-allow-origin"] == url
    assert "PUT" in good.headers["access-control-allow-methods"]
    assert api.get("/flex/version", headers={"Origin": url}).headers["access-control-allow-origin"] == url
    refused = api.get("/flex/pipeline/ghost", headers={"Origin": url})
    assert refused.status_code == 404
    assert refused.headers["access-control-allow-origin"] == url
    for other in ("http://127.0.0.1:1", url.replace("http:", "https:"), "http://evil.example:38081", "null"):
        for answer in (
            api.get("/flex/version", headers={"Origin": other}),
            api.options("/flex/pipeline/x", headers={"Origin": other, **asked}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_pages_may_do_no_more_than_they_need(url: str, swagger_box: Box) -> None:
    for path in ("/", "/start.js", "/page.css", "/openapi.json", "/assets/swagger-ui.css", "/nothing"):
        answer = httpx.get(url + path)
        policy = answer.headers["content-security-policy"]
        assert f"connect-src 'self' {swagger_box.url}" in policy
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(url + "/nothing").status_code == 404
    assert httpx.post(url + "/").status_code == 405
    for path in ("/assets/../flask_swagger_ui.py", "/assets/%2e%2e/__init__.py", "/__init__.py"):
        assert httpx.get(url + path).status_code == 404


def test_a_host_header_that_is_no_name_gets_into_no_page(url: str) -> None:
    page = httpx.get(url, headers={"Host": '"><script>alert(1)</script>'})
    assert "alert(1)" not in page.text
    assert "alert(1)" not in page.headers["content-security-policy"]


def test_the_document_is_the_api_s_own_but_for_its_address(url: str, api: httpx.Client, swagger_box: Box) -> None:
    here, there = httpx.get(url + "/openapi.json").json(), api.get("/flex/openapi.json").json()
    assert here["servers"][0]["url"] == swagger_box.url
    assert {**here, "servers": 0} == {**there, "servers": 0}


def test_it_is_off_by_default_and_a_taken_port_is_named(tmp_path: Path, swagger_box: Box, swagger_port: int) -> None:
    env = fake_media(tmp_path / "fake").env
    with Box(tmp_path / "data", env=env) as plain:
        verify = ssl.create_default_context(cafile=plain.ca_file)
        answer = httpx.get(
            f"{plain.url}/flex/version", headers={"Origin": f"http://127.0.0.1:{swagger_port}"}, verify=verify
        )
        assert "access-control-allow-origin" not in answer.headers
    command = Box(tmp_path / "data2", "--swagger-port", str(swagger_port), start=False).command(1)
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert re.search(rf"port {swagger_port} is in use; choose another with --swagger-port", done.stderr)
