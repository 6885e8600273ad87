"""schemathesis, all checks on, against a live box with fake media, one run for each group of operations.

`FLEX_CASES` is how many random cases a group gets (100 in CI, 2000 by hand), beside the examples of the document and
one case for each edge of each schema. The same cases every time: `schemathesis.toml` has the seed.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flexserver import openapi
from flexserver.routes import TABLE
from tests.support.api import Api
from tests.support.box import Box
from tests.support.media_double import fake_media

HERE = Path(__file__).parent
CASES = int(os.environ.get("FLEX_CASES", "100"))
KEY = "a-key-of-the-tests-0123456789abcdef0123456789"
PASSWORD = "the password of the tests"
HOOK_PATHS = ("/flex/webhooks/{id}", "/flex/webhooks/{id}/test", "/flex/webhooks/{id}/deliveries")
HOOK = {"url": "http://127.0.0.1:9/nobody", "events": ["pipeline.error"]}
SECONDS = 200 + 2 * CASES
GROUPS = {tag: sum(one.name.startswith(f"{tag}.") for one in TABLE.endpoints) for tag in openapi.TAGS}


def each(group: str) -> int:
    """Cases for each operation of a group. Many have so few inputs that they take less: a long run gives them more."""
    return max(math.ceil(CASES / GROUPS[group]), CASES // 2 if CASES > 100 else 0)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    env = {**fake_media(tmp_path / "fake").env, "FLEX_API_KEY": KEY}
    with Box(tmp_path / "data", "--start-timeout", "2", env=env) as made:
        yield made


def furnish(box: Box) -> dict[str, str]:
    """Put something there for each path, and a password before everything; what stands at which path."""
    with Api(box) as api:
        api.http.headers["X-API-Key"] = KEY
        api.create("gate", on_demand=False).raise_for_status()
        api.call("PUT", "/flex/settings", json={"webhook_allowed_networks": ["127.0.0.0/8"]}).raise_for_status()
        made = api.call("POST", "/flex/webhooks", json=HOOK).raise_for_status()
        api.call("PUT", "/flex/auth/password", json={"password": PASSWORD}).raise_for_status()
    hooks = {path: made.json()["id"] for path in HOOK_PATHS}
    pipelines = {one.path: "gate" for one in TABLE.endpoints if one.path.startswith("/flex/pipeline/{id}")}
    return {**hooks, **pipelines}


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("group", [tag for tag, count in GROUPS.items() if count])
def test_random_requests_find_nothing(box: Box, group: str, tmp_path: Path) -> None:
    where = {
        "url": box.url,
        "ca_file": box.ca_file,
        "key": KEY,
        "password": PASSWORD,
        "hook": HOOK,
        "things": furnish(box),
    }
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(openapi.describe(TABLE.endpoints, box.url)))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", str(document), "--url", box.url, "--tls-verify", box.ca_file, "--include-tag", group),
        *("--max-examples", str(each(group)), "--header", f"X-API-Key: {KEY}"),
        *("--request-timeout", "20", "--no-color", "--warnings", "off", "--workers", "1"),
    ]
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.contract.hooks", "FLEX_CONTRACT": json.dumps(where)}
    done = subprocess.run(
        command, env=env, cwd=HERE.parents[1], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    print(done.stdout[-600:])  # how many it were; `pytest -rP` shows it
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-4000:] + box.log[-4000:]
