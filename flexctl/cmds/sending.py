"""What every command that changes something shares: show the request instead of sending it, say how it went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from flexctl.errors import Problem, Stop
from flexctl.exits import Exit
from flexctl.out.formats import to_json

T = TypeVar("T")

if TYPE_CHECKING:
    from flexclient import Call
    from flexctl.state import State
    from flexctl.views.view import View


def shown(state: State, call: Call[Any], *, dry_run: bool, curl: bool) -> bool:
    """Whether the request was only shown. Secrets are stars, or variables of the shell."""
    if curl:
        state.out.write(state.client.curl(call))
        if state.settings.get("fingerprint"):
            state.once("curl cannot pin a certificate: give it the box's own with --cacert.")
    elif dry_run:
        _describe(state, call)
    return curl or dry_run


def _describe(state: State, call: Call[Any]) -> None:
    from flexclient._log import mask_json
    from flexclient.models import Unset

    url = state.client.url + call.target
    body = None if isinstance(call.json, Unset) else mask_json(call.json)
    if state.out.form not in {"table", "wide", "name", "csv"}:
        state.out.data({"method": call.method, "url": url, "headers": dict(call.headers), "body": body})
        return
    headers = "".join(f"{name}: {value}\n" for name, value in call.headers.items())
    text = "" if body is None else to_json(body, color=state.out.terminal.color)
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
