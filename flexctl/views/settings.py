"""The settings of a box, written as `settings set` takes them; and as a text to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flexctl.manifest.assign import shown
from flexctl.out.formats import to_yaml
from flexctl.out.style import Span, fold
from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flexclient.models import Settings

NAMES = (
    "name",
    "cot_enabled",
    "cot_address",
    "cot_interval_seconds",
    "mdns_enabled",
    "webhook_allowed_networks",
    "ingress_rtsp_enabled",
    "ingress_rtmp_enabled",
)
"""The model's fields, so that the help of a command need not import the models. A test compares them."""
_WIDTH = 88


def _value(name: str) -> Callable[[Settings], str | None]:
    return lambda settings: shown(getattr(settings, name, None))


def _details(settings: Settings) -> list[Part]:
    """What this version knows, then what a newer box has beside it."""
    more = settings.model_extra or {}
    said = {**{name: getattr(settings, name) for name in NAMES}, **more}
    return [Part("", tuple(Field(name, shown(value)) for name, value in said.items()))]


SETTINGS: View[Settings] = View(
    columns=tuple(Column(name, name.upper(), _value(name), priority=index) for index, name in enumerate(NAMES)),
    details=_details,
    name=lambda settings: settings.name or "",
    data=json_of,
)


def only(names: Sequence[str]) -> View[Settings]:
    """The view of some settings alone."""
    return View(
        columns=tuple(Column(name, name.upper(), _value(name), priority=i) for i, name in enumerate(names)),
        details=lambda settings: [Part("", tuple(Field(name, _value(name)(settings)) for name in names))],
        name=SETTINGS.name,
        data=lambda settings: {name: json_of(settings).get(name) for name in names},
    )


_HEAD = """\
The settings of {url}.
Save and leave the editor, and the changes are shown before they are sent.
A setting whose line is gone, or whose value is null, gets its default back.\
"""


def editable(settings: Mapping[str, Any], url: str) -> str:
    """All settings as YAML, each with what it means and its default."""
    from flexclient.models import Settings
    from flexclient.models._docs import field_docs

    meant = field_docs(Settings)
    parts = [_comment(_HEAD.format(url=url))]
    for name in [*Settings.model_fields, *(name for name in settings if name not in Settings.model_fields)]:
        info = Settings.model_fields.get(name)
        default = "" if info is None else f"\nDefault: {shown(info.default) or 'none'}"
        parts.append(_comment(meant.get(name, "") + default) + to_yaml({name: _plain(settings.get(name))}) + "\n")
    return "\n".join(parts)


def _plain(value: Any) -> Any:
    """A number without a fraction that says nothing."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _comment(text: str) -> str:
    return "".join(f"# {part}\n" for line in text.strip().splitlines() for part in fold(line, _WIDTH))


def compared(before: Mapping[str, Any], changes: Mapping[str, Any]) -> Sequence[list[Span]]:
    """The changes, old above new."""
    lines = []
    for name, value in changes.items():
        old, new = shown(before.get(name)), shown(value)
        lines += [[Span(f"- {name}: {old}", "bad")]] if old is not None else []
        lines += [[Span(f"+ {name}: {new if new is not None else '(its default)'}", "good")]]
    return lines
