"""Whether a pipeline is as its owner wants it. Pure.

Absent and default are the same, whichever side fills it in: `encoding` that nobody wrote is 1920x1080 at 30, an
`overlay` that nobody wrote draws nothing, `output` is the mount that has the pipeline's id. Passwords are never
compared, because no box tells them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flexclient._models import models as m


def same(found: m.Pipeline, wanted: m.PipelineSpec) -> bool:
    """Whether replacing the one by the other would change nothing but, maybe, a password."""
    return whole(found, wanted) == whole(wanted, wanted)


def whole(spec: m.PipelineSpec, wanted: m.PipelineSpec) -> dict[str, Any]:
    """All of a pipeline, defaults filled in. Of what this version does not know, what `wanted` names."""
    found = _filled(spec, wanted)
    found["encoding"] = _filled(spec.encoding or m.DEFAULT_ENCODING, wanted.encoding)
    for part in (found, *(found["inputs"] or ())):
        for name, model in (("transform", m.Transform), ("crop", m.Crop), ("overlay", m.Overlay)):
            part[name] = part[name] or _filled(model(), None)
    found["klv_config"] = found["klv_config"] or _filled(m.KlvConfig(), None)
    found["outputs"], found["metadata"] = found["outputs"] or [], found["metadata"] or {}
    uri = spec.output.uri if spec.output else ""
    own = rf"(rtsp://0\.0\.0\.0(:\d+)?/{re.escape(spec.id)})?"  # of a box on another port, which writes its own
    found["output"] = None if re.fullmatch(own, uri) and _unsaid(wanted) else uri or f"rtsp://0.0.0.0:8731/{spec.id}"
    return found


def _unsaid(wanted: m.PipelineSpec) -> bool:
    uris = {"", *(f"rtsp://0.0.0.0{port}/{wanted.id}" for port in ("", ":8731"))}
    return (wanted.output.uri if wanted.output else "") in uris


def _filled(model: m.Model, wanted: Any) -> dict[str, Any]:
    named = getattr(wanted, "model_extra", None) or {}
    fields = m.PipelineSpec.model_fields if isinstance(model, m.Pipeline) else type(model).model_fields
    known = {name: getattr(model, name) for name in fields if name != "password"}
    extra = {name: (model.model_extra or {}).get(name) for name in named}
    return {name: _value(value, getattr(wanted, name, None)) for name, value in {**known, **extra}.items()}


def _value(value: Any, wanted: Any) -> Any:
    if hasattr(value, "model_fields_set"):
        return _filled(value, wanted)
    if isinstance(value, (list, tuple)):
        others = wanted if isinstance(wanted, (list, tuple)) else ()
        return [_value(item, others[index] if index < len(others) else None) for index, item in enumerate(value)]
    return dict(value) if isinstance(value, Mapping) else value
