"""Figures of a box, out of the text that Prometheus reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flexctl.views.view import Column, Field, Part, View

_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """The figures, in their order. A line that is none, such as a comment, is passed over."""
    for line in text.splitlines():
        if not line.startswith("#") and (found := _SAMPLE.fullmatch(line.strip())):
            name, labels, value = found.groups()
            try:
                yield Sample(name, dict(_labels(labels or "")), float(value))
            except ValueError:
                continue


def _labels(text: str) -> Iterator[tuple[str, str]]:
    for name, value in _LABEL.findall(text):
        yield name, re.sub(r"\\[\\\"n]", lambda escape: _ESCAPED[escape[0]], value)


def _data(sample: Sample) -> dict[str, Any]:
    """JSON knows no infinity and no NaN: they stay words."""
    value = sample.value if math.isfinite(sample.value) else str(sample.value)
    return {"name": sample.name, "labels": dict(sample.labels), "value": value}


def _shown(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())


METRICS: View[Sample] = View(
    columns=(
        Column("name", "NAME", lambda s: s.name),
        Column("labels", "LABELS", lambda s: _shown(s.labels), least=10),
        Column("value", "VALUE", lambda s: s.value),
    ),
    details=lambda s: [Part("", (Field(s.name, s.value),))],
    name=lambda s: s.name,
    data=_data,
)
