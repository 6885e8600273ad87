"""Makes docs/reference/api.md of what the server, the SDK and the CLI say of themselves.

`python -m tests.contract.reference` writes it; a test compares it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flexclient.models import STATUS_OF, ErrorCode
from flexserver.openapi import TAGS
from flexserver.openapi.operations import codes
from flexserver.routing import Endpoint
from tests.contract.operations import of_cli, of_sdk, of_server

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"

INTRODUCTION = """\
# Every operation

<!-- made by `python -m tests.contract.reference`; a test holds it -->

Each line is one operation of the API: its address, its `operationId`, the method of the SDK and the command that send
it. *public* operations never need a token, *key* ones always need the API key. `GET /flex/openapi.json` has schemas,
errors and an example of each; the other pages of this folder tell how to use them.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_sections(), *_errors()])


def _sections() -> Iterator[str]:
    for tag, meaning in TAGS.items():
        mine = [one for one in of_server().values() if one.name.partition(".")[0] == tag]
        if mine:
            yield f"## {tag}\n\n{meaning}\n"
            yield "| address | operation | Python | flexctl | access | what |\n|---|---|---|---|---|---|"
            yield from map(_row, mine)
            yield ""


def _row(endpoint: Endpoint) -> str:
    method = of_sdk().get(endpoint.name)
    commands = ", ".join(f"`{command}`" for command in of_cli().get(endpoint.name, ()))
    python = f"`{method.usage}`" if method else ""
    access = "public" if endpoint.public else "key" if endpoint.key else "token"
    cells = (f"`{endpoint.method} {endpoint.path}`", f"`{endpoint.name}`", python, commands, access, endpoint.summary)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _errors() -> Iterator[str]:
    yield "## Errors\n\nThe code says what happened; the status follows from it.\n"
    yield "| status | code | operations |\n|---|---|---|"
    for code in sorted(ErrorCode, key=lambda code: (STATUS_OF[code], code.value)):
        names = [name for name, endpoint in of_server().items() if code in codes(endpoint)]
        said = "all" if len(names) == len(of_server()) else _who(code, names)
        yield f"| {STATUS_OF[code]} | `{code.value}` | {said} |"
    yield ""


def _who(code: ErrorCode, names: list[str]) -> str:
    if code == ErrorCode.METHOD_NOT_ALLOWED:
        return "any address, to a method it does not have"
    if code == ErrorCode.UNAUTHORIZED:
        return "all that are not public, and `auth.login`"
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(page())
