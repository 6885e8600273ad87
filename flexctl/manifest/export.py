"""What a box has, as manifests that make it so again. Pure: documents in, documents and text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexctl.manifest.compare import note_of, said
from flexctl.manifest.desired import SECRETS, SET, Kind, hook_key
from flexctl.manifest.variables import plain
from flexctl.out.formats import to_yaml

if TYPE_CHECKING:
    from flexclient.models import Model, Pipeline, Settings, Webhook

STAND_IN = "${env:PASSWORD}"
"""What stands in an address for a password that it holds."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One document, and what has to be said of it."""

    kind: Kind
    name: str
    body: Mapping[str, Any]
    comments: tuple[str, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """The document as JSON values."""
        return {"kind": self.kind, **self.body}


def of_settings(settings: Settings) -> Exported:
    """The settings, every one that has a value."""
    return Exported("Settings", "", plain(said(settings)), tuple(_unknown(settings)))


def of_pipelines(pipelines: Iterable[Pipeline]) -> list[Exported]:
    """Pipelines, by their ids."""
    return [_pipeline(pipeline) for pipeline in sorted(pipelines, key=lambda pipeline: pipeline.id)]


def _pipeline(pipeline: Pipeline) -> Exported:
    spec = pipeline.spec()
    body, comments = _without_passwords(plain(said(spec)))
    metadata = {name: text for name, text in (body.pop("metadata", None) or {}).items() if name not in {SET, SECRETS}}
    body |= {"metadata": metadata} if metadata else {}
    comments += _passwords(body, note_of(pipeline.metadata))
    return Exported("Pipeline", pipeline.id, body, (*comments, *_unknown(pipeline)))


def _passwords(body: dict[str, Any], sources: Mapping[str, str]) -> list[str]:
    """Put the variables of passwords where apply noted some; of others say that they are missing."""
    comments = []
    tiles = [(f"inputs.{index}.source", tile.get("source")) for index, tile in enumerate(body.get("inputs") or ())]
    for field, source in [("source", body.get("source")), *tiles]:
        if source is None:
            continue
        known = sources.get(f"{field}.password", "")
        if re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", known):
            source["password"] = f"${{{known}}}"
        elif known or source.get("user"):
            comments.append(f"{field}.password is not told by the box: write it, best as ${{env:NAME}}.")
    return comments


def of_webhooks(webhooks: Iterable[Webhook]) -> list[Exported]:
    """Webhooks, by their addresses; those that say the same once."""
    each = {hook_key(hook.url, hook.events): hook for hook in webhooks}
    return [_webhook(each[key]) for key in sorted(each)]


def _webhook(hook: Webhook) -> Exported:
    body, comments = _without_passwords(plain({"url": hook.url, "events": sorted(map(str, hook.events))}))
    told = "headers, if it has any, are not told by the box: write them, best as ${env:NAME}."
    return Exported("Webhook", hook.url, body, (*comments, told))


def _without_passwords(body: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A body whose addresses hold no password, and what to say of that."""
    from flexclient._log import mask_text
    from flexclient._values import STARS

    hidden = []

    def masked(value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {name: masked(item, f"{field}.{name}".lstrip(".")) for name, item in value.items()}
        if isinstance(value, list):
            return [masked(item, f"{field}.{index}") for index, item in enumerate(value)]
        if not isinstance(value, str) or (text := mask_text(value)) == value:
            return value
        hidden.append(f"{field}: a password stood in it; $PASSWORD takes its place.")
        return text.replace(f":{STARS}@", f":{STAND_IN}@")

    return masked(body, ""), hidden


def _unknown(model: Model) -> Iterator[str]:
    """What a newer box says beside it."""
    if names := sorted(model.model_extra or ()):
        yield f"left out, because this flexctl does not know it: {', '.join(names)}."


def to_text(documents: Iterable[Exported]) -> str:
    """The documents as YAML, with comments; each begins with its line, so that several texts are one too."""
    return "".join(_yaml(document) for document in documents)


def _yaml(document: Exported) -> str:
    comments = "".join(f"# {_line(line)}\n" for line in document.comments)
    return f"---\n{comments}{to_yaml(document.data)}\n"


def _line(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)
