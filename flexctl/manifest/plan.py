"""What has to be done so that a box is as the manifests say. Pure: documents in, actions out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from flexctl.manifest import compare
from flexctl.manifest.compare import Change
from flexctl.manifest.desired import KINDS, SECRETS, SET, Item, Kind, hook_key, hook_name, key_of, title

if TYPE_CHECKING:
    from flexclient.models import Pipeline, Settings, Webhook

Verb = Literal["create", "update", "replace", "unchanged", "delete"]
"""`replace`: made anew in the old one's place, for there is no request that changes a webhook."""
VERBS: tuple[Verb, ...] = ("create", "update", "replace", "delete", "unchanged")


@dataclass(frozen=True, slots=True)
class Found:
    """A pipeline of the box, and the version that was read; None where only the list was, or the box has none."""

    pipeline: Pipeline
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the box has, as far as somebody asked."""

    pipelines: Mapping[str, Found] = field(default_factory=dict)
    settings: Settings | None = None
    settings_etag: str | None = None
    webhooks: tuple[Webhook, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do."""

    verb: Verb
    kind: Kind
    name: str
    changes: tuple[Change, ...] = ()
    item: Item | None = None
    """What is wanted; None where it is to go."""
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What is sent."""
    etag: str | None = None
    """The version that it was planned for."""
    ids: tuple[str, ...] = ()
    """Webhooks that go."""
    note: str = ""

    @property
    def title(self) -> str:
        """What people call the thing."""
        return title(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is to be done, in the order in which it is."""

    actions: tuple[Action, ...]
    set: str | None = None

    @property
    def changing(self) -> tuple[Action, ...]:
        """The actions that do something."""
        return tuple(action for action in self.actions if action.verb != "unchanged")


@dataclass(frozen=True, slots=True)
class Wish:
    """How an apply was asked for."""

    set: str | None = None
    prune: bool = False
    secrets: bool = False
    """Send passwords and headers again, though nothing else has changed."""
    webhooks: frozenset[str] = frozenset()
    """Ids of the webhooks that this set made before."""


def planned(items: Sequence[Item], box: Snapshot, wish: Wish) -> Plan:
    """The plan. The order of the items does not matter."""
    actions = [*_settings(items, box), *_webhooks(items, box, wish), *_pipelines(items, box, wish)]
    order = {"unchanged": 0, "create": 0, "update": 0, "replace": 0, "delete": 1}
    actions.sort(key=lambda action: (order[action.verb], KINDS.index(action.kind), action.name))
    return Plan(tuple(actions), wish.set)


def deletions(items: Sequence[Item], box: Snapshot) -> Plan:
    """The plan that takes away what the items describe. Settings stay: no box is without them."""
    actions = []
    for item in sorted(items, key=lambda item: (KINDS.index(item.kind), item.name)):
        if item.kind == "Settings":
            continue
        gone = Action("unchanged", item.kind, item.name, item=item, note="not there")
        if item.kind == "Webhook":
            ids = tuple(hook.id for hook in box.webhooks if hook_key(hook.url, hook.events) == key_of(item))
            actions.append(replace(gone, verb="delete", ids=ids, note="") if ids else gone)
        elif found := box.pipelines.get(item.name):
            actions.append(replace(gone, verb="delete", etag=found.etag, note=""))
        else:
            actions.append(gone)
    return Plan(tuple(actions))


def one_pipeline(item: Item, found: Found | None, wish: Wish) -> Action:
    """What to do about one pipeline."""
    body = {name: value for name, value in item.body.items() if value is not None}
    if found is None:
        notes = {SET: wish.set} if wish.set else {}
        return Action("create", item.kind, item.name, tuple(_new(item)), item, _with_notes(body, item, notes))
    known = compare.note_of(found.pipeline.metadata)
    changes = [*_concealed(item, compare.pipeline_changes(found.pipeline, item.body))]
    changes += compare.secret_changes(known, item.secrets, again=wish.secrets)
    if not changes:
        return Action("unchanged", item.kind, item.name, item=item, etag=found.etag)
    mine = (found.pipeline.metadata or {}).get(SET)
    body = _without_gone(_with_notes(body, item, {SET: mine} if mine else {}), known, item)
    return Action("update", item.kind, item.name, tuple(changes), item, body, found.etag)


def _with_notes(body: dict[str, Any], item: Item, notes: Mapping[str, str]) -> dict[str, Any]:
    """The body with what apply notes in its metadata."""
    if item.secrets:
        notes = {**notes, SECRETS: compare.noted(item.secrets)}
    return {**body, "metadata": {**(body.get("metadata") or {}), **notes}} if notes else body


def _without_gone(body: dict[str, Any], known: Mapping[str, str], item: Item) -> dict[str, Any]:
    """A password that the manifest does not have any more is taken away: one that is left out would be kept."""
    if "source.password" in known and "source.password" not in item.secrets and body.get("source"):
        return {**body, "source": {**body["source"], "password": None}}
    return body


def _new(item: Item) -> Iterator[Change]:
    """What a new thing says."""
    own = {"Pipeline": ("id",), "Webhook": ("url", "events"), "Settings": ()}[item.kind]
    for change in _concealed(item, _leaves({name: v for name, v in item.body.items() if name not in own})):
        if change.field not in item.secrets:
            yield change
    yield from (Change(name, None, source, secret=True) for name, source in item.secrets.items())


def _leaves(value: Any, name: str = "") -> Iterator[Change]:
    prefix = f"{name}." if name else ""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, prefix + key)
    elif isinstance(value, (list, tuple)) and value and all(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{prefix}{index}")
    elif value is not None and value != {}:  # a part that says nothing is not worth a line
        yield from compare.differences(None, list(value) if isinstance(value, tuple) else value, name)


def _concealed(item: Item, changes: Iterator[Change] | list[Change]) -> Iterator[Change]:
    """A field with a variable shows as it was written, for nobody knows whether its value is a secret."""
    for change in changes:
        written = item.document.written.get(change.field)
        if written is not None:
            yield replace(change, before=None if change.before is None else "(hidden)", after=written)
        elif any(name.startswith(f"{change.field}.") for name in item.document.written):
            yield replace(change, after="(hidden)")
        else:
            yield change


def _pipelines(items: Sequence[Item], box: Snapshot, wish: Wish) -> Iterator[Action]:
    mine = {item.name: item for item in items if item.kind == "Pipeline"}
    for name, item in mine.items():
        yield one_pipeline(item, box.pipelines.get(name), wish)
    for name, found in box.pipelines.items() if wish.prune and wish.set else ():
        if name not in mine and (found.pipeline.metadata or {}).get(SET) == wish.set:
            yield Action("delete", "Pipeline", name, etag=found.etag, note=f"set {wish.set} has it no more")


def _settings(items: Sequence[Item], box: Snapshot) -> Iterator[Action]:
    for item in items:
        if item.kind == "Settings" and box.settings is not None:
            yield settings(item, box.settings, box.settings_etag)


def settings(item: Item, now: Settings, etag: str | None) -> Action:
    """What to do about the settings: those that are not named stay."""
    defaults, before = compare.filled(type(now)()), compare.filled(now)
    after = {name: defaults.get(name) if value is None else value for name, value in item.body.items()}
    changes = compare.differences({name: before.get(name) for name in after}, after)
    shown = tuple(_concealed(item, list(changes)))
    names = {change.field for change in shown}
    body = {name: value for name, value in item.body.items() if name in names}
    return Action("update" if shown else "unchanged", "Settings", "", shown, item, body, etag)


def _webhooks(items: Sequence[Item], box: Snapshot, wish: Wish) -> Iterator[Action]:
    """A webhook is the same where address and events are. One that this set made for the address before makes room."""
    mine = [item for item in items if item.kind == "Webhook"]
    kept = {key_of(item) for item in mine}
    old = [hook for hook in box.webhooks if hook.id in wish.webhooks and hook_key(hook.url, hook.events) not in kept]
    for item in mine:
        same = [hook for hook in box.webhooks if hook_key(hook.url, hook.events) == key_of(item)]
        if same:
            yield _known_webhook(item, same, wish)
            continue
        before = next((hook for hook in old if hook.url == item.body["url"]), None)
        if before is None:
            yield Action("create", item.kind, item.name, tuple(_new(item)), item, item.body)
            continue
        old.remove(before)
        change = Change("events", sorted(map(str, before.events)), sorted(map(str, item.body["events"])))
        yield Action("replace", item.kind, item.name, (change,), item, item.body, ids=(before.id,), note=_ANEW)
    for hook in old if wish.prune else ():
        name = hook_name(hook.url, hook.events)
        yield Action("delete", "Webhook", name, ids=(hook.id,), note=f"set {wish.set} has it no more")


_ANEW = "made anew, with a new signing secret"


def _known_webhook(item: Item, same: Sequence[Webhook], wish: Wish) -> Action:
    if wish.secrets and item.secrets:
        changes = compare.secret_changes({}, item.secrets, again=True)
        ids = tuple(hook.id for hook in same)
        return Action("replace", item.kind, item.name, tuple(changes), item, item.body, ids=ids, note=_ANEW)
    off = "it is off: its address answered 410" if all(hook.disabled_at for hook in same) else ""
    return Action("unchanged", item.kind, item.name, item=item, ids=tuple(hook.id for hook in same), note=off)
