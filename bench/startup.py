"""How long a person or a script waits for Python to start: imports, `--version`, one whole listing."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.box import BIN, running
from bench.figure import Figure, paired

FLEXCTL = str(BIN / "flexctl")


def python(code: str) -> list[str]:
    """A Python that does this and ends."""
    return [sys.executable, "-c", code]


def measure() -> Iterator[Figure]:
    """The start-up budgets."""
    ours, theirs = paired(python("import flexclient"), python("import httpx, pydantic"))
    yield Figure("import flexclient", ours, "s", "import httpx, pydantic", theirs, 1.3)
    # The import is lazy, so that alone says little: what a program waits for until it has a client and the models.
    client = "from flexclient import FlexClient, models; FlexClient(fingerprint='00' * 32); models.Pipeline"
    rival = "import httpx, pydantic; httpx.Client(verify=False); pydantic.BaseModel"
    ours, theirs = paired(python(client), python(rival))
    yield Figure("flexclient: a client and the models", ours, "s", "httpx.Client(), pydantic.BaseModel", theirs, 1.3)
    ours, theirs = paired([FLEXCTL, "--version"], python("import typer"))
    yield Figure("flexctl --version", ours, "s", "import typer", theirs, 2.0)
    with running() as box:
        listing = [FLEXCTL, "pipeline", "list", "-o", "json"]
        httpie = [str(BIN / "http"), "--ignore-stdin", "--verify", box.ca_file, f"{box.url}/flex/pipeline"]
        ours, theirs = paired(listing, httpie, runs=15, env=box.env)
        yield Figure("flexctl pipeline list -o json", ours, "s", "HTTPie GET of the same", theirs, 0.75)
