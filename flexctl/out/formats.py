"""Data in the forms that programs read: pure, text out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from flexctl.out.human import exact
from flexctl.out.style import STEERING, safe
from flexctl.views.view import Column, T


def to_json(data: Any, *, color: bool = False) -> str:
    """Indented JSON."""
    text = _escaped(json.dumps(data, indent=2, ensure_ascii=False))
    return _colored(text) if color else text


def to_line(data: Any) -> str:
    """JSON on one line."""
    return _escaped(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def _escaped(text: str) -> str:
    """JSON without what steers a terminal, as \\u escapes: the same to every program, harmless when it is looked at."""
    plain = text.isascii() and "\x7f" not in text
    return text if plain else STEERING.sub(lambda c: c[0] if c[0] == "\n" else f"\\u{ord(c[0]):04x}", text)


def to_yaml(data: Any) -> str:
    """YAML 1.2; what JSON says, and nothing that only Python knows."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    class Texts(SafeRepresenter):
        """Texts with a NEXT LINE are escaped: bare, it would be read as the end of a line."""

        def represent_str(self, data: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", data, '"' if "\x85" in data else None)

    Texts.add_representer(str, Texts.represent_str)
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = Texts
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    yaml.width = 10_000
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue().removesuffix("...\n").rstrip("\n")


def to_csv(columns: Sequence[Column[T]], rows: Iterable[T]) -> str:
    """RFC 4180 with a heading of column keys. What a spreadsheet would run as a formula gets a quote before it."""
    import csv

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_harmless(column.key) for column in columns])
    writer.writerows([_harmless(column.value(row)) for column in columns] for row in rows)
    return text.getvalue().rstrip("\n")


def _harmless(value: object) -> str:
    text = "\n".join(map(safe, value.split("\n"))) if isinstance(value, str) else exact(value)
    return "'" + text if text.startswith(("=", "+", "-", "@")) and not isinstance(value, (int, float)) else text


_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d[\d.eE+-]*)')


def _colored(text: str) -> str:
    def paint(found: re.Match[str]) -> str:
        if found[2]:
            return f"\x1b[36m{found[1]}\x1b[0m{found[2]}"
        return f"\x1b[{'32' if found[1] else '33'}m{found[0]}\x1b[0m"

    return _TOKEN.sub(paint, text)
