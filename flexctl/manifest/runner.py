"""The box's side of a manifest: read what it has, then carry a plan out. All the I/O there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from flexctl.errors import Problem
from flexctl.exits import Exit
from flexctl.manifest.plan import Action, Found, Plan, Snapshot, Wish, one_pipeline, settings

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient.models import Webhook
    from flexctl.manifest.desired import Item

Result = Literal["created", "changed", "replaced", "deleted", "unchanged", "pending", "failed", "skipped"]
RESULTS: Mapping[str, Result] = {
    "create": "created",
    "update": "changed",
    "replace": "replaced",
    "delete": "deleted",
    "unchanged": "unchanged",
}
END_ALL = frozenset({Exit.UNREACHABLE, Exit.FORBIDDEN})
"""What fails so fails for everything that is left."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one action."""

    action: Action
    result: Result
    problem: Problem | None = None
    webhook: Webhook | None = field(default=None, repr=False)
    """A webhook that was made, with the secret that is shown only now."""


def snapshot(client: FlexClient, items: Sequence[Item], wish: Wish) -> Snapshot:
    """What the box has of the kinds that matter."""
    kinds = {item.kind for item in items}
    pipelines = client.pipelines.list() if "Pipeline" in kinds or wish.prune else []
    hooks = client.webhooks.list() if "Webhook" in kinds or (wish.prune and wish.webhooks) else []
    found = {pipeline.id: Found(pipeline) for pipeline in pipelines}
    if "Settings" not in kinds:
        return Snapshot(found, webhooks=tuple(hooks))
    reply = client.settings.get.raw()
    return Snapshot(found, reply.data, reply.etag, tuple(hooks))


def versioned(client: FlexClient, box: Snapshot, plan: Plan) -> Snapshot:
    """The same with the versions of the pipelines that the plan changes: what is sent is then held against them."""
    names = [action.name for action in plan.changing if action.kind == "Pipeline" and action.name in box.pipelines]
    pipelines = dict(box.pipelines)
    for name in names:
        found = fresh(client, name)
        if found is None:
            del pipelines[name]
        else:
            pipelines[name] = found
    return replace(box, pipelines=pipelines)


def fresh(client: FlexClient, name: str) -> Found | None:
    """A pipeline as it is now; None where there is none."""
    from flexclient.errors import NotFound

    try:
        reply = client.pipelines.get.raw(name)
    except NotFound:
        return None
    return Found(reply.data, reply.etag)


class Runner:
    """Carries a plan out."""

    def __init__(
        self,
        client: FlexClient,
        wish: Wish,
        problem_of: Callable[[BaseException], Problem | None],
        agreed: Callable[[Action], bool],
    ) -> None:
        """`agreed` is asked about an action that became another one, because somebody changed the thing meanwhile."""
        self._client, self._wish = client, wish
        self._problem_of, self._agreed = problem_of, agreed
        self._conflicted = False

    def run(self, actions: Sequence[Action]) -> Iterator[Outcome]:
        """Each outcome as it comes. One that fails keeps no other from being tried.

        What was in the way of one may have gone with another, such as the camera that two pipelines pass on: what
        conflicted is tried once more at the end.
        """
        again: list[tuple[Action, Outcome]] = []
        ended: Problem | None = None
        did = False
        for action in actions:
            self._conflicted = False
            outcome = Outcome(action, "skipped") if ended else self._tried(action)
            if outcome.problem and outcome.problem.code in END_ALL:
                ended = outcome.problem
            did = did or outcome.result in {"changed", "deleted", "replaced"}
            if self._conflicted:
                again.append((action, outcome))
            else:
                yield outcome
        for action, outcome in again:
            yield self._tried(action) if did and not ended else outcome

    def _tried(self, action: Action) -> Outcome:
        from flexclient.errors import Conflict

        try:
            return self._done(action)
        except Exception as error:
            problem = self._problem_of(error)
            if problem is None:
                raise
            self._conflicted = isinstance(error, Conflict)
            pending = problem.code == Exit.PENDING and action.verb in {"create", "update"}
            return Outcome(action, "pending" if pending else "failed", _placed(problem, action))

    def _done(self, action: Action) -> Outcome:
        if action.verb == "unchanged":
            return Outcome(action, "unchanged")
        if action.kind == "Webhook":
            return self._webhook(action)
        if action.kind == "Settings":
            return self._settings(action)
        if action.verb == "delete":
            return self._delete(action)
        if action.verb == "create":
            self._client.pipelines.create(action.body)
            return Outcome(action, "created")
        return self._update(action)

    def _webhook(self, action: Action) -> Outcome:
        """The new one before the old one goes: an event in between is told twice rather than never."""
        made = None if action.verb == "delete" else self._client.webhooks.create(action.body)
        try:
            for name in action.ids:
                self._gone(lambda name=name: self._client.webhooks.delete(name))  # type: ignore[misc]
        except Exception as error:
            problem = self._problem_of(error)
            if made is None or problem is None:
                raise
            return Outcome(action, "failed", _placed(problem, action), made)  # its secret is told only now
        return Outcome(action, RESULTS[action.verb], webhook=made)

    def _delete(self, action: Action) -> Outcome:
        match = {"if_match": action.etag} if action.etag else {}
        self._gone(lambda: self._client.pipelines.delete(action.name, **match))
        return Outcome(action, "deleted")

    @staticmethod
    def _gone(delete: Callable[[], None]) -> None:
        """What somebody else deleted meanwhile is gone all the same."""
        from flexclient.errors import NotFound

        with suppress(NotFound):
            delete()

    def _update(self, action: Action) -> Outcome:
        from flexclient.errors import PreconditionFailed

        assert action.item is not None  # noqa: S101  an update has one
        item = action.item
        if not action.etag:
            action = self._looked_again(item, action)
        try:
            return self._replaced(action)
        except PreconditionFailed:
            anew = one_pipeline(item, fresh(self._client, action.name), self._wish)
            if not self._allowed(action, anew):
                raise
            if anew.verb == "create":
                return self._done(anew)
            return self._replaced(anew)

    def _looked_again(self, item: Item, action: Action) -> Action:
        """The action as it is right now, of a box that holds no versions."""
        anew = one_pipeline(item, fresh(self._client, action.name), self._wish)
        return anew if anew.verb == "update" and self._allowed(action, anew) else action

    def _replaced(self, action: Action) -> Outcome:
        if action.verb == "unchanged":
            return Outcome(action, "unchanged")
        match = {"if_match": action.etag} if action.etag else {}
        self._client.pipelines.replace(action.name, action.body, **match)
        return Outcome(action, "changed")

    def _settings(self, action: Action) -> Outcome:
        from flexclient.errors import PreconditionFailed

        assert action.item is not None  # noqa: S101  settings are never deleted
        match = {"if_match": action.etag} if action.etag else {}
        try:
            self._client.settings.update(action.body, **match)
        except PreconditionFailed:
            reply = self._client.settings.get.raw()
            anew = settings(action.item, reply.data, reply.etag)
            if not self._allowed(action, anew):
                raise
            if anew.verb == "unchanged":
                return Outcome(anew, "unchanged")
            match = {"if_match": anew.etag} if anew.etag else {}
            self._client.settings.update(anew.body, **match)
            return Outcome(anew, "changed")
        return Outcome(action, "changed")

    def _allowed(self, before: Action, anew: Action) -> bool:
        """Whether a fresh plan may be carried out: one that does no more than was agreed, or that is agreed to now."""
        return set(anew.changes) <= set(before.changes) or self._agreed(anew)


def _placed(problem: Problem, action: Action) -> Problem:
    """What went wrong with it, and where in the files the box found it."""
    document = action.item.document if action.item else None
    said = document.concealed(problem.sentence) if document else problem.sentence
    details = document.placed(problem.details) if document else problem.details
    return replace(problem, sentence=f"{action.title}: {said}", details=details)
