"""A plan, and what came of it: lines for people, documents for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_args

from flexctl.manifest.assign import shown
from flexctl.manifest.plan import VERBS, Action, Plan
from flexctl.manifest.runner import Outcome, Result
from flexctl.out.style import Span, cells, fold, safe
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexctl.manifest.compare import Change
    from flexctl.out.table import Line, Look

MARKS = {"create": ("+", "good"), "update": ("~", "warn"), "replace": ("±", "warn"), "delete": ("-", "bad")}
WORDS = {"create": "create", "update": "change", "replace": "make anew", "delete": "delete"}


def lines(plan: Plan, look: Look) -> list[Line]:
    """What is to be done, and in one line how much that is."""
    found = [line for action in plan.changing for line in action_lines(action, look)]
    found += [
        line for action in plan.actions if action.verb == "unchanged" and action.note for line in _head(action, look)
    ]
    return [*found, [Span(summary(plan))]]


def action_lines(action: Action, look: Look) -> list[Line]:
    """One action: what it is about, and a line for each field."""
    found = _head(action, look)
    for change in action.changes:
        mark, style = _mark_of(change, action)
        found += _folded([Span(f"    {mark} ", style), Span(f"{safe(change.field)}: ")], _said(change, look), look)
    return found


def _head(action: Action, look: Look) -> list[Line]:
    mark, style = MARKS.get(action.verb, (" ", "dim"))
    mark = mark if look.unicode else mark.replace("±", "~")
    title = Span(safe(action.title), "dim" if action.verb == "unchanged" else "title")
    return _folded([Span(f"{mark} ", style), title], f"  {safe(action.note)}" if action.note else "", look)


def _folded(first: list[Span], text: str, look: Look) -> list[Line]:
    """A text after its beginning, in the window's width; what is longer goes on below, further in."""
    used = sum(cells(span.text) for span in first)
    room = (look.width or 10_000) - 6
    if not text or used + cells(text) <= room + 6:
        return [[*first, Span(text)]]
    return [first, *([Span("      "), Span(line)] for line in fold(text.strip(), max(room, 10)))]


def _mark_of(change: Change, action: Action) -> tuple[str, str]:
    if change.before is None or (change.secret and action.verb in {"create", "replace"}):
        return MARKS["create"]
    return MARKS["delete"] if change.after is None else MARKS["update"]


def _said(change: Change, look: Look) -> str:
    """What becomes of a field. Of a secret never more than where it comes from."""
    if change.secret:
        if change.after is None:
            return "taken away"
        where = (
            "as it stands in the file" if change.after == "literal" else f"from ${change.after.removeprefix('env:')}"
        )
        return f"{'set' if change.before is None else 'changed'}, {where}"
    if change.before is None or change.after is None:
        return safe(_text(change.after if change.before is None else change.before))
    return safe(f"{_text(change.before)} {'→' if look.unicode else '->'} {_text(change.after)}")


def _text(value: Any) -> str:
    if value == "" or value == []:
        return json.dumps(value)
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)):
        return json.dumps(value, ensure_ascii=False)
    return shown(value) or ""


def summary(plan: Plan) -> str:
    """`1 to create, 2 to change, 3 unchanged.`"""
    count = Counter(action.verb for action in plan.actions)
    parts = [f"{count[verb]} to {WORDS[verb]}" for verb in VERBS if verb in WORDS and count[verb]]
    parts += [f"{count['unchanged']} unchanged"] if count["unchanged"] else []
    if not plan.changing:
        return "Nothing is different."
    return f"{', '.join(parts)}."


def change_data(change: Change) -> dict[str, Any]:
    """A change as JSON. Of a secret `before` and `after` say where it came from: `env:NAME` or `literal`."""
    return {"field": change.field, "before": change.before, "after": change.after, "secret": change.secret}


def action_data(action: Action) -> dict[str, Any]:
    """An action as JSON: always these five fields, and `result` and `error` once it was carried out."""
    return {
        "action": action.verb,
        "kind": action.kind,
        "name": action.name,
        "changes": [change_data(change) for change in action.changes],
        "note": action.note or None,
    }


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """What came of an action as JSON."""
    problem = outcome.problem
    error = problem and {
        "message": problem.sentence,
        "hint": problem.hint or None,
        "details": [{"place": place, "message": message} for place, message in problem.details],
        "exit_code": int(problem.code),
        "request_id": problem.request_id or None,
    }
    return {**action_data(outcome.action), "result": outcome.result, "error": error}


def plan_data(plan: Plan) -> dict[str, Any]:
    """The whole plan as JSON."""
    count = Counter(action.verb for action in plan.actions)
    actions = [action_data(action) for action in plan.actions]
    return {"set": plan.set, "actions": actions, "summary": {verb: count[verb] for verb in VERBS}}


def result_data(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All that came of a plan as JSON."""
    count = Counter(outcome.result for outcome in outcomes)
    kinds: tuple[Result, ...] = get_args(Result)
    actions = [outcome_data(outcome) for outcome in outcomes]
    return {"set": plan.set, "actions": actions, "summary": {kind: count[kind] for kind in kinds}}


def _fields(action: Action) -> str | None:
    return ",".join(change.field for change in action.changes) or None


PLAN: View[Action] = View(
    columns=(
        Column("action", "ACTION", lambda a: a.verb),
        Column("kind", "KIND", lambda a: a.kind),
        Column("name", "NAME", lambda a: a.name or None, least=14),
        Column("changes", "CHANGES", _fields, priority=1, least=14),
        Column("note", "NOTE", lambda a: a.note or None, priority=2, least=14, if_any=True),
    ),
    details=lambda a: [Part("", (Field("Action", a.verb), Field("Kind", a.kind), Field("Name", a.name)))],
    name=lambda a: a.title,
    data=action_data,
)

RESULT: View[Outcome] = View(
    columns=(
        Column("result", "RESULT", lambda o: o.result),
        Column("kind", "KIND", lambda o: o.action.kind),
        Column("name", "NAME", lambda o: o.action.name or None, least=14),
        Column("changes", "CHANGES", lambda o: _fields(o.action), priority=1, least=14),
        Column(
            "error", "ERROR", lambda o: o.problem.sentence if o.problem else None, priority=2, least=14, if_any=True
        ),
    ),
    details=lambda o: [
        Part("", (Field("Result", o.result), Field("Kind", o.action.kind), Field("Name", o.action.name)))
    ],
    name=lambda o: o.action.title,
    data=outcome_data,
)
