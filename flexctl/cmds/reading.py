"""What every command that shows something shares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from flexctl.cmds.sending import shown

if TYPE_CHECKING:
    from flexclient import Call
    from flexctl.state import State
    from flexctl.views.view import View

T = TypeVar("T")


def show(state: State, call: Call[T], view: View[T], *, curl: bool = False) -> None:
    """Show one thing, or the curl line that asks for it."""
    if shown(state, call, dry_run=False, curl=curl):
        return
    if _as_it_came(state):
        state.out.data(_data(state, call))
    else:
        state.out.one(state.client.send(call).data, view)


def show_all(
    state: State, call: Call[Any], view: View[T], empty: tuple[str, str], *, under: str = "", curl: bool = False
) -> None:
    """Show many things. `empty` is what to say, and what to do next, when there are none.

    `under`: where the answer is an object around the list, the list's name in it.
    """
    if shown(state, call, dry_run=False, curl=curl):
        return
    if _as_it_came(state):
        found = _data(state, call)
        state.out.data(found[under] if under else found)
    else:
        found = state.client.send(call).data
        state.out.list(getattr(found, under) if under else found, view, empty)


def _as_it_came(state: State) -> bool:
    """Programs get the box's own document: nothing is read into models, which takes time and may leave traces."""
    return state.out.form in {"json", "yaml", "ndjson"} and not (state.out.sort_by or state.out.columns)


def _data(state: State, call: Call[Any]) -> Any:
    """The answer as JSON values, secrets as stars."""
    from flexclient._log import mask_json

    anything: Any = Any
    return mask_json(state.client.send(replace(call, returns=anything)).data)
