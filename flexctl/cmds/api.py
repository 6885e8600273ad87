"""`flexctl api`: any request."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flexctl.cmds.sending import shown
from flexctl.errors import Misuse
from flexctl.options import Curl, DryRun
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexclient import Call, Reply

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


def api(
    ctx: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT, PATCH, DELETE.")],
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH",
            help="/flex/..., with ?query where there is one; pipeline is /flex/pipeline.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", metavar="JSON", help="The body; @FILE reads it, - is standard input.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="A header more.")
    ] = None,
    include: Annotated[bool, typer.Option("--include", "-i", help="Show status and headers, on stderr.")] = False,
    dry_run: DryRun = False,
    curl: Curl = False,
) -> None:
    """Send any request to the box, with the address, trust and token of every other command.

    flexctl api GET /flex/openapi.json --query 'keys(paths)'
    flexctl api POST pipeline -d '{"id": "cam1", "source": {"uri": "test://ball"}}'
    """
    from flexclient.client import free_call

    run = state_of(ctx)
    plan: dict[str, Any] = {"headers": _headers(header or [])}
    if data is not None:
        plan["json"] = _body(data)
    verb, target = _target(method, path)
    call = free_call(verb, target, **plan)
    if shown(run, call, dry_run=dry_run, curl=curl):
        return
    reply = _sent(run, call)
    if include:
        lines = [f"{name}: {value}" for name, value in reply.headers.items() if name.lower() != "set-cookie"]
        run.out.say(f"HTTP {reply.status}", "\n".join(lines))
    if isinstance(reply.data, bytes):
        if reply.data:
            run.out.raw(reply.data)
    elif isinstance(reply.data, str):
        run.out.text(reply.data)
    elif reply.data is not None:
        run.out.data(reply.data)


def _sent(run: State, call: "Call[Any]") -> "Reply[Any]":
    """The answer. What is not there is told with the whole address that was asked for."""
    from flexclient.errors import NotFound

    try:
        return run.client.send(call)
    except NotFound as error:
        asked = f"asked for: {call.method} {run.client.url}{call.target}"
        lines = [asked] if call.path.startswith("/flex/") else [asked, "all of the API lies below /flex/"]
        error.hint = "\n".join([*([error.hint] if error.hint else []), *lines])
        raise


def _target(method: str, path: str | None) -> tuple[str, str]:
    """Method and path as they are sent. Raises Misuse, also for a path where the method should be."""
    verb = method.upper()
    if verb not in METHODS:
        hint = f"the method comes first: flexctl api GET {method}" if "/" in method else f"one of {', '.join(METHODS)}"
        raise Misuse(f"'{method}' is no method", hint)
    if not path:
        raise Misuse("PATH is missing", f"for example: flexctl api {verb} /flex/health")
    if path.startswith("/"):
        return verb, path
    return verb, f"/{path}" if path.startswith("flex/") else f"/flex/{path}"


def _headers(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, value = text.partition(":")
        if not (sign and name.strip()):
            raise Misuse(f"--header: '{text}' is not NAME:VALUE")
        found[name.strip()] = value.strip()
    return found


def _body(text: str) -> Any:
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise Misuse(f"--data: {error.filename}: {error.strerror}") from None
    except ValueError as error:
        raise Misuse(f"--data is not JSON: {error}") from None
    except RecursionError:
        raise Misuse("--data is nested too deep") from None
