"""What can be waited for: its name on the command line, how to read it, which events are about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from flexctl.errors import Misuse
from flexctl.live.conditions import Condition, Document
from flexctl.meant import meant
from flexctl.views.pipeline import json_of
from flexctl.views.top import joined
from flexctl.views.view import Column, View

if TYPE_CHECKING:
    from flexclient import FlexClient
    from flexclient.models import Model, PipelineStatus

Reader = Callable[["FlexClient", str], "Document | None"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One of them: `pipeline/cam1`."""

    kind: str
    name: str = ""
    brief: bool = False
    """Of a pipeline: its status alone is looked at, not the document too."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.name else self.kind

    @property
    def words(self) -> str:
        """The same in a sentence."""
        return f"{self.kind} {self.name}" if self.name else f"the {self.kind}"

    def after(self, document: Document | None, status: PipelineStatus) -> Document:
        """A pipeline's document after an event told its status: what the status leaves out is no longer so."""
        from flexclient.models import Pipeline, PipelineStatus

        gone = PipelineStatus.model_fields.keys() - Pipeline.model_fields.keys()
        return {key: value for key, value in (document or {}).items() if key not in gone} | json_of(status)

    def read(self, client: FlexClient) -> Document | None:
        """What it is now; None where there is none. Raises FlexError."""
        from flexclient.errors import NotFound

        try:
            if self.brief:
                return json_of(client.pipelines.status(self.name))
            return READERS[self.kind](client, self.name)
        except NotFound:
            return None


def _pipeline(client: FlexClient, name: str) -> Document:
    return joined(client.pipelines.get(name), client.pipelines.status(name))


def _first(found: Iterable[Model], passes: Callable[[Any], bool]) -> Document | None:
    return next((json_of(model) for model in found if passes(model)), None)


def _camera(client: FlexClient, name: str) -> Document | None:
    return _first(client.cameras.list().cameras, lambda camera: name in {camera.path, camera.id, camera.name})


def _framegrab(client: FlexClient, name: str) -> Document | None:
    newest = sorted(client.framegrabs.list(), key=lambda file: file.created_at, reverse=True)
    return _first(newest, lambda file: fnmatchcase(file.file, name))


READERS: Mapping[str, Reader] = {
    "pipeline": _pipeline,
    "webhook": lambda client, name: _first(client.webhooks.list(), lambda hook: hook.id == name),
    "camera": _camera,
    "framegrab": _framegrab,
    "settings": lambda client, _name: json_of(client.settings.get()),
}
"""Kind -> how to read one of them."""


def check(conditions: Iterable[Condition], kind: str, document: Document) -> None:
    """Raises Misuse for a condition that was mistyped: a field that neither the document nor the API has and that is
    near one of theirs, or a state that is none. Other fields may come yet: a newer box has more.
    """
    from flexclient.models import State

    states = [*map(str, State), str(document.get("state"))]
    known = _fields(kind) | document.keys()
    for wanted in conditions:
        if not wanted.sign:
            continue
        head = wanted.path.split(".")[0]
        near = "state" in known and set(wanted.values) <= set(states) and meant(head, ["state"])
        if head not in known and (guess := near or meant(head, sorted(known))):
            raise Misuse(f"a {kind} has no field '{head}'{guess}", _FIELDS)
        if (kind, wanted.path) == ("pipeline", "state") and wanted.sign in {"=", "!="}:
            _check_states(wanted.values, states)


def _check_states(values: Iterable[str], states: list[str]) -> None:
    for value in values:
        if value and value not in states:
            raise Misuse(f"there is no state '{value}'{meant(value, states)}", f"states are {', '.join(states[:-1])}")


_FIELDS = "`-o json` of its get or list shows the fields"


def _fields(kind: str) -> set[str]:
    """The fields that things of a kind have, by the models of the API."""
    from flexclient import models

    of: dict[str, tuple[type[Model], ...]] = {
        "pipeline": (models.Pipeline, models.PipelineStatus),
        "webhook": (models.Webhook,),
        "camera": (models.Camera,),
        "framegrab": (models.FramegrabFile,),
        "settings": (models.Settings,),
    }
    return {field.alias or name for model in of[kind] for name, field in model.model_fields.items()}


_HINT = "say pipeline/ID, webhook/ID, camera//dev/video0, framegrab/FILE or settings"


def thing(text: str) -> Thing:
    """What a word of the command line names. Raises Misuse."""
    kind, slash, name = text.partition("/")
    kind = kind.removesuffix("s") if kind.removesuffix("s") in READERS else kind
    if kind == "settings" and not name:
        return Thing(kind)
    if kind not in READERS or kind == "settings":
        named = f"'{text}' names no kind of thing" if not slash else f"there is no kind '{kind}' to wait for"
        raise Misuse(named, f"did you mean pipeline/{text}?" if not slash else _HINT)
    if not name:
        raise Misuse(f"'{text}': which {kind}?", _HINT)
    return Thing(kind, name)


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is as it should be."""

    thing: Thing
    document: Document | None
    seen: str


FOUND: View[Found] = View(
    columns=(
        Column("name", "NAME", lambda f: str(f.thing)),
        Column("seen", "SEEN", lambda f: f.seen, least=20),
    ),
    details=lambda _: [],
    name=lambda f: str(f.thing),
    data=lambda f: None if f.document is None else dict(f.document),
)
"""JSON is the document as it was when the condition came true; null for what is gone."""
