"""What every command that changes something shares: show the request instead of sending it, say how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from flexctl.errors import Problem, Stop
from flexctl.exits import Exit
from flexctl.options import SECRETS
from flexctl.out.formats import to_json

T = TypeVar("T")

if TYPE_CHECKING:
    from flexclient import Call
    from flexctl.state import State
    from flexctl.views.view import View


def shown(state: State, call: Call[Any], *, dry_run: bool, curl: bool) -> bool:
    """Whether the request was only shown. Secrets are stars, or variables of the shell."""
    if curl:
        as_curl(state, call)
    elif dry_run:
        _describe(state, call)
    return curl or dry_run


def as_curl(state: State, call: Call[Any], *options: str) -> None:
    """Print the curl line that sends the same; `options` are more arguments of curl."""
    from flexclient._values import STARS

    line = state.client.curl(call, options=[*options, *_pinned(state)])
    hidden = f'"password": "{STARS}"'
    if hidden in line:  # the body stands in single quotes: leave them for the variable, so that the shell fills it in
        variable = SECRETS["password" if call.path.startswith("/flex/auth/") else "source_password"]
        line = line.replace(hidden, f"""\"password\": \"'"${variable}"'\"""")
        state.once(f"The password is not printed: the line takes it from ${variable}.")
    if "$FLEX_TOKEN" in line and not state.settings.get("token"):
        state.once("The line takes the token from $FLEX_TOKEN: export FLEX_TOKEN=$(flexctl auth login --print-token)")
    if STARS in line:
        state.once("Stars stand for a secret: put it there before the line is run.")
    state.out.write(line)


def _pinned(state: State) -> list[str]:
    """What makes curl trust the pinned box and no other: its public key, which one look at the box tells."""
    url, fingerprint = state.client.url, state.box.fingerprint
    if not fingerprint or not url.startswith("https://"):
        return []
    from flexctl.pin import curl_pin, seen_certificate

    seen = seen_certificate(url, fingerprint, state.settings.get("timeout") or 10.0)
    if seen is None:
        state.once(
            f"curl pins public keys, and {url} cannot be reached to tell its own: "
            "add --cacert FILE with the box's certs/flex.crt."
        )
        return []
    return ["-k", f"--pinnedpubkey '{curl_pin(seen)}'"]


def _describe(state: State, call: Call[Any]) -> None:
    from flexclient._log import mask_json
    from flexclient.models import Unset

    url = state.client.url + call.target
    body = None if isinstance(call.json, Unset) else mask_json(call.json)
    plain = None if isinstance(call.text, Unset) else call.text
    if state.out.form not in {"table", "wide", "name", "csv"}:
        state.out.data({"method": call.method, "url": url, "headers": dict(call.headers), "body": plain or body})
        return
    headers = "".join(f"{name}: {value}\n" for name, value in call.headers.items())
    text = plain or "" if body is None else to_json(body, color=state.out.terminal.color)
    state.out.write(f"{call.method} {url}\n{headers}{text}")
    state.once("Nothing was sent.")


def each(state: State, ids: Sequence[str], act: Callable[[str], T | None], view: View[T]) -> None:
    """Do it to each, then show what came of it. One that fails does not keep the others from it; the first failure
    decides the exit code.
    """
    done: list[T] = []
    problems: list[Problem] = []
    for name in ids:
        try:
            result = act(name)
        except Exception as error:
            problem = state.problem_of(error)
            if problem is None or len(ids) == 1 or problem.code in {Exit.UNREACHABLE, Exit.FORBIDDEN}:
                raise
            problems.append(problem)
            state.out.problem(problem)
        else:
            done += [result] if result is not None else []
    state.out.results(done, view)
    if problems:
        raise Stop(f"{len(problems)} of {len(ids)} failed", code=problems[0].code)


def watch_hint(state: State, name: str) -> str:
    """How to watch a pipeline, where the box tells its address. Only a remark: it never makes a command fail."""
    from flexclient.errors import FlexError

    if state.out.quiet or state.out.format not in {None, "table", "wide"}:
        return ""
    try:
        uri = state.client.pipelines.status(name).output_uri
    except FlexError:
        return ""
    if not uri:
        return ""
    over_tcp = "-rtsp_transport tcp " if uri.startswith("rtsp") else ""
    return f"Watch it: ffplay {over_tcp}{uri}"
