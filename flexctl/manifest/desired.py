"""What manifests want: documents of a kind, checked as strictly as the box does, each once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, get_args

from flexctl.errors import Misuse
from flexctl.manifest.load import Document
from flexctl.manifest.variables import fill, references

if TYPE_CHECKING:
    from flexclient.models import Model

Kind = Literal["Settings", "Webhook", "Pipeline"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they are carried out: settings allow the networks of webhooks."""

SET, SECRETS = "flex.set", "flex.secrets"
"""What apply notes in a pipeline's metadata: the set that made it, and where its secrets came from, never a secret."""
WEBHOOK_READ_ONLY = frozenset({"id", "created_at", "disabled_at", "disabled_reason"})
"""Fields of a webhook that only the box writes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One document that is wanted."""

    kind: Kind
    name: str
    """A pipeline's id, a webhook's address and events; of the settings a box has one, without a name."""
    body: Mapping[str, Any] = field(repr=False)
    """What the API takes."""
    document: Document
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Each field that holds a secret, and where that comes from: `env:NAME`, or `literal`."""

    @property
    def title(self) -> str:
        """What people call it."""
        return title(self.kind, self.name)


def title(kind: Kind, name: str) -> str:
    """`pipeline/cam1`."""
    return f"{kind.lower()}/{name}" if name else kind.lower()


def wanted(documents: Sequence[Document], environ: Mapping[str, str]) -> list[Item]:
    """The documents, read. Raises Misuse that lists every fault of every one."""
    return _each_once(documents, lambda document: read(document, environ))


def named(documents: Sequence[Document], environ: Mapping[str, str]) -> list[Item]:
    """The documents by their names alone: enough to delete what they describe."""
    return _each_once(documents, lambda document: _name_only(document, environ))


def read(document: Document, environ: Mapping[str, str]) -> Item:
    """One document. Raises Misuse with the place of each fault."""
    kind = kind_of(document)
    filled = fill(_without_notes(body_of(document, kind)), environ)
    nulls = {name: None for name, value in filled.value.items() if value is None} if kind == "Settings" else {}
    said = {name: value for name, value in filled.value.items() if name not in nulls}
    unknown = [(name, "there is no such field") for name in nulls if name not in _model(kind).model_fields]
    if unknown:
        raise filled.misuse(unknown)
    body = {**filled.having(said).read(_model(kind)).body(), **nulls}
    return Item(kind, _name(kind, body), body, filled, dict(_secrets(filled)))


def kind_of(document: Document) -> Kind:
    """The kind that a document says. Raises Misuse that names the one that may have been meant."""
    said = document.value.get("kind")
    for kind in KINDS:
        if said == kind:
            return kind
    there = ", ".join(sorted(KINDS))
    if said is None:
        raise document.misuse([("", f"it has no kind; there are {there}")])
    near = get_close_matches(str(said).lower().removesuffix("s"), [kind.lower() for kind in KINDS], 1, 0.5)
    meant = next((kind for kind in KINDS if near and kind.lower() == near[0]), None)
    if str(said).lower() == "settings":
        meant = "Settings"
    guess = f"did you mean {meant}?" if meant else f"there are {there}"
    raise document.misuse([("kind", f"there is no kind '{said}'; {guess}")])


def body_of(document: Document, kind: Kind = "Pipeline") -> Document:
    """The API's body in a document: without the kind, and what only the box writes."""
    from flexclient.models import READ_ONLY

    passed = {"Pipeline": READ_ONLY, "Webhook": WEBHOOK_READ_ONLY, "Settings": frozenset[str]()}[kind] | {"kind"}
    return document.having({name: value for name, value in document.value.items() if name not in passed})


def _without_notes(document: Document) -> Document:
    """Without what an apply noted: where the document was read from a box, it is noted anew."""
    metadata = document.value.get("metadata")
    if not isinstance(metadata, Mapping):
        return document
    own = {name: text for name, text in metadata.items() if name not in {SET, SECRETS}}
    return document.having({**document.value, "metadata": own})


def _model(kind: Kind) -> type[Model]:
    from flexclient import models

    found: dict[Kind, type[Model]] = {
        "Pipeline": models.PipelineSpec,
        "Webhook": models.WebhookSpec,
        "Settings": models.Settings,
    }
    return found[kind]


def _name(kind: Kind, body: Mapping[str, Any]) -> str:
    if kind == "Pipeline":
        return str(body["id"])
    return hook_name(body["url"], body["events"]) if kind == "Webhook" else ""


def hook_name(url: str, events: Iterable[str]) -> str:
    """A webhook's name: its address and its events, in whatever order they stand. A password in it shows as stars."""
    from flexclient._log import mask_text

    return f"{mask_text(url)} ({','.join(sorted(set(map(str, events))))})"


def key_of(item: Item) -> tuple[str, ...]:
    """What makes two documents the same thing."""
    if item.kind == "Webhook":
        return hook_key(item.body["url"], item.body["events"])
    return (item.kind, item.name)


def hook_key(url: str, events: Iterable[str]) -> tuple[str, ...]:
    """The same of a webhook."""
    return ("Webhook", url, *sorted(set(map(str, events))))


def _secrets(document: Document) -> Iterator[tuple[str, str]]:
    """Where each secret of a document comes from."""
    for field_, value in _leaves(document.value, ""):
        secret = field_.rpartition(".")[2] == "password" or field_.startswith("headers.")
        if secret and value:
            variables = references(document.written.get(field_, ""))
            yield field_, "env:" + "+".join(variables) if variables else "literal"


def _leaves(value: Any, field_: str) -> Iterator[tuple[str, Any]]:
    prefix = f"{field_}." if field_ else ""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, prefix + name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{prefix}{index}")
    else:
        yield field_, value


def _name_only(document: Document, environ: Mapping[str, str]) -> Item:
    """A document of which only what names it is read."""
    kind = kind_of(document)
    naming = {"Pipeline": ("id",), "Webhook": ("url", "events"), "Settings": ()}[kind]
    body = {name: document.value[name] for name in naming if name in document.value}
    if kind == "Settings":
        return Item(kind, "", {}, document)
    if kind == "Pipeline":  # a source that has none would be a fault, and is none here
        body["source"] = {"uri": "test://smpte"}
    return read(document.having({"kind": kind, **body}), environ)


def _each_once(documents: Sequence[Document], read_one: Callable[[Document], Item]) -> list[Item]:
    found: dict[tuple[str, ...], Item] = {}
    faults: list[tuple[str, str]] = []
    for document in documents:
        try:
            item = read_one(document)
        except Misuse as error:
            faults += error.problem.details
            continue
        first = found.setdefault(key_of(item), item)
        if first is not item:
            where = "id" if item.kind == "Pipeline" else "url" if item.kind == "Webhook" else "kind"
            faults += document.placed([("", f"{item.title} stands at {first.document.place(where)} already")])
    if faults:
        files = len({document.file for document in documents})
        count = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        holder = documents[0].file if files == 1 else f"{files} files"
        verb = "holds" if files == 1 else "hold"
        raise Misuse(f"{holder} {verb} {count}; nothing was sent", details=tuple(faults))
    return list(found.values())
